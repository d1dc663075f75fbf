"""Processes of one machine that train one adapter together, each on a share of every batch.

The process of the job is the first of them, rank 0: it starts the others, watches them, and alone
measures and writes. All draw the same batches and add up their gradients, so that their weights
stay equal without being sent. They meet by a file, since two jobs on a machine could want one port.
"""

import logging
import os
import signal
import socket
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.distributed as dist

from workflow_scripts.lib.errors import CineloraError

LONGEST_WAIT = timedelta(hours=1)  # of one process for another, which draws or measures meanwhile
POLL_S = 0.001  # between two looks at the other processes
END_S = 20.0  # that a process has to say its last words, or to end by itself
READY = "ready"


class Member(NamedTuple):
    """A process that this one has started, and the pipe by which it speaks."""

    rank: int
    process: BaseProcess
    pipe: Connection


class Team:
    """What one of `count` processes knows of the others; only the first has `members`."""

    def __init__(self, rank: int, count: int, folder: str, device: str, pipe: Connection | None):
        self.rank, self.count, self.folder, self.device = rank, count, folder, device
        self.pipe = pipe  # to the first process
        self.members: list[Member] = []

    @property
    def part(self) -> slice:
        """Which images of a batch are those of this process."""
        return slice(self.rank, None, self.count)

    def meet(self, tensors: Sequence[torch.Tensor], step: int) -> None:
        """Wait until all are here; then all have the weights of the first, at the same step."""
        if not dist.is_initialized():
            self._say_ready()
            self._connect()
        with torch.no_grad():
            for tensor in tensors:  # equal already, unless a GPU has rounded in another order
                self._finish(dist.broadcast(tensor.data, 0, async_op=True))
        own = torch.tensor([float(step)], device=self.device)
        if float(self.add_up(own)) != step * self.count:
            raise CineloraError(
                f"process {self.rank + 1} of {self.count} would go on after step {step}, others\n"
                "  elsewhere: they do not read the same checkpoint. Run snakemake again."
            )

    def add_up(self, values: torch.Tensor) -> torch.Tensor:
        """The sum over all processes, the same bits in each."""
        total = values.float().clone()
        self._finish(dist.all_reduce(total, async_op=True))
        return total

    def add_gradients(self, tensors: Sequence[torch.Tensor]) -> None:
        """Give each tensor the sum of its gradients; none where no process has one."""
        grads = [tensor.grad for tensor in tensors]
        has = torch.tensor([float(grad is not None) for grad in grads], device=self.device)
        pairs = zip(tensors, grads, strict=True)
        flat = [(torch.zeros_like(t) if g is None else g).flatten() for t, g in pairs]
        total = self.add_up(torch.cat([*flat, has]))
        *summed, found = total.split([*(tensor.numel() for tensor in tensors), len(tensors)])
        for tensor, values, count in zip(tensors, summed, found.tolist(), strict=True):
            tensor.grad = values.view_as(tensor).to(tensor.dtype) if count else None

    def leave(self, *, broken: bool = False) -> None:
        """Give up the connections; those of GPUs would wait for ever for one that is gone."""
        for member in self.members:
            member.pipe.close()
        if dist.is_initialized() and not (broken and self.device == "cuda"):
            dist.destroy_process_group()

    def watch(self, timeout_s: float) -> list[Member]:
        """Wait for a word of the others, and return who is ready; what ended one is raised."""
        pipes = {member.pipe: member for member in self.members}
        ready = []
        for pipe in wait(list(pipes), timeout_s):
            word = _hear(pipe)
            if word is None:
                self._refuse_end(pipes[pipe])
            if word != READY:
                raise word
            ready.append(pipes[pipe])
        return ready

    def _say_ready(self) -> None:
        """Only then is there a meeting: nobody waits there for a process that could not load."""
        if self.pipe:
            return self.pipe.send(READY)
        missing = len(self.members)
        while missing:
            ready = self.watch(LONGEST_WAIT.total_seconds())
            if not ready:
                raise CineloraError(
                    f"{missing} of {self.count} processes of this training were not ready after\n"
                    f"  {LONGEST_WAIT}. Run snakemake again, or set adapter processes to 1."
                )
            missing -= len(ready)
        return None

    def _connect(self) -> None:
        loopback = [name for _, name in socket.if_nameindex() if name.startswith("lo")]
        for library in ("GLOO", "NCCL"):  # all are on this machine, whatever its name resolves to
            os.environ.setdefault(f"{library}_SOCKET_IFNAME", (loopback or ["lo"])[0])
        dist.init_process_group(
            "nccl" if self.device == "cuda" else "gloo",
            init_method=(Path(self.folder) / "meeting").as_uri(),
            rank=self.rank,
            world_size=self.count,
            timeout=LONGEST_WAIT,
        )

    def _finish(self, work: dist.Work) -> None:
        """Wait for a sum, and meanwhile for news of a process that will never add to it."""
        while self.members and not work.is_completed():
            self.watch(POLL_S)
        try:
            work.wait()
        except RuntimeError:  # a connection was closed: rather say why
            if self.members:
                self.watch(END_S)
            raise

    def _refuse_end(self, member: Member) -> None:
        member.process.join(END_S)
        status = member.process.exitcode
        how = signal.Signals(-status).name if status and status < 0 else f"exit status {status}"
        raise CineloraError(
            f"process {member.rank + 1} of {self.count} of this training ended without a word"
            f" ({how}).\n"
            "  Perhaps memory was short: each process holds the whole base. Run snakemake again:\n"
            "  it goes on from the last checkpoint; or set adapter processes to 1."
        )


@contextmanager
def start_team(
    count: int, device: str, function: Callable[..., None], *args: Any
) -> Iterator[Team | None]:
    """Within, `function(team, *args)` runs in count - 1 processes more; None of a single one.

    It has to call `meet` of its team, as the caller of this does. When the first process leaves,
    by whatever way, the others end.
    """
    if count == 1:
        yield None
        return
    check_devices(count, device)
    with tempfile.TemporaryDirectory(prefix="cinelora-team-") as folder:
        team, patience_s = Team(0, count, folder, device, None), 0.0
        try:
            for rank in range(1, count):
                team.members.append(_start(rank, count, folder, device, function, args))
            yield team
            patience_s = END_S
        finally:
            team.leave(broken=not patience_s)
            _end(team.members, patience_s)


def check_devices(count: int, device: str) -> None:
    """Refuse more processes than there are GPUs."""
    if device == "cuda" and torch.cuda.device_count() < count:
        raise CineloraError(
            f"adapter processes: {count} GPUs are to train one adapter, and this job sees\n"
            f"  {torch.cuda.device_count()}. Set processes to that, or give the job more GPUs:\n"
            f"  --resources gpu={count}; with SLURM the line resources of its profile."
        )


def _start(
    rank: int, count: int, folder: str, device: str, function: Callable[..., None], args: Sequence
) -> Member:
    context = get_context("spawn")  # a fork would inherit threads and CUDA, neither of which work
    ours, theirs = context.Pipe()
    threads = torch.get_num_threads()
    given = rank, count, folder, device, theirs, threads, function, args
    process = context.Process(target=take_part, args=given, name=f"rank {rank}")
    process.start()
    theirs.close()  # or its end would go unheard
    return Member(rank, process, ours)


def take_part(
    rank: int,
    count: int,
    folder: str,
    device: str,
    pipe: Connection,
    threads: int,
    function: Callable[..., None],
    args: Sequence[Any],
) -> None:
    """A further process, from its start to its end; what ends it early is told to the first."""
    threading.Thread(target=_end_with_first, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is heard by the first
    logging.disable()  # the first says the same
    torch.set_num_threads(threads)  # what is encoded depends on it
    if device == "cuda":
        torch.cuda.set_device(rank)
    team = Team(rank, count, folder, device, pipe)
    try:
        function(team, *args)
    except Exception as error:
        whole = "".join(traceback.format_exception(error))
        error.add_note(f"process {rank + 1} of {count} of this training:\n{whole}")
        with suppress(OSError):  # where the first has gone, and hears nothing
            pipe.send(error)
        os._exit(1)  # a sum that is still under way would keep it
    pipe.poll(None)  # until the first has what it needs, and closes its end
    team.leave()


def _end_with_first() -> None:
    """However it ends: by SIGKILL, too."""
    wait([parent_process().sentinel])
    os._exit(1)


def _hear(pipe: Connection) -> Any:
    """A word of a process; None where it ended without one."""
    try:
        return pipe.recv()
    except (EOFError, OSError):
        return None


def _end(members: Sequence[Member], patience_s: float) -> None:
    """Let processes end, and end those that do not."""
    for member in members:
        member.process.join(patience_s)
        if member.process.is_alive():
            member.process.kill()
        member.process.join()
