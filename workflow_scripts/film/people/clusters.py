"""Group things by their distances: average linkage, with pairs that must stay apart or together."""

import numpy as np
from scipy.sparse import csr_array


def link_average(
    distances: np.ndarray, apart: np.ndarray, groups: np.ndarray, max_distance: float
) -> np.ndarray:
    """Label (N,) each item with its group, from distances (N, N), symmetric.

    Begins with `groups` (N,), whose members stay together, and joins the two groups whose items
    are nearest on average, as long as that is at most `max_distance`. Two groups are never joined
    when `apart` (N, N) bool holds for a pair of their items.
    """
    labels, between, sizes = _start(distances, apart, groups)
    nearest = between.argmin(1)
    shortest = between[np.arange(len(between)), nearest]
    while len(shortest):
        one = int(shortest.argmin())
        other = int(nearest[one])
        if not shortest[one] <= max_distance:
            break
        _join(between, sizes, one, other)
        labels[labels == other] = one
        stale = np.flatnonzero((nearest == one) | (nearest == other))
        for row in {one, other, *stale.tolist()}:
            nearest[row] = between[row].argmin()
        shortest = between[np.arange(len(between)), nearest]
    return np.unique(labels, return_inverse=True)[1]


def _start(
    distances: np.ndarray, apart: np.ndarray, groups: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels of the items, mean distances between groups (inf: never), sizes of the groups."""
    labels = np.unique(groups, return_inverse=True)[1]
    items = np.arange(len(labels))
    sizes = np.bincount(labels).astype(float)
    shape = (len(labels), len(sizes))  # hardly any of it is 1
    member = csr_array((np.ones(len(labels)), (items, labels)), shape)
    between = member.T @ distances @ member
    between /= np.outer(sizes, sizes)
    first, second = np.nonzero(apart)
    between[labels[first], labels[second]] = np.inf
    np.fill_diagonal(between, np.inf)
    return labels, between, sizes


def _join(between: np.ndarray, sizes: np.ndarray, one: int, other: int) -> None:
    """Move group `other` into `one`; the mean of means, by size, is the mean over all pairs."""
    total = sizes[one] + sizes[other]
    row = (between[one] * sizes[one] + between[other] * sizes[other]) / total
    row[[one, other]] = np.inf
    between[one], between[:, one] = row, row
    between[other], between[:, other] = np.inf, np.inf
    sizes[one] = total


def mean_distances(distances: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mean distance (N, groups) of each item to the members of each group, itself left out.

    inf for the group of an item that is alone in it.
    """
    member = np.eye(labels.max(initial=-1) + 1, dtype=np.float64)[labels]
    others = member.sum(0)[None] - member
    sums = (distances - np.diag(np.diag(distances))) @ member
    return np.divide(sums, others, out=np.full_like(sums, np.inf), where=others > 0)
