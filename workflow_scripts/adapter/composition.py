"""Several adapters at once, in numbers: which sets are drawn, and how much of each one is kept.

The attribute of an adapter is what it makes better than the base on its own dataset, alone at full
strength. Beside others it keeps a share of it: retention = (together - base) / (alone - base), of
the same prompts, seeds and noise. Where alone - base is not clear of 0, that would be a ratio of
noise: there is none.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from workflow_scripts.adapter.intervals import Sample, estimate_mean, estimate_ratio
from workflow_scripts.adapter.metrics import subtract
from workflow_scripts.adapter.score_rows import CLAIMS, NOTES

BESIDE = " + "  # between the names of the adapters beside one
Samples = dict[str, Sample]  # by score


def list_sets(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Each adapter alone, every pair, and all together."""
    sets = [tuple(one) for size in (1, 2) for one in combinations(names, size)]
    return sets + ([tuple(names)] if len(names) > 2 else [])


def find_gains(samples: Samples, base: Samples) -> Samples:
    """By how much each claim is better than with the base alone, image by image."""
    gains = {}
    for score in CLAIMS:  # further scores of an attribute: add them to what is measured, and here
        if score in samples and len(samples[score].values):
            pair = samples[score], base[score]
            gains[score] = subtract(*(pair if NOTES[score][0] == "up" else pair[::-1]))
    return gains


def make_rows(
    attribute: str, beside: Sequence[str], weight: float, together: Samples, alone: Samples
) -> list[dict[str, Any]]:
    """A row per score of an attribute: its gain in this set, and the share kept of that alone."""
    rows = []
    for score, gain in together.items():
        value, low, high, n, clusters = estimate_mean(gain)
        kept = estimate_ratio(gain, alone[score])
        rows.append(
            {
                "attribute": attribute,
                "score": score,
                "beside": BESIDE.join(beside),
                "weight": weight,
                "gain": value,
                "gain_low": low,
                "gain_high": high,
                "retention": kept.value,
                "low": kept.low,
                "high": kept.high,
                "n": n,
                "clusters": clusters,
                "change": float((gain.values - alone[score].values).mean()),
            }
        )
    return rows


def find_interference(rows: pd.DataFrame) -> list[str]:
    """Sentences on what is clearly lost beside one other adapter at full weight, worst first."""
    pairs = rows[rows["beside"].ne("") & ~rows["beside"].str.contains(BESIDE, regex=False)]
    pairs = pairs[pairs["weight"].eq(full_weight(rows)) & pairs["high"].lt(1)]
    return [
        f"{row.attribute} loses {1 - row.retention:.2f} beside {row.beside}"
        f" ({row.score.replace('_', ' ')}; {1 - row.high:.2f} to {1 - row.low:.2f})"
        for row in pairs.sort_values("retention").itertuples()
    ]


def full_weight(rows: pd.DataFrame) -> float:
    """The weight that comes nearest to 1."""
    weights = rows["weight"].unique()
    return float(weights[np.abs(weights - 1).argmin()])


def rank_predictor(
    rows: pd.DataFrame, cosines: Mapping[tuple[str, str], float], score: str = "heldout_loss"
) -> tuple[float, int]:
    """Spearman's correlation of the deltas' cosine with what a pair loses; and how many pairs.

    A pair loses what both of its adapters lose of their gains alone; nan for fewer than 3 pairs.
    """
    full = rows[rows["score"].eq(score) & rows["weight"].eq(full_weight(rows))]
    change = full.set_index(["attribute", "beside"])["change"]
    lost = {
        pair: -(change[pair] + change[pair[::-1]])
        for pair in cosines
        if pair in change.index and pair[::-1] in change.index
    }
    if len(lost) < 3:
        return np.nan, len(lost)
    return float(spearmanr([cosines[pair] for pair in lost], list(lost.values()))[0]), len(lost)
