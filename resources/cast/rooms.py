"""Places indoors: a back wall and two side walls, no front, the camera looks along +y.

Walls throw no shadow, so that the sun of the windows' side reaches in.
"""

import numpy as np

from cast.plants import FLOWERS, LEAVES, pick
from cast.solids import PlacePart, Solids, rgb
from cast.towns import window

WOOD = ("#9a6a3c", "#7a4f30", "#b5854f", "#5f4030")
FABRIC = ("#b5483f", "#3f6f8f", "#6a8a4f", "#c99a3a", "#7a5a8f", "#d0785a", "#4a5a7a")
BOOKS = ("#a83a2e", "#2f5f8a", "#3f7a4a", "#d9a83a", "#6a4a7a", "#e6dcc6", "#c8643a", "#2f3a4a")
BACK, SIDE, HIGH = 4.0, 4.4, 2.9  # meters to the walls and to the ceiling


def shell(s: Solids, walls, floor, boards=True) -> None:
    """Floor, three walls with a skirting, ceiling, and two windows in the back wall."""
    wall = s.vary(pick(s, walls), 0.05)
    one = pick(s, floor)
    step = 0.5 if boards else 1.0
    for k, x in enumerate(np.arange(-SIDE, SIDE, step)):
        if boards:
            shade = s.vary(one, 0.09)
            s.panel([[x, -11, 0], [x + step, -11, 0], [x + step, BACK, 0], [x, BACK, 0]], shade,
                    PlacePart.GROUND)  # fmt: skip
            continue
        for j, y in enumerate(np.arange(-11, BACK, step)):
            shade = one * (0.82 if (j + k) % 2 else 1.0)
            s.panel([[x, y, 0], [x + step, y, 0], [x + step, y + step, 0], [x, y + step, 0]], shade,
                    PlacePart.GROUND)  # fmt: skip
    runs = [
        ((-SIDE, BACK), (SIDE, BACK)),
        ((-SIDE, -11), (-SIDE, BACK)),
        ((SIDE, BACK), (SIDE, -11)),
    ]
    for start, end in runs:
        s.wall(start, end, 0, HIGH, wall)
    for start, end in (((-SIDE, BACK - 0.02), (SIDE, BACK - 0.02)),):
        s.wall(start, end, 0, 0.12, rgb("#f0ece2"))
    s.panel([[-SIDE, -11, HIGH], [SIDE, -11, HIGH], [SIDE, BACK, HIGH], [-SIDE, BACK, HIGH]],
            rgb("#f2efe8"))  # fmt: skip


def back_window(s: Solids, x: float, width=1.3, curtains=True) -> None:
    window(s, (x, BACK - 0.02, 1.65), width, 1.35, (0, -1))
    s.box((x, BACK - 0.06, 0.97), (0.05, 0.04, 1.36), rgb("#f2eee4"))
    if curtains:
        color = pick(s, FABRIC)
        for side in (-1, 1):
            s.box((x + side * (width * 0.72), BACK - 0.16, 0.7), (0.34, 0.1, 1.85), color)


def shelf(s: Solids, x, y, width=1.6, height=2.2, turn=0.0, full=BOOKS) -> None:
    """A bookcase; books stand in front of its back, in the direction that it looks."""
    wood = pick(s, WOOD)
    s.box((x, y, 0), (width, 0.3, height), wood * 0.6, turn=turn)
    rows = int(height / 0.4)
    for row in range(rows):
        z, at = 0.08 + row * 0.4, -width / 2 + 0.06
        while at < width / 2 - 0.1:
            thick, tall = s.rng.uniform(0.06, 0.14), s.rng.uniform(0.22, 0.32)
            # the book's place, turned with the shelf
            c, d = np.cos(np.radians(turn)), np.sin(np.radians(turn))
            dx, dy = at + thick / 2, -0.13
            s.box((x + c * dx - d * dy, y + d * dx + c * dy, z), (thick, 0.14, tall), pick(s, full),
                  turn=turn)  # fmt: skip
            at += thick + 0.01
    for row in range(rows + 1):
        s.box((x, y, 0.04 + row * 0.4), (width + 0.06, 0.36, 0.04), wood, turn=turn)


def table(s: Solids, x, y, width, depth, height, color, turn=0.0) -> None:
    s.box((x, y, height - 0.06), (width, depth, 0.06), color, turn=turn)
    for dx in (-0.45, 0.45):
        for dy in (-0.42, 0.42):
            s.box((x + dx * width, y + dy * depth, 0), (0.06, 0.06, height - 0.06), color)


def chair(s: Solids, x, y, color, back=1) -> None:
    """A chair whose back is at +y (1) or at -y (-1)."""
    s.box((x, y, 0.42), (0.42, 0.42, 0.06), color)
    s.box((x, y + back * 0.2, 0.45), (0.42, 0.05, 0.5), color)
    for dx in (-0.18, 0.18):
        for dy in (-0.18, 0.18):
            s.box((x + dx, y + dy, 0), (0.05, 0.05, 0.42), color * 0.7)


def ceiling_lamp(s: Solids, x, y, low=2.1, color="#ffd9a0") -> None:
    s.pole((x, y, low), 0.015, HIGH - low, rgb("#3a3a40"), casts=False)
    s.cone((x, y, low - 0.2), 0.26, 0.26, rgb(color), 0.08, 10, PlacePart.LAMP, casts=False)


def floor_lamp(s: Solids, x, y) -> None:
    s.pole((x, y, 0), 0.03, 1.4, rgb("#4a4038"))
    s.cone((x, y, 1.38), 0.28, 0.38, rgb("#ffdca6"), 0.16, 10, PlacePart.LAMP, casts=False)


def image_frame(s: Solids, x, z, width, height) -> None:
    """A framed painting on the back wall: a sky, a hill, a sun."""
    y = BACK - 0.05
    s.box((x, y, z), (width, 0.05, height), pick(s, WOOD))
    w, sky, hill = width * 0.42, pick(s, FABRIC), pick(s, LEAVES)
    s.wall((x - w, y - 0.04), (x + w, y - 0.04), z + 0.06, z + height - 0.06, sky, PlacePart.MARK)
    s.wall((x - w, y - 0.045), (x + w, y - 0.045), z + 0.06, z + height * 0.4, hill, PlacePart.MARK)


def potted_plant(s: Solids, x, y, height=1.1) -> None:
    s.cone((x, y, 0), 0.17, 0.34, rgb("#b5623f"), 0.22, 9)
    green = pick(s, LEAVES)
    for _ in range(6):
        dx, dy = s.rng.uniform(-0.22, 0.22, 2)
        s.ball((x + dx, y + dy, s.rng.uniform(0.5, 1) * height), (0.16, 0.16, 0.22), green, 0.25)


def living_room(s: Solids) -> None:
    shell(s, ("#e6d2ae", "#c9d3c4", "#d8b8a6", "#b9c6d2"), WOOD)
    color = pick(s, FABRIC)
    x = s.rng.uniform(-1.2, 1.2)
    sofa(s, x, 3.1, color)
    s.box((0, 0.4, 0.005), (4.2, 3.4, 0.012), pick(s, FABRIC), PlacePart.MARK, casts=False)
    for side in (-1, 1):
        back_window(s, side * 2.9)
        armchair = pick(s, FABRIC)
        s.box((side * 3.2, 1.2, 0), (0.9, 0.9, 0.45), armchair)
        s.box((side * 3.6, 1.2, 0.3), (0.25, 0.9, 0.7), armchair)
    for dx in (-0.8, 0.7):
        image_frame(s, x + dx, 1.55, s.rng.uniform(0.8, 1.1), s.rng.uniform(0.6, 0.8))
    floor_lamp(s, x + 1.75, 3.3)
    ceiling_lamp(s, -2.4, 1.0, 2.2)
    potted_plant(s, x - 1.8, 3.4, 1.3)
    shelf(s, -SIDE + 0.25, 2.6, 1.4, 1.6, 90)
    s.box((SIDE - 0.3, 2.6, 0), (0.5, 1.6, 0.5), pick(s, WOOD))
    s.box((SIDE - 0.25, 2.6, 0.55), (0.08, 1.2, 0.75), rgb("#22252c"))


def sofa(s: Solids, x: float, y: float, color) -> None:
    s.box((x, y, 0), (2.5, 0.95, 0.45), color)
    s.box((x, y + 0.4, 0.3), (2.5, 0.25, 0.65), color * 0.9)
    for side in (-1, 1):
        s.box((x + side * 1.2, y, 0.2), (0.25, 0.95, 0.45), color * 0.9)
        s.box((x + side * 0.6, y - 0.05, 0.47), (0.45, 0.4, 0.35), pick(s, FABRIC), turn=side * 15)


def kitchen(s: Solids) -> None:
    shell(s, ("#f0e6c8", "#d2e2dc", "#f2d9c4", "#dfe6ee"), ("#e9e4da", "#d9a37a", "#b9c4c8"), False)
    front = pick(s, ("#f4f1ea", "#7fa6a0", "#d9b25a", "#8fa7c4", "#c98a6a"))
    for x in np.arange(-4.1, 4.2, 0.75):
        s.box((x, 3.65, 0), (0.72, 0.65, 0.86), front)
        s.box((x, 3.31, 0.62), (0.3, 0.03, 0.04), rgb("#55585e"))
        if abs(x) > 1.2:
            s.box((x, 3.8, 1.55), (0.72, 0.36, 0.75), front)
            s.box((x + 0.2, 3.6, 1.62), (0.04, 0.03, 0.2), rgb("#55585e"))
    s.box((0, 3.63, 0.86), (8.6, 0.7, 0.06), rgb("#6a5a4a"))
    for x in np.arange(-4.2, 4.2, 0.3):
        for z in (0.96, 1.24):
            s.wall((x, BACK - 0.03), (x + 0.27, BACK - 0.03), z, z + 0.25,
                   s.vary(rgb("#cfe0e2"), 0.1), PlacePart.MARK)  # fmt: skip
    back_window(s, 0, 1.5, curtains=False)
    fridge, stove = s.rng.permutation([-3.4, 2.1])
    s.box((fridge, 3.5, 0), (0.85, 0.8, 1.9), rgb("#eef0f2"))
    s.box((stove, 3.55, 0), (0.8, 0.78, 0.93), rgb("#3a3d44"))
    s.box((stove, 3.6, 1.75), (0.8, 0.5, 0.5), rgb("#8a8f98"))
    s.cone((stove + 0.15, 3.5, 0.93), 0.15, 0.16, rgb("#c8402e"), 0.16, 10)
    s.cone((stove - 0.2, 3.6, 0.93), 0.13, 0.12, rgb("#b0b6be"), 0.14, 10)
    for k in range(4):
        s.ball((0.8 - 0.16 * k, 3.5, 1.0), (0.08, 0.08, 0.08), pick(s, FLOWERS), 0)
    for side in (-1, 1):
        table(s, side * 3.0, 1.3, 1.2, 0.9, 0.75, pick(s, WOOD))
        chair(s, side * 3.0, 2.0, pick(s, WOOD))
        s.ball((side * 3.0, 1.3, 0.82), (0.16, 0.16, 0.1), pick(s, FLOWERS), 0.1)
        ceiling_lamp(s, side * 3.0, 1.3, 1.9)
    ceiling_lamp(s, 0.0, 2.4, 2.2)


def bedroom(s: Solids) -> None:
    shell(s, ("#c9cfe2", "#e6cfd2", "#cfe0d2", "#e9dcc0"), WOOD)
    x, quilt = s.rng.uniform(-1.2, 1.2), pick(s, FABRIC)
    wood = pick(s, WOOD)
    s.box((x, 3.85, 0), (1.9, 0.12, 1.25), wood)
    s.box((x, 2.8, 0), (1.8, 2.0, 0.45), wood)
    s.box((x, 2.75, 0.45), (1.75, 1.9, 0.18), rgb("#f4f1ea"))
    s.box((x, 2.4, 0.5), (1.9, 1.3, 0.18), quilt)
    for side in (-1, 1):
        s.box((x + side * 0.45, 3.45, 0.6), (0.7, 0.4, 0.2), rgb("#f6f4ee"), turn=side * 4)
        s.box((x + side * 1.3, 3.6, 0), (0.5, 0.45, 0.5), wood)
        s.cone((x + side * 1.3, 3.6, 0.62), 0.17, 0.26, rgb("#ffdca6"), 0.1, 9, PlacePart.LAMP)
        s.pole((x + side * 1.3, 3.6, 0.5), 0.03, 0.14, wood)
    back_window(s, 3.0)
    back_window(s, -3.0)
    image_frame(s, x, 1.75, 1.2, 0.6)
    s.box((-SIDE + 0.4, 1.6, 0), (0.7, 1.7, 2.2), pick(s, WOOD))
    s.box((SIDE - 0.3, 1.6, 0), (0.55, 1.2, 0.85), pick(s, WOOD))
    s.box((SIDE - 0.06, 1.6, 1.0), (0.04, 0.8, 1.1), rgb("#c4d4dc"))
    s.box((0, 0.3, 0.005), (2.8, 2.2, 0.012), pick(s, FABRIC), casts=False)
    for k in range(3):
        s.ball((SIDE - 0.4, 1.2 + 0.3 * k, 0.98), (0.11, 0.11, 0.14), pick(s, FABRIC), 0.1)


def cafe(s: Solids) -> None:
    shell(s, ("#8a5a44", "#4f6a5f", "#b08a5a", "#5a4a6a"), ("#6a4a38", "#e0d6c4"), False)
    s.box((0, 3.2, 0), (5.0, 0.6, 1.05), pick(s, WOOD))
    s.box((0, 3.2, 1.05), (5.2, 0.75, 0.06), rgb("#d9cdb8"))
    s.box((1.3, 3.25, 1.1), (0.7, 0.45, 0.5), rgb("#a9b0b8"))
    s.box((-1.0, 3.2, 1.1), (1.1, 0.4, 0.4), rgb("#cfe0e6"))
    s.wall((-1.8, BACK - 0.04), (0.4, BACK - 0.04), 1.55, 2.5, rgb("#23302a"), PlacePart.MARK)
    for k in range(6):
        length, z = s.rng.uniform(0.5, 1.7), 1.65 + 0.14 * k
        s.wall((-1.65, BACK - 0.06), (-1.65 + length, BACK - 0.06), z, z + 0.045, rgb("#eae6da"),
               PlacePart.MARK)  # fmt: skip
    for z in (1.6, 2.05):
        s.box((2.0, 3.85, z - 0.05), (2.2, 0.25, 0.05), pick(s, WOOD))
        for x in np.arange(1.1, 3.0, 0.22):
            s.cone((x, 3.8, z), 0.07, s.rng.uniform(0.14, 0.3), pick(s, FLOWERS), 0.06, 7)
    for x, y in ((-3.2, 1.4), (3.2, 1.4), (-2.9, 3.0), (3.4, 3.0)):
        s.pole((x, y, 0), 0.05, 0.72, rgb("#3a3a40"))
        s.cone((x, y, 0.72), 0.45, 0.04, pick(s, WOOD), 0.45, 12)
        s.cone((x + 0.1, y, 0.76), 0.05, 0.09, rgb("#f6f2ea"), 0.06, 8)
        chair(s, x + 0.65, y, pick(s, FABRIC))
        ceiling_lamp(s, x, y, 1.95)
    ceiling_lamp(s, -0.9, 3.0, 2.1)
    ceiling_lamp(s, 0.9, 3.0, 2.1)
    window(s, (-3.3, BACK - 0.02, 1.6), 1.3, 1.5, (0, -1))
    window(s, (3.7, BACK - 0.02, 1.6), 0.9, 1.5, (0, -1))
