"""How gradients become updates: a table of optimizers, and what share of the rate tensors have."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from prodigyopt import Prodigy
from schedulefree import AdamWScheduleFree

from workflow_scripts.lib.errors import CineloraError

FIRST_GUESS = 1e-6  # of Prodigy, of the rate: its package's own
Groups = list[dict[str, Any]]  # as torch takes them; `ratio` is their share of the learning rate


class Optimizers:
    """Several optimizers, each with tensors of its own, as one."""

    def __init__(self, parts: Sequence[torch.optim.Optimizer]):
        self.parts = list(parts)
        for part in self._list_schedule_free():
            part.train()

    def set_rate(self, rate: float) -> None:
        """The learning rate of the next step; some tensors have a multiple of it."""
        for part in self.parts:
            for group in part.param_groups:
                group["lr"] = rate * group["ratio"]

    def step(self) -> None:
        """Update all tensors, and let go of their gradients."""
        for part in self.parts:
            part.step()
        self.drop_gradients()

    def drop_gradients(self) -> None:
        for part in self.parts:
            part.zero_grad(set_to_none=True)

    @property
    def estimated_rate(self) -> float:
        """What Prodigy has found the rate to be, by which ours is multiplied; 1 of all others."""
        return self.parts[0].param_groups[0]["d"] if isinstance(self.parts[0], Prodigy) else 1.0

    @property
    def is_searching(self) -> bool:
        """Whether Prodigy has not found a rate yet: then it has hardly moved a tensor."""
        return self.estimated_rate <= FIRST_GUESS

    @property
    def averages(self) -> bool:
        """Whether what was learned is an average of the optimizer's own (schedule-free)."""
        return bool(self._list_schedule_free())

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Within, tensors of a schedule-free optimizer are what was learned.

        Outside they are where gradients are taken. The way back rounds: the caller has kept them.
        """
        for part in self._list_schedule_free():
            part.eval()
        try:
            yield
        finally:
            for part in self._list_schedule_free():
                part.train()

    def _list_schedule_free(self) -> list[AdamWScheduleFree]:
        return [part for part in self.parts if isinstance(part, AdamWScheduleFree)]

    def state_dict(self) -> list[dict[str, Any]]:
        return [part.state_dict() for part in self.parts]

    def load_state_dict(self, states: Sequence[dict[str, Any]]) -> None:
        for part, state in zip(self.parts, states, strict=True):
            part.load_state_dict(state)


def make_adamw(groups: Groups, rate: float, weight_decay: float) -> list[torch.optim.Optimizer]:
    """AdamW for all tensors."""
    return [torch.optim.AdamW(groups, rate, weight_decay=weight_decay)]


def make_muon(groups: Groups, rate: float, weight_decay: float) -> list[torch.optim.Optimizer]:
    """Muon for matrices, which are all that it takes; AdamW for the rest, such as convolutions.

    Its updates are scaled to the size of AdamW's (Liu 2025, "Muon is scalable for LLM training"),
    so that one learning rate serves both.
    """
    matrices, rest = (_filter(groups, is_matrix) for is_matrix in (True, False))
    options = {"weight_decay": weight_decay, "adjust_lr_fn": "match_rms_adamw"}
    muon = [torch.optim.Muon(matrices, rate, **options)] if matrices else []
    return muon + (make_adamw(rest, rate, weight_decay) if rest else [])


def _filter(groups: Groups, is_matrix: bool) -> Groups:
    """The groups with those of their tensors that are matrices, or with those that are not."""
    kept = [
        {**g, "params": [p for p in g["params"] if (p.dim() == 2) == is_matrix]} for g in groups
    ]
    return [group for group in kept if group["params"]]


def make_prodigy(groups: Groups, rate: float, weight_decay: float) -> list[torch.optim.Optimizer]:
    """Prodigy, which finds the rate itself (Mishchenko 2024); ours is a multiple of what it finds.

    With the two options that diffusers' own scripts set: no rate is estimated from a warm-up.
    """
    options = {"use_bias_correction": True, "safeguard_warmup": True, "d0": FIRST_GUESS}
    return [Prodigy(groups, rate, weight_decay=weight_decay, **options)]


def make_schedule_free(
    groups: Groups, rate: float, weight_decay: float
) -> list[torch.optim.Optimizer]:
    """AdamW that averages in place of a falling rate (Defazio 2024, "The road less scheduled")."""
    return [AdamWScheduleFree(groups, rate, weight_decay=weight_decay)]


def make_adamw_8bit(
    groups: Groups, rate: float, weight_decay: float
) -> list[torch.optim.Optimizer]:
    """AdamW whose moments take a quarter of the memory (Dettmers 2022), of large tensors."""
    try:
        from bitsandbytes.optim import AdamW8bit  # of envs/gpu.txt: who needs it installs it
    except (ImportError, OSError, RuntimeError) as error:  # missing, or without its own library
        raise CineloraError(
            f"optimizer adamw_8bit: bitsandbytes cannot be used here ({str(error)[:160]}).\n"
            "  Install it: make setup-gpu, or without a GPU .venv/bin/pip install --no-deps\n"
            "  bitsandbytes; or choose another optimizer (adamw)."
        ) from error
    return [AdamW8bit(groups, rate, weight_decay=weight_decay)]


OPTIMIZERS: dict[str, Callable[[Groups, float, float], list[torch.optim.Optimizer]]] = {
    "adamw": make_adamw,
    "muon": make_muon,
    "prodigy": make_prodigy,
    "schedule_free_adamw": make_schedule_free,
    "adamw_8bit": make_adamw_8bit,
}
NAMES = {  # in the header of a file
    "adamw": "torch.optim.AdamW",
    "muon": "torch.optim.Muon",
    "prodigy": "prodigyopt.Prodigy",
    "schedule_free_adamw": "schedulefree.AdamWScheduleFree",
    "adamw_8bit": "bitsandbytes.optim.AdamW8bit",
}


def make_optimizers(
    name: str,
    tensors: Mapping[str, torch.nn.Parameter],
    *,
    rate: float,
    weight_decay: float,
    loraplus_lr_ratio: float,
    text_ratio: float = 1.0,
) -> Optimizers:
    """The named optimizer of an adapter's tensors; some have a multiple of the rate.

    `loraplus_lr_ratio` is that of lora_B (LoRA+, Hayou 2024), `text_ratio` of text encoders.
    """
    groups: dict[float, list[torch.nn.Parameter]] = {}
    for key, tensor in tensors.items():
        own = loraplus_lr_ratio if "lora_B" in key else 1.0
        ratio = own * (text_ratio if key.startswith("text_encoder") else 1.0)
        groups.setdefault(ratio, []).append(tensor)
    listed = [{"params": params, "ratio": ratio} for ratio, params in groups.items()]
    return Optimizers(OPTIMIZERS[name](listed, rate, weight_decay))
