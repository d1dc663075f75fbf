"""Meshes that are cut, and shapes laid on surfaces: ribbons, discs and tubes."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from maker.geometry import grid_faces, trim

from cast.laying import find_triangles


@dataclass(frozen=True)
class Front:
    """The side of a mesh that a viewer at -y (or behind, at +y) sees, to lay things on."""

    points: np.ndarray  # (V, 3)
    triangles: np.ndarray  # (t, 3)
    side: float = -1.0  # 1: the back

    def lay(self, places: np.ndarray) -> tuple[np.ndarray, sp.csr_matrix]:
        """Points (n, 3) of the surface at x, z of places (n, 2), and mixtures (n, V) of vertices.

        A place beside the mesh goes to the nearest edge of its nearest triangle.
        """
        corners = self.points[self.triangles]
        flat, depth = corners[:, :, [0, 2]].copy(), self.side * corners[:, :, 1]
        best, share = find_triangles(np.asarray(places, float), flat, depth)
        share = np.clip(share, 0, None)
        share /= share.sum(1, keepdims=True)
        rows = np.repeat(np.arange(len(places)), 3)
        columns = self.triangles[best].ravel()
        mixture = sp.csr_matrix((share.ravel(), (rows, columns)), (len(places), len(self.points)))
        return mixture @ self.points, mixture


def split_quads(quads: np.ndarray) -> np.ndarray:
    """Triangles (2 m, 3) of quads (m, 4)."""
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def cut_mesh(quads: np.ndarray, keep: np.ndarray) -> tuple[np.ndarray, np.ndarray, sp.csr_matrix]:
    """The part of a mesh where `keep` (one number a vertex) is above 0, cut at 0.

    Returns the vertices that are used, quads over them, and the mixtures (n, V) that say where on
    the mesh each of them lies.
    """
    quads, cuts = trim(quads, keep)
    used, local = np.unique(quads, return_inverse=True)
    place = {int(vertex): row for row, vertex in enumerate(used)}
    rows, columns, shares = list(range(len(used))), list(used), np.ones(len(used))
    for vertex, mate, share in cuts:
        row = place[int(vertex)]
        shares[row] = share
        rows.append(row)
        columns.append(int(mate))
    shares = np.concatenate([shares, 1 - cuts[:, 2]])
    mixture = sp.csr_matrix((shares, (rows, columns)), (len(used), len(keep)))
    return used, local.reshape(quads.shape), mixture


def ribbon_places(line: np.ndarray, half: np.ndarray, rows: int = 3) -> np.ndarray:
    """Places (k * rows, 2) across a line (k, 2), `half` (k,) wide to either side."""
    along = np.gradient(line, axis=0)
    across = np.stack([-along[:, 1], along[:, 0]], -1)
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
    steps = np.linspace(-1, 1, rows)[None, :, None]
    return (line[:, None] + across[:, None] * half[:, None, None] * steps).reshape(-1, 2)


def disc_places(center: tuple[float, float], radius: float, corners: int = 8) -> np.ndarray:
    """Places (corners + 1, 2) of a disc, its center last."""
    turn = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    rim = np.stack([np.cos(turn), np.sin(turn)], 1) * radius
    return np.concatenate([rim, [[0, 0]]]) + center


def disc_quads(corners: int = 8) -> np.ndarray:
    """Quads of disc_places: two rim edges and the center each."""
    i = np.arange(0, corners, 2)
    return np.stack([i, (i + 1) % corners, (i + 2) % corners, np.full(len(i), corners)], 1)


def sweep(
    line: np.ndarray, wide: np.ndarray, thick: np.ndarray, out: np.ndarray, around: int = 6
) -> np.ndarray:
    """Points (..., k, around, 3) of flat tubes along lines (..., k, 3).

    `out` (..., k, 3) points away from the head; a tube is `thick` (..., k) that way and `wide`
    (..., k) across, both as half axes.
    """
    along = np.gradient(line, axis=-2)
    across = np.cross(along, out)
    across /= np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-9)
    outward = np.cross(across, along)
    outward /= np.maximum(np.linalg.norm(outward, axis=-1, keepdims=True), 1e-9)
    turn = np.linspace(0, 2 * np.pi, around, endpoint=False)
    ring = np.cos(turn)[:, None] * (across * wide[..., None])[..., None, :]
    ring = ring + np.sin(turn)[:, None] * (outward * thick[..., None])[..., None, :]
    return line[..., None, :] + ring


def sweep_quads(tubes: int, steps: int, around: int = 6) -> np.ndarray:
    """Quads of `tubes` swept tubes, stored one after the other."""
    one = grid_faces(steps, around)[:, ::-1]
    return (one[None] + (np.arange(tubes) * steps * around)[:, None, None]).reshape(-1, 4)


def make_ball(center, radii, rows: int = 9, columns: int = 14) -> tuple[np.ndarray, np.ndarray]:
    """Points and quads of an ellipsoid, its poles up and down."""
    up = np.linspace(-np.pi / 2, np.pi / 2, rows)[:, None]
    turn = np.linspace(0, 2 * np.pi, columns, endpoint=False)[None]
    sphere = [np.cos(up) * np.cos(turn), np.cos(up) * np.sin(turn), np.sin(up) + 0 * turn]
    points = np.stack(sphere, -1).reshape(-1, 3) * np.asarray(radii) + center
    return points, grid_faces(rows, columns)
