"""Color words and their shades, linear RGB 0 to 1; far enough apart to be named from an image."""

import math
import random

Rgb = tuple[float, float, float]

HAIR = {
    "black": (0.012, 0.011, 0.014),
    "brown": (0.115, 0.045, 0.018),
    "blonde": (0.74, 0.48, 0.13),
    "red": (0.40, 0.035, 0.018),
    "grey": (0.27, 0.28, 0.30),
    "white": (0.86, 0.86, 0.84),
    "blue": (0.035, 0.13, 0.58),
    "pink": (0.85, 0.24, 0.42),
    "green": (0.045, 0.36, 0.09),
    "purple": (0.20, 0.045, 0.42),
    "orange": (0.80, 0.21, 0.02),
}
EYES = {
    "brown": (0.14, 0.048, 0.014),
    "blue": (0.03, 0.22, 0.72),
    "green": (0.03, 0.40, 0.08),
    "grey": (0.30, 0.33, 0.37),
    "yellow": (0.85, 0.52, 0.02),
    "red": (0.62, 0.02, 0.02),
    "purple": (0.30, 0.06, 0.62),
}
SKIN = {
    "fair": (0.80, 0.53, 0.41),
    "tan": (0.56, 0.30, 0.165),
    "brown": (0.27, 0.115, 0.055),
    "dark": (0.10, 0.042, 0.024),
}
TOPS = {
    "red": (0.60, 0.025, 0.025),
    "orange": (0.80, 0.23, 0.02),
    "yellow": (0.84, 0.62, 0.05),
    "green": (0.04, 0.33, 0.07),
    "blue": (0.03, 0.11, 0.58),
    "purple": (0.21, 0.05, 0.42),
    "pink": (0.85, 0.30, 0.46),
    "brown": (0.15, 0.065, 0.025),
    "black": (0.018, 0.018, 0.022),
    "white": (0.84, 0.84, 0.82),
    "grey": (0.24, 0.25, 0.27),
}
BOTTOMS = TOPS


def jitter(rng: random.Random, color: Rgb, spread: float = 0.10) -> Rgb:
    """A shade near a color: brighter or darker as a whole, and a little off in hue."""
    bright = rng.gauss(0, spread)
    return tuple(min(0.95, c * math.exp(bright + rng.gauss(0, spread / 3))) for c in color)


def mix(a: Rgb, b: Rgb, share: float) -> Rgb:
    """`share` of b, the rest of a."""
    return tuple(x * (1 - share) + y * share for x, y in zip(a, b, strict=True))


def darken(color: Rgb, factor: float) -> Rgb:
    return tuple(factor * c for c in color)


def contrast(color: Rgb) -> Rgb:
    """White beside dark colors, near black beside bright ones."""
    luma = 0.21 * color[0] + 0.72 * color[1] + 0.07 * color[2]
    return (0.86, 0.85, 0.80) if luma < 0.25 else (0.03, 0.03, 0.05)
