"""Simple solids out of colored quads, gathered into the meshes of a place."""

import math
from enum import IntEnum

import numpy as np

from cast.rasterizer import Mesh

BOX_SIDES = np.array(  # corners of a unit box, counted x, y, z
    [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
)
BOX = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (0.0, 1.0)])


class PlacePart(IntEnum):
    """What a quad of a place is; 0 is the sky."""

    GROUND = 1
    WALL = 2  # what many places have: walls, distant hills
    MARK = 3  # what tells one kind of place from another
    WINDOW = 4  # shows the sky of the hour by day, a lit or dark room by night
    LAMP = 5  # shines when lamps are lit


def rgb(text: str) -> np.ndarray:
    """Linear RGB (3,) of a color as painters write it, "#c08040"."""
    srgb = np.array([int(text[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    return srgb**2.2


def turn_points(points: np.ndarray, degrees: float) -> np.ndarray:
    """Points (n, 3) turned about the vertical axis, counterclockwise from above."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return points @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])


class Solids:
    """Gathers solids; sizes in meters, colors linear (3,), varied a little by the rng."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng, self.parts, self.lamps = rng, {True: [], False: []}, []

    def vary(self, color: np.ndarray, amount: float = 0.08) -> np.ndarray:
        """The color, a little brighter or darker and of another hue."""
        spread = self.rng.normal(0, amount) + self.rng.normal(0, amount / 3, 3)
        return np.clip(np.asarray(color, float) * np.exp(spread), 0, 1)

    def add(self, points, quads, color, part=PlacePart.MARK, glow=0.0, casts=True) -> None:
        """Any mesh: points (n, 3), quads (m, 4), one color or (n, 3)."""
        colors = np.broadcast_to(np.asarray(color, float), (len(points), 3))
        parts = np.full(len(quads), part, np.uint8)
        shine = np.full(len(quads), glow, np.float32)
        if part == PlacePart.LAMP:
            self.lamps.append(tuple(np.mean(points, axis=0)))
        self.parts[casts].append((np.asarray(points, float), quads, colors, parts, shine))

    def box(self, at, size, color, part=PlacePart.MARK, turn=0.0, glow=0.0, casts=True) -> None:
        """A box that stands on `at` (x, y, z), turned by degrees; sides are a little uneven."""
        corners = turn_points(BOX * np.asarray(size, float), turn) + at
        points = corners[BOX_SIDES].reshape(-1, 3)
        self.add(points, np.arange(24).reshape(6, 4), self.vary(color), part, glow, casts)

    def panel(self, corners, color, part=PlacePart.WALL, glow=0.0, casts=False) -> None:
        """One quad of four corners (4, 3)."""
        self.add(np.asarray(corners, float), np.arange(4).reshape(1, 4), color, part, glow, casts)

    def wall(self, start, end, low, high, color, part=PlacePart.WALL, glow=0.0) -> None:
        """An upright panel from (x, y) to (x, y), between two heights; it throws no shadow."""
        (x0, y0), (x1, y1) = start, end
        corners = [[x0, y0, low], [x1, y1, low], [x1, y1, high], [x0, y0, high]]
        self.panel(corners, color, part, glow)

    def cone(
        self, at, radius, height, color, top=0.0, sides=9, part=PlacePart.MARK, glow=0.0, casts=True
    ) -> None:
        """A cone, or with a radius at its top a cylinder or a bowl, smooth around; open below."""
        angle = 2 * math.pi * np.arange(sides) / sides
        ring = np.stack([np.cos(angle), np.sin(angle), 0 * angle], 1)
        lid = ring * [top, top, 0] + [0, 0, height]
        points = np.concatenate([ring * radius, lid, lid, [[0, 0, height]]]) + at
        i, j = np.arange(sides), (np.arange(sides) + 1) % sides
        side = np.stack([i, j, sides + j, sides + i], 1)
        cap = np.stack([2 * sides + i, 2 * sides + j, 0 * i + 3 * sides, 0 * i + 3 * sides], 1)
        self.add(points, np.concatenate([side, cap]), self.vary(color), part, glow, casts)

    def pole(self, at, radius, height, color, part=PlacePart.MARK, casts=True) -> None:
        self.cone(at, radius, height, color, radius, 6, part, casts=casts)

    def ball(self, at, radii, color, rough=0.12, part=PlacePart.MARK, glow=0.0, casts=True) -> None:
        """A lumpy ball around `at`: crowns of trees, bushes, stones, hay."""
        rows, columns = 6, 9
        lat = np.linspace(-math.pi / 2, math.pi / 2, rows)[:, None]
        lon = (2 * math.pi * np.arange(columns) / columns)[None]
        unit = np.stack(
            [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat) + 0 * lon], -1
        )
        bumps = 1 + self.rng.uniform(-rough, rough, (rows, columns, 1))
        points = (unit * bumps * np.asarray(radii, float)).reshape(-1, 3) + at
        row, column = np.divmod(np.arange((rows - 1) * columns), columns)
        right = (column + 1) % columns
        low, high = row * columns, (row + 1) * columns
        quads = np.stack([low + column, low + right, high + right, high + column], 1)
        # paler above, where the sky shines on leaves
        shade = (0.85 + 0.3 * (unit[..., 2].reshape(-1, 1) + 1) / 2) * self.vary(color)
        self.add(points, quads, np.clip(shade, 0, 1), part, glow, casts)

    def ground(self, color, second, reach=45.0, cells=26, part=PlacePart.GROUND, height=None):
        """A floor of two mixed colors, finer in the middle; `height(x, y)` raises it."""
        steps = np.sign(t := np.linspace(-1, 1, cells)) * np.abs(t) ** 1.8 * reach
        x, y = np.meshgrid(steps, steps)
        z = np.zeros_like(x) if height is None else height(x, y)
        mix = self.rng.random((cells, cells, 1))
        colors = np.asarray(color) * (1 - mix) + np.asarray(second) * mix
        i = np.arange((cells - 1) ** 2) // (cells - 1) * cells + np.arange((cells - 1) ** 2) % (
            cells - 1
        )
        quads = np.stack([i, i + 1, i + cells + 1, i + cells], 1)
        points = np.stack([x, y, z], -1).reshape(-1, 3)
        self.add(points, quads, colors.reshape(-1, 3), part, casts=False)

    def meshes(self) -> list[Mesh]:
        """What was gathered: one mesh that throws shadows, one that throws none."""
        return [join(solids, casts) for casts, solids in self.parts.items() if solids]


def join(solids: list[tuple], casts: bool) -> Mesh:
    points, quads, colors, parts, glow = zip(*solids, strict=True)
    starts = np.cumsum([0] + [len(p) for p in points])
    quads = np.concatenate([q + start for q, start in zip(quads, starts, strict=False)])
    return Mesh(
        np.concatenate(points).astype(np.float32),
        quads.astype(np.int32),
        np.concatenate(colors).astype(np.float32),
        np.concatenate(parts),
        glow=np.concatenate(glow),
        casts=casts,
    )
