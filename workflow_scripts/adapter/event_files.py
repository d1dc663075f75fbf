"""A training's rows and samples as TensorBoard reads them: event files in tensorboard/.

The rows are those of metrics.parquet, under the same names; images_per_s is measured besides. A
training that goes on tells TensorBoard to forget what came after its checkpoint, so that no step is
there twice.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

LEFT_OUT = ("step", "epoch")  # of a row: an event has a step of its own
SPEED, SAMPLES = "images_per_s", "samples"


class EventFiles:
    """The event files of one training."""

    def __init__(self, folder: Path, rows: Sequence[Mapping[str, float | None]]):
        """`rows` are those before the training goes on."""
        from torch.utils.tensorboard import SummaryWriter  # slow to import, for some only

        is_known = any(folder.glob("events.*"))
        after = rows[-1]["step"] + 1 if rows and is_known else None
        self.writer = SummaryWriter(str(folder), purge_step=after)
        for row in () if is_known else rows:
            self.add_row(row)

    def add_row(self, row: Mapping[str, float | None]) -> None:
        """Every figure of a row that was measured."""
        for name, value in row.items():
            if name not in LEFT_OUT and value is not None and not math.isnan(value):
                self.writer.add_scalar(name, value, row["step"])

    def add_speed(self, images_per_s: float, step: int) -> None:
        self.writer.add_scalar(SPEED, images_per_s, step)

    def add_samples(self, grid: np.ndarray, step: int) -> None:
        """A grid, RGB uint8 (H, W, 3)."""
        self.writer.add_image(SAMPLES, grid, step, dataformats="HWC")

    def flush(self) -> None:
        """All that was added is on disk: before a checkpoint, or its steps would be missing."""
        self.writer.flush()

    def close(self) -> None:
        self.writer.close()
