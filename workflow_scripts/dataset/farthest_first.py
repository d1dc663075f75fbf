"""Choose the images that differ most, so many of each category, and none that nearly repeats.

Farthest-first traversal (Gonzalez 1985, "Clustering to minimize the maximum intercluster
distance"; k-center greedy): the next image is the one that lies farthest from all that were taken.
No image is then farther from a taken one than twice what the best choice of so many could reach.
Left alone it runs after freaks; so the best image of a category comes first, distance counts for
more in better images, and of near-repeats the best one stands for the others.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workflow_scripts.dataset.looks import Comparison, Looks

MIN_IMAGES = 4  # of a category: for so many its near-repeats will do. They differ at least in what
# moves, where the repeats that would stand in for them do not
QUALITY_WEIGHT = 0.5  # the worst image of a category must lie twice as far as its best


@dataclass(frozen=True)
class Quota:
    """Images of one category: in the dataset, and with its reserve; its share sets the pace."""

    images: int
    with_reserve: int
    share: float


def set_quotas(shares: pd.Series, max_images: int, reserve: float) -> dict[str, Quota]:
    """Quota by category: its share of `max_images`, and of so many more."""
    most = max_images * (1 + reserve)
    return {
        str(name): Quota(math.ceil(share * max_images), math.ceil(share * most), float(share))
        for name, share in shares.items()
    }


def choose_varied(
    rows: pd.DataFrame, looks: Looks, quotas: dict[str, Quota], min_change: float
) -> tuple[pd.Series, pd.Series]:
    """Reason of each image ("" for the chosen, near_repeat, over_quota), and whether it is reserve.

    `rows` has category and quality; `looks` are theirs. Images that differ by less than
    `min_change` gray levels on average nearly repeat each other, and frames that a slow pan
    joins (looks.SAME_ANGLE); 0: none do.
    """
    search = _Search(rows, looks, min_change)
    search.run(quotas)
    reasons = np.where(search.is_near, "near_repeat", "over_quota")
    reasons[search.is_taken] = np.where(search.is_chosen[search.is_taken], "", "over_quota")
    reserve = search.is_taken & ~search.is_chosen
    return pd.Series(reasons, rows.index), pd.Series(reserve, rows.index)


class _Search:
    """Which images are taken so far, and how near the others are to them."""

    def __init__(self, rows: pd.DataFrame, looks: Looks, min_change: float):
        self._compare = Comparison(looks, min_change).from_image
        self._categories = rows["category"].to_numpy(str)
        self._quality = _rank(rows)
        self._far = np.full(len(rows), np.inf)  # to the nearest taken image
        self._is_repeat = np.zeros(len(rows), bool)  # of any taken image
        self.is_taken, self.is_chosen, self.is_near = np.zeros((3, len(rows)), bool)

    def run(self, quotas: dict[str, Quota]) -> None:
        """Take images; whichever category is farthest from its share comes next.

        The pace knows nothing of how many are wanted: who wants more gets these, and others. The
        first of a category are chosen, as many as its quota has; the rest is reserve.
        """
        taken = dict.fromkeys(sorted(quotas), 0)
        while taken:
            name = min(taken, key=lambda name: taken[name] / quotas[name].share)
            is_full = taken[name] >= quotas[name].with_reserve
            image = None if is_full else self._find_next(name, taken[name])
            if image is None:
                del taken[name]
                continue
            self._take(image, taken[name] < quotas[name].images)
            taken[name] += 1

    def _find_next(self, name: str, count: int) -> int | None:
        """The image that a category takes next; None when the rest nearly repeats others."""
        free = np.flatnonzero((self._categories == name) & ~self.is_taken)
        new = free[~self._is_repeat[free]]
        if not len(new):
            return self._pick(free) if count < MIN_IMAGES and len(free) else None
        if not count:
            return int(new[self._quality[new].argmax()])
        farthest = self._pick(new)
        _, near = self._compare(farthest)
        alike = np.append(new[near[new]], farthest)
        return int(alike[self._quality[alike].argmax()])

    def _pick(self, free: np.ndarray) -> int:
        worth = QUALITY_WEIGHT + (1 - QUALITY_WEIGHT) * self._quality[free]
        return int(free[(np.minimum(self._far[free], 1e9) * worth).argmax()])

    def _take(self, image: int, is_chosen: bool) -> None:
        distance, near = self._compare(image)
        self.is_taken[image], self.is_chosen[image] = True, is_chosen
        self.is_near |= near & is_chosen
        self._is_repeat |= near
        self._far = np.minimum(self._far, distance)


def _rank(rows: pd.DataFrame) -> np.ndarray:
    """Quality (N,) as the share of the category that is no better: 1 for its best; 0: unknown."""
    ranks = rows.groupby("category")["quality"].rank(pct=True, method="max")
    return ranks.fillna(0).to_numpy(float)
