"""Adapters that are kept of a training's way, so that it can be seen what it learned when.

While it trains, weights are set aside beside its checkpoint, where an interrupted run finds them
again; when it is done, each becomes a file like the adapter itself.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch

from workflow_scripts.adapter.adapter_file import to_kohya, write_adapter
from workflow_scripts.adapter.trainer import Trainer
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.manifest import replace_when_done

STEP = re.compile(r"\.step(\d{6,})\.safetensors\Z")


def list_kept_steps(count: int, steps: int) -> list[int]:
    """So many steps, evenly over a training; the last is its end. Few steps are all kept."""
    return sorted({-(-steps * n // count) for n in range(1, count + 1)})


def make_folder(folder: str | Path | None) -> None:
    """Make the folder of what is kept; None: nothing is."""
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)


def read_kept(folder: str | Path | None) -> list[str]:
    """The files that a training kept, in the order of their steps."""
    files = sorted(Path(folder).iterdir()) if folder else []
    return [str(path) for path in files if STEP.search(path.name)]


def find_step(file: str | Path) -> int:
    """The step after which an adapter was kept."""
    match = STEP.search(Path(file).name)
    if not match:
        raise CineloraError(f"{file} is no adapter that a training kept: it names no step.")
    return int(match[1])


def set_aside(trainer: Trainer, folder: Path) -> None:
    """Keep the weights of this step, if it is one of those that are kept."""
    if trainer.step not in list_kept_steps(
        trainer.settings.kept_checkpoints, trainer.settings.steps
    ):
        return
    with trainer.average.applied():
        weights = trainer.weights()
    plain = {name: tensor.contiguous() for name, tensor in weights.items()}
    with replace_when_done(_place(folder, trainer.step)) as partial:
        partial.write_bytes(safetensors.torch.save(plain))


def write_kept(
    folder: str | Path | None,
    adapter: str,
    trainer: Trainer,
    aside: Path,
    metadata: Mapping[str, str],
) -> list[str]:
    """Write what was set aside beside the checkpoints as adapters, and take away older ones."""
    if not folder:
        return []
    for path in read_kept(folder):
        Path(path).unlink()
    settings = trainer.settings
    for step in list_kept_steps(settings.kept_checkpoints, settings.steps):
        weights = safetensors.torch.load_file(_place(aside, step))
        path = Path(folder) / f"{Path(adapter).stem}.step{step:06d}.safetensors"
        write_adapter(path, _name(weights, trainer), {**metadata, "ss_steps": str(step)})
    return read_kept(folder)


def _name(weights: dict[str, torch.Tensor], trainer: Trainer) -> dict[str, torch.Tensor]:
    return to_kohya(weights, trainer.settings.file_alpha, trainer.base.name_layer)


def _place(folder: Path, step: int) -> Path:
    return folder / f"kept_{step:06d}.safetensors"
