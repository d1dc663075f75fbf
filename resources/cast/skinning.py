"""Linear blend skinning on the CPU: points follow bones by weights (numba)."""

import numba
import numpy as np


@numba.njit(cache=True)
def skin_points(rest, starts, bones, weights, turns):
    """Places (n, 3) of points at rest (n, 3) whose bones moved by turns (B, 3, 4); float32.

    `bones` and `weights` hold, from starts[i] to starts[i + 1], what point i follows; the weights
    of a point sum to 1.
    """
    out = np.empty_like(rest)
    for i in range(len(rest)):
        x, y, z = rest[i, 0], rest[i, 1], rest[i, 2]
        a = b = c = np.float32(0)
        for k in range(starts[i], starts[i + 1]):
            m, w = turns[bones[k]], weights[k]
            a += w * (m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + m[0, 3])
            b += w * (m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + m[1, 3])
            c += w * (m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + m[2, 3])
        out[i, 0], out[i, 1], out[i, 2] = a, b, c
    return out


def turn_bones(
    parents: list[int], heads: np.ndarray, turns: dict[int, np.ndarray]
) -> np.ndarray:
    """How every bone moved from rest: (B, 3, 4) float32, for bones that turn about their heads.

    `heads` (B, 3) lie at rest in the world; `turns` are world-aligned rotations (3, 3) by bone.
    A bone without a turn of its own moves as its parent does, so parents come first.
    """
    moved = np.zeros((len(parents), 3, 4))
    moved[0, :, :3] = np.eye(3)
    for bone, parent in enumerate(parents):
        if parent >= 0:
            moved[bone] = moved[parent]
        if bone in turns:
            before, turn, head = moved[bone].copy(), turns[bone], heads[bone]
            moved[bone, :, :3] = before[:, :3] @ turn
            moved[bone, :, 3] = before[:, :3] @ (head - turn @ head) + before[:, 3]
    return moved.astype(np.float32)
