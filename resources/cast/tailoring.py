"""Cloth cut from the body's own cover: where it lies, where it ends, what it hides."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from maker.geometry import normals

from cast.attributes import Part
from cast.pieces import Piece, paint_piece
from cast.sculpting import Sculpture
from cast.surfaces import Front, cut_mesh, split_quads

ARM = ("upperarm", "lowerarm", "wrist", "finger", "metacarpal")
SMOOTHING = 4  # times: cloth spans hollows


@dataclass(frozen=True)
class Tailor:
    """Measures of a sculpture, and cloth cut by them. All arrays (V,) are of vertices at rest."""

    body: Sculpture

    @cached_property
    def tights(self) -> np.ndarray:
        return self.body.body.faces["helper-tights"]

    @cached_property
    def arm(self) -> np.ndarray:
        """How much a vertex follows arms and hands, 0 to 1."""
        bones = [i for i, name in enumerate(self.body.body.bones) if name.startswith(ARM)]
        return np.asarray(self.body.weights[:, bones].sum(1)).ravel()

    @cached_property
    def cloth(self) -> np.ndarray:
        """(V, 3): the body's cover, smoothed, for cloth does not follow every muscle."""
        points = self.body.points.copy()
        neighbors = connect(self.tights, len(points))
        used = np.unique(self.tights)
        for _ in range(SMOOTHING):
            points[used] = 0.4 * points[used] + 0.6 * (neighbors @ points)[used]
        share = 0.85 * np.clip(1 - 2 * self.arm, 0, 1)[:, None] * (self.above > self.knee)[:, None]
        return self.body.points * (1 - share) + points * share

    @cached_property
    def above(self) -> np.ndarray:
        """Height over the floor."""
        return self.body.points[:, 2] - self.body.floor

    @cached_property
    def along_arm(self) -> np.ndarray:
        """0 at the shoulder, 1 at the wrist; -1 off the arms."""
        shoulder, wrist = (
            self.body.heads[self.body.bone(name)] for name in ("upperarm01.L", "wrist.L")
        )
        points = self.body.points * np.where(self.body.points[:, :1] < 0, [[-1, 1, 1]], 1)
        axis = wrist - shoulder
        along = (points - shoulder) @ axis / (axis @ axis)
        return np.where(self.arm > 0.25, along, np.minimum(along, 0) - 0.5 * (self.arm < 0.02))

    def height(self, bone: str) -> float:
        """Of a joint over the floor."""
        return float(self.body.heads[self.body.bone(bone), 2] - self.body.floor)

    @cached_property
    def knee(self) -> float:
        return self.height("lowerleg01.L")

    @cached_property
    def ankle(self) -> float:
        return self.height("foot.L")

    @cached_property
    def waist(self) -> float:
        return self.height("spine04") + 0.01 * self.body.size

    @cached_property
    def collar(self) -> np.ndarray:
        """How far below a round neckline; negative towards the head."""
        points, k = self.body.points, self.body.size
        neck = self.body.heads[self.body.bone("neck01")]
        away = np.hypot(points[:, 0], points[:, 1] - neck[1] + 0.01 * k)
        below = neck[2] + 0.012 * k - points[:, 2] + 0.9 * np.clip(away - 0.055 * k, 0, 0.12 * k)
        head = np.asarray(self.body.weights[:, [self.body.bone("head")]].todense()).ravel()
        return np.minimum(below, 0.03 - head)

    def sleeve(self, end: float) -> np.ndarray:
        """How far inside a sleeve that ends at a share of the arm, in meters."""
        return (end - self.along_arm) * 0.5 * self.body.size

    def upper(self, sleeve: float, hem: float) -> np.ndarray:
        """How far inside a top; hem: height over the floor."""
        return np.minimum.reduce([self.collar, self.sleeve(sleeve), self.above - hem])

    def lower(self, hem: float, top: float | None = None) -> np.ndarray:
        """How far inside trousers from a hem up to the waist."""
        top = self.waist + 0.02 if top is None else top
        off_arms = 0.1 * (0.5 - self.arm)
        return np.minimum.reduce([top - self.above, self.above - hem, off_arms])

    def cut(self, keep: np.ndarray, lift, color, part, quads: np.ndarray | None = None) -> Piece:
        """Cloth where `keep` is above 0, `lift` meters ((V,) or one number) off the body."""
        _, quads, mixture = cut_mesh(self.tights if quads is None else quads, keep)
        points = mixture @ self.cloth
        rise = mixture @ np.broadcast_to(np.asarray(lift, float), (len(keep),))
        points = points + rise[:, None] * normals(points, quads)
        colors = np.broadcast_to(np.asarray(color, float), (len(keep), 3))
        return paint_piece(points, mixture @ self.body.weights, quads, mixture @ colors, part)

    def cut_top(self, sleeve: float, hem: float, lift, color) -> Piece:
        """A top whose sleeves are parts of their own."""
        piece = self.cut(self.upper(sleeve, hem), lift, color, Part.TOP)
        arms = [i for i, name in enumerate(self.body.body.bones) if name.startswith(ARM)]
        share = np.asarray(piece.weights[:, arms].sum(1)).ravel()
        parts = np.where(share[piece.quads].mean(1) > 0.6, Part.SLEEVE, Part.TOP)
        return Piece(piece.points, piece.weights, piece.quads, piece.colors, parts.astype(np.uint8))

    def chest(self, side: float = -1.0) -> Front:
        """The cloth of the trunk from the front, or from behind (side 1)."""
        middle = self.cloth[self.tights].mean(1)
        facing = self.body.normals[self.tights].mean(1)[:, 1] * side > 0.05
        near = facing & (self.arm[self.tights].mean(1) < 0.35)
        near &= middle[:, 2] - self.body.floor > self.knee
        return Front(self.cloth, split_quads(self.tights[near]), side)


def connect(quads: np.ndarray, count: int) -> sp.csr_matrix:
    """(V, V) rows that average a vertex's neighbors."""
    a, b = quads.ravel(), np.roll(quads, -1, 1).ravel()
    edges = sp.coo_matrix((np.ones(2 * len(a)), (np.r_[a, b], np.r_[b, a])), (count, count)).tocsr()
    edges.data[:] = 1
    degree = np.maximum(np.asarray(edges.sum(1)).ravel(), 1)
    return sp.diags(1 / degree) @ edges
