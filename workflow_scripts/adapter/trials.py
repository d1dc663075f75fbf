"""What the base draws and how well it denoises: without an adapter, with one, with its controls.

All draw from the same seeds, and the noise of the losses is always the same: what differs is what
the adapters do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workflow_scripts.adapter.adapter_file import list_loaded, load_adapter
from workflow_scripts.adapter.empty_adapter import is_empty
from workflow_scripts.adapter.examples import Examples, encode_again, fixed_losses
from workflow_scripts.adapter.finished import read_trained
from workflow_scripts.adapter.prompts import Prompts, draw_all
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.phase import log, progress
from workflow_scripts.models.checksums import folder_checksum
from workflow_scripts.models.diffusion import DRAWN_AT_ONCE, Base

LOSSES = ("train_loss", "heldout_loss")
BUDGET = ("base_sha256", "resolution_px", "settings")  # what a control shares, in settings.yaml


@dataclass(frozen=True)
class Control:
    """An adapter that was trained alike; `trained` is its settings.yaml."""

    name: str
    adapter: str
    trained: dict[str, Any]


@dataclass(frozen=True)
class Trial:
    """Images (N, H, W, 3), RGB uint8, and losses (images of a split,), means over noise levels."""

    images: np.ndarray
    losses: dict[str, np.ndarray]


def try_adapter(
    base: Base,
    adapter: str,
    prompts: Prompts,
    splits: Sequence[Examples],
    options: dict[str, Any],
    seed: int,
) -> dict[float | None, Trial]:
    """Draw and measure without the adapter (None), then with it at every strength.

    At strength 0 only the first images are drawn: they must be those of the base.
    """
    losses = measure_losses(base, splits, options, seed)
    trials: dict[float | None, Trial] = {None: Trial(draw_all(base, prompts, options), losses)}
    load_adapter(base, adapter)
    strengths = [0.0, *options["strengths"]]
    for strength in progress(strengths, "strengths", total=len(strengths)):
        base.pipeline.set_adapters("film", strength)
        asked = prompts if strength else prompts.first(DRAWN_AT_ONCE)
        losses = measure_losses(base, splits, options, seed) if strength else {}
        trials[strength] = Trial(draw_all(base, asked, options), losses)
    base.pipeline.unload_lora_weights()
    return trials


def try_control(
    base: Base,
    control: Control,
    prompts: Prompts,
    held_out: Examples,
    options: dict[str, Any],
    seed: int,
) -> Trial:
    """The same with a control adapter at full strength; it draws only what the dataset is about.

    Losses are those of the dataset's own captions: how well are these images known by these words?
    """
    load_adapter(base, control.adapter)
    base.pipeline.set_adapters("film", nearest_to_full(options["strengths"]))
    losses = measure_losses(base, [held_out], options, seed)
    trial = Trial(draw_all(base, prompts, options), losses)
    base.pipeline.unload_lora_weights()
    return trial


def measure_losses(
    base: Base, splits: Sequence[Examples], options: dict[str, Any], seed: int
) -> dict[str, np.ndarray]:
    """Loss of each image of the splits, of which the last is held out.

    Captions are read anew where the adapter changes text encoders.
    """
    if any(layer.startswith("text_encoder") for layer in list_loaded(base)):
        splits = [encode_again(base, split) for split in splits]
    names = LOSSES[-len(splits) :]
    return {
        name: fixed_losses(base, split, timesteps=options["timesteps"], seed=seed).mean(1)
        for name, split in zip(names, splits, strict=True)
    }


def nearest_to_full(strengths: Sequence[float]) -> float:
    """The strength at which hosts show an adapter: 1, or the one that comes nearest."""
    return min(strengths, key=lambda strength: abs(strength - 1))


def check_budget(control: Control, trained: dict[str, Any]) -> None:
    """A control must be trained as the adapter was, whose settings.yaml is `trained`."""
    for name in BUDGET:
        if _find_budget(control.trained[name]) != _find_budget(trained[name]):
            raise CineloraError(
                f"{control.adapter} is no control of this adapter: its {name} in settings.yaml\n"
                f"  is {control.trained[name]}, that of the adapter {trained[name]}.\n"
                "  Train both again with the same options."
            )


def _find_budget(value: Any) -> Any:
    """What counts of an entry of BUDGET: how much is kept of the way changes no training."""
    if not isinstance(value, dict):
        return value
    return {name: one for name, one in value.items() if name != "kept_checkpoints"}


def check_base(base: str, trained: dict[str, Any]) -> None:
    """The base must be the very one that the adapter was trained on."""
    found = folder_checksum(base)
    if trained["base_sha256"] != found:
        raise CineloraError(
            f"the adapter was trained on {trained['base']} ({trained['base_sha256'][:12]}),\n"
            f"  {base} is another model ({found[:12]}). Train the adapter again."
        )


def read_controls(
    names: Sequence[str], adapters: Sequence[str], settings: Sequence[str], trained: dict[str, Any]
) -> list[Control]:
    """The controls of an adapter (`trained` is its settings.yaml); those that were trained."""
    rows = zip(names, adapters, map(read_trained, settings), strict=True)
    controls = [Control(*row) for row in rows]
    for control in controls:
        if is_empty(control.trained):
            log.warning("%s: not compared, %s", control.name, control.trained["empty"])
        else:
            check_budget(control, trained)
    return [control for control in controls if not is_empty(control.trained)]


def describe_adapter(adapter: str, trained: dict[str, Any]) -> dict[str, Any]:
    """What settings.yaml says of the adapter: what it must share with one it is compared with."""
    shared = ("base", "base_sha256", "dataset_sha256", "trigger")
    return {"file": Path(adapter).name} | {name: trained[name] for name in shared}


def describe_control(control: Control) -> dict[str, Any]:
    """What settings.yaml says of a control."""
    trained = control.trained
    return {
        "adapter": Path(control.adapter).name,
        "trigger": trained["trigger"],
        "images": trained["distinct_images"],
        "steps": trained["steps"],
    }
