"""Places among houses; built like those of `nature`."""

import math

import numpy as np

from cast.plants import FLOWERS, flowers, hills, pick, scatter, tree
from cast.solids import PlacePart, Solids, rgb
from cast.things import bench, gable, sailboat, street_lamp

FRONTS = ("#d98a6a", "#e8c27a", "#9fb8c8", "#c9d6b0", "#d8a9b4", "#e9ddc6", "#b5654a", "#8fa7a0")
ROOFS = ("#8a3f32", "#6a4a44", "#4f5560", "#a35a3a")
GLASS = "#a9c4d6"


def window(s: Solids, at, width: float, height: float, outward) -> None:
    """A frame and panes on a wall; `outward` (2,) is where the wall looks."""
    along, out = np.array([-outward[1], outward[0], 0]), np.array([*outward, 0])
    for grow, off, color, part in ((1.25, 0.02, "#f2eee4", PlacePart.WALL),
                                   (1.0, 0.04, GLASS, PlacePart.WINDOW)):  # fmt: skip
        side, up = along * width / 2 * grow, np.array([0, 0, height / 2 * grow])
        middle = np.asarray(at, float) + out * off
        s.panel([middle - side - up, middle + side - up, middle + side + up, middle - side + up],
                rgb(color), part)  # fmt: skip


def facade(s: Solids, start, end, height: float, color) -> None:
    """A house front from (x, y) to (x, y), seen from its right, with windows and a door."""
    start, end = np.asarray(start, float), np.asarray(end, float)
    along = end - start
    length = np.linalg.norm(along)
    along /= length
    outward = np.array([along[1], -along[0]])
    s.wall(start, end, 0, height, s.vary(color), PlacePart.MARK)
    columns, floors = max(1, round(length / 1.9)), max(1, round(height / 2.8))
    door = s.rng.integers(columns)
    for column in range(columns):
        at = start + along * length * (column + 0.5) / columns
        for floor in range(floors):
            if floor == 0 and column == door:
                side = along * 0.55
                foot = at + outward * 0.04
                s.wall(foot - side, foot + side, 0, 2.2, pick(s, ROOFS), PlacePart.MARK)
                continue
            window(s, (*at, 1.5 + 2.8 * floor), 0.95, 1.3, outward)


def house(s: Solids, x, y, width, depth, height) -> None:
    """A free-standing house with a gable; its fronts look along -y and to both sides."""
    color, w, d = pick(s, FRONTS), width / 2, depth / 2
    corners = [(x - w, y + d), (x - w, y - d), (x + w, y - d), (x + w, y + d)]
    for start, end in zip(corners, corners[1:], strict=False):
        facade(s, start, end, height, color)
    gable(s, x, y, width, depth, height, 0.5 * depth + 0.6, pick(s, ROOFS))


def street(s: Solids) -> None:
    """A road between rows of houses, with sidewalks, lamps and cars."""
    s.ground(rgb("#5c5f66"), rgb("#63666c"))
    for side in (-1, 1):
        s.box((side * 5.2, 15, 0), (3.4, 60, 0.12), rgb("#b8b2a8"), PlacePart.GROUND, casts=False)
        y = -6.0
        while y < 34:
            length, height = s.rng.uniform(5, 9), s.rng.choice([5.6, 8.4, 11.2])
            ends = [(side * 6.9, y), (side * 6.9, y + length)]
            facade(s, *(ends[::-1] if side > 0 else ends), height, pick(s, FRONTS))
            y += length
    for y in np.arange(-4, 34, 3.0):
        s.panel([[-0.1, y, 0.01], [0.1, y, 0.01], [0.1, y + 1.5, 0.01], [-0.1, y + 1.5, 0.01]],
                rgb("#f0ece0"), PlacePart.MARK)  # fmt: skip
    facade(s, (-7, 34), (7, 34), 9, pick(s, FRONTS))
    for k in range(5):
        car(s, s.rng.choice([-2.9, 2.9]), 3.5 + 5 * k + s.rng.uniform(0, 1.5))
    for k in range(5):
        street_lamp(s, (-1) ** k * 4.1, 2.5 + 4 * k)


def car(s: Solids, x: float, y: float) -> None:
    color = pick(s, ("#c8402e", "#2f6fb0", "#e8e4da", "#3a8a5a", "#e0a52e", "#3a3a44"))
    s.box((x, y, 0.3), (1.7, 3.8, 0.6), color)
    s.box((x, y + 0.15, 0.9), (1.5, 2.0, 0.55), color)
    for dy in (-0.88, 1.18):
        s.wall((x - 0.65, y + dy), (x + 0.65, y + dy), 0.95, 1.38, rgb("#2a3644"))
    for dx in (-0.77, 0.77):
        s.wall((x + dx, y - 0.7), (x + dx, y + 1.0), 0.95, 1.36, rgb("#2a3644"))
        for dy in (-1.2, 1.2):
            s.box((x + dx, y + dy, 0), (0.24, 0.66, 0.62), rgb("#1c1c20"))


def harbor(s: Solids) -> None:
    """A quay with bollards and crates, boats with masts, a lighthouse."""
    s.ground(rgb("#a39a8c"), rgb("#968d80"))
    water = pick(s, ("#2a6f8f", "#2f7f98", "#33658a"))
    s.panel(
        [[-90, 3.6, 0.02], [90, 3.6, 0.02], [90, 90, 0.02], [-90, 90, 0.02]], water, PlacePart.MARK
    )
    s.box((0, 3.5, 0), (60, 0.3, 0.22), rgb("#7d756a"))
    for x in np.arange(-12, 12.1, 2.4):
        s.cone((x, 3.1, 0), 0.16, 0.5, rgb("#3a3d44"), 0.2, 8)
    for x in np.arange(-15, 16, 3.6) + s.rng.uniform(-0.6, 0.6, 9):
        fishing_boat(s, x, s.rng.uniform(5.5, 8))
    for x in s.rng.uniform(-20, 20, 5):
        sailboat(s, x, s.rng.uniform(14, 26))
    for x, y in scatter(s, 5, 2.4, 3.2, 70):
        crate = rgb("#a97a48")
        s.box((x, y, 0), (0.7, 0.6, 0.55), crate, turn=s.rng.uniform(-20, 20))
        s.box((x, y, 0.55), (0.5, 0.5, 0.4), crate, turn=s.rng.uniform(-40, 40))
    x = s.rng.uniform(-9, 9)
    for k in range(6):
        s.cone((x, 30, 1.4 * k), 1.3 - 0.1 * k, 1.4, rgb("#f4f0e6" if k % 2 else "#c83a2e"),
               1.2 - 0.1 * k, 12, casts=False)  # fmt: skip
    s.cone((x, 30, 8.4), 0.8, 0.9, rgb("#ffe2a8"), 0.8, 10, PlacePart.LAMP, casts=False)
    s.cone((x, 30, 9.3), 0.9, 0.8, rgb("#8a3f32"), casts=False)


def fishing_boat(s: Solids, x: float, y: float) -> None:
    hull = pick(s, ("#2f6fb0", "#c8402e", "#3a8a5a", "#f0ece0", "#e0a52e"))
    deck = [[-1.6, -0.6, 0.7], [1.3, -0.6, 0.7], [2.1, 0, 0.95], [1.3, 0.6, 0.7], [-1.6, 0.6, 0.7]]
    keel = [[-1.4, -0.4, 0], [1.2, -0.4, 0], [1.5, 0, 0], [1.2, 0.4, 0], [-1.4, 0.4, 0]]
    points = deck + keel
    sides = [[k, (k + 1) % 5, 5 + (k + 1) % 5, 5 + k] for k in range(5)]
    s.add(
        np.array(points) + [x, y, 0], np.array(sides + [[0, 1, 3, 4], [1, 2, 3, 3]]), s.vary(hull)
    )
    s.box((x - 0.5, y, 0.7), (1.0, 0.8, 0.9), rgb("#f4f1ea"))
    s.wall((x - 0.8, y - 0.41), (x - 0.2, y - 0.41), 1.05, 1.4, rgb("#2a3644"))
    s.pole((x + 0.4, y, 0.7), 0.05, s.rng.uniform(2.6, 3.8), rgb("#8a6a48"))


def village(s: Solids) -> None:
    """A cobbled square with houses around it, a well, a church tower and stalls."""
    s.ground(rgb("#b3a894"), rgb("#a09684"))
    for k, angle in enumerate(np.radians(np.linspace(-80, 80, 9))):
        away = 12 + s.rng.uniform(-1, 1.5)
        x, y = away * math.sin(angle), away * math.cos(angle)
        if k != 4:
            house(s, x, y, s.rng.uniform(3.6, 4.6), 3.4, s.rng.choice([2.8, 5.4]))
    x = s.rng.uniform(-2.5, 2.5)
    s.box((x, 17, 0), (3.2, 3.2, 10), rgb("#e4dac6"))
    s.cone((x, 17, 10), 2.5, 4.5, rgb("#6a4a44"), sides=4)
    window(s, (x, 15.4, 7.8), 0.9, 1.6, (0, -1))
    well(s, *scatter(s, 1, 3.2, 4.5, 45)[0])
    for x, y in scatter(s, 4, 5, 8, 75):
        stall(s, x, y)
    for x, y in scatter(s, 3, 4.5, 8):
        tree(s, x, y, s.rng.uniform(3, 4.5))
    bench(s, *scatter(s, 1, 2.8, 4)[0])
    flowers(s, 10, 2.6, 6)
    hills(s, 48, 8, rgb("#6a8f5a"), 8)


def well(s: Solids, x: float, y: float) -> None:
    s.cone((x, y, 0), 0.75, 0.75, rgb("#8f8a84"), 0.75, 11)
    for dx in (-0.65, 0.65):
        s.box((x + dx, y, 0.7), (0.1, 0.1, 1.2), rgb("#6b4a30"))
    gable(s, x, y, 1.5, 0.9, 1.9, 0.5, rgb("#8a3f32"))


def stall(s: Solids, x: float, y: float) -> None:
    """A table with fruit under a striped awning."""
    turn = -math.degrees(math.atan2(x, y))
    s.box((x, y, 0), (1.7, 0.8, 0.8), rgb("#9a6a3c"), turn=turn)
    for k in range(5):
        fruit = pick(s, FLOWERS)
        s.ball((x - 0.6 + 0.3 * k, y - 0.1, 0.88), (0.16, 0.2, 0.12), fruit, 0.1)
    one = pick(s, FLOWERS)
    for k in range(6):
        color = one if k % 2 else rgb("#f4f1ea")
        s.box((x - 0.75 + 0.3 * k, y - 0.2, 1.95), (0.3, 1.3, 0.06), color)
    for dx in (-0.85, 0.85):
        s.pole((x + dx, y - 0.7, 0), 0.04, 1.95, rgb("#d8d0c0"))
