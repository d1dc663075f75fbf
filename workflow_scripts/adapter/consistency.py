"""How much a character stays the same from drawing to drawing, so that no collapsed model wins.

The plain measure, how similar drawings are to each other, is best for a model that draws one image
for everything. Here a pair of drawings of different prompts of a scenario counts

    sameness x variety

sameness: how alike the two people are, on the scale of the film's reference images: 0 as two
different characters are on average, 1 as two images of one character are (more counts no more, -1
at worst). Where nobody is found it is 0.

variety: how unlike the two whole images are, on the scale of what the base draws for the same
prompts and seeds: 0 the same image, 1 as unlike as those of the base are on average (more counts no
more).

One image for everything has no variety: 0. Somebody else in each drawing has no sameness: 0 on
average. Only the same person in images that differ as their prompts do comes near 1.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, t

from workflow_scripts.adapter.intervals import CONFIDENCE, Estimate

LEAST = 1e-6  # a scale shorter than this is none


@dataclass(frozen=True)
class Levels:
    """Distances between reference images: of one character, and of it to the others."""

    same: float
    different: float

    @property
    def is_known(self) -> bool:
        """Whether the character's own images are nearer to each other than to the others'."""
        return bool(self.different - self.same > LEAST)


@dataclass(frozen=True)
class Pairs:
    """Values (N, N) of pairs of drawings; which of them count (N, N), and the clusters (N,)."""

    values: np.ndarray
    counts: np.ndarray
    clusters: np.ndarray


def find_levels(distances: np.ndarray, is_own: np.ndarray) -> Levels:
    """The scale of a character, by distances (G, G) of all reference images, its own `is_own`."""
    own = distances[np.ix_(is_own, is_own)][np.triu_indices(int(is_own.sum()), 1)]
    others = distances[np.ix_(is_own, ~is_own)]
    if not own.size or not others.size:
        return Levels(np.nan, np.nan)
    return Levels(float(own.mean()), float(others.mean()))


def pair_prompts(scenarios: np.ndarray, prompts: np.ndarray) -> np.ndarray:
    """Which pairs (N, N) of drawings are of one scenario and of different prompts."""
    return (scenarios[:, None] == scenarios) & (prompts[:, None] != prompts)


def measure_sameness(distances: np.ndarray, levels: Levels) -> np.ndarray:
    """Sameness (N, N) of the people of drawings; `distances` (N, N), nan where there is nobody."""
    scaled = (levels.different - distances) / (levels.different - levels.same)
    return np.nan_to_num(np.clip(scaled, -1, 1))


def measure_variety(
    distances: np.ndarray, of_base: np.ndarray, counts: np.ndarray, scenarios: np.ndarray
) -> np.ndarray:
    """Variety (N, N) of whole images, on the scale of the base's; nan where that has no variety.

    `distances` and `of_base` (N, N) are those of the same prompts and seeds; `counts` (N, N) says
    which pairs do, `scenarios` (N,) those whose base is asked.
    """
    usual = np.full(len(scenarios), np.nan)
    for name in np.unique(scenarios):
        members = scenarios == name
        pairs = counts & members[:, None] & members
        if pairs.any() and of_base[pairs].mean() > LEAST:
            usual[members] = of_base[pairs].mean()
    return np.minimum(distances / usual[:, None], 1)


def average_pairs(pairs: Pairs, *, resamples: int, rng: np.random.Generator) -> Estimate:
    """The mean of the pairs that count, with an interval that draws clusters, then members."""
    return compare_pairs(pairs, None, resamples=resamples, rng=rng)


def compare_pairs(
    first: Pairs, second: Pairs | None, *, resamples: int, rng: np.random.Generator
) -> Estimate:
    """mean(first) - mean(second) of pairs of the same prompts and seeds, with its interval."""
    both = [first] if second is None else [first, second]
    size, count = len(np.unique(first.clusters)), int(first.counts.any(1).sum())
    ones = np.ones((1, len(first.clusters)))
    value = float(_subtract([_average(pairs, ones) for pairs in both])[0])
    if size < 2 or not np.isfinite(value):
        return Estimate(value, np.nan, np.nan, count, size)
    weights = draw_counts(first.clusters, resamples, rng)
    means = _subtract([_average(pairs, weights) for pairs in both])
    means = means[np.isfinite(means)]  # a resample of one prompt alone has no pair
    return Estimate(value, *_find_interval(value, means, size), count, size)


def draw_counts(clusters: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """How often each item (N,) is there when clusters, then their members are drawn: (R, N)."""
    names, number = np.unique(clusters, return_inverse=True)
    taken = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), resamples)  # (R, C)
    counts = np.zeros((resamples, len(clusters)))
    for cluster in range(len(names)):
        members = np.flatnonzero(number == cluster)
        even = np.full(len(members), 1 / len(members))
        counts[:, members] = rng.multinomial(taken[:, cluster] * len(members), even)
    return counts


def _average(pairs: Pairs, weights: np.ndarray) -> np.ndarray:
    """Weighted means (R,) of the pairs that count; nan where none does."""
    values = np.where(pairs.counts, pairs.values, 0)
    counted = pairs.counts.astype(float)
    sums = np.einsum("rn,rn->r", weights @ values, weights)
    totals = np.einsum("rn,rn->r", weights @ counted, weights)
    return np.divide(sums, totals, out=np.full(len(weights), np.nan), where=totals > 0)


def _subtract(means: list[np.ndarray]) -> np.ndarray:
    return means[0] if len(means) == 1 else means[0] - means[1]


def _find_interval(value: float, means: np.ndarray, clusters: int) -> tuple[float, float]:
    """Percentiles of resampled means, farther apart the fewer clusters there are.

    A handful of clusters varies less than what it was drawn from. Student's t says by how much.
    """
    tail = (1 - CONFIDENCE) / 2
    stretch = float(t.ppf(1 - tail, clusters - 1) / norm.ppf(1 - tail))
    ends = np.percentile(means, [100 * tail, 100 * (1 - tail)])
    low, high = value + (ends - value) * stretch
    return float(low), float(high)
