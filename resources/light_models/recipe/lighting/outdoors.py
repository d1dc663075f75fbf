"""Places under the sky, built from the film maker's solids (Blender Python).

People act around (0, 0) and the camera looks along +y; `lit`: whether lamps burn.
"""

import math
import random

from maker.props import bush, dim, house, material, put, rocks, street_lamp, tree
from maker.sets import ground

from resources.light_models.recipe.lighting.palettes import (
    draw_color,
    leaf,
    vary,
    wall_color,
    wood,
)

STONES = [(0.30, 0.29, 0.28), (0.46, 0.40, 0.33), (0.18, 0.18, 0.19), (0.40, 0.22, 0.15)]
GRASS = [(0.10, 0.22, 0.04), (0.16, 0.24, 0.06), (0.20, 0.20, 0.08)]
SAND = [(0.60, 0.46, 0.28), (0.66, 0.54, 0.38), (0.50, 0.28, 0.16)]


def lay_ground(rng: random.Random, colors: list, bricks: bool = False) -> None:
    color = vary(rng.choice(colors), rng)
    ground(color, dim(color, rng.uniform(0.6, 0.9)), rng.uniform(0.4, 2), bricks)


def houses(rng: random.Random, count: int, y: float, wide: float, low=3.0, high=9.0) -> None:
    """A row of houses across the view, with gaps."""
    for n in range(count):
        x = (n - (count - 1) / 2) * wide + rng.uniform(-0.3, 0.3)
        size = rng.uniform(0.75, 1.02) * wide, 3.5, rng.uniform(low, high)
        house(
            x, y + rng.uniform(-0.5, 0.5), size, wall_color(rng), draw_color(rng, 0.8, (0.1, 0.4))
        )


def sides(rng: random.Random, low: float, high: float) -> None:
    """Houses to the left and to the right, facing the middle."""
    for side in (-1, 1):
        for y in (1.5, 6.2):
            size = (4.6, 4, rng.uniform(low, high))
            roof = draw_color(rng, 0.8, (0.1, 0.4))
            house(side * rng.uniform(6, 9), y, size, wall_color(rng), roof, -90 * side)


def lamps(rng: random.Random, count: int, lit: bool) -> None:
    for n in range(count):
        street_lamp((-1) ** n * rng.uniform(2.5, 6), rng.uniform(2.5, 6), lit)


def street(rng: random.Random, lit: bool) -> None:
    lay_ground(rng, STONES)
    sides(rng, 4, 10)
    houses(rng, rng.choice([3, 5]), rng.uniform(9, 18), 4.4)
    lamps(rng, 2, lit)
    for side in rng.sample((-1, 1), rng.randint(0, 2)):
        paint, x, y = (
            material(draw_color(rng, 0.9), 0.25),
            side * rng.uniform(3, 4.5),
            rng.uniform(2, 6),
        )
        put("box", (x, y, 0.6), (1.7, 3.8, 0.6), paint)
        put("box", (x, y, 1.1), (1.5, 2.0, 0.5), material((0.06, 0.08, 0.1), 0.1))


def stall(rng: random.Random, x: float, y: float) -> None:
    put("box", (x, y, 0.5), (2.0, 0.8, 1.0), material(wood(rng), 0.8))
    one, two = draw_color(rng, 0.9), draw_color(rng, 0.3, (0.6, 0.9))
    for n in range(6):
        put("box", (x - 0.92 + 0.37 * n, y, 2.1), (0.37, 1.4, 0.08), material((one, two)[n % 2]),
            (0.25, 0, 0))  # fmt: skip
    for n in range(10):
        goods = material(draw_color(rng, 1.0), 0.5)
        put("ball", (x - 0.8 + 0.18 * n, y - 0.1, 1.1), (0.25,) * 3, goods, smooth=True)


def market(rng: random.Random, lit: bool) -> None:
    lay_ground(rng, STONES, rng.random() < 0.5)
    houses(rng, 5, rng.uniform(8, 14), 4.4)
    for _ in range(rng.randint(2, 4)):
        stall(rng, rng.uniform(-6, 6), rng.uniform(2.5, 6))
    lamps(rng, rng.randint(0, 2), lit)


def park(rng: random.Random, lit: bool) -> None:
    lay_ground(rng, GRASS)
    path = material(vary((0.45, 0.38, 0.28), rng), 0.95)
    put("plane", (rng.uniform(-2, 2), 0, 0.005), (2, 60, 1), path)
    for _ in range(rng.randint(4, 16)):
        tree(rng.uniform(-9, 9), rng.uniform(3, 14), rng.uniform(2.5, 6), leaf(rng))
    for _ in range(rng.randint(2, 8)):
        bush(rng.uniform(-6, 6), rng.uniform(2, 7), rng.uniform(0.3, 0.7))
    put("box", (rng.uniform(-3, 3), 2.2, 0.45), (1.7, 0.5, 0.1), material(wood(rng), 0.8))
    lamps(rng, rng.randint(0, 2), lit)


def woods(rng: random.Random, lit: bool) -> None:
    lay_ground(rng, [*GRASS, (0.16, 0.11, 0.06)])
    pines = rng.random()
    for _ in range(rng.randint(25, 50)):
        angle, far = rng.uniform(-1.9, 1.9), rng.uniform(3.8, 15)
        x, y = far * math.sin(angle), max(far * math.cos(angle), -1.5)
        tree(x, y, rng.uniform(3, 8), leaf(rng), rng.random() < pines)
    rocks(rng, rng.randint(0, 8), (-6, 6), (2.5, 7), material(vary(STONES[0], rng), 0.9))


def hills(rng: random.Random, color) -> None:
    for _ in range(rng.randint(1, 4)):
        at = rng.uniform(-40, 40), rng.uniform(40, 55), -1
        size = rng.uniform(25, 60), 18, rng.uniform(5, 22)
        put("ball", at, size, material(vary(color, rng), 0.9), smooth=True)


def field(rng: random.Random, lit: bool) -> None:
    lay_ground(rng, [*GRASS, (0.45, 0.36, 0.10)])
    hills(rng, (0.12, 0.2, 0.08))
    fence, far = material(wood(rng), 0.9), rng.uniform(3, 6)
    for n in range(12):
        put("box", (-8 + 1.5 * n, far, 0.5), (0.1, 0.1, 1.0), fence)
    put("box", (0, far, 0.8), (18, 0.06, 0.1), fence)
    if rng.random() < 0.6:
        size = (5, 4, rng.uniform(3, 5))
        house(rng.uniform(-8, 8), 14, size, wall_color(rng), draw_color(rng, 0.8, (0.1, 0.4)))
    for _ in range(rng.randint(0, 5)):
        tree(rng.uniform(-12, 12), rng.uniform(7, 16), rng.uniform(3, 6), leaf(rng))


def desert(rng: random.Random, lit: bool) -> None:
    lay_ground(rng, SAND)
    hills(rng, rng.choice(SAND))
    rocks(rng, rng.randint(3, 12), (-9, 9), (3, 12), material(vary(rng.choice(SAND), rng), 0.9))
    green = material((0.10, 0.22, 0.08), 0.9)
    for _ in range(rng.randint(0, 4)):
        x, y = rng.uniform(-6, 6), rng.uniform(3, 9)
        put("cyl", (x, y, 1.1), (0.35, 0.35, 2.2), green)
        put("cyl", (x + 0.4, y, 1.4), (0.22, 0.22, 1.0), green)


def harbor(rng: random.Random, lit: bool) -> None:
    lay_ground(rng, [*STONES, (0.28, 0.18, 0.10)], rng.random() < 0.5)
    sea = vary(rng.choice([(0.03, 0.20, 0.30), (0.08, 0.16, 0.18), (0.02, 0.10, 0.20)]), rng)
    put(
        "plane",
        (0, 44, 0.02),
        (160, rng.uniform(72, 80), 1),
        material(sea, 0.12, dim(sea, 1.3), 0.5),
    )
    for _ in range(rng.randint(1, 4)):
        x, y, hull = rng.uniform(-12, 12), rng.uniform(9, 26), material(draw_color(rng, 0.9))
        put("box", (x, y, 0.6), (3.5, 1.3, 1.0), hull)
        put("cyl", (x, y, 2.8), (0.12, 0.12, 4), material(wood(rng)))
    hills(rng, (0.14, 0.2, 0.14))
    lamps(rng, rng.randint(0, 2), lit)
    for n in range(rng.randint(0, 5)):
        crate = material(wood(rng), 0.9)
        put("box", (rng.uniform(-4, 4), 2.5 + 0.4 * n, 0.4), (0.8, 0.8, 0.8), crate)


def mountains(rng: random.Random, lit: bool) -> None:
    lay_ground(rng, [*GRASS, *STONES[:1]])
    stone = vary(STONES[0], rng)
    for _ in range(rng.randint(3, 6)):
        x, y, tall = rng.uniform(-35, 35), rng.uniform(30, 55), rng.uniform(10, 28)
        put(
            "cone",
            (x, y, tall / 2),
            (tall * 1.6, tall * 1.6, tall),
            material(stone, 0.95),
            segments=7,
        )
        if rng.random() < 0.6:
            cap = material((0.8, 0.82, 0.86), 0.9)
            put(
                "cone", (x, y, tall * 0.86), (tall * 0.47, tall * 0.47, tall * 0.3), cap, segments=7
            )
    for _ in range(rng.randint(4, 14)):
        tree(rng.uniform(-10, 10), rng.uniform(4, 14), rng.uniform(2.5, 6), leaf(rng), True)
    rocks(rng, rng.randint(2, 8), (-7, 7), (2.5, 7), material(stone, 0.9))


def courtyard(rng: random.Random, lit: bool) -> None:
    """Walls all around: outdoors with next to no sky."""
    lay_ground(rng, STONES, rng.random() < 0.6)
    wall = wall_color(rng)
    look = material(wall, 0.9, dim(wall, 0.8), rng.uniform(1, 4), bricks=rng.random() < 0.5)
    tall = rng.uniform(3, 8)
    put("box", (0, rng.uniform(3, 6), tall / 2), (16, 0.3, tall), look)
    for side in (-1, 1):
        put("box", (side * rng.uniform(4, 6), 1, tall / 2), (0.3, 10, tall), look)
    for _ in range(rng.randint(0, 4)):
        bush(rng.uniform(-3.5, 3.5), rng.uniform(1.6, 2.8), rng.uniform(0.3, 0.6))
    door = material(draw_color(rng, 0.9, (0.1, 0.5)), 0.6)
    put("box", (rng.uniform(-2, 2), 2.9, 1), (1, 0.1, 2), door)
    lamps(rng, rng.randint(0, 1), lit)


def schoolyard(rng: random.Random, lit: bool) -> None:
    """A long building with rows of panes behind an open yard."""
    lay_ground(rng, [*STONES, *SAND])
    far, tall, wall = rng.uniform(8, 18), rng.uniform(5, 14), wall_color(rng)
    put("box", (0, far, tall / 2), (36, 1, tall), material(wall, 0.9, dim(wall, 0.9), 2))
    pane = material((0.10, 0.16, 0.24), 0.15)
    burning = material((1, 0.8, 0.5), 0.5, emit=2.0)
    for z in range(int(tall / 2.6)):
        for x in range(-8, 9):
            look = burning if lit and rng.random() < 0.4 else pane
            put("box", (x * 2.0, far - 0.52, 1.6 + 2.6 * z), (1.3, 0.08, 1.5), look)
    for _ in range(rng.randint(0, 5)):
        tree(rng.uniform(-9, 9), rng.uniform(4, 7), rng.uniform(2.5, 5), leaf(rng))


def rooftop(rng: random.Random, lit: bool) -> None:
    """A parapet and far roofs: mostly sky."""
    lay_ground(rng, STONES)
    put("box", (0, rng.uniform(2.2, 4), 0.5), (30, 0.3, 1.0), material(wall_color(rng), 0.9))
    for _ in range(rng.randint(5, 16)):
        tall = rng.uniform(1, 9)
        at = rng.uniform(-25, 25), rng.uniform(14, 40), tall / 2
        put("box", at, (rng.uniform(3, 7), 4, tall), material(wall_color(rng), 0.9))


PLACES = {
    make.__name__: make
    for make in (street, market, park, woods, field, desert, harbor, mountains, courtyard,
                 schoolyard, rooftop)
}  # fmt: skip
