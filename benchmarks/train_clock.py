"""Time of a training's steps by two clocks, and what share of it waits for the next batch.

The second clock is the CPU's own: on a machine that does other work besides, seconds of the CPU
that a process was given say more than seconds that went by.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from workflow_scripts.adapter.trainer import Trainer


@dataclass(frozen=True)
class Span:
    """How long something took; `cpu_s` is the process's time on any core."""

    wall_s: float
    cpu_s: float

    def __sub__(self, other: "Span") -> "Span":
        return Span(self.wall_s - other.wall_s, self.cpu_s - other.cpu_s)


@dataclass(frozen=True)
class StepTimes:
    """Steps that were timed together, after others that nobody timed."""

    images: int
    span: Span
    wait_s: float  # from the start of each step to the first layer of the network

    @property
    def wait_share(self) -> float:
        return self.wait_s / self.span.wall_s


def read_clocks() -> Span:
    return Span(time.perf_counter(), time.process_time())


def time_steps(trainer: Trainer, *, warm: int, steps: int) -> StepTimes:
    """Take steps of a training; each ends with its loss on the CPU, so that the GPU is done."""
    reached: list[float] = []
    hook = trainer.base.network.register_forward_pre_hook(
        lambda *_: reached.append(time.perf_counter())
    )
    run = trainer.run(warm + steps)
    for _ in range(warm):
        next(run)
    begun, wait_s, images = read_clocks(), 0.0, 0
    for _ in range(steps):
        reached.clear()
        start = time.perf_counter()
        next(run)
        wait_s += reached[0] - start
        images += trainer.settings.batch_size * trainer.settings.gradient_accumulation_steps
    span = read_clocks() - begun
    hook.remove()
    return StepTimes(images, span, wait_s)


def measure_matrix_rate(device: str, dtype: torch.dtype, side: int, seconds: float) -> Span:
    """Operations of square matrix products by a second of each clock."""
    one = torch.randn(side, side, device=device, dtype=dtype)

    def multiply() -> None:
        one @ one
        if device == "cuda":
            torch.cuda.synchronize()

    span, calls = _repeat(multiply, seconds)
    operations = 2.0 * side**3 * calls
    return Span(operations / span.wall_s, operations / span.cpu_s)


def _repeat(run: Callable[[], Any], seconds: float) -> tuple[Span, int]:
    run(), run()
    begun, calls = read_clocks(), 0
    while (read_clocks() - begun).wall_s < seconds or not calls:
        run()
        calls += 1
    return read_clocks() - begun, calls
