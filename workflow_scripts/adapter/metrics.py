"""Figures about an adapter, from plain arrays: means with intervals, nearness, drift, copies.

Every figure can be computed for the base and for control adapters as well, from the same prompts
and seeds: only the difference says something about the adapter. Images of one prompt resemble each
other, and so do those of one shot: intervals resample such clusters first, then what is in them.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.stats import norm, t

CONFIDENCE = 0.95  # of the intervals
COPY_PERCENTILE = 95  # of the held-out images' own nearness to the training images
DRAWN_AT_ONCE = 10**6  # values; bounds the memory of a bootstrap


class Estimate(NamedTuple):
    """A mean, its 95 % interval, and behind it: how many values, in how many clusters."""

    value: float
    low: float
    high: float
    n: int
    clusters: int


class Sample(NamedTuple):
    """Single values (N,) of a score, and the number (N,) of the prompt or shot of each."""

    values: np.ndarray
    clusters: np.ndarray


@dataclass(frozen=True)
class Stills:
    """Vectors of length 1 of images of the film that drawn ones are compared with."""

    training: np.ndarray  # (T, D)
    held_out: np.ndarray  # (H, D)
    gallery: np.ndarray  # (G, D) of all characters of the film; (0, D) of other kinds
    is_own: np.ndarray  # (G,) whether it is the character of the adapter


def bootstrap_mean(sample: Sample, *, resamples: int, rng: np.random.Generator) -> Estimate:
    """The mean and its interval, which takes two clusters."""
    count, size = len(sample.values), len(np.unique(sample.clusters))
    mean = float(sample.values.mean()) if count else np.nan
    if size < 2:
        return Estimate(mean, np.nan, np.nan, count, size)
    means = resample_means(sample, resamples, rng)
    return Estimate(mean, *find_interval(mean, means, size), count, size)


def bootstrap_difference(
    first: Sample, second: Sample, *, resamples: int, rng: np.random.Generator
) -> Estimate:
    """mean(first) - mean(second) of two unpaired samples, with its interval."""
    samples = first, second
    count = min(len(sample.values) for sample in samples)
    size = min(len(np.unique(sample.clusters)) for sample in samples)
    if not count:
        return Estimate(np.nan, np.nan, np.nan, count, size)
    difference = float(first.values.mean() - second.values.mean())
    if size < 2:
        return Estimate(difference, np.nan, np.nan, count, size)
    means = [resample_means(sample, resamples, rng) for sample in samples]
    return Estimate(difference, *find_interval(difference, means[0] - means[1], size), count, size)


def resample_means(sample: Sample, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Means (resamples,) of values whose clusters, then the members of each, were drawn anew."""
    _, number, sizes = np.unique(sample.clusters, return_inverse=True, return_counts=True)
    members = sample.values[np.argsort(number, kind="stable")]  # cluster after cluster
    starts = np.cumsum(sizes) - sizes
    at_once = max(1, DRAWN_AT_ONCE // (len(sizes) * int(sizes.max())))
    means = []
    for start in range(0, resamples, at_once):
        drawn = rng.integers(0, len(sizes), (min(at_once, resamples - start), len(sizes)))
        counts = sizes[drawn][..., None]  # (resamples, clusters, 1)
        places = (rng.random((*drawn.shape, sizes.max())) * counts).astype(int)
        taken = np.arange(sizes.max()) < counts  # as many of a cluster as it has
        found = members[np.where(taken, starts[drawn][..., None] + places, 0)]
        means.append((found * taken).sum((1, 2)) / taken.sum((1, 2)))
    return np.concatenate(means)


def find_interval(value: float, means: np.ndarray, clusters: int) -> tuple[float, float]:
    """Percentiles of resampled means, farther apart the fewer clusters there are.

    A handful of clusters varies less than what it was drawn from: of three prompts, plain
    percentiles hold the truth 83 times in 100, not 95. Student's t says by how much.
    """
    tail = (1 - CONFIDENCE) / 2
    stretch = float(t.ppf(1 - tail, clusters - 1) / norm.ppf(1 - tail))
    ends = np.percentile(means, [100 * tail, 100 * (1 - tail)])
    low, high = value + (ends - value) * stretch
    return float(low), float(high)


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


def average_precision(drawn: np.ndarray, gallery: np.ndarray, is_own: np.ndarray) -> np.ndarray:
    """How far ahead (N,) the own images of a gallery come, most similar first: 1 is before all.

    `is_own` (G,) tells the images of the right character from those of the film's others.
    """
    return rank_precision(drawn @ gallery.T, is_own)


def rank_precision(similarities: np.ndarray, is_own: np.ndarray) -> np.ndarray:
    """The same from similarities (N, G) to the images of the gallery."""
    ranked = is_own[np.argsort(-similarities, axis=1, kind="stable")]  # (N, G)
    precision = ranked.cumsum(1) / np.arange(1, ranked.shape[1] + 1)
    return (precision * ranked).sum(1) / is_own.sum()


def has_others(stills: Stills) -> bool:
    """Whether there are images of the character, and of somebody to be taken for."""
    return bool(stills.is_own.any() and not stills.is_own.all())


def diversity(vectors: np.ndarray, groups: np.ndarray) -> Sample:
    """Cosine distance of each pair of images drawn for one prompt with different seeds."""
    distances, pairs_of = [np.zeros(0)], [np.zeros(0, int)]
    for group in np.unique(groups):
        members = vectors[groups == group]
        pairs = np.triu_indices(len(members), 1)
        distances.append(1 - (members @ members.T)[pairs])
        pairs_of.append(np.full(len(pairs[0]), group))
    return Sample(np.concatenate(distances), np.concatenate(pairs_of))


def measure_images(vectors: np.ndarray, prompts: np.ndarray, stills: Stills) -> dict[str, Sample]:
    """Every score of images (N, D) of what the dataset is about, drawn from these prompts (N,)."""
    figures = {}
    if len(stills.held_out):
        figures["similarity"] = similarity(vectors, stills.held_out)
        copies = find_copies(vectors, stills.training, stills.held_out)
        figures["copy_risk"] = copies.astype(float)
    if has_others(stills):
        figures["retrieval"] = average_precision(vectors, stills.gallery, stills.is_own)
    figures["nearest_training"] = nearest(vectors, stills.training)
    samples = {name: Sample(values, prompts) for name, values in figures.items()}
    return samples | {"diversity": diversity(vectors, prompts)}


def measure_drift(
    vectors: np.ndarray, base: np.ndarray, related: np.ndarray, prompts: np.ndarray
) -> Sample:
    """How far (cosine distance) images of unrelated prompts have moved from those of the base."""
    moved = 1 - (vectors[~related] * base[~related]).sum(1)
    return Sample(moved, prompts[~related])


def subtract(first: Sample, second: Sample) -> Sample:
    """Differences of two samples of the same prompts and seeds, or of the same images."""
    return Sample(first.values - second.values, first.clusters)
