"""Pieces of a figure: points at rest, what bones and facial actions move them, quads and colors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from cast.sculpting import Sculpture


@dataclass(frozen=True)
class Piece:
    """n points and m quads that are one thing."""

    points: np.ndarray  # (n, 3) meters at rest
    weights: sp.csr_matrix  # (n, B) of bones, rows sum to 1
    quads: np.ndarray  # (m, 4)
    colors: np.ndarray  # (n, 3) linear RGB
    parts: np.ndarray  # (m,) uint8, see attributes.Part
    face: np.ndarray | None = None  # (A, n, 3) offsets of facial actions; None: none


def paint_piece(points, weights, quads, colors, part, face=None) -> Piece:
    """A piece; one color and one part may stand for all."""
    quads = np.asarray(quads)
    colors = np.broadcast_to(np.asarray(colors, float), (len(points), 3))
    parts = np.broadcast_to(np.asarray(part, np.uint8), len(quads))
    return Piece(np.asarray(points, float), weights.tocsr(), quads, colors, parts, face)


def follow_bone(bone: int, count: int, bones: int) -> sp.csr_matrix:
    """Weights of `count` points that move with one bone of `bones`."""
    ones = np.ones(count)
    return sp.csr_matrix((ones, (np.arange(count), np.full(count, bone))), (count, bones))


def add_rigid(body: Sculpture, points, quads, colors, part, bone: str = "head") -> Piece:
    """A piece that moves with one bone."""
    points = np.reshape(points, (-1, 3))
    weights = follow_bone(body.bone(bone), len(points), len(body.body.bones))
    return paint_piece(points, weights, quads, np.reshape(colors, (-1, 3)), part)


def add_bound(body: Sculpture, mixture: sp.csr_matrix, points, quads, colors, part) -> Piece:
    """A piece whose points follow a mixture (n, V) of the body's vertices, in faces too."""
    return paint_piece(points, mixture @ body.weights, quads, colors, part, mix_face(body, mixture))


def mix_face(body: Sculpture, mixture: sp.csr_matrix) -> np.ndarray | None:
    """Offsets (A, n, 3) of the facial actions of mixtures (n, V) of vertices."""
    face = mixture @ body.face_by_vertex  # (n, A * 3)
    face = face.reshape(len(face), -1, 3).transpose(1, 0, 2)
    return face.astype(np.float32) if np.abs(face).max(initial=0) > 1e-5 else None


def find_near(
    body: Sculpture, points: np.ndarray, vertices: np.ndarray, count: int = 6
) -> sp.csr_matrix:
    """Mixtures (n, V) of the nearest vertices, by inverse distance."""
    from scipy.spatial import cKDTree

    far, near = cKDTree(body.points[vertices]).query(points, count)
    share = 1 / (far + 1e-4) ** 2
    share /= share.sum(1, keepdims=True)
    rows = np.repeat(np.arange(len(points)), count)
    columns = vertices[near].ravel()
    return sp.csr_matrix((share.ravel(), (rows, columns)), (len(points), len(body.points)))


def join_faces(pieces: Sequence[Piece]) -> tuple[np.ndarray, np.ndarray]:
    """Which of all points facial actions move (k,), and by what (A, k, 3)."""
    moved, offsets, start = [], [], 0
    for piece in pieces:
        if piece.face is not None:
            rows = np.flatnonzero(np.abs(piece.face).max((0, 2)) > 1e-5)
            moved.append(rows + start)
            offsets.append(piece.face[:, rows])
        start += len(piece.points)
    return np.concatenate(moved), np.concatenate(offsets, 1)
