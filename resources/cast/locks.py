"""Locks of hair: flat tapering tubes along paths over the head and down from it."""

import numpy as np

from cast.attributes import Part
from cast.pieces import Piece, paint_piece
from cast.scalp import Scalp
from cast.surfaces import make_ball, sweep, sweep_quads

STEPS, AROUND = 11, 6


def shade_locks(color, count: int, steps: int, rng: np.random.Generator) -> np.ndarray:
    """Colors (count, steps, 3): locks differ a little; each is dark at its root, with a shine."""
    each = np.exp(rng.normal(0, 0.10, (count, 1)))
    along = np.linspace(0, 1, steps)[None]
    shine = 0.28 * np.exp(-(((along - 0.30) / 0.09) ** 2))
    tone = each * (0.84 + 0.22 * along + shine)
    return np.clip(tone[..., None] * np.asarray(color), 0, 1)


def grow_paths(scalp: Scalp, start, end, lift, drop, curl: float = 0.0) -> np.ndarray:
    """Paths (L, STEPS, 3) from start over the head to end, then down by `drop` (L,) meters.

    start and end are (L, 2) azimuths and elevations in degrees, lift (L,) meters over the skin at
    the crest; curl bends the tips inward (above 0) or outward.
    """
    start, end = np.asarray(start, float), np.asarray(end, float)
    drop, lift = np.broadcast_to(drop, len(start)), np.broadcast_to(lift, len(start))
    on_head = 6
    s = np.linspace(0, 1, on_head)[None]
    azimuth = start[:, :1] + (end - start)[:, :1] * s**0.8
    elevation = start[:, 1:] + (end - start)[:, 1:] * s
    height = 0.004 * scalp.scale + lift[:, None] * np.sin(np.pi * (0.12 + 0.66 * s)) ** 0.7
    head = scalp.at(azimuth, elevation, height)
    d = np.linspace(0, 1, STEPS - on_head + 1)[None, 1:, None]
    outward = (head[:, -1] - scalp.body.center) * [1, 1, 0]
    outward /= np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-9)
    bend = (0.18 * d - (0.25 + curl) * d**2) * drop[:, None, None]
    fall = head[:, -1:] + outward[:, None] * bend - d * drop[:, None, None] * [0, 0, 1]
    return np.concatenate([head, scalp.rest_on_trunk(fall, 0.022 * scalp.scale)], 1)


def make_locks(
    scalp: Scalp, paths: np.ndarray, wide, color, rng: np.random.Generator, part=Part.HAIR
) -> Piece:
    """Locks along paths (L, k, 3), `wide` (L,) meters as half axes, tapering to a tip."""
    count, steps = paths.shape[:2]
    s = np.linspace(0, 1, steps)
    taper = np.clip(0.55 + 1.6 * s, 0, 1) * np.sqrt(np.clip(1 - s**3.2, 0, 1)) + 0.02
    half = np.broadcast_to(wide, count)[:, None] * taper
    out = paths - (scalp.body.center + [0, 0, -0.02 * scalp.scale])
    out[..., 2] *= np.where(paths[..., 2] < scalp.body.chin, 0.0, 1.0)
    points = sweep(paths, half, 0.42 * half, out, AROUND).reshape(-1, 3)
    shades = shade_locks(color, count, steps, rng)
    colors = np.repeat(shades[:, :, None], AROUND, 2).reshape(-1, 3)
    return paint_piece(
        points, scalp.follow(points), sweep_quads(count, steps, AROUND), colors, part
    )


def make_balls(
    scalp: Scalp, centers: np.ndarray, radii: np.ndarray, color, rng: np.random.Generator,
    part=Part.HAIR,
) -> Piece:  # fmt: skip
    """Balls at centers (n, 3) with half axes radii (n, 3): curls, buns, the links of a braid."""
    ball, quads = make_ball((0, 0, 0), (1, 1, 1), 6, 9)
    points = (ball[None] * np.asarray(radii)[:, None] + centers[:, None]).reshape(-1, 3)
    quads = (quads[None] + (np.arange(len(centers)) * len(ball))[:, None, None]).reshape(-1, 4)
    tone = np.exp(rng.normal(0, 0.09, len(centers)))[:, None, None] * (
        0.92 + 0.14 * ball[None, :, 2:]
    )
    colors = np.clip(tone * np.asarray(color), 0, 1).reshape(-1, 3)
    return paint_piece(points, scalp.follow(points), quads, colors, part)
