"""What further processes do in tests: they have to find it by its name."""

import fcntl
import os
import signal
import time
from pathlib import Path

import torch

from workflow_scripts.adapter.processes import Team, start_team
from workflow_scripts.adapter.training_checks import DivergedError


def add_own(team: Team) -> None:
    """Each process gives its number, and gradients of its own."""
    tensor = make_tensor(team)
    team.meet([tensor], 3)
    team.add_up(torch.tensor([float(team.rank)]))
    team.add_gradients([tensor, torch.ones(2), make_tensor(team)])


def make_tensor(team: Team) -> torch.Tensor:
    """Its values are those of the process; that of the first has no gradient."""
    tensor = torch.full((2, 2), 5.0 + team.rank, requires_grad=True)
    if team.rank:
        tensor.grad = torch.full((2, 2), 0.25)
    return tensor


def go_elsewhere(team: Team) -> None:
    team.meet([], 4)


def fail_early(team: Team) -> None:
    raise DivergedError("the loss of step 3 is nan")


def fail_late(team: Team) -> None:
    team.meet([], 3)
    raise ValueError("of nobody's making")


def vanish(team: Team) -> None:
    """As where the system is out of memory."""
    team.meet([], 3)
    os.kill(os.getpid(), signal.SIGKILL)


def sleep_for_ever(team: Team, path: Path) -> None:
    """Its lock is held as long as it lives."""
    with path.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        team.meet([], 3)
        time.sleep(10**6)


def lead_and_die(path: Path) -> None:
    """The first process, killed where the other sleeps."""
    with start_team(2, "cpu", sleep_for_ever, path) as team:
        team.meet([], 3)
        os.kill(os.getpid(), signal.SIGKILL)
