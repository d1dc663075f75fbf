"""What a search asks next: earlier trials replayed into an Optuna study that lives only here.

There is no database that several processes share: results lie in files, each question is answered
from all of them, in the order of the trials, whoever was ready first.
"""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from workflow_scripts.adapter.fronts import Point

DIRECTIONS = ("maximize", "minimize")  # of gain and cost
WORST = Point(0.0, 1.0)  # what a failed trial is told to have reached, where none reached more
RANDOM_TRIALS = 5  # before the sampler learns


class Outcome(NamedTuple):
    """A trial that is over: its parameters; what it reached, without which it failed."""

    name: str
    parameters: dict[str, Any]
    point: Point | None


def make_distributions(space: Mapping[str, Mapping[str, Any]]) -> dict[str, BaseDistribution]:
    """The option `space` as Optuna takes it, in order of the names."""
    return {name: _make_distribution(dict(space[name])) for name in sorted(space)}


def _make_distribution(asked: dict[str, Any]) -> BaseDistribution:
    if asked["type"] == "categorical":
        return CategoricalDistribution(asked["choices"])
    made = {"float": FloatDistribution, "int": IntDistribution}[asked["type"]]
    return made(asked["low"], asked["high"], log=asked.get("log", False))


def ask(
    space: Mapping[str, Mapping[str, Any]],
    outcomes: Sequence[Outcome],
    count: int,
    *key: Any,
) -> list[dict[str, Any]]:
    """Parameters of the next `count` trials.

    `key` must differ from round to round: of one seed, a new sampler draws what the last one drew.
    TPE beat random search and NSGA-II, whose generations would be rounds of a handful, on toy
    studies (benchmarks/search_studies.py).
    """
    logging.getLogger("optuna").setLevel(logging.WARNING)  # a line for every trial otherwise
    sampler = optuna.samplers.TPESampler(
        seed=make_seed(*key), n_startup_trials=RANDOM_TRIALS, constant_liar=True
    )
    study = optuna.create_study(directions=DIRECTIONS, sampler=sampler)
    distributions = make_distributions(space)
    study.add_trials(replay(outcomes, distributions))
    return [dict(study.ask(distributions).params) for _ in range(count)]


def replay(
    outcomes: Sequence[Outcome], distributions: Mapping[str, BaseDistribution]
) -> list[optuna.trial.FrozenTrial]:
    """Trials as Optuna would have them; those outside of the space are left out.

    A failed one has the worst that any reached, and breaks a constraint of its own: left out, or
    told as failed, it would be asked for again.
    """
    reached = [one.point for one in outcomes if one.point]
    gain = min([point.gain for point in reached], default=WORST.gain)
    cost = max([point.cost for point in reached], default=WORST.cost)
    return [
        optuna.trial.create_trial(
            values=[one.point.gain, one.point.cost] if one.point else [gain, cost],
            params=one.parameters,
            distributions=dict(distributions),
            constraints={
                "limits": one.point.violation if one.point else 0.0,
                "failed": 0.0 if one.point else 1.0,
            },
        )
        for one in outcomes
        if is_inside(one.parameters, distributions)
    ]


def is_inside(parameters: Mapping[str, Any], distributions: Mapping[str, BaseDistribution]) -> bool:
    """Whether the search could have asked for these parameters."""
    return parameters.keys() == distributions.keys() and all(
        _contains(each, parameters[name]) for name, each in distributions.items()
    )


def _contains(distribution: BaseDistribution, value: Any) -> bool:
    if isinstance(distribution, CategoricalDistribution):
        return value in distribution.choices
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and distribution.low <= value <= distribution.high


def make_seed(*key: Any) -> int:
    """A seed that follows from these values alone, the same in every process."""
    text = "|".join(map(str, key)).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:4], "big")
