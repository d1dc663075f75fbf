"""What further processes do in tests: they have to find it by its name."""

import os
import signal
import time

import torch

from workflow_scripts.adapter.processes import Team
from workflow_scripts.adapter.training_checks import DivergedError


def add_own(team: Team, rounds: int = 1) -> None:
    """Each process gives its number, and another gradient, some rounds long."""
    tensor = make_tensor(team)
    team.meet([tensor], 3)
    for _ in range(rounds):
        team.add_up(torch.tensor([float(team.rank)]))
    team.add_gradients([tensor, torch.ones(2), make_tensor(team)])


def make_tensor(team: Team) -> torch.Tensor:
    """Its values and its gradient are those of the process; only the second one has a gradient."""
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


def sleep_for_ever(team: Team) -> None:
    team.meet([], 3)
    time.sleep(10**6)
