"""Processes that train one net together: each with images of its own, their gradients averaged.

The layers of a small net are too small to be shared out among threads: two threads of a CPU do
hardly more than one. Two processes do nearly twice as much, and take the same steps.
"""

import multiprocessing
import os
import socket
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import nn

from workflow_scripts.lib.errors import CineloraError

PATIENCE = timedelta(hours=6)  # the first may encode a whole cast before the others begin


@dataclass(frozen=True)
class Workers:
    """One of `count` processes; alone, there is nothing to average."""

    count: int = 1
    rank: int = 0

    @property
    def is_first(self) -> bool:
        """The one that measures, tells and saves."""
        return self.rank == 0

    @contextmanager
    def first_alone(self) -> Iterator[None]:
        """The first does what stands inside before the others do."""
        if self.count > 1 and not self.is_first:
            dist.barrier()
        yield
        if self.count > 1 and self.is_first:
            dist.barrier()

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Every worker's gradients become the mean of all."""
        if self.count == 1:
            return
        gradients = [parameter.grad for parameter in parameters]
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        dist.all_reduce(flat)
        flat /= self.count
        parts = flat.split([gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))

    def average(self, number: float) -> float:
        """The mean of a number that each worker has, the same for all."""
        if self.count == 1:
            return number
        shared = torch.tensor([number], dtype=torch.float64)
        dist.all_reduce(shared)
        return float(shared) / self.count


def run_workers(count: int, work: Callable[[Any, Workers], None], asked: Any) -> None:
    """`work(asked, workers)` in so many processes, this one among them; CineloraError: one failed.

    `work` is a function of a module, and `asked` is pickled for the others.
    """
    if count == 1:
        work(asked, Workers())
        return
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        meeting = (Path(folder) / "meeting").as_uri()
        others = [
            context.Process(target=_join, args=(work, asked, Workers(count, rank), meeting))
            for rank in range(1, count)
        ]
        for process in others:
            process.start()
        lost = None
        try:
            _join(work, asked, Workers(count), meeting)
        except RuntimeError as error:  # gloo's, where another worker has gone
            lost = error
        finally:
            for process in others:
                process.join(timeout=60)
                process.terminate()  # one that has ended is left alone
    if failed := [process.exitcode for process in others if process.exitcode]:
        raise CineloraError(
            f"{len(failed)} of {count} workers failed; what they said stands above."
        ) from lost
    if lost:
        raise lost


def _join(work: Callable[[Any, Workers], None], asked: Any, workers: Workers, meeting: str) -> None:
    # By a name of this machine two of them were once seen to wait for each other without end
    loopback = [name for _, name in socket.if_nameindex() if name.startswith("lo")]
    os.environ.setdefault("GLOO_SOCKET_IFNAME", (loopback or ["lo"])[0])
    # each has its part of the cores
    torch.set_num_threads(max(1, torch.get_num_threads() // workers.count))
    rank = {"rank": workers.rank, "world_size": workers.count}
    dist.init_process_group("gloo", meeting, timeout=PATIENCE, **rank)
    try:
        work(asked, workers)
    finally:
        dist.destroy_process_group()
