"""Which triangle of a surface lies at a place of its front view (numba)."""

import numba
import numpy as np


@numba.njit(cache=True)
def find_triangles(places, corners, depth):
    """Triangles (n,) at places (n, 2), and shares (n, 3) of their corners.

    `corners` (t, 3, 2) are triangles in the view, `depth` (t, 3) is larger towards the viewer. The
    foremost triangle that holds a place is taken; where none does, the one it misses least.
    """
    found = np.zeros(len(places), np.int64)
    shares = np.zeros((len(places), 3))
    for i in range(len(places)):
        best, x, y = -1e30, places[i, 0], places[i, 1]
        for t in range(len(corners)):
            ax, ay = corners[t, 0, 0], corners[t, 0, 1]
            bx, by = corners[t, 1, 0], corners[t, 1, 1]
            cx, cy = corners[t, 2, 0], corners[t, 2, 1]
            whole = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
            if abs(whole) < 1e-12:
                continue
            u = ((bx - x) * (cy - y) - (by - y) * (cx - x)) / whole
            v = ((cx - x) * (ay - y) - (cy - y) * (ax - x)) / whole
            w = 1 - u - v
            missed = max(0.0, -min(u, min(v, w)))
            if missed > 1e-9:
                score = -1e3 * (1 + missed)
            else:
                score = u * depth[t, 0] + v * depth[t, 1] + w * depth[t, 2]
            if score > best:
                best, found[i] = score, t
                shares[i, 0], shares[i, 1], shares[i, 2] = u, v, w
    return found, shares
