"""The places of the film, built from primitives (Blender Python). People act around (0, 0)."""

import math
import random

from maker.light import light_set
from maker.props import add_lamp, bush, house, material, put, rocks, street_lamp, tree


def ground(color, second, scale: float = 0.6, bricks: bool = False) -> None:
    put("plane", (0, 0, 0), (120, 120, 1), material(color, 0.95, second, scale, bricks=bricks))


# ---- plaza


def fountain(x: float, y: float) -> None:
    stone = material((0.50, 0.49, 0.46), 0.8, (0.38, 0.37, 0.35), 6)
    water = material((0.05, 0.25, 0.36), 0.08)
    put("cyl", (x, y, 0.3), (2.6, 2.6, 0.6), stone, segments=40)
    put("cyl", (x, y, 0.57), (2.2, 2.2, 0.12), water, segments=40)
    put("cyl", (x, y, 0.9), (0.35, 0.35, 1.5), stone)
    put("cyl", (x, y, 1.45), (1.0, 1.0, 0.12), stone, segments=32)
    put("ball", (x, y, 1.75), (0.5, 0.5, 0.5), stone, smooth=True)


def market_stall(x: float, y: float, rng: random.Random) -> None:
    wood = material((0.35, 0.20, 0.09), 0.8)
    put("box", (x, y - 0.2, 0.5), (2.0, 0.8, 1.0), wood)
    for i in range(6):
        color = (0.65, 0.08, 0.08) if i % 2 else (0.80, 0.76, 0.66)
        put("box", (x - 0.92 + 0.37 * i, y, 2.0), (0.37, 1.2, 0.08), material(color), (0.25, 0, 0))
    for dx in (-1.05, 1.05):
        put("cyl", (x + dx, y - 0.5, 1.0), (0.07, 0.07, 2.0), wood)
    for k in range(12):
        fruit = material(rng.choice([(0.8, 0.3, 0.02), (0.7, 0.05, 0.04), (0.3, 0.5, 0.05)]), 0.4)
        at = x - 0.82 + 0.3 * (k % 6), y - 0.42 + 0.28 * (k // 6), 1.09
        put("ball", at, (0.26, 0.26, 0.26), fruit, smooth=True)


def plaza(rng: random.Random, lit: bool) -> None:
    ground((0.46, 0.38, 0.30), (0.28, 0.23, 0.19), 1.2, bricks=True)
    walls = [(0.72, 0.55, 0.34), (0.62, 0.30, 0.22), (0.70, 0.66, 0.55)]
    walls += [(0.45, 0.52, 0.55), (0.74, 0.48, 0.42), (0.60, 0.58, 0.36)]
    for x, wall in zip((-9.5, -4.9, 0, 4.8, 9.6), walls[:5], strict=True):
        y, height = 8.5 + rng.uniform(-0.4, 0.4), rng.uniform(3.6, 6.4)
        house(x, y, (4.2, 3.5, height), wall, (0.36, 0.09 + 0.05 * rng.random(), 0.05))
    house(-11.5, 2, (6, 4, 4.6), walls[5], (0.30, 0.10, 0.06), 90)
    house(11.5, 2, (6, 4, 5.2), walls[2], (0.34, 0.12, 0.07), -90)
    fountain(-2.9, 4.6)
    market_stall(3.6, 5.0, rng)
    street_lamp(5.6, 3.2, lit)
    street_lamp(-6, 3.4, lit)
    tree(6.8, 5.4, 3.6, (0.10, 0.26, 0.05))
    for x in (-1.0, 1.4):
        put("cyl", (x, 6.3, 0.25), (0.6, 0.6, 0.5), material((0.45, 0.20, 0.10), 0.9))
        put("ball", (x, 6.3, 0.75), (0.8, 0.8, 0.8), material((0.08, 0.24, 0.05), 0.9), smooth=True)


# ---- forest


def forest(rng: random.Random, lit: bool) -> None:
    ground((0.13, 0.20, 0.05), (0.20, 0.15, 0.07), 0.9)
    for _ in range(46):
        angle, far = rng.uniform(-1.9, 1.9), rng.uniform(4.2, 15)
        leaf = (0.04 + 0.05 * rng.random(), 0.16 + 0.12 * rng.random(), 0.03)
        x, y = far * math.sin(angle), max(far * math.cos(angle), -1.5)
        tree(x, y, rng.uniform(3.5, 6.5), leaf, pine=rng.random() < 0.66)
    rocks(rng, 9, (-6, 6), (2.8, 7), material((0.30, 0.30, 0.29), 0.9, (0.20, 0.21, 0.20), 4))
    for _ in range(14):
        bush(rng.uniform(-7, 7), rng.uniform(3, 8), rng.uniform(0.3, 0.6))
    path = material((0.36, 0.27, 0.16), 0.95, (0.28, 0.20, 0.12), 2)
    put("plane", (0.5, 0, 0.005), (1.8, 40, 1), path)
    if lit:
        add_lamp((0.8, -1.6, 2.2), 55, (1, 0.62, 0.30))  # a lantern beside the camera


# ---- living room


def room(width: float = 8.0, depth: float = 4.6, height: float = 3.0) -> None:
    wall = material((0.52, 0.58, 0.44), 0.95, (0.47, 0.53, 0.40), 1.5)
    floor = material((0.30, 0.17, 0.08), 0.6, (0.20, 0.11, 0.05), 2.2, bricks=True)
    put("plane", (0, 0, 0), (14, 14, 1), floor)
    put("box", (0, depth / 2 + 0.6, height / 2), (width, 0.1, height), wall)
    for x in (-width / 2, width / 2):
        put("box", (x, 0, height / 2), (0.1, depth + 4, height), wall)
    put("box", (0, depth / 2 + 0.52, 0.08), (width, 0.06, 0.16), material((0.7, 0.68, 0.62), 0.7))


def window(x: float, y: float, z: float, dark: bool) -> None:
    frame = material((0.75, 0.72, 0.66), 0.6)
    color, glow = ((0.03, 0.05, 0.12), 0.15) if dark else ((0.55, 0.78, 1.0), 1.1)
    put("box", (x, y, z), (1.46, 0.05, 1.36), frame)
    put("box", (x, y - 0.03, z), (1.3, 0.05, 1.2), material(color, 0.3, emit=glow))
    put("box", (x, y - 0.06, z), (0.05, 0.05, 1.2), frame)
    put("box", (x, y - 0.06, z), (1.3, 0.05, 0.05), frame)
    curtain = material((0.55, 0.16, 0.10), 0.95)
    for k in range(4):
        for edge in (-0.95 + 0.1 * k, 0.65 + 0.1 * k):
            put("cyl", (x + edge, y - 0.1, z - 0.1), (0.12, 0.1, 1.75), curtain)


def sofa(x: float, y: float) -> None:
    cloth, pillow = material((0.12, 0.18, 0.34), 0.9), material((0.65, 0.34, 0.06), 0.9)
    put("box", (x, y, 0.24), (2.0, 0.75, 0.40), cloth)
    put("box", (x, y + 0.40, 0.62), (2.0, 0.22, 0.75), cloth)
    for dx in (-1.05, 1.05):
        put("box", (x + dx, y, 0.36), (0.2, 0.8, 0.55), cloth)
    put("box", (x - 0.72, y + 0.20, 0.62), (0.42, 0.14, 0.40), pillow, (-0.25, 0.1, 0.1))


def bookshelf(x: float, y: float, rng: random.Random) -> None:
    wood = material((0.24, 0.12, 0.05), 0.7)
    put("box", (x + 0.2, y, 1.0), (0.3, 1.1, 2.0), wood)
    for shelf in (0.1, 0.65, 1.2, 1.75):
        put("box", (x - 0.05, y, shelf), (0.4, 1.1, 0.05), wood)
        for k in range(9 if shelf < 1.7 else 0):
            cover = material((rng.random() * 0.6, rng.random() * 0.4, rng.random() * 0.5))
            tall = rng.uniform(0.26, 0.40)
            put("box", (x - 0.08, y - 0.46 + 0.11 * k, shelf + tall / 2), (0.25, 0.08, tall), cover)


def floor_lamp(x: float, y: float, lit: bool) -> None:
    put("cyl", (x, y, 0.75), (0.06, 0.06, 1.5), material((0.24, 0.12, 0.05), 0.7))
    shade = material((1, 0.78, 0.45), 0.9, emit=2.5 if lit else 0.2)
    put("cone", (x, y, 1.6), (0.5, 0.5, 0.4), shade, segments=28)
    if lit:
        add_lamp((x, y - 0.4, 1.75), 60)
        add_lamp((x - 1.6, -2.4, 2.3), 40)  # the lamp we do not see, so that faces do not sink


def livingroom(rng: random.Random, lit: bool) -> None:
    room()
    window(1.7, 2.84, 1.7, lit)
    sofa(-0.9, 1.15)
    rug = material((0.55, 0.13, 0.10), 0.95, (0.62, 0.42, 0.20), 3)
    put("cyl", (-0.6, -0.1, 0.01), (3.6, 2.6, 0.02), rug, segments=40)
    bookshelf(3.55, 1.9, rng)
    frame = material((0.24, 0.12, 0.05), 0.7)
    for x, color in ((-1.9, (0.5, 0.3, 0.1)), (-0.4, (0.1, 0.3, 0.4))):
        image = material(color, 0.9, tuple(1 - channel for channel in color), 4)
        put("box", (x, 2.84, 1.85), (0.75, 0.05, 0.55), frame)
        put("box", (x, 2.81, 1.85), (0.63, 0.05, 0.43), image)
    floor_lamp(0.75, 2.3, lit)
    put("cyl", (-3.2, 2.1, 0.25), (0.5, 0.5, 0.5), material((0.45, 0.20, 0.10), 0.9))
    bush(-3.2, 2.1, 0.75)


# ---- beach


def palm(x: float, y: float, h: float) -> None:
    put("cyl", (x, y, h / 2), (0.24, 0.24, h), material((0.25, 0.15, 0.07), 0.9), (0, 0.06, 0))
    frond = material((0.06, 0.26, 0.06), 0.8)
    for k in range(9):
        a = k * math.tau / 9
        at = x + 0.8 * math.cos(a), y + 0.8 * math.sin(a), h - 0.12
        put("ball", at, (1.9, 0.36, 0.12), frond, (0, 0.35, a), smooth=True)


def boat(x: float, y: float) -> None:
    put("box", (x, y, 0.8), (3, 1, 0.9), material((0.7, 0.7, 0.7)))
    put("cone", (x, y, 3.0), (2.4, 0.3, 3.6), material((0.85, 0.80, 0.65)), segments=3)


def beach_chair(x: float, y: float) -> None:
    put("cyl", (x, y, 1.0), (0.06, 0.06, 2.0), material((0.6, 0.6, 0.6)))
    put("cone", (x, y, 2.05), (2.2, 2.2, 0.5), material((0.80, 0.10, 0.08)), segments=12)
    towel = material((0.1, 0.3, 0.6), 0.9, (0.85, 0.85, 0.8), 5)
    put("box", (x - 0.4, y - 0.4, 0.02), (0.8, 1.8, 0.03), towel)


def beach(rng: random.Random, lit: bool) -> None:
    ground((0.68, 0.53, 0.33), (0.60, 0.45, 0.27), 0.7)
    sea = material((0.03, 0.25, 0.36), 0.12, (0.05, 0.33, 0.42), 0.5)
    put("plane", (0, 39, 0.02), (160, 64, 1), sea)
    put("plane", (0, 7.2, 0.03), (160, 0.5, 1), material((0.85, 0.88, 0.88), 0.8))
    for x, y, h in ((-4.8, 4.5, 4.4), (5.4, 5.2, 5.0), (-7.5, 3, 3.8)):
        palm(x, y, h)
    beach_chair(3.0, 3.6)
    rocks(rng, 9, (-10, 10), (5.2, 6.6), material((0.30, 0.26, 0.24), 0.9))
    put("ball", (-14, 48, -1), (30, 14, 9), material((0.12, 0.22, 0.12), 0.9), smooth=True)
    boat(4, 30)
    if lit:
        add_lamp((1.2, -1.4, 2.1), 70, (1, 0.55, 0.22))


# ---- for the roster only


def studio(rng: random.Random, lit: bool) -> None:
    ground((0.42, 0.43, 0.45), (0.40, 0.41, 0.43), 0.3)
    put("box", (0, 6, 4), (40, 0.1, 8), material((0.50, 0.50, 0.52), 0.95))
    if lit:
        add_lamp((1.0, -1.8, 2.1), 50)


PLACES = {p.__name__: p for p in (plaza, forest, livingroom, beach, studio)}


def cover_with_snow() -> None:
    snow = material((0.80, 0.83, 0.88), 0.9, (0.70, 0.74, 0.80), 0.8)
    put("plane", (0, 0, 0.012), (120, 120, 1), snow)


def is_lit(shot: dict) -> bool:
    """Whether lamps burn."""
    return shot["time_of_day"] in ("night", "evening")


def build(shot: dict, rng: random.Random) -> tuple[float, float, float] | None:
    """Place, props and light of a shot; returns the color of the fog where there is fog."""
    PLACES[shot["location"]](rng, is_lit(shot))
    if shot["weather"] == "snow":
        cover_with_snow()
    if "occluder" in shot:
        bush(*shot["occluder"][1:])
    return light_set(shot)
