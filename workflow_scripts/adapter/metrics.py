"""Figures about an adapter, from plain arrays: nearness, retrieval, diversity, drift, copies.

Every figure can be computed for the base and for control adapters as well, from the same prompts
and seeds: only the difference says something about the adapter. Images of one prompt resemble each
other, and so do those of one shot: such clusters go with the values (intervals.py).
"""

import math
from dataclasses import dataclass

import numpy as np

from workflow_scripts.adapter.intervals import Sample

STILL_COPIES = 0.05  # share of the film's own stills that may count as copies


@dataclass(frozen=True)
class Stills:
    """Vectors of length 1 of images of the film that drawn ones are compared with."""

    training: np.ndarray  # (T, D)
    held_out: np.ndarray  # (H, D)
    gallery: np.ndarray  # (G, D) of all characters of the film; (0, D) of other kinds
    is_own: np.ndarray  # (G,) whether it is the character of the adapter
    training_shots: np.ndarray  # (T,) numbers of their shots
    held_out_shots: np.ndarray  # (H,)

    @property
    def levels(self) -> np.ndarray:
        """Cosine of each still to the most similar training image of another shot."""
        vectors = np.concatenate([self.training, self.held_out])
        shots = np.concatenate([self.training_shots, self.held_out_shots])
        near = np.where(
            shots[:, None] == self.training_shots, -np.inf, vectors @ self.training.T
        ).max(1, initial=-np.inf)
        return near[np.isfinite(near)]

    @property
    def copy_limit(self) -> float:
        """What an image must be nearer than to count as a copy; nan with fewer than 19 stills."""
        return find_limit(self.levels)


def similarity(drawn: np.ndarray, references: np.ndarray) -> np.ndarray:
    """Mean cosine (N,) of each drawn image's vector to all references'; vectors have length 1."""
    return (drawn @ references.T).mean(1)


def nearest(drawn: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Cosine (N,) to the most similar training image."""
    return (drawn @ training.T).max(1)


def find_limit(levels: np.ndarray) -> float:
    """A limit that one more value of their kind exceeds with a chance of at most STILL_COPIES.

    As in split conformal prediction (Papadopoulos et al. 2002): the value of rank ceil(.95 (n + 1))
    of n, from the smallest on. Fewer than 19 have no such limit: nan.
    """
    rank = math.ceil((1 - STILL_COPIES) * (len(levels) + 1) - 1e-9)
    return float(np.sort(levels)[rank - 1]) if 0 < rank <= len(levels) else math.nan


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


def find_twins(vectors: np.ndarray, groups: np.ndarray, limit: float) -> np.ndarray:
    """True for each pair of images of different prompts that are nearer than `limit`."""
    first, second = np.triu_indices(len(vectors), 1)
    apart = groups[first] != groups[second]
    return (vectors[first[apart]] * vectors[second[apart]]).sum(1) > limit


def measure_copies(vectors: np.ndarray, prompts: np.ndarray, stills: Stills) -> dict[str, Sample]:
    """What is as near as copies are; nothing where there are too few stills to say what that is."""
    limit = stills.copy_limit
    if math.isnan(limit):
        return {}
    copied = nearest(vectors, stills.training) > limit
    numbers = np.unique(prompts)
    asked = np.array([copied[prompts == number].any() for number in numbers], float)
    twins = find_twins(vectors, prompts, limit).astype(float)
    return {
        "copy_risk": Sample(copied.astype(float), prompts),
        "copied_prompts": Sample(asked, numbers),
        "same_image": Sample(twins, np.zeros(len(twins), int)),  # pairs share images: no interval
    }


def measure_images(vectors: np.ndarray, prompts: np.ndarray, stills: Stills) -> dict[str, Sample]:
    """Every score of images (N, D) of what the dataset is about, drawn from these prompts (N,)."""
    figures = {}
    if len(stills.held_out):
        figures["similarity"] = similarity(vectors, stills.held_out)
    if has_others(stills):
        figures["retrieval"] = average_precision(vectors, stills.gallery, stills.is_own)
    figures["nearest_training"] = nearest(vectors, stills.training)
    samples = {name: Sample(values, prompts) for name, values in figures.items()}
    copies = measure_copies(vectors, prompts, stills)
    return samples | copies | {"diversity": diversity(vectors, prompts)}


def measure_drift(
    vectors: np.ndarray, base: np.ndarray, related: np.ndarray, prompts: np.ndarray
) -> Sample:
    """How far (cosine distance) images of unrelated prompts have moved from those of the base."""
    moved = 1 - (vectors[~related] * base[~related]).sum(1)
    return Sample(moved, prompts[~related])


def measure_overrun(
    vectors: np.ndarray, base: np.ndarray, related: np.ndarray, prompts: np.ndarray
) -> Sample:
    """By how much drift exceeds the distance of the base's own seeds, prompt by prompt.

    Above 0 an unrelated prompt no longer draws what it drew: another seed would change it less.
    """
    moved = measure_drift(vectors, base, related, prompts)
    apart = diversity(base[~related], prompts[~related])
    numbers = np.unique(apart.clusters)
    values = [
        moved.values[moved.clusters == one].mean() - apart.values[apart.clusters == one].mean()
        for one in numbers
    ]
    return Sample(np.array(values, float), numbers)


def measure_kept_prompts(
    vectors: np.ndarray, base: np.ndarray, related: np.ndarray, prompts: np.ndarray
) -> Sample:
    """How much nearer an unrelated image is to what the base draws for it than for other prompts.

    At 0 it no longer matters which of the unrelated prompts was asked.
    """
    numbers = prompts[~related]
    near = vectors[~related] @ base[~related].T
    same = numbers[:, None] == numbers
    if same.all():  # one prompt: there is no other
        return Sample(np.zeros(0), np.zeros(0, int))
    margins = (near * same).sum(1) / same.sum(1) - (near * ~same).sum(1) / (~same).sum(1)
    return Sample(margins, numbers)


def subtract(first: Sample, second: Sample) -> Sample:
    """Differences of two samples of the same prompts and seeds, or of the same images."""
    return Sample(first.values - second.values, first.clusters)
