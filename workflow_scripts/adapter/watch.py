"""What is seen of a training while it runs: sample grids and TensorBoard, each on request."""

import shutil
import time
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

from workflow_scripts.adapter.event_files import EventFiles
from workflow_scripts.adapter.samples import Samples
from workflow_scripts.adapter.trainer import Trainer


class Watch(AbstractContextManager):
    """Follows a training, step by step, into folders beside its adapter."""

    def __init__(self, trainer: Trainer, folder: Path, title: str):
        """After the trainer has found its checkpoint, and before its first step."""
        self.trainer, settings = trainer, trainer.settings
        drawn, events = folder / "samples", folder / "tensorboard"
        if not trainer.step:  # of an earlier training
            shutil.rmtree(drawn, ignore_errors=True)
            shutil.rmtree(events, ignore_errors=True)
        self.samples = Samples(trainer, drawn, title) if settings.samples else None
        self.events = EventFiles(events, trainer.rows) if settings.tensorboard else None
        self.told = len(trainer.rows)  # rows that are in the event files
        self.began = time.perf_counter()

    def follow(self) -> None:
        """After each step, before its checkpoint: who goes on from there misses nothing."""
        trainer, settings = self.trainer, self.trainer.settings
        seconds = time.perf_counter() - self.began
        due = trainer.step % settings.validate_every == 0 or trainer.step == settings.steps
        grid = self.samples.draw() if self.samples and due else None
        if self.events:
            for row in trainer.rows[self.told :]:
                self.events.add_row(row)
            images = settings.batch_size * settings.gradient_accumulation_steps
            self.events.add_speed(images / seconds, trainer.step)
            if grid is not None:
                self.events.add_samples(grid, trainer.step)
            self.events.flush()
        self.told, self.began = len(trainer.rows), time.perf_counter()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.events:
            self.events.close()
