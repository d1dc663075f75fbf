"""What characters wear: casual, uniform, formal, traditional, sportswear."""

from collections.abc import Callable

import numpy as np
from maker.geometry import grid_faces

from cast.attributes import Part
from cast.outfits import Outfit, wear_band, wear_legs, wear_shoes, wear_top
from cast.pieces import Piece, find_near, paint_piece
from cast.shades import contrast, darken, mix

GOLD, LEATHER, SHIRT = (0.72, 0.46, 0.07), (0.055, 0.03, 0.02), (0.84, 0.84, 0.82)
STRIPED = 0.35  # of casual tops
SEGMENTS = {  # strokes of digits on a seven-segment display: from, to
    "a": ((-1, 2), (1, 2)), "b": ((1, 2), (1, 0)), "c": ((1, 0), (1, -2)),
    "d": ((-1, -2), (1, -2)), "e": ((-1, 0), (-1, -2)), "f": ((-1, 2), (-1, 0)),
    "g": ((-1, 0), (1, 0)),
}  # fmt: skip
DIGITS = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg")


def dress_casual(outfit: Outfit) -> list[Piece]:
    """A sweater or T-shirt, plain or with broad stripes, with hems of its own color."""
    person, tailor, k = outfit.person, outfit.tailor, outfit.k
    pieces = [wear_top(outfit, 0.016), *wear_legs(outfit)]
    rng = np.random.default_rng([person.seed, 2])
    if rng.random() < STRIPED:
        period = 0.085 * k
        phase = (tailor.above / period) % 1
        inside = np.minimum(tailor.upper(outfit.sleeve, outfit.hem) - 0.02 * k, 0.03)
        keep = np.minimum(inside, (0.22 - np.abs(phase - 0.5)) * period)
        keep = np.minimum(keep, 0.08 * (0.3 - tailor.arm))
        stripe = mix(person.top_rgb, contrast(person.top_rgb), 0.75)
        pieces.append(tailor.cut(keep, 0.0185 * k, stripe, Part.TRIM))
    return pieces


def dress_uniform(outfit: Outfit) -> list[Piece]:
    """A tunic with two rows of gold buttons, a belt, shoulder straps and a standing collar."""
    waist, chest = outfit.tailor.waist / outfit.k, outfit.level("spine01")
    pieces = [wear_top(outfit, 0.017), *wear_legs(outfit)]
    pieces.append(wear_band(outfit, waist - 0.02, waist + 0.025, 0.026, LEATHER))
    pieces.append(outfit.disc(0, waist + 0.002, 0.024, GOLD, Part.TRIM, 0.034))
    for z in np.linspace(waist + 0.09, chest + 0.06, 4):
        pieces += [outfit.disc(x, z, 0.013, GOLD, Part.TRIM, 0.024) for x in (-0.055, 0.055)]
    return [*pieces, stand_collar(outfit), *strap_shoulders(outfit)]


def stand_collar(outfit: Outfit) -> Piece:
    """A ring around the neck."""
    body, k = outfit.body, outfit.k
    neck = body.heads[body.bone("neck01")]
    turn = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    rows = []
    for radius, z in ((0.080, -0.015), (0.072, 0.035), (0.066, 0.034)):
        ring = np.stack([np.sin(turn), -np.cos(turn)], 1) * radius * k
        low = 0.012 * np.cos(turn)  # lower before the throat
        rows.append(np.c_[ring + neck[:2] + [0, -0.004 * k], neck[2] + (z - low) * k])
    points = np.concatenate(rows)
    weights = find_near(body, points, np.unique(outfit.tailor.tights)) @ body.weights
    color = darken(outfit.person.top_rgb, 0.75)
    return paint_piece(points, weights, grid_faces(3, 20), color, Part.TRIM)


def strap_shoulders(outfit: Outfit) -> list[Piece]:
    """Gold shoulder straps."""
    body, k, pieces = outfit.body, outfit.k, []
    for side in "LR":
        shoulder = body.heads[body.bone(f"upperarm01.{side}")]
        neck = body.heads[body.bone("neck01")]
        t = np.linspace(0.40, 0.80, 5)[:, None]
        line = neck + (shoulder - neck) * t
        line[:, 2] = top_of(outfit, line) + 0.022 * k
        across = np.array([0, 0.030 * k, 0])
        points = np.stack([line - across, line + [0, 0, 0.008 * k], line + across], 1).reshape(
            -1, 3
        )
        near = find_near(body, points, np.unique(outfit.tailor.tights))
        quads = grid_faces(5, 3, wrap=False)
        pieces.append(paint_piece(points, near @ body.weights, quads, GOLD, Part.TRIM))
    return pieces


def top_of(outfit: Outfit, line: np.ndarray) -> np.ndarray:
    """Height (n,) of the shoulder's cloth above points (n, 3)."""
    used = np.unique(outfit.tailor.tights)
    cloth = outfit.tailor.cloth[used]
    near = np.linalg.norm(cloth[None, :, :2] - line[:, None, :2], axis=-1) < 0.04 * outfit.k
    return np.where(near, cloth[None, :, 2], -9).max(1)


def dress_formal(outfit: Outfit) -> list[Piece]:
    """A jacket with lapels over a white shirt."""
    person, waist = outfit.person, outfit.tailor.waist / outfit.k
    neck, low = outfit.level("neck01"), waist + 0.10
    shirt = [(0, neck + 0.02 - t * (neck + 0.02 - low)) for t in np.linspace(0, 1, 8)]
    pieces = [wear_top(outfit, 0.018), *wear_legs(outfit)]
    width = 0.060 * (1 - np.linspace(0, 1, 8)) + 0.004
    pieces.append(outfit.ribbon(shirt, width, SHIRT, Part.TRIM, 0.028))
    lapel = mix(person.top_rgb, contrast(person.top_rgb), 0.22)
    for side in (-1, 1):
        line = [(side * (0.070 * (1 - t) + 0.012), neck + 0.015 - t * (neck + 0.015 - low))
                for t in np.linspace(0, 1, 8)]  # fmt: skip
        half = 0.010 + 0.022 * np.sin(np.pi * np.linspace(0.15, 1, 8))
        pieces.append(outfit.ribbon(line, half, lapel, Part.TRIM, 0.031, 0.004))
    for z in (low - 0.035, low - 0.115):
        pieces.append(outfit.disc(0, z, 0.011, contrast(person.top_rgb), Part.TRIM, 0.023))
    return pieces


def dress_traditional(outfit: Outfit) -> list[Piece]:
    """A wrapped robe with crossed borders, a broad sash and wide sleeves."""
    person, waist = outfit.person, outfit.tailor.waist / outfit.k
    neck, accent = outfit.level("neck01"), contrast(person.top_rgb)
    pieces = [wear_top(outfit, 0.015), *wear_legs(outfit)]
    for side, lift in ((1, 0.019), (-1, 0.023)):  # the left border lies over the right
        t = np.linspace(0, 1, 10)
        line = np.stack(
            [side * (0.072 - 0.125 * t), neck + 0.02 - t * (neck + 0.02 - waist - 0.05)], 1
        )
        pieces.append(outfit.ribbon(line, 0.019, accent, Part.TRIM, lift, 0.003))
    sash = mix(accent, person.iris_rgb, 0.55)
    pieces.append(wear_band(outfit, waist - 0.065, waist + 0.085, 0.036, sash))
    pieces.append(wear_band(outfit, waist + 0.0, waist + 0.024, 0.041, darken(accent, 0.8)))
    return [*pieces, widen_sleeve(outfit, "L"), widen_sleeve(outfit, "R")]


def widen_sleeve(outfit: Outfit, side: str) -> Piece:
    """A sleeve that hangs from the forearm like a bag, open at the wrist."""
    body, k = outfit.body, outfit.k
    a, b, c = (body.heads[body.bone(f"{n}.{side}")] for n in ("upperarm01", "lowerarm01", "wrist"))
    t = np.linspace(0.25, 1.9, 9)[:, None]
    axis = np.where(t < 1, a + (b - a) * t, b + (c - b) * (t - 1))
    along = (c - a) / np.linalg.norm(c - a)
    down = np.array([0, 0.8, -0.35])  # mostly behind the arm: below it would be inside the trunk
    down -= down @ along * along
    down /= np.linalg.norm(down)
    across = np.cross(along, down)
    turn = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    wide = np.interp(t[:, 0], [0.25, 1, 1.9], [0.060, 0.062, 0.066]) * k
    deep = np.interp(t[:, 0], [0.25, 0.7, 1.9], [0.058, 0.080, 0.13]) * k
    ring = np.cos(turn)[None, :, None] * across * wide[:, None, None]
    ring = ring + (np.sin(turn)[None, :, None] * deep[:, None, None]) * down
    points = axis[:, None] + down * (deep - 0.055 * k)[:, None, None] + ring
    flat = points.reshape(-1, 3)
    center = np.repeat(axis, len(turn), 0)
    used = np.flatnonzero(outfit.tailor.arm > 0.5)
    weights = find_near(body, center, used, 10) @ body.weights
    return paint_piece(flat, weights, grid_faces(9, 14), outfit.person.top_rgb, Part.SLEEVE)


def dress_sportswear(outfit: Outfit) -> list[Piece]:
    """A jersey with a number and stripes down arms and legs."""
    person, tailor, k, body = outfit.person, outfit.tailor, outfit.k, outfit.body
    accent, points = contrast(person.top_rgb), body.points
    pieces = [wear_top(outfit, 0.016), *wear_legs(outfit)]
    elbow = body.heads[body.bone("lowerarm01.L")]
    seam = 0.022 * k - np.abs(points[:, 1] - elbow[1])
    outside = 0.4 * (tailor.arm - 0.5)
    outer = body.normals[:, 2] * 0.1
    arms = np.minimum.reduce([seam, outside, outer, tailor.sleeve(outfit.sleeve) - 0.01 * k])
    pieces.append(tailor.cut(arms, 0.0185 * k, accent, Part.TRIM))
    hip = body.heads[body.bone("upperleg01.L")]
    seam = 0.024 * k - np.abs(points[:, 1] - hip[1])
    outer = 0.05 * (body.normals[:, 0] * np.sign(points[:, 0]) - 0.3)
    legs = np.minimum.reduce([seam, outer, tailor.lower(outfit.legs) - 0.004 * k])
    low = np.clip(1 - (tailor.above - outfit.legs) / (0.4 * k), 0, 1)
    accent = contrast(person.bottom_rgb)
    pieces.append(tailor.cut(legs, (0.0105 + 0.014 * low) * k, accent, Part.TRIM))
    return pieces + write_number(outfit)


def write_number(outfit: Outfit) -> list[Piece]:
    """A number on the chest, of strokes."""
    accent, chest = contrast(outfit.person.top_rgb), outfit.level("spine01") - 0.01
    pieces = []
    for stroke in DIGITS[outfit.person.seed % 10]:
        start, end = np.array(SEGMENTS[stroke], float)
        line = start + (end - start) * np.linspace(-0.06, 1.06, 4)[:, None]
        line = line * [0.035, 0.032] + [0, chest]
        pieces.append(outfit.ribbon(line, 0.010, accent, Part.TRIM, 0.020))
    return pieces


DRESSES: dict[str, Callable[[Outfit], list[Piece]]] = {
    "casual": dress_casual,
    "uniform": dress_uniform,
    "formal": dress_formal,
    "traditional": dress_traditional,
    "sportswear": dress_sportswear,
}


def find_hidden(outfit: Outfit) -> np.ndarray:
    """(V,) bool: skin that lies well inside cloth."""
    tailor, edge = outfit.tailor, 0.014 * outfit.k
    hidden = tailor.upper(outfit.sleeve, outfit.hem) > edge
    if outfit.person.bottom in ("trousers", "shorts"):
        hidden |= tailor.lower(outfit.legs) > edge
    else:
        hidden |= tailor.lower(tailor.knee + 0.1 * outfit.k) > edge
    return hidden | (tailor.above < tailor.ankle - 0.008 * outfit.k)


def dress(outfit: Outfit) -> tuple[list[Piece], np.ndarray]:
    """Clothes, and which vertices (V,) of the skin they hide."""
    pieces = [*DRESSES[outfit.person.dress_type](outfit), wear_shoes(outfit)]
    return pieces, find_hidden(outfit)
