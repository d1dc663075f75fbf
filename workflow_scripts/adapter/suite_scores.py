"""Scores of a suite: what was asked and came, who is recognized, whether they stay the same.

A level says what one adapter does; what is claimed of the adapter is a margin, prompt by prompt and
seed by seed, over the base and over its controls.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts.adapter.consistency import Pairs, average_pairs, compare_pairs
from workflow_scripts.adapter.intervals import Estimate, Sample, estimate_mean
from workflow_scripts.adapter.metrics import subtract
from workflow_scripts.adapter.still_words import UNKNOWN
from workflow_scripts.adapter.suites import ASKED

ALL = "all"  # scenarios together
OWN, BASE = "own", "base"
NOTES = {  # score: what it says; 1 is best
    "asked": "share of what a drawing was asked to show that came; unknown is not right",
    "people_found": "share of the drawings that ask for people in which somebody is found",
    "recognized": "share of drawings in which somebody is most like this character's references",
    "retrieval": "average precision of the most similar person, where somebody is found",
    "consistency": "sameness of the character times variety of the images, over pairs of prompts",
    "variety": "how unlike images of different prompts are, beside the base's; 1: as unlike",
}
CLAIMS = ("asked", "recognized", "retrieval", "consistency")  # of which there are margins
KEYS = ["scenario", "prompt_no", "seed"]
TOOL = ["adapter", "step", "strength"]


@dataclass(frozen=True)
class Judged:
    """The drawings of one adapter in one scenario, or in all, in the order of KEYS."""

    rows: pd.DataFrame  # asked_*, found_*, right_*, recognized, retrieval
    sameness: np.ndarray  # (N, N); nan where it is not known
    variety: np.ndarray  # (N, N)
    counts: np.ndarray  # (N, N) which pairs are of different prompts of one scenario

    @property
    def prompts(self) -> np.ndarray:
        """Number (N,) of the prompt of each drawing."""
        return self.rows.groupby(["scenario", "prompt_no"], sort=True).ngroup().to_numpy()

    def take(self, scenario: str) -> "Judged":
        """What is of one scenario."""
        members = np.flatnonzero(self.rows["scenario"] == scenario)
        square = np.ix_(members, members)
        parts = (each[square] for each in (self.sameness, self.variety, self.counts))
        return Judged(self.rows.iloc[members], *parts)

    def pair(self, values: np.ndarray) -> Pairs:
        """Pairs of drawings, without those of which nothing is known."""
        return Pairs(values, self.counts & np.isfinite(values), self.prompts)


def judge_asked(rows: pd.DataFrame) -> pd.DataFrame:
    """Columns right_*: 1 what was asked came, 0 it did not, or is unknown; nan: not asked."""
    right = {
        f"right_{name}": (rows[f"asked_{name}"] == rows[f"found_{name}"])
        .astype(float)
        .where(rows[f"asked_{name}"].notna())
        for name in ASKED
    }
    return rows.assign(**right)


def score_all(judged: dict[tuple, Judged], resampling: dict[str, Any]) -> list[dict]:
    """Every row of the table; `judged` by adapter, step and strength, all of the same prompts."""
    rows: list[dict] = []
    for tool, all_of_it in judged.items():
        for scenario, part in _take_scenarios(all_of_it):
            head = dict(zip(TOOL, tool, strict=True)) | {"scenario": scenario}
            rows += [head | row for row in list_levels(part, resampling)]
    for tool, other in _list_comparisons(judged):
        for scenario, part in _take_scenarios(judged[tool]):
            against = judged[other] if scenario == ALL else judged[other].take(scenario)
            head = dict(zip(TOOL, tool, strict=True)) | {"scenario": scenario}
            margins = list_margins(part, against, resampling)
            rows += [head | row | {"over": other[0]} for row in margins]
    return rows


def _take_scenarios(judged: Judged) -> Iterator[tuple[str, Judged]]:
    for name in dict.fromkeys(judged.rows["scenario"]):
        yield name, judged.take(name)
    yield ALL, judged


def _list_comparisons(judged: dict[tuple, Judged]) -> Iterator[tuple[tuple, tuple]]:
    """The adapter itself at each strength, with the base and with every other adapter."""
    own = [tool for tool in judged if tool[0] == OWN and tool[1] is None]
    others = [tool for tool in judged if tool[0] != OWN]
    return ((one, other) for one in own for other in others)


def list_levels(judged: Judged, resampling: dict[str, Any]) -> list[dict]:
    """A row for each score of one adapter."""
    facts = list_facts(judged)
    rows = [_make_row("asked", estimate_mean(share_asked(judged)), _count(facts))]
    for name, own in facts.groupby("attribute", sort=False):
        found = estimate_mean(_sample(own))
        rows.append(_make_row(f"asked.{name}", found, _count(own)))
    samples = _list_samples(judged)
    rows += [_make_row(name, estimate_mean(s)) for name, s in samples.items()]
    for name, values in _list_pairs(judged).items():
        rows.append(_make_row(name, average_pairs(judged.pair(values), **resampling)))
    return [_clip(row) for row in rows if row["n"]]


def _clip(row: dict[str, Any]) -> dict[str, Any]:
    """The ends of a share's interval stay between 0 and 1; consistency is no share."""
    if row["score"] == "consistency":
        return row
    return row | {end: float(np.clip(row[end], 0, 1)) for end in ("low", "high")}


def list_margins(own: Judged, other: Judged, resampling: dict[str, Any]) -> list[dict]:
    """By how much the adapter is better than another, drawing by drawing."""
    shares = [share_asked(one) for one in (own, other)]
    rows = [_make_row("asked", estimate_mean(subtract(*shares)))]
    samples = [_list_samples(one) for one in (own, other)]
    for name in ("recognized", "retrieval"):
        if all(name in each for each in samples):
            pair = [_fill(one, name) for one in (own, other)]
            known = np.isfinite(pair[0]) & np.isfinite(pair[1])
            sample = Sample((pair[0] - pair[1])[known], own.prompts[known])
            rows.append(_make_row(name, estimate_mean(sample)))
    pairs = [one.pair(one.sameness * one.variety) for one in (own, other)]
    rows.append(_make_row("consistency", compare_pairs(*pairs, **resampling)))
    return [row for row in rows if row["n"]]


def share_asked(judged: Judged) -> Sample:
    """Of each drawing the share of what was asked that came; every drawing asks something."""
    right = judged.rows[[f"right_{name}" for name in ASKED]].to_numpy(float)
    return Sample(np.nanmean(right, axis=1), judged.prompts)


def list_facts(judged: Judged) -> pd.DataFrame:
    """A row for each thing that a drawing was asked to show: attribute, right, unknown, prompt."""
    parts = []
    for name in ASKED:
        right = judged.rows[f"right_{name}"].to_numpy(float)
        members = np.flatnonzero(np.isfinite(right))
        found = judged.rows[f"found_{name}"].to_numpy()[members]
        facts = {"right": right[members], "unknown": found == UNKNOWN}
        parts.append(pd.DataFrame(facts | {"prompt": judged.prompts[members], "attribute": name}))
    return pd.concat(parts, ignore_index=True)


def _sample(facts: pd.DataFrame) -> Sample:
    return Sample(facts["right"].to_numpy(float), facts["prompt"].to_numpy())


def _count(facts: pd.DataFrame) -> int:
    return int(facts["unknown"].sum())


def _list_samples(judged: Judged) -> dict[str, Sample]:
    """Scores of single drawings, of those that have one."""
    asks = judged.rows["asked_people"].fillna("0").ne("0").to_numpy()
    found = judged.rows["found_people"].ne("0").to_numpy(float)
    samples = {"people_found": Sample(found[asks], judged.prompts[asks])}
    for name in ("recognized", "retrieval"):
        values = _fill(judged, name)
        known = np.isfinite(values)
        samples[name] = Sample(values[known], judged.prompts[known])
    return {name: sample for name, sample in samples.items() if len(sample.values)}


def _fill(judged: Judged, name: str) -> np.ndarray:
    return judged.rows[name].to_numpy(float)


def _list_pairs(judged: Judged) -> dict[str, np.ndarray]:
    return {"consistency": judged.sameness * judged.variety, "variety": judged.variety}


def _make_row(score: str, estimate: Estimate, unknown: int = 0) -> dict[str, Any]:
    value, low, high, n, clusters = estimate
    note = NOTES[score.partition(".")[0]]
    return {
        "over": "",
        "score": score,
        "value": value,
        "low": low,
        "high": high,
        "n": n,
        "clusters": clusters,
        "unknown": unknown,
        "note": note,
    }
