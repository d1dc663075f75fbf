"""Stages of a training: how many steps each has, the course of its learning rate, what it shows.

Everything is known from the number of the step, so that resuming needs no state of its own.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from diffusers.optimization import get_scheduler

from workflow_scripts.adapter.settings import Settings
from workflow_scripts.lib.errors import CineloraError

SCHEDULES = {  # -> as diffusers calls them
    "constant": "constant_with_warmup",
    "linear": "linear",
    "cosine": "cosine",
    "cosine_with_restarts": "cosine_with_restarts",
    "polynomial": "polynomial",
    "piecewise_constant": "piecewise_constant",
}
LOWEST_RATE = 1e-7  # to which diffusers' polynomial falls, whatever the rate


@dataclass(frozen=True)
class Stage:
    """Some steps of a training in a row; `weights` says what they show."""

    first: int  # updates before it
    steps: int
    learning_rate: float
    weights: np.ndarray | None = None  # (N,): how often each image comes, relatively; None: epochs

    @property
    def end(self) -> int:
        """Updates after it."""
        return self.first + self.steps


def plan_stages(
    settings: Settings, batches: int, weights: Sequence[Sequence[float] | None] = ()
) -> list[Stage]:
    """The stages of a training whose epochs have so many batches; one where none is asked for.

    `weights`, one a stage, are what adapter/sampling.py reads of the dataset.
    """
    alone = {"steps": settings.steps, "learning_rate": settings.learning_rate}
    stages, first = [], 0
    for number, asked in enumerate(settings.stages or [alone]):
        steps = asked.get("steps") or _count_steps(settings, batches, asked["epochs"])
        shown = weights[number] if weights else None
        shown = None if shown is None else np.array(shown)
        stages.append(Stage(first, steps, asked["learning_rate"], shown))
        first += steps
    return stages


def _count_steps(settings: Settings, batches: int, epochs: float) -> int:
    return max(1, math.ceil(epochs * batches / settings.gradient_accumulation_steps))


def add_up(settings: Settings, stages: Sequence[Stage]) -> Settings:
    """The same settings with the steps of all stages, the highest rate, and no epochs to count."""
    plain = []
    for asked, stage in zip(settings.stages, stages, strict=False):  # none asked for: one stage
        kept = {name: value for name, value in asked.items() if name != "epochs"}
        plain.append({"steps": stage.steps} | kept)
    highest = max(stage.learning_rate for stage in stages)
    return replace(settings, steps=stages[-1].end, learning_rate=highest, stages=plain)


def format_stages(stages: Sequence[Stage]) -> list[str]:
    """What each stage does, one line each; [] where there is one that shows whole epochs."""
    if len(stages) == 1 and stages[0].weights is None:
        return []
    lines = []
    for number, stage in enumerate(stages, 1):
        shown = "whole epochs"
        if (weights := stage.weights) is not None:
            shown = f"spread as over {weights.sum() ** 2 / (weights**2).sum():.1f} images"
        lines.append(
            f"stage {number}: {stage.steps} steps, learning rate {stage.learning_rate}, {shown}"
        )
    return lines


def find_stage(stages: Sequence[Stage], step: int) -> int:
    """Number of the stage of the update after `step` updates; the last one when all are done."""
    return min(bisect_right([stage.end for stage in stages], step), len(stages) - 1)


def make_rate(
    settings: Settings, stages: Sequence[Stage], optimizer: torch.optim.Optimizer
) -> Callable[[int], float]:
    """Rate of the update after `step` updates: in each stage the schedule runs once.

    Only the first one warms up: at the others the optimizer knows its gradients.
    """
    rates = []
    for number, stage in enumerate(stages):
        own: dict[str, Any] = {"steps": stage.steps, "learning_rate": stage.learning_rate}
        own |= {"warmup": 0.0} if number else {}
        rates.append(make_schedule(replace(settings, **own), optimizer))

    def find_rate(step: int) -> float:
        number = find_stage(stages, step)
        return rates[number](step - stages[number].first)

    return find_rate


def make_schedule(settings: Settings, optimizer: torch.optim.Optimizer) -> Callable[[int], float]:
    """Rate of the update after `step` updates, by the step alone: resuming needs no state."""
    if settings.schedule == "polynomial" and optimizer.defaults["lr"] <= LOWEST_RATE:
        raise CineloraError(
            f"schedule polynomial falls to a learning rate of {LOWEST_RATE}, which is not below\n"
            f"  {optimizer.defaults['lr']}. Choose a higher learning_rate, or another schedule."
        )
    rising = round(settings.warmup * settings.steps)
    scheduler = get_scheduler(
        SCHEDULES[settings.schedule],
        optimizer,
        num_warmup_steps=rising + 1,
        num_training_steps=settings.steps + 1,
        num_cycles=settings.schedule_cycles,
        power=settings.schedule_power,
        step_rules=_write_rules(settings),
    )
    share = scheduler.lr_lambdas[0]  # one a group of tensors, all alike
    # One step ahead: at its step 0 a schedule gives 0, and lora_A would learn nothing
    return lambda step: settings.learning_rate * share(step + 1)


def _write_rules(settings: Settings) -> str:
    """Equal parts of the steps at each of the levels, as diffusers reads it: 1:11,0.5:21,0.1."""
    *levels, last = settings.schedule_levels
    parts = len(levels) + 1
    ends = [round(number * settings.steps / parts) + 1 for number in range(1, parts)]
    rules = [f"{level}:{end}" for level, end in zip(levels, ends, strict=True)]
    return ",".join([*rules, str(last)])
