"""A figure: everything a character wears and is, posed at once."""

from collections.abc import Mapping, Sequence

import numpy as np
import scipy.sparse as sp

from cast.acting import ACTIONS_USED
from cast.pieces import Piece, join_faces
from cast.rasterizer import Mesh
from cast.sculpting import Sculpture
from cast.skinning import skin_points, turn_bones

SOLE_M = 0.008


class Figure:
    """A character that can be posed: about a CPU-millisecond a moment.

    `mesh` holds what no moment changes (its points are those at rest), `stature` and `head_height`
    are in meters. Shoes stand on z = 0, the figure at the origin looks along -y.
    """

    def __init__(self, body: Sculpture, pieces: Sequence[Piece]) -> None:
        self.body = body
        self.stature, self.head_height = body.stature, body.head_height
        starts = np.cumsum([0] + [len(piece.points) for piece in pieces])
        quads = [piece.quads + start for piece, start in zip(pieces, starts, strict=False)]
        weights = sp.vstack([piece.weights for piece in pieces]).tocsr()
        self.rest = np.concatenate([piece.points for piece in pieces]).astype(np.float32)
        self.follow = (weights.indptr, weights.indices, weights.data.astype(np.float32))
        self.moved, self.offsets = join_faces(pieces)
        self.mesh = Mesh(
            self.rest,
            np.concatenate(quads).astype(np.int32),
            np.clip(np.concatenate([piece.colors for piece in pieces]), 0, 1).astype(np.float32),
            np.concatenate([piece.parts for piece in pieces]),
        )
        self.joints = collapse_joints(body)

    def moment(
        self, bones: Mapping[str, np.ndarray], face: Mapping[str, float]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Points (n, 3) and COCO-17 joints (17, 3) in meters, and the head's rotation (3, 3).

        bones: turns (4, 4), world-aligned, by the body model's bone names; face: strengths of
        facial actions, those of acting.ACTIONS_USED.
        """
        turns = {self.body.bone(name): np.asarray(turn)[:3, :3] for name, turn in bones.items()}
        moved = turn_bones(self.body.body.parents, self.body.heads, turns)
        rest = self.rest.copy()
        for name, strength in face.items():
            rest[self.moved] += np.float32(strength) * self.offsets[ACTIONS_USED.index(name)]
        points = skin_points(rest, *self.follow, moved)
        joints = np.einsum("bij,kbj->ki", moved.astype(float), self.joints)
        ground = [0, 0, points[:, 2].min()]
        head = moved[self.body.bone("head"), :, :3].astype(float)
        return (points - ground).astype(np.float32), joints - ground, head


def collapse_joints(body: Sculpture) -> np.ndarray:
    """(17, B, 4): a joint is a mean of vertices; their sums by bone give it in every pose."""
    places = np.c_[body.points, np.ones(len(body.points))]
    sums = [
        np.asarray((body.body.joints @ body.weights.multiply(places[:, i : i + 1])).todense())
        for i in range(4)
    ]
    return np.stack(sums, -1)
