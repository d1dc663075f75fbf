"""What a trial of a search has reached, read from the scores of its adapter."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from workflow_scripts.adapter.finished import read_trained
from workflow_scripts.adapter.fronts import Point
from workflow_scripts.adapter.trial_file import Trial, read_trial
from workflow_scripts.adapter.trials import nearest_to_full
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.manifest import read_manifest

CHOSEN = "chosen"  # the adapter with the settings that the search starts from
IDENTITY, LOSS = "identity_margin", "heldout_loss_margin"  # what a search wants to be large
COLUMNS = ["score", "adapter", "strength", "over", "value"]


class Limits(NamedTuple):
    """What a trial must keep to be on the front."""

    max_copy_risk: float
    min_diversity: float  # in diversities of the base


class Result(NamedTuple):
    """A trial that is over. What could not be measured is nan; `failed` says why nothing was."""

    trial: Trial
    failed: str = ""
    gain: float = math.nan
    drift: float = math.nan
    copy_risk: float = math.nan
    diversity: float = math.nan  # in diversities of the base
    steps: int = 0  # of the weights that became the adapter

    def break_limits(self, limits: Limits) -> dict[str, float]:
        """By how much the trial is above or below its limits; what is not known breaks none."""
        over = {
            "copy_risk": self.copy_risk - limits.max_copy_risk,
            "diversity": limits.min_diversity - self.diversity,
        }
        return {name: by for name, by in over.items() if by > 0}

    def locate(self, limits: Limits) -> Point | None:
        """As a point of the search; None of a trial that failed."""
        if self.failed:
            return None
        return Point(self.gain, self.drift, sum(self.break_limits(limits).values()))


class Measure(NamedTuple):
    """What a search wants to be large, and from what it is measured."""

    name: str
    level: float  # that of the other subject, the same for all trials; 0 of a loss margin


def choose_measure(scores: pd.DataFrame) -> Measure:
    """The identity margin over the other subject, else that of the held-out loss over the base.

    `scores` are those of the chosen settings. Trials have no other subject of their own, which
    would double the search: all are compared with that of the chosen settings, from the same
    prompts and seeds. The order of the trials is that of their retrieval.
    """
    level = find_level(scores, "retrieval", "other_subject")
    if not math.isnan(level):
        return Measure(IDENTITY, level)
    if math.isnan(find_level(scores, "heldout_loss", "own", "base")):
        raise CineloraError(
            "there is nothing to search by: neither another character that it is told from, nor\n"
            "  held-out images. Raise select_images.held_out_share, or name more characters."
        )
    return Measure(LOSS, 0.0)


def find_level(scores: pd.DataFrame, score: str, adapter: str = "own", over: str = "") -> float:
    """A value of scores.parquet, at the strength nearest to full; nan where there is none."""
    rows = scores[(scores["score"] == score) & (scores["adapter"] == adapter)]
    rows = rows[(rows["over"] == over) & rows["value"].notna()]
    if rows.empty:
        return math.nan
    full = nearest_to_full(sorted(rows["strength"]))
    return float(rows.loc[rows["strength"] == full, "value"].iloc[0])


def read_scores(path: str) -> pd.DataFrame:
    """The columns of scores.parquet that a search reads."""
    return read_manifest(path, COLUMNS)


def read_results(
    asked: Sequence[str], trained: Sequence[str], scores: Sequence[str], measure: Measure
) -> list[Result]:
    """Results of trials, in the order in which these files are given."""
    rows = zip(map(read_trial, asked), map(read_trained, trained), scores, strict=True)
    return [judge_trial(trial, facts, read_scores(path), measure) for trial, facts, path in rows]


def read_chosen(settings: str, scores: str, space: Mapping[str, Any], measure: Measure) -> Result:
    """The adapter with the chosen settings, as if it were a trial."""
    trained = read_trained(settings)
    known = trained.get("settings", {})
    own = {name: known[name] for name in sorted(space) if name in known}
    return judge_trial(Trial(CHOSEN, own), trained, read_scores(scores), measure)


def judge_trial(
    trial: Trial, trained: Mapping[str, Any], scores: pd.DataFrame, measure: Measure
) -> Result:
    """What a trial has reached; `trained` is the settings.yaml of its adapter."""
    if trained.get("empty"):
        return Result(trial, trained["empty"])
    gain = find_level(scores, "retrieval") - measure.level
    if measure.name == LOSS:
        gain = find_level(scores, "heldout_loss", "own", "base")
    drift = find_level(scores, "drift")
    if not (math.isfinite(gain) and math.isfinite(drift)):
        return Result(trial, f"{measure.name} or drift could not be measured")
    base = find_level(scores, "diversity", "base")
    share = find_level(scores, "diversity") / base if base > 0 else math.nan
    return Result(
        trial, "", gain, drift, find_level(scores, "copy_risk"), share, int(trained["steps"])
    )
