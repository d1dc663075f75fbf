"""How a person is dressed: where clothes end, and the pieces that several kinds of dress share."""

from dataclasses import dataclass, replace

import numpy as np
from maker.geometry import grid_faces

from cast.attributes import Part, Person
from cast.faces import lay_ribbon
from cast.pieces import Piece, find_near, paint_piece
from cast.sculpting import Sculpture, smooth_step
from cast.surfaces import Front, disc_places, disc_quads
from cast.tailoring import Tailor

SHOES = {
    "casual": (0.60, 0.58, 0.55),
    "uniform": (0.02, 0.02, 0.022),
    "formal": (0.02, 0.018, 0.018),
    "traditional": (0.16, 0.08, 0.03),
    "sportswear": (0.82, 0.82, 0.82),
}
SLEEVE_ENDS = {"short": 0.40, "long": 0.95}  # shares of the arm
AROUND = 28  # points of a belt


@dataclass(frozen=True)
class Outfit:
    """Who is dressed, what cloth is measured by, and where top and legs end (m over the floor)."""

    body: Sculpture
    person: Person
    tailor: Tailor
    front: Front
    sleeve: float
    hem: float
    legs: float

    @property
    def k(self) -> float:
        return self.body.size

    def ribbon(self, line, half, color, part: Part, lift: float, bulge: float = 0.0) -> Piece:
        """A ribbon on the chest; x and heights over the floor, all for a body of 1.7 m."""
        line = np.asarray(line, float) * self.k + [0, self.body.floor]
        half = np.broadcast_to(np.asarray(half, float) * self.k, len(line))
        return lay_ribbon(
            self.body, self.front, line, half, color, part, lift * self.k, bulge * self.k
        )

    def disc(self, x: float, z: float, radius: float, color, part: Part, lift: float) -> Piece:
        """A button: a disc on the chest, measured as ribbons are."""
        places = disc_places((x, z), radius) * self.k + [0, self.body.floor]
        points, mixture = self.front.lay(places)
        points = points - [0, lift * self.k, 0]
        return paint_piece(points, mixture @ self.body.weights, disc_quads(), color, part)

    def level(self, bone: str) -> float:
        """Height of a joint, for a body of 1.7 m."""
        return self.tailor.height(bone) / self.k


def plan_outfit(body: Sculpture, person: Person) -> Outfit:
    """Where the clothes of a person end."""
    tailor, k = Tailor(body), body.size
    below = 0.13 if person.dress_type in ("uniform", "formal") else 0.07
    hem = tailor.waist - (0.02 if person.bottom in ("skirt", "robe") else below) * k
    legs = tailor.ankle + 0.012 * k if person.bottom == "trousers" else tailor.knee + 0.06 * k
    sleeve = SLEEVE_ENDS[person.sleeves]
    return Outfit(body, person, tailor, tailor.chest(), sleeve, hem, legs)


def wear_top(outfit: Outfit, lift: float, color=None) -> Piece:
    color = outfit.person.top_rgb if color is None else color
    return outfit.tailor.cut_top(outfit.sleeve, outfit.hem, lift * outfit.k, color)


def wear_legs(outfit: Outfit) -> list[Piece]:
    """Trousers or shorts, a little wider towards the hem; below a skirt, nothing."""
    person, tailor, k = outfit.person, outfit.tailor, outfit.k
    if person.bottom in ("skirt", "robe"):
        return [make_skirt(outfit)]
    low = np.clip(1 - (tailor.above - outfit.legs) / (0.4 * k), 0, 1)
    lift = (0.008 + 0.014 * low) * k
    return [tailor.cut(tailor.lower(outfit.legs), lift, person.bottom_rgb, Part.BOTTOM)]


def make_skirt(outfit: Outfit) -> Piece:
    """A pleated skirt to the knee, or the lower half of a robe to the ankle."""
    tailor, body, k = outfit.tailor, outfit.body, outfit.k
    robe = outfit.person.bottom == "robe"
    end = tailor.ankle + 0.05 * k if robe else tailor.knee + 0.03 * k
    top, flare = tailor.waist + 0.015 * k, 0.10 if robe else 0.62
    quads = body.body.faces["helper-skirt"]
    highest = top + (-0.045 if robe else 0.05) * k
    keep = np.minimum(tailor.above - end, highest - tailor.above)
    piece = tailor.cut(keep, 0.014 * k, outfit.person.bottom_rgb, Part.BOTTOM, quads)
    middle = np.array([0, piece.points[:, 1].mean()])
    depth = np.clip(top + body.floor - piece.points[:, 2], 0, None)
    away = piece.points[:, :2] - middle
    angle = np.arctan2(away[:, 0], away[:, 1])
    pleats = 0 if robe else 0.05 * np.sin(18 * angle)
    points = piece.points.copy()
    points[:, :2] = (
        middle + away * (1 + (flare * depth + pleats * smooth_step(depth / 0.2)))[:, None]
    )
    shade = 1 - (0 if robe else 0.16) * (0.5 + 0.5 * np.sin(18 * angle))
    return replace(piece, points=points, colors=piece.colors * np.reshape(shade, (-1, 1)))


def wear_shoes(outfit: Outfit) -> Piece:
    tailor, k = outfit.tailor, outfit.k
    color = SHOES[outfit.person.dress_type]
    return tailor.cut(tailor.ankle + 0.012 * k - tailor.above, 0.011 * k, color, Part.SHOES)


def wear_band(outfit: Outfit, low: float, high: float, lift: float, color) -> Piece:
    """A belt or sash around the trunk between two heights (for a body of 1.7 m)."""
    k, rows = outfit.k, []
    for height, out in ((low, 0.6), (low, 1.0), ((low + high) / 2, 1.1), (high, 1.0), (high, 0.6)):
        rows.append(circle_trunk(outfit, height * k, lift * out * k))
    points = np.concatenate(rows)
    trunk = np.unique(outfit.tailor.tights[outfit.tailor.arm[outfit.tailor.tights].max(1) < 0.3])
    weights = find_near(outfit.body, points, trunk, 8) @ outfit.body.weights
    return paint_piece(points, weights, grid_faces(5, AROUND), color, Part.TRIM)


def circle_trunk(outfit: Outfit, height: float, lift: float) -> np.ndarray:
    """Points (AROUND, 3) of the convex outline of the trunk's cloth at a height over the floor."""
    tailor = outfit.tailor
    near = np.unique(tailor.tights)
    near = near[(tailor.arm[near] < 0.3) & (np.abs(tailor.above[near] - height) < 0.05 * outfit.k)]
    cloth = tailor.cloth[near][:, :2]
    middle = (cloth.max(0) + cloth.min(0)) / 2
    turn = np.linspace(0, 2 * np.pi, AROUND, endpoint=False)
    aims = np.stack([np.sin(turn), -np.cos(turn)], 1)
    reach = ((cloth - middle) @ aims.T).max(0) + lift  # the support function of the outline
    cosines = aims @ aims.T
    radius = np.where(cosines > 0.1, reach[None] / np.maximum(cosines, 0.1), np.inf).min(1)
    z = np.full((AROUND, 1), height + outfit.body.floor)
    return np.concatenate([middle + aims * radius[:, None], z], 1)
