"""Rooms, built from the film maker's solids (Blender Python); the front is open for the camera.

People act around (0, 0) and the camera looks along +y; `dark`: what the panes show, `lit`: whether
lamps burn.
"""

import random

from maker.props import add_lamp, bush, dim, material, put

from resources.light_models.recipe.lighting.palettes import draw_color, wall_color, wood

WARM_LAMPS = [(1, 0.75, 0.45), (1, 0.68, 0.38), (1, 0.82, 0.58)]


def shell(rng: random.Random) -> tuple[float, float]:
    """Walls and floor; returns half the width, and where the back wall is."""
    half, back, tall = rng.uniform(2.8, 5), rng.uniform(2, 3.6), rng.uniform(2.7, 3.6)
    wall = wall_color(rng)
    look = material(wall, 0.95, dim(wall, rng.uniform(0.7, 1)), rng.uniform(1, 5),
                    bricks=rng.random() < 0.15)  # fmt: skip
    floor = wood(rng) if rng.random() < 0.6 else draw_color(rng, 0.4, (0.2, 0.7))
    rough, tiles = rng.uniform(0.2, 0.9), rng.random() < 0.7
    boards = material(floor, rough, dim(floor, 0.7), 2.2, bricks=tiles)
    put("plane", (0, 0, 0), (16, 16, 1), boards)
    put("box", (0, back, tall / 2), (2 * half, 0.1, tall), look)
    for side in (-half, half):
        put("box", (side, 0, tall / 2), (0.1, 2 * back + 3, tall), look)
    if rng.random() < 0.25:
        put(
            "box",
            (0, 0.8, tall),
            (2 * half, 2 * back - 1.5, 0.1),
            material((0.75, 0.75, 0.73), 0.95),
        )
    return half, back - 0.06


def window(rng: random.Random, x: float, y: float, dark: bool) -> None:
    wide, high, z = rng.uniform(0.8, 2.2), rng.uniform(0.8, 1.6), rng.uniform(1.5, 1.9)
    frame = material(rng.choice([(0.75, 0.72, 0.66), wood(rng)]), 0.6)
    day = rng.choice([(0.55, 0.78, 1.0), (0.8, 0.88, 0.95), (0.6, 0.8, 0.7)])
    color, glow = ((0.03, 0.05, 0.12), 0.15) if dark else (day, rng.uniform(0.7, 1.6))
    put("box", (x, y, z), (wide + 0.16, 0.05, high + 0.16), frame)
    put("box", (x, y - 0.03, z), (wide, 0.05, high), material(color, 0.3, emit=glow))
    put("box", (x, y - 0.06, z), (0.05, 0.05, high), frame)
    if rng.random() < 0.5:
        cloth = material(draw_color(rng, 0.8), 0.95)
        for side in (-1, 1):
            at = x + side * (wide / 2 + 0.15), y - 0.1, z - 0.1
            put("box", at, (0.35, 0.08, high + 0.5), cloth)


def windows(rng: random.Random, half: float, back: float, dark: bool) -> None:
    """None, one or more in the back wall."""
    for x in rng.sample([-0.6, -0.1, 0.45], rng.choice([0, 1, 1, 2, 3])):
        window(rng, x * half * 1.2, back, dark)


def lamps(rng: random.Random, half: float, back: float, lit: bool) -> None:
    """A standing or a hanging lamp, and one that is not seen so that faces do not sink."""
    warm = rng.choice(WARM_LAMPS) if rng.random() < 0.85 else (1, 0.95, 0.85)
    x, y = rng.uniform(-0.7, 0.7) * half, back - rng.uniform(0.4, 1)
    shade = material(warm, 0.9, emit=rng.uniform(1.5, 3.5) if lit else 0.2)
    if rng.random() < 0.5:
        put("cyl", (x, y, 0.75), (0.06, 0.06, 1.5), material((0.2, 0.15, 0.1), 0.7))
        put("cone", (x, y, 1.6), (0.5, 0.5, 0.4), shade, segments=24)
    else:
        put("ball", (x, y, 2.3), (0.35, 0.35, 0.35), shade, smooth=True)
    if lit:
        add_lamp((x, y - 0.4, 1.8), rng.uniform(30, 90), warm)
        if rng.random() < 0.7:
            add_lamp((rng.uniform(-2, 2), -2.2, 2.3), rng.uniform(20, 60), warm)


def frames(rng: random.Random, half: float, back: float) -> None:
    for _ in range(rng.randint(0, 4)):
        x, color = rng.uniform(-0.8, 0.8) * half, draw_color(rng, 0.9)
        look = material(color, 0.9, draw_color(rng, 0.9), 4)
        put("box", (x, back, rng.uniform(1.5, 2)), (rng.uniform(0.3, 0.9), 0.06, 0.5), look)


def shelf(rng: random.Random, x: float, y: float, wide: float) -> None:
    plank = material(wood(rng), 0.7)
    put("box", (x, y, 1.0), (wide, 0.3, 2.0), plank)
    for z in (0.15, 0.65, 1.15, 1.65):
        for n in range(int(wide / 0.13)):
            tall = rng.uniform(0.2, 0.4)
            at = x - wide / 2 + 0.08 + 0.13 * n, y - 0.16, z + tall / 2
            put("box", at, (0.1, 0.1, tall), material(draw_color(rng, 0.9, (0.1, 0.8))))


def table(rng: random.Random, x: float, y: float, wide: float = 1.2) -> None:
    look = material(wood(rng) if rng.random() < 0.6 else draw_color(rng), 0.5)
    put("box", (x, y, 0.72), (wide, 0.7, 0.06), look)
    for side in (-1, 1):
        put("box", (x + side * wide * 0.45, y, 0.36), (0.07, 0.6, 0.72), look)


def kitchen(rng: random.Random, half: float, back: float) -> None:
    front, top = material(draw_color(rng, 0.6), 0.5), material(draw_color(rng, 0.2), 0.3)
    put("box", (0, back - 0.3, 0.45), (2 * half, 0.6, 0.9), front)
    put("box", (0, back - 0.3, 0.93), (2 * half, 0.64, 0.05), top)
    put("box", (-half * 0.6, back - 0.2, 2.1), (half * 0.6, 0.4, 0.7), front)
    put("box", (half * 0.8, back - 0.4, 1.0), (0.8, 0.7, 2.0), material((0.7, 0.7, 0.72), 0.3))
    table(rng, rng.uniform(-1, 1), 0.9)


def classroom(rng: random.Random, half: float, back: float) -> None:
    board = rng.choice([(0.03, 0.12, 0.07), (0.04, 0.04, 0.05), (0.8, 0.8, 0.8)])
    put("box", (0, back, 1.6), (half, 0.08, 1.1), material(board, 0.7))
    for x in (-1.8, 0.1, 1.9):
        table(rng, x, rng.uniform(0.6, 1.4), 1.0)


def office(rng: random.Random, half: float, back: float) -> None:
    for x in (-1.5, 1.5):
        table(rng, x, 1.2, 1.5)
        put("box", (x, 1.3, 1.0), (0.55, 0.05, 0.35), material((0.05, 0.05, 0.06), 0.3))
    shelf(rng, half * 0.7, back - 0.2, 1.0)


def shop(rng: random.Random, half: float, back: float) -> None:
    for x in (-half * 0.6, 0, half * 0.6):
        shelf(rng, x, back - 0.2, half * 0.5)
    put("box", (rng.uniform(-1, 1), 1.1, 0.5), (1.8, 0.6, 1.0), material(draw_color(rng), 0.6))


def corridor(rng: random.Random, half: float, back: float) -> None:
    for n in range(rng.randint(1, 4)):
        door = material(draw_color(rng, 0.8, (0.1, 0.6)), 0.5)
        put("box", (-half + 0.8 + 1.6 * n, back, 1.0), (0.9, 0.08, 2.0), door)


def bedroom(rng: random.Random, half: float, back: float) -> None:
    x, cloth = rng.uniform(-0.5, 0.5) * half, material(draw_color(rng, 0.8), 0.95)
    put("box", (x, back - 1.1, 0.3), (1.5, 2.0, 0.4), cloth)
    put("box", (x, back - 0.2, 0.6), (1.5, 0.1, 1.0), material(wood(rng), 0.6))
    put("box", (x, back - 0.4, 0.58), (1.2, 0.4, 0.2), material((0.8, 0.8, 0.78), 0.95))
    shelf(rng, half * 0.75, back - 0.2, 0.8)


def library(rng: random.Random, half: float, back: float) -> None:
    for n in range(rng.randint(2, 4)):
        shelf(rng, -half * 0.75 + n * half * 0.5, back - 0.2, half * 0.45)
    table(rng, rng.uniform(-1, 1), 1.0)


def hall(rng: random.Random, half: float, back: float) -> None:
    """Nearly empty, with pillars, a rug and plants."""
    stone = material(wall_color(rng), 0.7)
    for x in (-0.6, 0.6):
        put("cyl", (x * half, back - 0.6, 1.5), (0.4, 0.4, 3), stone)
    rug = material(draw_color(rng, 0.9), 0.95, draw_color(rng, 0.9), 3)
    put("cyl", (0, 0, 0.01), (3.4, 2.4, 0.02), rug, segments=40)
    for _ in range(rng.randint(0, 3)):
        bush(rng.uniform(-0.8, 0.8) * half, back - 0.5, rng.uniform(0.4, 0.7))


ROOMS = {
    make.__name__: make
    for make in (kitchen, classroom, office, shop, corridor, bedroom, library, hall)
}


def build_room(kind: str, rng: random.Random, dark: bool, lit: bool) -> None:
    half, back = shell(rng)
    frames(rng, half, back)
    windows(rng, half, back, dark)
    ROOMS[kind](rng, half, back)
    lamps(rng, half, back, lit)
