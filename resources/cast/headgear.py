"""Hats: a cap, a hat with a brim, a beanie."""

from collections.abc import Callable

import numpy as np
from maker.geometry import grid_faces

from cast.attributes import NONE, Part, Person
from cast.pieces import Piece, add_rigid
from cast.scalp import Scalp
from cast.shades import TOPS, contrast
from cast.surfaces import make_ball

FELT = ("red", "blue", "green", "brown", "black", "yellow", "purple")

BRIM_HAT = (  # rings from the brim to the top: width, height (of a grown head, m)
    (2.0, -0.020), (1.5, -0.006), (1.02, 0.0), (0.97, 0.045), (0.93, 0.09), (0.80, 0.108),
    (0.05, 0.102),
)  # fmt: skip


def pick_color(person: Person, salt: int, names=FELT) -> np.ndarray:
    """A color for a thing, not that of the top."""
    rng = np.random.default_rng([person.seed, salt])
    return np.array(TOPS[str(rng.choice([name for name in names if name != person.top_color]))])


def make_dome(scalp: Scalp, rim: np.ndarray, lift: float, rows: int = 9) -> np.ndarray:
    """Points (rows, columns, 3) over the head from the top down to elevations `rim` (degrees)."""
    azimuth = np.arange(len(rim)) * 360 / len(rim)
    t = np.linspace(0, 1, rows)[:, None]
    return scalp.at(azimuth[None], 89 - t * (89 - rim[None]), lift * scalp.scale)


def wear_hat(scalp: Scalp, person: Person) -> list[Piece]:
    return [] if person.hat == NONE else HATS[person.hat](scalp, person)


def wear_beanie(scalp: Scalp, person: Person) -> list[Piece]:
    """A knitted cap with a folded rim and a bobble."""
    body, color = scalp.body, pick_color(person, 3)
    azimuth = np.arange(40) * 9.0
    rim = 24 - 14 * (1 - np.cos(np.radians(azimuth))) / 2
    dome = make_dome(scalp, rim, 0.036)
    ribs = 1 + 0.12 * np.cos(np.arange(40) * np.pi)[None, :, None]
    fold = np.stack([make_dome(scalp, rim + up, lift, 2)[1] for up, lift in
                     ((14, 0.038), (13, 0.047), (-1, 0.045), (-2, 0.020))])  # fmt: skip
    top = dome[0].mean(0) + [0, 0, 0.018 * scalp.scale]
    ball, quads = make_ball(top, np.full(3, 0.030 * scalp.scale))
    return [
        add_rigid(
            body, dome, grid_faces(9, 40)[:, ::-1], color * ribs * np.ones((9, 1, 1)), Part.HAT
        ),
        add_rigid(body, fold, grid_faces(4, 40)[:, ::-1], color * 0.7, Part.HAT),
        add_rigid(body, ball, quads, contrast(color), Part.HAT),
    ]


def wear_cap(scalp: Scalp, person: Person) -> list[Piece]:
    """A baseball cap: a dome and a visor."""
    body, s, color = scalp.body, scalp.scale, pick_color(person, 4)
    rim = np.full(40, 30.0) - 12 * (1 - np.cos(np.radians(np.arange(40) * 9.0))) / 2
    dome = make_dome(scalp, rim, 0.034)
    across = np.linspace(-62, 62, 13)
    inner = scalp.at(across, np.full(13, 31.0), 0.033 * s)
    reach = 0.085 * s * np.cos(np.radians(across) * 1.35)[:, None] ** 0.7
    rows = [inner + reach * t * [0, -1, 0] - [0, 0, 0.022 * s * t**2] for t in np.linspace(0, 1, 5)]
    visor = np.stack(rows)
    under = visor - [0, 0, 0.005 * s]
    button, quads = make_ball(dome[0].mean(0), np.full(3, 0.010 * s), 5, 8)
    shades = color * 0.55
    return [
        add_rigid(body, dome, grid_faces(9, 40)[:, ::-1], color, Part.HAT),
        add_rigid(body, visor, grid_faces(5, 13, wrap=False), shades, Part.HAT),
        add_rigid(body, under, grid_faces(5, 13, wrap=False)[:, ::-1], shades * 0.6, Part.HAT),
        add_rigid(body, button, quads, shades, Part.HAT),
    ]


def wear_brim_hat(scalp: Scalp, person: Person) -> list[Piece]:
    """A hat with a crown, a ribbon and a broad brim."""
    body, s = scalp.body, scalp.scale
    color = pick_color(person, 5, ("brown", "black", "white", "yellow", "grey", "blue"))
    azimuth = np.arange(40) * 9.0
    ring = scalp.at(azimuth, 36 - 12 * (1 - np.cos(np.radians(azimuth))) / 2, 0.034 * s)
    middle, up = ring.mean(0), np.array([0, 0.12, 1.0])
    rows = [middle + (ring - middle) * wide + up * rise * s for wide, rise in BRIM_HAT]
    points = np.stack(rows)
    tone = np.ones((7, 40, 1)) * color
    tone[:2] *= 0.9
    band = np.stack([middle + (ring - middle) * wide + up * rise * s
                     for wide, rise in ((1.045, 0.002), (1.02, 0.030))])  # fmt: skip
    return [
        add_rigid(body, points, grid_faces(7, 40), tone, Part.HAT),
        add_rigid(body, band, grid_faces(2, 40), contrast(color), Part.HAT),
    ]


HATS: dict[str, Callable] = {"cap": wear_cap, "brim_hat": wear_brim_hat, "beanie": wear_beanie}
