"""Every option of a training, with what follows from them, and which do not go together."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workflow_scripts.lib.errors import CineloraError

# Starts that hosts would not know of, as they take something away from the base: why not
REFUSED_STARTS = dict.fromkeys(
    ("pissa", "olora", "corda", "loftq", "lora_ga", "pissa_niter_16"),
    "changes the weights of the base, so that the file would be wrong on the base that hosts have",
)
STARTS = ("default", "orthogonal", "eva")
OWN_RATE = "prodigy"  # one rate for all tensors, which it finds itself
OWN_AVERAGE = "schedule_free_adamw"


@dataclass(frozen=True)
class Settings:
    """Every option of a training, as plan/adapter_settings.py resolves the block adapter."""

    steps: int
    learning_rate: float
    rank: int
    alpha: float
    rslora: bool
    rank_pattern: dict[str, int]  # by names of layers, as peft reads them: the end, or a regex
    alpha_pattern: dict[str, float]
    init: str
    text_encoder: dict[str, Any]  # train, and its learning_rate
    batch_size: int
    processes: int
    gradient_accumulation_steps: int
    resolution_px: int | str
    schedule: str
    schedule_cycles: int
    schedule_power: float
    schedule_levels: list[float]
    warmup: float
    optimizer: str
    precision: str
    gradient_checkpointing: bool | str
    compile: bool
    loraplus_lr_ratio: float
    weight_decay: float
    max_grad_norm: float
    ema_decay: float
    min_snr_gamma: float
    noise_offset: float
    caption_dropout: float
    caption_orders: int
    keep_tokens: int
    background_loss_weight: float
    prior_loss_weight: float
    class_images: str
    masked_prior_weight: float
    validations: int
    validation_images: int
    checkpoints: int
    kept_checkpoints: int
    samples: int
    tensorboard: bool
    keep: str
    license: str
    stages: list[dict[str, Any]]  # in place of steps and learning_rate; []: one of these

    @property
    def file_alpha(self) -> float:
        """Alpha as files have it: hosts scale by alpha / rank, rsLoRA by alpha / √rank."""
        return self.alpha * math.sqrt(self.rank) if self.rslora else self.alpha

    @property
    def text_ratio(self) -> float:
        """Learning rate of text encoders in those of the network; 1 where they are not trained."""
        asked = self.text_encoder
        return asked["learning_rate"] / self.learning_rate if asked["train"] else 1.0

    @property
    def images_at_once(self) -> int:
        """The largest share of a batch that a process computes."""
        return math.ceil(self.batch_size / self.processes)

    @property
    def validate_every(self) -> int:
        """Steps between two measurements of the held-out loss."""
        return math.ceil(self.steps / self.validations)

    @property
    def save_every(self) -> int:
        """Steps between two checkpoints; beyond the last step when there are none."""
        return math.ceil(self.steps / (self.checkpoints + 1))


def check_settings(options: Mapping[str, Any]) -> None:
    """Refuse options that do not go together."""
    if conflicts := find_conflicts(options):
        raise CineloraError("adapter: " + ".\n  ".join(conflicts) + ".")


def find_conflicts(options: Mapping[str, Any]) -> list[str]:
    """Options of a training that do not go together, one sentence each; [] where all do."""
    found = []
    optimizer, text = options["optimizer"], options["text_encoder"]
    if optimizer == OWN_RATE and options["loraplus_lr_ratio"] != 1:
        found.append("optimizer prodigy has one rate for all tensors: set loraplus_lr_ratio to 1")
    if optimizer == OWN_RATE and text["train"] and text["learning_rate"] != _highest_rate(options):
        found.append(
            "optimizer prodigy has one rate for all tensors: set learning_rate of text_encoder"
            f" to that of the adapter, {_highest_rate(options)}"
        )
    if optimizer == OWN_AVERAGE and options["schedule"] != "constant":
        found.append(
            "optimizer schedule_free_adamw averages in place of a schedule: set schedule to"
            f" constant, not {options['schedule']}"
        )
    if optimizer == OWN_AVERAGE and options["ema_decay"]:
        found.append("optimizer schedule_free_adamw is an average already: set ema_decay to 0")
    if text["train"] and options["masked_prior_weight"]:
        found.append(
            "masked_prior_weight keeps what the base draws, which is told other words where text"
            " encoders learn: set it to 0, or train of text_encoder to false"
        )
    if options["schedule"] == "piecewise_constant" and options["warmup"]:
        found.append("schedule piecewise_constant has no warm-up: set warmup to 0")
    if options["batch_size"] < options["processes"]:
        found.append(
            f"batch_size {options['batch_size']} leaves some of {options['processes']} processes"
            f" without an image: set batch_size to {options['processes']} or more, or take fewer"
        )
    return found + _find_wrong_layers(options)


def _highest_rate(options: Mapping[str, Any]) -> float:
    return max(stage["learning_rate"] for stage in options["stages"] or [options])


def _find_wrong_layers(options: Mapping[str, Any]) -> list[str]:
    """What patterns and the start say that no layer can do."""
    found = []
    for name in ("rank_pattern", "alpha_pattern"):
        for pattern in options[name]:
            try:
                re.compile(pattern)
            except re.error as error:
                found.append(f"{name}: {pattern!r} is no regular expression ({error})")
    ranks = {options["rank"], *options["rank_pattern"].values()}
    if options["init"] == "orthogonal" and (odd := sorted(rank for rank in ranks if rank % 2)):
        found.append(f"init orthogonal needs even ranks, not {', '.join(map(str, odd))}")
    if options["init"] not in STARTS:
        reason = REFUSED_STARTS.get(options["init"], "is not known")
        found.append(f"init {options['init']} {reason}: choose {' or '.join(STARTS)}")
    return found
