"""Group vectors that are nearly the same: each group has a leader with which all of it is alike."""

import numpy as np

BLOCK = 512  # rows compared at once: a product of matrices is many times faster than one by one
LEADERS = 4096  # compared at once, so that memory does not grow with them


def group_views(
    vectors: np.ndarray, order: np.ndarray, min_similarity: float, most: int | None = None
) -> np.ndarray | None:
    """Row (M,) of `vectors` that leads each row of `order`: the most alike leader, or itself.

    `order` (M,) names rows of `vectors` (N, D), each of length 1; who comes first leads. Leader
    clustering, so groups do not chain: every row is that much alike with its leader. None as soon
    as there are more than `most` leaders.
    """
    keepers = order.copy()
    leaders: list[int] = []
    for start in range(0, len(order), BLOCK):
        rows = order[start : start + BLOCK]
        block = vectors[rows]
        best, nearest = _find_nearest(block, vectors, np.array(leaders, int))
        inner, fresh = block @ block.T, []
        for n in range(len(rows)):
            if fresh and (similarity := inner[n, fresh]).max() > best[n]:
                best[n], nearest[n] = similarity.max(), rows[fresh[int(similarity.argmax())]]
            if best[n] >= min_similarity:
                keepers[start + n] = nearest[n]
            else:
                fresh.append(n)
        leaders += rows[fresh].tolist()
        if most is not None and len(leaders) > most:
            return None
    return keepers


def _find_nearest(
    block: np.ndarray, vectors: np.ndarray, leaders: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Similarity (B,) of each row of a block to its most alike leader, and its row (B,)."""
    best, nearest = np.full(len(block), -np.inf), np.zeros(len(block), int)
    for start in range(0, len(leaders), LEADERS):
        some = leaders[start : start + LEADERS]
        similarity = block @ vectors[some].T
        choice = similarity.argmax(1)
        found = similarity[np.arange(len(block)), choice]
        better = found > best
        best[better], nearest[better] = found[better], some[choice[better]]
    return best, nearest
