"""Rows of scores.parquet: levels of the base, an adapter and its controls; margins of the adapter.

A level alone proves little: any training moves a loss, and any adapter of a film draws more of the
film. What is claimed of an adapter is a margin over a control, positive where it is better.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from workflow_scripts.adapter.metrics import (
    Estimate,
    Sample,
    Stills,
    average_precision,
    bootstrap_difference,
    bootstrap_mean,
    has_others,
    measure_drift,
    measure_images,
    nearest,
    subtract,
)
from workflow_scripts.adapter.prompts import Prompts
from workflow_scripts.adapter.trials import Trial
from workflow_scripts.lib.errors import CineloraError

OWN, BASE, FILM = "own", "base", "film"  # whose value it is, besides the names of controls
NOTES = {  # score: (better, what it says)
    "heldout_loss": ("down", "denoising loss on held-out images, fixed noise"),
    "train_loss": ("down", "the same on training images"),
    "overfit_gap": ("down", "how much more the loss fell on training images: what was memorized"),
    "similarity": ("up", "cosine of drawn images to held-out ones"),
    "retrieval": ("up", "average precision: the character's images before those of the others"),
    "copy_risk": ("down", "share of drawn images nearer to a training image than film stills"),
    "nearest_training": ("none", "cosine to the nearest training image"),
    "diversity": ("up", "cosine distance between seeds of one prompt"),
    "drift": ("down", "cosine distance from the base's image on unrelated prompts"),
    "pixel_change": ("none", "mean change of an image against the base, 0 to 1"),
    "change_at_strength_0": ("down", "largest change of a pixel at strength 0; must be 0"),
}
CLAIMS = ("heldout_loss", "similarity", "retrieval")  # of which there are margins over controls
OVER_BASE = (*CLAIMS, "train_loss")
SHARES = ("retrieval", "copy_risk")  # between 0 and 1, and so are the ends of their intervals

Embed = Callable[[list[np.ndarray]], np.ndarray]
Trials = dict[float | None, Trial]  # by strength; None: without the adapter
Samples = dict[float | None, dict[str, Sample]]  # the same; by name of the score


@dataclass(frozen=True)
class Judge:
    """What the trials of one dataset are scored with."""

    prompts: Prompts
    stills: Stills
    embed: Embed  # images (N, H, W, 3) -> vectors (N, D) of length 1
    shots: dict[str, np.ndarray]  # by name of a loss: number of the shot of each of its images
    resampling: dict[str, Any]

    def measure(self, trial: Trial) -> tuple[dict[str, Sample], np.ndarray]:
        """Every score of a trial but those against the base; and the vectors of its images."""
        known = np.flatnonzero(self.prompts.related)  # which come first
        vectors = self.embed(list(trial.images))
        losses = {name: Sample(values, self.shots[name]) for name, values in trial.losses.items()}
        drawn = measure_images(vectors[known], self.prompts.groups[known], self.stills)
        return losses | drawn, vectors


def score_adapter(judge: Judge, trials: Trials) -> tuple[list[dict], Samples]:
    """Rows on the base and on the adapter at every strength; and what they are means of."""
    options, groups, related = judge.resampling, judge.prompts.groups, judge.prompts.related
    zero, changes = measure_changes(trials, groups)
    base, plain = judge.measure(trials[None])
    rows = [make_row("change_at_strength_0", zero, OWN, 0.0)]
    rows += list_levels(base, BASE, 0.0, options)
    samples: Samples = {None: base}
    for strength, changed in changes.items():
        own, vectors = judge.measure(trials[strength])
        drift = measure_drift(vectors, plain, related, groups)
        samples[strength] = own | {"drift": drift, "pixel_change": changed}
        rows += list_levels(samples[strength], OWN, strength, options)
        rows += list_gaps(own, base, strength, options)
        rows += list_margins(own, base, BASE, strength, options)
    rows += list_film_levels(judge)
    return rows, samples


def score_control(
    judge: Judge, name: str, trial: Trial, own: dict[str, Sample], strength: float
) -> tuple[list[dict], dict[str, Sample]]:
    """Rows on a control, and on the margins of the adapter, whose samples are `own`, over it; and
    what they are means of."""
    samples, _ = judge.measure(trial)
    levels = list_levels(samples, name, strength, judge.resampling)
    return levels + list_margins(own, samples, name, strength, judge.resampling), samples


def make_row(
    score: str, estimate: Estimate, adapter: str = OWN, strength: float = np.nan, over: str = ""
) -> dict[str, Any]:
    """One row of the table; of a margin, `over` says whose value was taken away."""
    better, note = NOTES[score]
    value, low, high, n, clusters = estimate
    if score in SHARES and not over:
        low, high = (float(np.clip(end, 0, 1)) for end in (low, high))
    return {
        "score": score,
        "adapter": adapter,
        "strength": strength,
        "over": over,
        "value": value,
        "low": low,
        "high": high,
        "n": n,
        "clusters": clusters,
        "better": "up" if over else better,
        "note": f"margin over {over}; {note}" if over else note,
    }


def list_levels(
    samples: dict[str, Sample], adapter: str, strength: float, resampling: dict[str, Any]
) -> list[dict]:
    """A row for each score of one adapter at one strength."""
    estimates = {name: bootstrap_mean(sample, **resampling) for name, sample in samples.items()}
    return [make_row(name, found, adapter, strength) for name, found in estimates.items()]


def list_margins(
    own: dict[str, Sample],
    other: dict[str, Sample],
    over: str,
    strength: float,
    resampling: dict[str, Any],
) -> list[dict]:
    """A row for each claim: by how much the adapter is better, image by image."""
    rows = []
    for name in OVER_BASE if over == BASE else CLAIMS:
        if name in own and name in other:
            pair = (own[name], other[name]) if NOTES[name][0] == "up" else (other[name], own[name])
            margin = bootstrap_mean(subtract(*pair), **resampling)
            rows.append(make_row(name, margin, OWN, strength, over))
    return rows


def list_gaps(
    own: dict[str, Sample], base: dict[str, Sample], strength: float, resampling: dict[str, Any]
) -> list[dict]:
    """How much more the loss fell on training images than on held-out ones."""
    fell = [subtract(base[name], own[name]) for name in ("train_loss", "heldout_loss")]
    return [make_row("overfit_gap", bootstrap_difference(*fell, **resampling), OWN, strength)]


def list_film_levels(judge: Judge) -> list[dict]:
    """What held-out images of the film reach themselves, where there are any: no more is asked."""
    stills, shots = judge.stills, judge.shots["heldout_loss"]
    if not len(stills.held_out):
        return []
    samples = {"nearest_training": Sample(nearest(stills.held_out, stills.training), shots)}
    if has_others(stills):
        found = average_precision(stills.held_out, stills.gallery, stills.is_own)
        samples["retrieval"] = Sample(found, shots)
    return list_levels(samples, FILM, np.nan, judge.resampling)


def measure_changes(trials: Trials, groups: np.ndarray) -> tuple[Estimate, dict[float, Sample]]:
    """The largest change of a pixel at strength 0; the change of each image at other strengths.

    An adapter that changes nothing at full strength was not loaded.
    """
    plain = trials[None].images.astype(float) / 255
    first = trials[0.0].images.astype(float) / 255
    largest = float(np.abs(first - plain[: len(first)]).max())
    changes = {}
    for strength in filter(None, trials):
        change = np.abs(trials[strength].images.astype(float) / 255 - plain).mean((1, 2, 3))
        changes[strength] = Sample(change, groups)
        if strength >= 1 and not change.any():
            raise CineloraError(
                f"at strength {strength} the adapter changes no pixel of {len(plain)} images.\n"
                "  Its weights are 0 or do not reach the base model: train it for more steps."
            )
    return Estimate(largest, np.nan, np.nan, len(first), len(set(groups[: len(first)]))), changes
