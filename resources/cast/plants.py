"""What grows and rises outdoors: trees, hills, flowers, and where they are scattered."""

import math

import numpy as np

from cast.solids import PlacePart, Solids, rgb

LEAVES = ("#3f7d34", "#56923a", "#2f6b3c", "#6b9a3a", "#4a8a52")
BARK = ("#6b4a30", "#5a4030", "#7d5a3c")
FLOWERS = ("#e0433a", "#f2b632", "#e86aa6", "#8a56c9", "#f5f0e6", "#f07f2e")


def pick(s: Solids, colors) -> np.ndarray:
    return rgb(colors[s.rng.integers(len(colors))])


def scatter(s: Solids, count: int, near: float, far: float, spread: float = 78.0) -> np.ndarray:
    """Places (count, 2) on the ground, between two distances, within degrees of the view's axis."""
    angle = np.radians(s.rng.uniform(-spread, spread, count))
    away = s.rng.uniform(near, far, count)
    return np.stack([away * np.sin(angle), away * np.cos(angle)], 1)


def tree(s: Solids, x: float, y: float, height: float, leaves=LEAVES) -> None:
    """A trunk with a crown of three balls."""
    s.pole((x, y, 0), 0.035 * height, 0.55 * height, pick(s, BARK))
    color, width = pick(s, leaves), s.rng.uniform(0.2, 0.28) * height
    for _ in range(3):
        dx, dy = s.rng.uniform(-0.5, 0.5, 2) * width
        z = s.rng.uniform(0.55, 0.85) * height
        s.ball((x + dx, y + dy, z), (width, width, 0.8 * width), color, 0.16)


def conifer(s: Solids, x: float, y: float, height: float) -> None:
    """A trunk under three cones."""
    s.pole((x, y, 0), 0.03 * height, 0.3 * height, pick(s, BARK))
    color = pick(s, ("#2c5a3a", "#356b41", "#274f3c"))
    for k in range(3):
        radius = (0.24 - 0.055 * k) * height
        s.cone((x, y, (0.16 + 0.25 * k) * height), radius, 0.36 * height, color, sides=8)


def palm_tree(s: Solids, x: float, y: float, height: float) -> None:
    """A leaning trunk of rings and seven drooping leaves."""
    lean, color = s.rng.uniform(-0.25, 0.25, 2) * height, pick(s, ("#8a6b48", "#9a7a52"))
    for k in range(5):
        t = k / 5
        s.cone((x + lean[0] * t**2, y + lean[1] * t**2, t * height), 0.16 - 0.05 * t,
               height / 5 + 0.05, color, 0.12 - 0.05 * t, 7)  # fmt: skip
    top = np.array([x + lean[0], y + lean[1], height])
    green = pick(s, ("#4d8f3a", "#5fa044"))
    for angle in np.arange(7) * 2 * math.pi / 7 + s.rng.uniform(0, 1):
        out = np.array([math.cos(angle), math.sin(angle), 0])
        side = np.array([-math.sin(angle), math.cos(angle), 0]) * 0.28
        rows = [top, top + out * 0.9 + [0, 0, 0.25], top + out * 1.7 + [0, 0, -0.15],
                top + out * 2.2 + [0, 0, -0.9]]  # fmt: skip
        widths = (0.4, 1.0, 0.8, 0.1)
        points = [p + side * w * d for p, w in zip(rows, widths, strict=True) for d in (-1, 1)]
        quads = [[2 * k, 2 * k + 1, 2 * k + 3, 2 * k + 2] for k in range(3)]
        s.add(np.array(points), np.array(quads), s.vary(green))


def hills(s: Solids, away: float, height: float, color, count: int = 9, peaked=False) -> None:
    """A range of hills or peaks far away, all around the view."""
    for angle in np.linspace(-1.6, 1.6, count) + s.rng.uniform(-0.12, 0.12, count):
        x, y = away * math.sin(angle), away * math.cos(angle)
        tall, wide = height * s.rng.uniform(0.6, 1.15), away * s.rng.uniform(0.22, 0.34)
        if peaked:
            peak(s, x, y, wide, tall, color)
        else:
            s.ball((x, y, -0.2 * tall), (wide, wide, tall), color, 0.1, PlacePart.WALL, casts=False)


def peak(s: Solids, x: float, y: float, wide: float, tall: float, color) -> None:
    """A mountain with a cap of snow: a cone whose upper rings are white."""
    sides, shares = 11, (0.0, 0.35, 0.6, 0.62, 1.0)
    angle = 2 * math.pi * np.arange(sides) / sides
    rough = s.rng.uniform(0.75, 1.25, (len(shares), sides))
    rings, colors, white = [], [], rgb("#f4f6fa")
    for share, bumps in zip(shares, rough, strict=True):
        radius = wide * (1 - share) * bumps
        z = tall * share + (0.06 * tall * (bumps - 1) if share > 0.5 else 0 * bumps)
        rings.append(np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle), z], 1))
        shade = white if share > 0.61 else np.asarray(color) * s.rng.uniform(0.85, 1.15)
        colors.append(np.tile(shade, (sides, 1)))
    i = np.arange((len(shares) - 1) * sides)
    right = i // sides * sides + (i + 1) % sides
    quads = np.stack([i, right, right + sides, i + sides], 1)
    s.add(np.concatenate(rings), quads, np.concatenate(colors), casts=False)


def tufts(s: Solids, count: int, near: float, far: float, colors, height=0.25) -> None:
    """Small upright blades in bunches."""
    for x, y in scatter(s, count, near, far):
        tall = height * s.rng.uniform(0.6, 1.4)
        s.cone((x, y, 0), 0.35 * tall, tall, pick(s, colors), 0.5 * tall, 5, casts=False)


def flowers(s: Solids, count: int, near: float, far: float, spread: float = 78.0) -> None:
    for x, y in scatter(s, count, near, far, spread):
        tall = s.rng.uniform(0.25, 0.6)
        s.pole((x, y, 0), 0.02, tall, rgb("#3f7d34"), casts=False)
        s.ball((x, y, tall), (0.1, 0.1, 0.08), pick(s, FLOWERS), 0.2, casts=False)


def cactus(s: Solids, x: float, y: float, height: float) -> None:
    """A column with two bent arms."""
    green = pick(s, ("#3f7a44", "#4d8a4a"))
    s.cone((x, y, 0), 0.2, height, green, 0.15, 8)
    for side in (-1, 1):
        z = height * s.rng.uniform(0.4, 0.6)
        s.box((x + side * 0.35, y, z), (0.5, 0.2, 0.2), green)
        s.cone((x + side * 0.55, y, z), 0.13, height * 0.3, green, 0.1, 7)


def snowy_conifer(s: Solids, x: float, y: float, height: float) -> None:
    conifer(s, x, y, height)
    for k in range(3):
        z, radius = (0.30 + 0.25 * k) * height, (0.16 - 0.04 * k) * height
        s.cone((x, y, z), radius, 0.23 * height, rgb("#f2f5fa"), sides=8)


def arch(s: Solids, x: float, y: float) -> None:
    """An arch of leaves and roses over a path."""
    for t in np.linspace(0, math.pi, 13):
        at = (x + 1.3 * math.cos(t), y, 0.2 + 2.3 * math.sin(t))
        s.ball(at, (0.3, 0.3, 0.3), pick(s, LEAVES), 0.2)
        s.ball((at[0], y - 0.27, at[2]), (0.1, 0.08, 0.1), rgb("#e86aa6"), 0.2, casts=False)
