"""Places indoors where people learn, read, work and buy; built like those of `rooms`."""

import numpy as np

from cast.plants import FLOWERS, pick
from cast.rooms import (
    BACK,
    BOOKS,
    FABRIC,
    SIDE,
    WOOD,
    back_window,
    ceiling_lamp,
    chair,
    potted_plant,
    shelf,
    shell,
    table,
)
from cast.solids import PlacePart, Solids, rgb


def tube_lamp(s: Solids, x: float, y: float) -> None:
    """A white lamp under the ceiling."""
    s.box((x, y, 2.78), (1.5, 0.25, 0.08), rgb("#fff2dc"), PlacePart.LAMP, casts=False)


def classroom(s: Solids) -> None:
    shell(s, ("#e9e0c0", "#d3e0d0", "#dcd6e2"), ("#b5854f", "#a9a49a"), bool(s.rng.integers(2)))
    s.box((0, BACK - 0.06, 0.95), (4.4, 0.06, 1.35), rgb("#8a5a34"))
    s.wall((-2.1, BACK - 0.1), (2.1, BACK - 0.1), 1.0, 2.25, rgb("#245040"), PlacePart.MARK)
    for row in range(4):
        x = -1.9
        while x < 1.7:
            length, z = s.rng.uniform(0.15, 0.6), 2.05 - 0.25 * row
            s.wall((x, BACK - 0.12), (x + length, BACK - 0.12), z, z + 0.06, rgb("#e8ece4"),
                   PlacePart.MARK)  # fmt: skip
            x += length + 0.15
    for x in (-3.2, -2.2, 2.2, 3.2):
        for y in (1.0, 2.3):
            table(s, x, y, 0.85, 0.55, 0.72, pick(s, WOOD))
            chair(s, x, y + 0.45, pick(s, FABRIC))
            s.box((x, y, 0.72), (0.3, 0.22, 0.03), pick(s, BOOKS), turn=s.rng.uniform(-25, 25))
    table(s, 0.6, 3.2, 1.5, 0.6, 0.78, pick(s, WOOD))
    s.ball((0.2, 3.2, 1.0), (0.17, 0.17, 0.19), rgb("#3f86b5"), 0)
    for x in (-3.4, 3.4):
        s.box((x, BACK - 0.05, 1.2), (1.3, 0.03, 0.95), rgb("#e8d8b4"))
        for _ in range(5):
            dx, dz = s.rng.uniform(-0.5, 0.5), s.rng.uniform(0.05, 0.7)
            s.box((x + dx, BACK - 0.08, 1.2 + dz), (0.2, 0.02, 0.24), pick(s, FLOWERS))
    for y in (-0.5, 1.5):
        tube_lamp(s, -1.6, y)
        tube_lamp(s, 1.6, y)
    side_windows(s)


def side_windows(s: Solids) -> None:
    """Three windows in the left wall."""
    for y in (-0.2, 1.4, 3.0):
        corners = [[-SIDE + 0.03, y - 0.6, 1.0], [-SIDE + 0.03, y + 0.6, 1.0],
                   [-SIDE + 0.03, y + 0.6, 2.4], [-SIDE + 0.03, y - 0.6, 2.4]]  # fmt: skip
        s.panel(corners, rgb("#a9c4d6"), PlacePart.WINDOW)
        for z in (0.95, 2.4):
            s.box((-SIDE + 0.04, y, z), (0.06, 1.3, 0.06), rgb("#f2eee4"))
        for dy in (-0.62, 0, 0.62):
            s.box((-SIDE + 0.04, y + dy, 0.95), (0.06, 0.06, 1.5), rgb("#f2eee4"))


def library(s: Solids) -> None:
    shell(s, ("#7a5a40", "#5a4a3a", "#8a7a5a"), ("#6a4430", "#7a5a40"))
    for x in np.arange(-3.6, 3.7, 1.8):
        shelf(s, x, 3.8, 1.7, 2.8)
    for side in (-1, 1):
        for y in (0.6, 2.4):
            shelf(s, side * (SIDE - 0.22), y, 1.7, 2.8, side * -90)
        table(s, side * 2.6, 1.8, 1.4, 0.8, 0.75, pick(s, WOOD))
        s.cone((side * 2.6, 1.8, 1.0), 0.2, 0.16, rgb("#8fd0a0"), 0.1, 9, PlacePart.LAMP)
        s.pole((side * 2.6, 1.8, 0.75), 0.02, 0.26, rgb("#b08a3a"))
        for k in range(3):
            s.box((side * 2.3, 1.6, 0.75 + 0.06 * k), (0.32, 0.24, 0.06), pick(s, BOOKS),
                  turn=s.rng.uniform(-30, 30))  # fmt: skip
    s.box((1.1, 3.4, 0), (0.08, 0.08, 2.6), pick(s, WOOD))
    s.box((0.7, 3.4, 0), (0.08, 0.08, 2.6), pick(s, WOOD))
    for z in np.arange(0.3, 2.6, 0.35):
        s.box((0.9, 3.4, z), (0.4, 0.06, 0.05), pick(s, WOOD))
    s.box((0, 0.3, 0.005), (3.2, 2.4, 0.012), pick(s, FABRIC), casts=False)
    ceiling_lamp(s, -1.6, 2.0, 2.3)
    ceiling_lamp(s, 1.6, 2.0, 2.3)


def office(s: Solids) -> None:
    shell(s, ("#dfe3e6", "#c9d2d8", "#e6e0d6"), ("#7d8590", "#8a8f86", "#6a7480"), False)
    for x in (-2.9, -0.6, 2.3):
        desk(s, x + s.rng.uniform(-0.2, 0.2), 3.0)
    for side in (-1, 1):
        desk(s, side * 3.2, 1.3)
    s.box((3.9, 3.5, 0), (0.6, 0.6, 1.35), rgb("#9aa2aa"))
    for k in range(3):
        s.box((3.9, 3.18, 0.2 + 0.4 * k), (0.3, 0.03, 0.05), rgb("#5a6068"))
    s.box((-0.6, BACK - 0.05, 1.35), (1.5, 0.04, 0.95), rgb("#f6f6f4"))
    heights = s.rng.uniform(0.15, 0.7, 6)
    for k, tall in enumerate(heights):
        x = -1.2 + 0.2 * k
        s.wall((x, BACK - 0.09), (x + 0.14, BACK - 0.09), 1.42, 1.42 + tall, pick(s, FLOWERS),
               PlacePart.MARK)  # fmt: skip
    back_window(s, 1.7, 1.8, curtains=False)
    back_window(s, -2.9, 1.8, curtains=False)
    potted_plant(s, 3.4, 3.5, 1.4)
    for x in (-2.2, 0, 2.2):
        tube_lamp(s, x, 1.6)


def desk(s: Solids, x: float, y: float) -> None:
    """A desk with a screen, a keyboard, a mug and papers."""
    table(s, x, y, 1.5, 0.75, 0.74, pick(s, ("#e6e2da", "#c9a878", "#8a6a4a")))
    s.box((x, y + 0.15, 0.74), (0.1, 0.1, 0.2), rgb("#2a2d34"))
    s.box((x, y + 0.15, 0.9), (0.72, 0.05, 0.44), rgb("#1f2228"))
    s.wall(
        (x - 0.33, y + 0.12), (x + 0.33, y + 0.12), 0.93, 1.31, rgb("#5aa0d0"), PlacePart.MARK, 0.5
    )
    s.box((x, y - 0.15, 0.74), (0.45, 0.15, 0.02), rgb("#3a3d44"))
    s.cone((x + 0.5, y - 0.1, 0.74), 0.05, 0.1, pick(s, FLOWERS), 0.05, 8)
    s.box((x - 0.5, y, 0.74), (0.22, 0.3, 0.04), rgb("#f6f4ee"), turn=s.rng.uniform(-20, 20))
    s.box((x, y + 0.75, 0.45), (0.5, 0.5, 0.08), rgb("#3a4450"))
    s.box((x, y + 0.97, 0.5), (0.5, 0.07, 0.65), rgb("#3a4450"))


def shop(s: Solids) -> None:
    """A grocer's: shelves of jars and boxes, crates of fruit, a counter with a till."""
    shell(s, ("#f0e2c0", "#cfe0c4", "#e6d0d8"), ("#d9cdb8", "#b9a88a"), False)
    for x in (-3.2, -1.1, 1.1, 3.2):
        wood = pick(s, WOOD)
        s.box((x, 3.85, 0), (2.0, 0.2, 2.5), wood * 0.7)
        for z in np.arange(0.25, 2.4, 0.5):
            s.box((x, 3.6, z - 0.04), (2.0, 0.4, 0.04), wood)
            goods, at = s.rng.integers(2), x - 0.9
            while at < x + 0.9:
                color, wide = pick(s, FLOWERS + BOOKS), s.rng.uniform(0.12, 0.26)
                if goods:
                    s.cone((at, 3.55, z), wide / 2, 0.26, color, wide / 2, 7)
                else:
                    s.box((at, 3.55, z), (wide, 0.2, s.rng.uniform(0.2, 0.36)), color)
                at += wide + 0.05
    for side in (-1, 1):
        for y in (0.9, 2.1):
            fruit = pick(s, FLOWERS)
            s.box((side * 3.1, y, 0), (1.1, 0.8, 0.55), rgb("#a97a48"))
            for _ in range(16):
                dx, dy = s.rng.uniform(-0.45, 0.45), s.rng.uniform(-0.3, 0.3)
                s.ball((side * 3.1 + dx, y + dy, 0.6), (0.11, 0.11, 0.1), fruit, 0)
    s.box((1.9, 2.7, 0), (1.5, 0.6, 1.0), pick(s, WOOD))
    s.box((2.1, 2.7, 1.0), (0.45, 0.4, 0.3), rgb("#3a3d44"))
    ceiling_lamp(s, -1.5, 1.8, 2.2)
    ceiling_lamp(s, 1.5, 1.8, 2.2)
    side_windows(s)
