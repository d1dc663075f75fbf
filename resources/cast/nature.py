"""Places in nature. Each builder fills `s`; people stand around the origin, the camera looks along
+y from within 55 degrees of it, and nothing stands nearer than 2.2 m.
"""

import math

import numpy as np

from cast.plants import (
    FLOWERS,
    LEAVES,
    arch,
    cactus,
    conifer,
    flowers,
    hills,
    palm_tree,
    pick,
    scatter,
    snowy_conifer,
    tree,
    tufts,
)
from cast.solids import PlacePart, Solids, rgb
from cast.things import bench, gable, parasol, sailboat, street_lamp


def beach(s: Solids) -> None:
    s.ground(rgb("#e8d3a0"), rgb("#dcc48c"))
    sea, shore = pick(s, ("#2f86b5", "#2a9fae", "#3a78b8")), s.rng.uniform(6.5, 9)
    bands = [
        (0.0, "#f4f6f2"),
        (0.5, None),
        (2.4, "#dfeef0"),
        (2.7, None),
        (6, "#cfe4ea"),
        (6.2, None),
    ]
    for k, (start, foam) in enumerate(bands):
        y, z = shore + start, 0.02 + 0.004 * k
        color = rgb(foam) if foam else sea * (1 - 0.06 * k)
        corners = [[-90, y, z], [90, y, z], [90, 90, z], [-90, 90, z]]
        s.panel(corners, color, PlacePart.MARK)
    for x, y in scatter(s, 5, 4, shore - 0.6):
        palm_tree(s, x, y, s.rng.uniform(3.2, 5))
    for x, y in scatter(s, 4, 3, shore - 1):
        parasol(s, x, y)
    for x in s.rng.uniform(-14, 14, 3):
        sailboat(s, x, s.rng.uniform(14, 26))


def forest(s: Solids) -> None:
    s.ground(rgb("#4c6b34"), rgb("#5d5a36"))
    build = conifer if s.rng.random() < 0.5 else tree
    for x, y in scatter(s, 26, 3.2, 9, 85):
        build(s, x, y, s.rng.uniform(4.5, 7.5))
    for x, y in scatter(s, 40, 9, 20, 85):
        build(s, x, y, s.rng.uniform(6, 10))
    for x, y in scatter(s, 12, 2.6, 8):
        s.ball((x, y, 0.1), s.rng.uniform(0.3, 0.7, 3) * [1, 1, 0.8], pick(s, LEAVES), 0.2)
    for x, y in scatter(s, 4, 2.5, 6):
        s.pole((x, y, 0), 0.05, 0.18, rgb("#efe6d2"))
        s.cone((x, y, 0.14), 0.17, 0.16, rgb("#c8402e"))
    s.wall((-40, 24), (40, 24), 0, 9, rgb("#2f5238"))


def park(s: Solids) -> None:
    s.ground(rgb("#6aa548"), rgb("#7cb254"))
    path = rgb("#d8c49c")
    for k in range(9):
        y0, y1 = -12 + 4 * k, -8 + 4 * k
        bend = [2.2 * math.sin(0.3 * y + 1) for y in (y0, y1)]
        s.panel([[bend[0] - 1, y0, 0.01], [bend[0] + 1, y0, 0.01], [bend[1] + 1, y1, 0.01],
                 [bend[1] - 1, y1, 0.01]], path, PlacePart.GROUND)  # fmt: skip
    for x, y in scatter(s, 4, 2.8, 6):
        bench(s, x, y)
    for x, y in scatter(s, 9, 5.5, 15):
        tree(s, x, y, s.rng.uniform(4, 6.5))
    for x, y in scatter(s, 5, 3.5, 10):
        street_lamp(s, x, y)
    x, y = scatter(s, 1, 8, 12, 40)[0]
    s.cone((x, y, 0.02), 3, 0.02, rgb("#4f9cc0"), 3, 16, casts=False)
    flowers(s, 14, 3, 7)
    hills(s, 40, 7, rgb("#5d8f52"), 9)


def mountains(s: Solids) -> None:
    s.ground(rgb("#7d9a52"), rgb("#8a8a62"))
    hills(s, 62, 30, rgb("#6f7686"), 10, peaked=True)
    hills(s, 40, 5, rgb("#557a4c"), 8)
    for x, y in scatter(s, 10, 3, 12):
        s.ball((x, y, 0), s.rng.uniform(0.3, 1.0, 3), rgb("#8d8a86"), 0.28)
    for x, y in scatter(s, 12, 8, 22):
        conifer(s, x, y, s.rng.uniform(2.5, 4.5))
    tufts(s, 14, 2.5, 7, LEAVES)


def desert(s: Solids) -> None:
    s.ground(rgb("#d9a868"), rgb("#cf9a58"))
    for x, y in scatter(s, 9, 16, 34):
        s.ball((x, y, -0.6), (s.rng.uniform(6, 11), s.rng.uniform(4, 7), s.rng.uniform(2, 4.5)),
               rgb("#dcae70"), 0.05, PlacePart.WALL, casts=False)  # fmt: skip
    for x, y in scatter(s, 9, 3.2, 12):
        cactus(s, x, y, s.rng.uniform(1.6, 3.2))
    for x, y in scatter(s, 8, 3, 10):
        s.ball((x, y, 0), s.rng.uniform(0.2, 0.6, 3), rgb("#b0703e"), 0.25)
    for angle in s.rng.uniform(-1.2, 1.2, 3):
        x, y, tall = 45 * math.sin(angle), 45 * math.cos(angle), s.rng.uniform(6, 12)
        s.cone((x, y, 0), 9, tall, rgb("#b8623a"), 6.5, 10, casts=False)


def field(s: Solids) -> None:
    """Farmland in stripes, hay, a fence, a barn far off."""
    s.ground(rgb("#c9b04e"), rgb("#bda244"))
    crops = ("#d8bc54", "#8fae48", "#b8923e", "#7a9a40")
    for k in range(9):
        y = 5 + 3.2 * k
        s.panel([[-70, y, 0.01], [70, y, 0.01], [70, y + 3.2, 0.01], [-70, y + 3.2, 0.01]],
                rgb(crops[k % 4]) * s.rng.uniform(0.85, 1.1), PlacePart.MARK)  # fmt: skip
    for x, y in scatter(s, 8, 4, 18):
        s.ball((x, y, 0.5), (0.8, 0.7, 0.7), rgb("#dcb74a"), 0.06)
    for x in np.arange(-14, 14.1, 1.6):
        s.box((x, 4.4, 0), (0.12, 0.12, 1.0), rgb("#8a6a48"))
    for z in (0.4, 0.75):
        s.box((0, 4.4, z), (28, 0.06, 0.1), rgb("#947350"))
    x = s.rng.uniform(-9, 9)
    s.box((x, 24, 0), (6, 4, 3.2), rgb("#a83a2e"))
    gable(s, x, 24, 6, 4, 3.2, 2.2, rgb("#5a4038"))
    hills(s, 45, 6, rgb("#7d9a5a"), 8)


def snowfield(s: Solids) -> None:
    white = rgb("#f2f5fa")
    s.ground(white, rgb("#e6ecf5"))
    for x, y in scatter(s, 16, 4, 16):
        snowy_conifer(s, x, y, s.rng.uniform(2.5, 5))
    for x, y in scatter(s, 9, 3, 12):
        s.ball((x, y, -0.2), s.rng.uniform(0.7, 1.6, 3) * [1, 1, 0.4], white, 0.08)
    x, y = scatter(s, 1, 3, 5, 50)[0]
    for z, radius in ((0.35, 0.5), (1.05, 0.36), (1.6, 0.26)):
        s.ball((x, y, z), (radius, radius, radius), white, 0.02)
    s.cone((x, y - 0.2, 1.6), 0.06, 0.04, rgb("#e07a2e"), 0.02)
    s.cone((x, y, 1.8), 0.24, 0.3, rgb("#2c2c34"), 0.22)
    hills(s, 50, 16, rgb("#a9b4c6"), 9, peaked=True)


def garden(s: Solids) -> None:
    s.ground(rgb("#74ac4e"), rgb("#669c44"))
    for side in (-1, 1):
        for k in range(6):
            x, y = side * (2.3 + 0.5 * k), 2.2 + 0.9 * k
            s.box((x, y, 0), (1.2, 0.7, 0.16), rgb("#6a4a34"))
            for _ in range(6):
                dx, dy = s.rng.uniform(-0.5, 0.5, 2) * [1, 0.5]
                tall, color = s.rng.uniform(0.35, 0.75), pick(s, FLOWERS)
                s.pole((x + dx, y + dy, 0), 0.02, tall, rgb("#3f7d34"), casts=False)
                s.ball((x + dx, y + dy, tall), (0.13, 0.13, 0.1), color, 0.2, casts=False)
    for x in np.arange(-9, 9.1, 0.34):
        s.box((x, 8.2, 0), (0.24, 0.06, 1.15), rgb("#f4f1ea"))
    s.box((0, 8.25, 0.7), (18.4, 0.06, 0.12), rgb("#eae6da"))
    arch(s, 0, 6.2)
    for x, y in scatter(s, 7, 9.5, 15):
        tree(s, x, y, s.rng.uniform(3, 4.5))
    for x, y in scatter(s, 10, 3.6, 7.5):
        s.ball((x, y, 0.4), s.rng.uniform(0.4, 0.7, 3), pick(s, LEAVES), 0.1)
    flowers(s, 26, 2.4, 7.5)
    flowers(s, 10, 2.6, 6, 30)
