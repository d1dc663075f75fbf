"""Toy trainings: plain formulas that behave as LoRA trainings do, each seed another one.

The best learning rate lies somewhere on a log scale, lower for larger ranks and longer trainings;
rank saturates; what is learned fast drifts and copies; too fast a training breaks. What is measured
is noisy, what it truly is, is known.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from workflow_scripts.adapter.fronts import Point

MAX_COPY_RISK = 0.1
WORST = Point(0.0, 0.7)  # from where hypervolume is measured
NOISE = {"gain": 0.03, "drift": 0.015, "copy_risk": 0.02}  # of one training; standard deviations
BREAKS_AT = 1.1  # this far above the best learning rate, in powers of ten
SPACE = {
    "learning_rate": {"type": "float", "low": 0.0001, "high": 0.03, "log": True},
    "rank": {"type": "int", "low": 2, "high": 64, "log": True},
    "caption_dropout": {"type": "float", "low": 0.0, "high": 0.3},
    "ema_decay": {"type": "float", "low": 0.0, "high": 0.99},
    "schedule": {"type": "categorical", "choices": ["constant", "linear", "cosine"]},
}


@dataclass(frozen=True)
class Reached:
    """What a training truly is, or what is measured of it."""

    gain: float
    drift: float
    copy_risk: float

    @property
    def point(self) -> Point:
        return Point(self.gain, self.drift, max(0.0, self.copy_risk - MAX_COPY_RISK))


class Toy:
    """A dataset on which toy trainings run."""

    def __init__(self, seed: int):
        rng = np.random.default_rng(seed)
        self.seed = seed
        self.best_rate = rng.uniform(-3.4, -2.0)  # power of ten
        self.width = rng.uniform(0.25, 0.5)  # of the peak, in powers of ten
        self.enough_rank = rng.uniform(3, 12)
        self.best_dropout = rng.uniform(0, 0.2)
        self.copies = rng.uniform(0.2, 0.7)
        losses = rng.uniform(0, 0.25, 3)
        self.loss = dict(zip(SPACE["schedule"]["choices"], losses, strict=True))

    def train(self, parameters: dict[str, Any], share: float = 1.0) -> Reached | None:
        """What a training truly reaches with a share of its steps; None: it breaks."""
        rank, dropout = parameters["rank"], parameters["caption_dropout"]
        best = self.best_rate - math.log10(rank / 8) / 4 - math.log10(share) / 3
        above = math.log10(parameters["learning_rate"]) - best
        if above > BREAKS_AT:
            return None
        power = 10**above * math.sqrt(rank / 16)
        gain = math.exp(-((above / self.width) ** 2) / 2) * (1 - math.exp(-rank / self.enough_rank))
        gain *= 1 - 7.5 * (dropout - self.best_dropout) ** 2
        gain *= (1 - self.loss[parameters["schedule"]]) * share**0.2
        calmed = 1 - 0.3 * parameters["ema_decay"]
        drift = 0.6 * power / (1 + power) * calmed + 0.1 * (1 - dropout / 0.3)
        copy_risk = max(0.0, self.copies * power * (1 - 1.5 * dropout) - 0.25)
        return Reached(gain, drift, copy_risk)

    def measure(
        self, parameters: dict[str, Any], number: int, share: float = 1.0
    ) -> Reached | None:
        """The same as training number `number` shows it."""
        true = self.train(parameters, share)
        if true is None:
            return None
        rng = np.random.default_rng([self.seed, number])
        noise = {name: rng.normal(0, size) for name, size in NOISE.items()}
        return Reached(
            true.gain + noise["gain"],
            max(0.0, true.drift + noise["drift"]),
            max(0.0, true.copy_risk + noise["copy_risk"]),
        )
