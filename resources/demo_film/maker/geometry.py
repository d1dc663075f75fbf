"""Small meshes and mesh arithmetic in numpy. Points are (n, 3) metres, faces (n, 4) indices."""

import math

import numpy as np


def fit_rigid(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rotation (3, 3) and translation (3,) that take points a onto points b best."""
    mean_a, mean_b = a.mean(0), b.mean(0)
    u, _, vt = np.linalg.svd((a - mean_a).T @ (b - mean_b))
    mirror = np.diag([1, 1, np.sign(np.linalg.det(vt.T @ u.T))])  # else it may turn inside out
    rotation = vt.T @ mirror @ u.T
    return rotation, mean_b - rotation @ mean_a


def normals(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Unit normal of every point."""
    out = np.zeros_like(points)
    a, b, c, d = (points[faces[:, i]] for i in range(4))
    across = np.cross(c - a, d - b)
    for i in range(4):
        np.add.at(out, faces[:, i], across)
    return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12)


def grid_faces(rows: int, cols: int, wrap: bool = True) -> np.ndarray:
    """Quads over a grid of points stored row by row; `wrap` closes each row to a ring."""
    r, c = np.mgrid[: rows - 1, : cols if wrap else cols - 1]
    here, right = r * cols + c, r * cols + (c + 1) % cols
    return np.stack([here, right, right + cols, here + cols], -1).reshape(-1, 4)


def ring_points(angles: np.ndarray, cols: int) -> np.ndarray:
    """Unit sphere as rings around -y, at `angles` (radians) from it."""
    angles = angles[:, None]
    turn = np.linspace(0, 2 * math.pi, cols, endpoint=False)[None]
    x, z = np.sin(angles) * np.cos(turn), np.sin(angles) * np.sin(turn)
    return np.stack([x, -np.cos(angles) + 0 * turn, z], -1).reshape(-1, 3)


def make_eyeball(center, radius: float, iris) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points, faces and colors of an eye that looks along -y."""
    degrees = np.array([0.5, 6, 11, 12.5, 20, 27, 29, 31, 33, 45, 60, 80, 100, 130, 179])
    ring = np.repeat(degrees, 24)[:, None]
    rim = np.array(iris) * 0.25
    color = np.where(ring < 12, 0.01, np.where(ring < 28, iris, np.where(ring < 32, rim, 0.93)))
    return (
        ring_points(np.radians(degrees), 24) * radius + center,
        grid_faces(15, 24)[:, ::-1],
        color,
    )


def find_mates(faces: np.ndarray, keep: np.ndarray) -> dict[int, int]:
    """For every vertex to cut off (keep <= 0), a kept one of the same face, by edge if it can."""
    mates, by_edge = {}, set()
    for face in faces[(keep[faces] <= 0).any(1)]:
        for i, vertex in enumerate(face):
            if keep[vertex] > 0 or vertex in by_edge:
                continue
            for step in (1, 3, 2):
                mate = face[(i + step) % 4]
                if keep[mate] > 0:
                    mates[int(vertex)] = int(mate)
                    by_edge |= {vertex} if step != 2 else set()
                    break
    return mates


def trim(faces: np.ndarray, keep: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cut a mesh where `keep` (one number a vertex, metres) falls to zero: a clean hem, no teeth.

    Returns the remaining faces and rows (vertex, mate, fraction): in every pose the vertex moves to
    mate + fraction * (vertex - mate).
    """
    faces = faces[(keep[faces] > 0).any(1)]
    rows = [(v, m, keep[m] / (keep[m] - keep[v])) for v, m in find_mates(faces, keep).items()]
    return faces, np.array(rows, float).reshape(-1, 3)
