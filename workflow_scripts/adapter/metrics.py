"""Figures about an adapter, from plain arrays: means with intervals, nearness, drift, copies.

Every figure can be computed for the base as well, from the same seeds: only the difference says
something about the adapter.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.stats import bootstrap

CONFIDENCE = 0.95  # of the intervals
COPY_PERCENTILE = 95  # of the held-out images' own nearness to the training images


def bootstrap_mean(
    values: np.ndarray, *, resamples: int, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Mean of (N,) and the 95 % interval of it; an interval needs two values."""
    values = np.asarray(values, float)
    if len(values) < 2:
        return (float(values.mean()) if len(values) else np.nan), np.nan, np.nan
    return float(values.mean()), *_find_interval((values,), np.mean, resamples, rng)


def bootstrap_difference(
    first: np.ndarray, second: np.ndarray, *, resamples: int, rng: np.random.Generator
) -> tuple[float, float, float]:
    """mean(first) - mean(second) of two unpaired sets, with its 95 % interval."""
    if min(len(first), len(second)) < 2:
        return np.nan, np.nan, np.nan
    sets = np.asarray(first, float), np.asarray(second, float)
    return subtract_means(*sets), *_find_interval(sets, subtract_means, resamples, rng)


def subtract_means(first: np.ndarray, second: np.ndarray, axis: int = -1) -> np.ndarray:
    """mean(first) - mean(second) along an axis."""
    return first.mean(axis) - second.mean(axis)


def _find_interval(
    sets: Sequence[np.ndarray], statistic: Callable, resamples: int, rng: np.random.Generator
) -> tuple[float, float]:
    """The percentile interval of a statistic of (N,) sets, each resampled by itself."""
    found = bootstrap(
        sets,
        statistic,
        n_resamples=resamples,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=rng,
    )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def similarity(drawn: np.ndarray, references: np.ndarray) -> np.ndarray:
    """Mean cosine (N,) of each drawn image's vector to all references'; vectors have length 1."""
    return (drawn @ references.T).mean(1)


def nearest(drawn: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Cosine (N,) to the most similar training image."""
    return (drawn @ training.T).max(1)


def find_copies(drawn: np.ndarray, training: np.ndarray, held_out: np.ndarray) -> np.ndarray:
    """True (N,) where a drawn image is nearer to a training image than film stills are.

    The measure is the film itself: 95 % of its held-out images are less near than that.
    """
    limit = np.percentile(nearest(held_out, training), COPY_PERCENTILE)
    return nearest(drawn, training) > limit


def diversity(vectors: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Cosine distance of each pair of images drawn for one prompt with different seeds."""
    distances: list[np.ndarray] = []
    for group in np.unique(groups):
        members = vectors[groups == group]
        pairs = np.triu_indices(len(members), 1)
        distances.append(1 - (members @ members.T)[pairs])
    return np.concatenate(distances) if distances else np.zeros(0)


def measure_images(
    vectors: np.ndarray,
    base: np.ndarray,
    related: np.ndarray,
    prompts: np.ndarray,
    training: np.ndarray,
    held_out: np.ndarray,
) -> dict[str, np.ndarray]:
    """Every score of one set of drawn images as single values, ready for a mean.

    `vectors` and `base` (N, D) are drawn from the same prompts and seeds, with and without the
    adapter; `related` (N,) is False for prompts that have nothing to do with the dataset.
    """
    figures: dict[str, np.ndarray] = {}
    if len(held_out):
        now, before = similarity(vectors[related], held_out), similarity(base[related], held_out)
        figures |= {"similarity": now, "similarity_gain": now - before}
        copies = find_copies(vectors[related], training, held_out)
        figures["copy_risk"] = copies.astype(float)
    figures["nearest_training"] = nearest(vectors[related], training)
    figures["diversity"] = diversity(vectors[related], prompts[related])
    figures["drift"] = 1 - (vectors[~related] * base[~related]).sum(1)
    return figures
