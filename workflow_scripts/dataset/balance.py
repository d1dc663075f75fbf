"""Balance over categories: the share that each should have, and repeats for what is rare."""

import numpy as np
import pandas as pd


def target_shares(categories: pd.Series, wanted: dict[str, float]) -> pd.Series:
    """Share that each category present should have, by name: as wanted, else equal; sums to 1."""
    names = sorted(categories.unique())
    shares = pd.Series({name: float(wanted.get(name, 0) if wanted else 1) for name in names})
    shares[shares <= 0] = shares[shares > 0].min() if (shares > 0).any() else 1.0
    return shares / shares.sum()


def count_repeats(categories: pd.Series, shares: pd.Series, max_repeats: int) -> dict[str, int]:
    """How often each category's images are seen in an epoch, so that sums come near the shares.

    `categories` are those of the training images. Every scale at which some category's repeats
    change is tried; an epoch that is longer must be worth it.
    """
    counts = categories.value_counts()
    if counts.empty:
        return {}
    wanted = shares.reindex(counts.index).fillna(0) + 1e-9
    wanted = (wanted / wanted.sum()).to_numpy()
    images = counts.to_numpy()
    scales = np.outer(np.arange(1, max_repeats + 1) - 0.5, images / wanted).ravel()
    choices = [
        np.clip(np.floor(scale * wanted / images + 0.5), 1, max_repeats).astype(int)
        for scale in [0.0, *np.sort(scales * (1 + 1e-9))]
    ]
    best = min(choices, key=lambda choice: _cost(choice, images, wanted))
    return {name: int(n) for name, n in zip(counts.index, best, strict=True)}


def cap_repeats(certainty: pd.Series) -> pd.Series:
    """How often an image may be shown at most, by the probability that its category is true.

    Each showing of a wrong image teaches the wrong word, so those expected stay at half of one:
    repeats * (1 - certainty) <= 1/2. An image that is sure by 3/4 is shown twice, by 7/8 four
    times; below that and where nothing is known, once.
    """
    doubt = np.maximum(1 - certainty.fillna(0).astype(float), 1e-9)
    return np.floor(0.5 / doubt + 1e-6).clip(1, 1e9).astype(int)


def _cost(repeats: np.ndarray, images: np.ndarray, wanted: np.ndarray) -> float:
    """How far what is seen lies from the wanted shares, and a tenth of what the epoch grows by."""
    seen = repeats * images
    return float(np.abs(seen / seen.sum() - wanted).sum() + 0.1 * seen.sum() / images.sum())
