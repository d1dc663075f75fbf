"""What people leave outdoors: benches, lamps, boats, roofs."""

import math

import numpy as np

from cast.plants import FLOWERS, pick
from cast.solids import PlacePart, Solids, rgb


def parasol(s: Solids, x: float, y: float) -> None:
    """A sunshade of sectors in two colors, and a towel."""
    s.pole((x, y, 0), 0.03, 2.0, rgb("#e8e4da"))
    one, other, sides = pick(s, FLOWERS), rgb("#f4f1ea"), 12
    angle = 2 * math.pi * np.arange(sides + 1) / sides
    for k in range(sides):
        a, b = angle[k], angle[k + 1]
        rim = [[x + 1.1 * math.cos(t), y + 1.1 * math.sin(t), 1.75] for t in (a, b)]
        s.panel(
            [*rim, [x, y, 2.25], [x, y, 2.25]], one if k % 2 else other, PlacePart.MARK, casts=True
        )
    s.box((x + 0.9, y, 0), (0.8, 1.7, 0.04), pick(s, FLOWERS), turn=s.rng.uniform(-30, 30))


def sailboat(s: Solids, x: float, y: float) -> None:
    s.box((x, y, 0), (2.4, 0.9, 0.5), rgb("#7a4a2e"), casts=False)
    sails = ((0.0, 1.3, 0.7, 3.8, rgb("#f6f2e8")), (-0.1, -1.0, 0.7, 3.2, pick(s, FLOWERS)))
    for mast, out, low, high, color in sails:
        top = [x + mast, y, high]
        s.panel([[x + mast, y, 0.6], [x + out, y, low], top, top], color, PlacePart.MARK)


def bench(s: Solids, x: float, y: float) -> None:
    turn, wood = math.degrees(math.atan2(-x, y)) / 2, rgb("#9a6a3c")
    s.box((x, y, 0.42), (1.6, 0.45, 0.07), wood, turn=turn)
    s.box((x, y + 0.22, 0.55), (1.6, 0.06, 0.4), wood, turn=turn)
    for dx in (-0.6, 0.6):
        s.box((x + dx, y, 0), (0.08, 0.4, 0.42), rgb("#3a3a40"), turn=turn)


def street_lamp(s: Solids, x: float, y: float) -> None:
    s.pole((x, y, 0), 0.05, 2.9, rgb("#34383c"))
    s.ball((x, y, 3.0), (0.2, 0.2, 0.22), rgb("#ffe2a8"), 0, PlacePart.LAMP, casts=False)


def gable(s: Solids, x, y, width, depth, base, rise, color) -> None:
    """A roof with its ridge along x."""
    w, d = width / 2 + 0.3, depth / 2 + 0.3
    for side in (-1, 1):
        s.panel([[x - w, y + side * d, base], [x + w, y + side * d, base], [x + w, y, base + rise],
                 [x - w, y, base + rise]], color, PlacePart.MARK, casts=True)  # fmt: skip
