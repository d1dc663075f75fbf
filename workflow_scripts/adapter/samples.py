"""Images drawn while an adapter is trained, beside those of the base with the same seeds.

They lie in samples/ beside the adapter, which no rule declares: so they survive a failure, and an
interrupted training that goes on leaves the same set. Drawing takes nothing from the training: its
noise has seeds of its own, and weights and modes are afterwards what they were before.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from workflow_scripts.adapter.grid import CELL_PX, draw_grid
from workflow_scripts.adapter.prompts import Prompts, choose_prompts, draw_all
from workflow_scripts.adapter.settings import Settings
from workflow_scripts.adapter.trainer import Trainer
from workflow_scripts.lib.images import write_image
from workflow_scripts.models.diffusion import Base, list_nets

DRAWING: dict[str, Any] = {"sampling_steps": 20, "guidance": 5.0}
LARGEST_CELL_PX = 512  # of a grid


class Samples:
    """Grids of one training, in a folder of their own: what the base draws, and the adapter."""

    def __init__(self, trainer: Trainer, folder: Path, title: str):
        self.trainer, self.folder, self.title = trainer, folder, title
        held_out, training = trainer.held_out.images, trainer.train.images
        most = trainer.settings.samples
        self.prompts: Prompts = choose_prompts(held_out, training, [], [trainer.seed], most)
        self.of_base: np.ndarray | None = None

    def draw(self) -> np.ndarray:
        """Draw at this step, leave the grid in step_{step}.png, and return it, RGB uint8."""
        if self.of_base is None:  # in each process anew: nothing of it is in a checkpoint
            with without_adapter(self.trainer):
                self.of_base = self._draw()
        with self.trainer.average.applied():
            drawn = self._draw()
        step = self.trainer.step
        rows = {"no adapter": self.of_base, f"step {step}": drawn}
        cell_px = max(CELL_PX, min(LARGEST_CELL_PX, drawn.shape[1]))
        texts, seeds = self.prompts.texts, self.prompts.seeds
        grid = draw_grid(self.title, texts, seeds, rows, cell_px=cell_px)
        write_image(self.folder / f"step_{step:06d}.png", grid)
        return grid

    def _draw(self) -> np.ndarray:
        network = self.trainer.base.network
        was_training = network.training
        with torch.random.fork_rng():
            network.eval()
            images = draw_all(self.trainer.base, self.prompts, DRAWING)
            network.train(was_training)
        return images


@contextmanager
def without_adapter(trainer: Trainer) -> Iterator[None]:
    """Within, all that is trained computes as the base does."""
    nets = [part.net for part in trainer.parts]
    for net in nets:
        net.disable_adapters()
    try:
        yield
    finally:
        for net in nets:
            net.enable_adapters()


def list_needed(base: Base, settings: Settings) -> list[str]:
    """Parts of a pipeline that are used once all is cached, beside the network."""
    if settings.samples:
        return [name for name in list_nets(base.pipeline) if name != base.network_name]
    return list(base.text_parts) if settings.text_encoder["train"] else []
