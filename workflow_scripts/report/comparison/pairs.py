"""Which adapters can be compared value by value, and what of it is significant."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from workflow_scripts.adapter.intervals import Sample, estimate_mean
from workflow_scripts.report.comparison.evaluations import Evaluation

BETTER, WORSE, UNDECIDED, TOO_FEW = "better", "worse", "undecided", "too few to say"
VERDICTS = (BETTER, WORSE, UNDECIDED, TOO_FEW)
KEYS = ["subject", "seeds"]  # of a value, within a score: what pairs agree in


class Difference(NamedTuple):
    """By how much one adapter is better than another in a score, and its 95 % interval."""

    score: str
    value: float  # positive: better
    low: float  # null with fewer than two clusters
    high: float
    n: int  # pairs
    clusters: int  # prompts, or of losses shots

    @property
    def verdict(self) -> str:
        if np.isnan(self.low):
            return TOO_FEW
        return BETTER if self.low > 0 else WORSE if self.high < 0 else UNDECIDED


def group_evaluations(evaluations: Sequence[Evaluation]) -> list[list[Evaluation]]:
    """Those whose values are pairs stand together, in the order given; empty ones by dataset."""
    groups: dict[tuple, list[Evaluation]] = {}
    for one in evaluations:
        key = (one.film, one.dataset) if one.empty else tuple(one.conditions.values())
        groups.setdefault(key, []).append(one)
    return list(groups.values())


def explain_apart(one: Evaluation, other: Evaluation) -> str:
    """In what two evaluations differ, so that they are not compared: "prompts or seeds"."""
    mine, its = one.conditions, other.conditions
    return ", ".join(name for name in mine if mine[name] != its[name])


def find_directions(scores: pd.DataFrame) -> dict[str, str]:
    """Score -> up or down, of those in which more or less is better."""
    levels = scores[(scores["over"] == "") & scores["better"].isin(["up", "down"])]
    return dict(zip(levels["score"], levels["better"], strict=True))


def compare(
    own: pd.DataFrame, other: pd.DataFrame, directions: Mapping[str, str]
) -> list[Difference]:
    """By how much `own` is better than `other`, score by score; rows as in values.parquet.

    Both were measured on the same prompts with the same seeds, or on the same images: the interval
    is that of their differences, which are clustered by prompts, of losses by shots.
    """
    found = []
    for score, better in directions.items():
        mine, its = (rows.loc[rows["score"] == score] for rows in (own, other))
        pairs = mine.merge(its, on=KEYS, suffixes=("", "_other"), validate="one_to_one")
        if not len(pairs):
            continue
        gain = (pairs["value"] - pairs["value_other"]).to_numpy() * (1 if better == "up" else -1)
        sample = Sample(gain, pairs["cluster"].to_numpy())
        found.append(Difference(score, *estimate_mean(sample)))
    return found


def select_values(evaluation: Evaluation, adapter: str, strength: float) -> pd.DataFrame:
    """The values of one adapter of an evaluation at one strength."""
    rows = evaluation.values
    return rows[(rows["adapter"] == adapter) & (rows["strength"] == strength)]
