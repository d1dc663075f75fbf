"""A held-out set that shares nothing with the training set: no shot, no duplicate, no view."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

MAX_SHARE = 1 / 3  # of the images; where the smallest split group is larger, nothing is held out


def connect_shots(frames: pd.DataFrame, keys: Sequence[str]) -> pd.Series:
    """Join shots that share a value in any of the columns `keys`: split group by shot_id.

    `frames` has shot_id and the keys, one row per frame; "" and nan are no shared value. A split
    group is called after its smallest shot.
    """
    codes, shots = pd.factorize(frames["shot_id"], sort=True)
    nodes = len(shots)
    edges = [(codes[:0], codes[:0])]  # a shot and a value that it has; each value is a node too
    for key in keys:
        values = pd.factorize(frames[key].where(frames[key] != ""))[0]  # -1: none
        known = values >= 0
        edges.append((codes[known], values[known] + nodes))
        nodes += values.max(initial=-1) + 1
    ones, others = (np.concatenate(side) for side in zip(*edges, strict=True))
    graph = coo_array((np.ones(len(ones), bool), (ones, others)), (nodes, nodes))
    labels = connected_components(graph, directed=False)[1][: len(shots)]
    return pd.Series(shots, shots).groupby(labels).transform("min").astype("int64")


def choose_held_out(rows: pd.DataFrame, share: float, seed: int) -> set:
    """Choose whole split groups for the held-out set so that it resembles the rest.

    `rows` has one image each, with `split_group` and `category`. About `share` of every category is
    held out, and every category keeps the larger part of its images to train on; where split
    groups are too large for that, at least one. Returns an empty set where even that cannot be.
    """
    counts = pd.crosstab(
        rows["split_group"], rows["category"]
    )  # images by split group and category
    if share <= 0 or len(counts) < 2:
        return set()
    counts = counts.iloc[np.random.default_rng(seed).permutation(len(counts))]
    split_groups, table = counts.index.to_numpy(), counts.to_numpy(float)
    return {split_groups[row] for row in _take_split_groups(table, share)}


def _take_split_groups(table: np.ndarray, share: float) -> list[int]:
    """Rows of the table (split groups x categories), taken while each brings the sums nearer.

    A last column counts all images, twice as heavy: a split that is right in size comes first.
    """
    total = table.sum(0)
    table = np.column_stack([table, 2 * table.sum(1)])
    total = np.append(total, np.inf)  # of the size there is always enough left
    target = share * table.sum(0)
    held, taken = np.zeros_like(target), []
    while True:
        allowed = ~((table > 0) & (held + table > total / 2)).any(1)
        allowed[taken] = False
        if not allowed.any():
            break
        miss = np.where(allowed, np.abs(target - held - table).sum(1), np.inf)
        best = int(miss.argmin())
        if miss[best] >= np.abs(target - held).sum():
            break
        taken.append(best)
        held += table[best]
    return taken or _take_smallest(table[:, :-1])


def _take_smallest(table: np.ndarray) -> list[int]:
    """Where every split group is too large for the target: the smallest that leaves all."""
    sizes, total = table.sum(1), table.sum(0)
    empties = ((table > 0) & (total - table <= 0)).any(1)
    choice = np.where(~empties & (sizes <= MAX_SHARE * sizes.sum()), sizes, np.inf)
    return [int(choice.argmin())] if np.isfinite(choice).any() else []


def find_leaks(rows: pd.DataFrame, keys: Sequence[str]) -> dict[str, list[str]]:
    """Values of each key column that both the training and the held-out set have; [] is wanted."""
    sides = [rows[rows["split"] == split] for split in ("train", "validation")]
    leaks = {}
    for key in keys:
        values = [set(side[key].dropna().astype(str)) - {""} for side in sides]
        leaks[key] = sorted(values[0] & values[1])
    return leaks
