"""Group things by their distances: average linkage, with pairs that must stay apart or together."""

import numpy as np
from scipy.sparse import csr_array

from workflow_scripts.film.people.meetings import are_two


def link_average(
    distances: np.ndarray,
    apart: np.ndarray,
    groups: np.ndarray,
    max_distance: float,
    meetings: np.ndarray | None = None,
    images: np.ndarray | None = None,
) -> np.ndarray:
    """Label (N,) each item with its group, from distances (N, N), symmetric.

    Begins with `groups` (N,), whose members stay together, and joins the two groups whose items
    are nearest on average, as long as that is at most `max_distance`. Two groups are never joined
    when `apart` (N, N) bool holds for a pair of their items, and not as long as they meet too often
    (people/meetings.py) for the `images` (N,) that they have: `meetings` (N, N), symmetric.
    """
    links = _Links(distances, apart, groups, meetings, images)
    while links.join_nearest(max_distance):
        pass
    return np.unique(links.labels, return_inverse=True)[1]


class _Links:
    """Groups of items, and which of the others each group would join next."""

    def __init__(
        self,
        distances: np.ndarray,
        apart: np.ndarray,
        groups: np.ndarray,
        meetings: np.ndarray | None,
        images: np.ndarray | None,
    ):
        self.labels = np.unique(groups, return_inverse=True)[1]
        count = len(self.labels)
        self._sizes = np.bincount(self.labels).astype(float)
        shape = (count, len(self._sizes))  # hardly any of it is 1
        member = csr_array((np.ones(count), (np.arange(count), self.labels)), shape)
        self._between = member.T @ distances @ member
        self._between /= np.outer(self._sizes, self._sizes)  # mean distances; inf: never
        first, second = np.nonzero(apart)
        self._between[self.labels[first], self.labels[second]] = np.inf
        np.fill_diagonal(self._between, np.inf)
        if meetings is None or images is None:
            meetings, images = np.zeros((count, count), np.float32), np.zeros(count)
        small = member.astype(np.float32)  # films have thousands of tracks
        self._meetings = small.T @ meetings.astype(np.float32, copy=False) @ small
        self._images = member.T @ images
        two = are_two(self._meetings, self._images[:, None], self._images[None])
        self._open = np.where(two, np.inf, self._between)  # inf: not now
        self._nearest = self._open.argmin(1)

    def join_nearest(self, max_distance: float) -> bool:
        """Join the two groups that are nearest; False where none are near enough."""
        if not len(self._nearest):
            return False
        shortest = self._open[np.arange(len(self._open)), self._nearest]
        one = int(shortest.argmin())
        other = int(self._nearest[one])
        if not shortest[one] <= max_distance:
            return False
        self._join(one, other)
        self.labels[self.labels == other] = one
        # A larger group may meet others too little now: it can have become the nearest of any.
        nearer = self._open[:, one] < self._open[np.arange(len(self._open)), self._nearest]
        self._nearest[nearer] = one
        stale = np.flatnonzero((self._nearest == one) | (self._nearest == other))
        for row in {one, other, *stale.tolist()}:
            self._nearest[row] = self._open[row].argmin()
        return True

    def _join(self, one: int, other: int) -> None:
        """Move group `other` into `one`; the mean of means, by size, is the mean over all pairs."""
        between, sizes, meetings = self._between, self._sizes, self._meetings
        total = sizes[one] + sizes[other]
        row = (between[one] * sizes[one] + between[other] * sizes[other]) / total
        row[[one, other]] = np.inf
        between[one], between[:, one] = row, row
        between[other], between[:, other] = np.inf, np.inf
        sizes[one] = total
        meetings[one] += meetings[other]
        meetings[:, one] = meetings[one]
        self._images[one] += self._images[other]
        two = are_two(meetings[one], self._images[one], self._images)
        self._open[one] = self._open[:, one] = np.where(two, np.inf, row)
        self._open[other], self._open[:, other] = np.inf, np.inf


def mean_distances(distances: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mean distance (N, groups) of each item to the members of each group, itself left out.

    inf for the group of an item that is alone in it.
    """
    member = np.eye(labels.max(initial=-1) + 1, dtype=np.float64)[labels]
    others = member.sum(0)[None] - member
    sums = (distances - np.diag(np.diag(distances))) @ member
    return np.divide(sums, others, out=np.full_like(sums, np.inf), where=others > 0)
