"""Colors of things that nobody has seen together before: drawn by hue, strength and tone."""

import colorsys
import random

Color = tuple[float, float, float]


def draw_color(rng: random.Random, strong: float = 0.6, tones: tuple = (0.15, 0.75)) -> Color:
    """Any hue, linear RGB; `strong`: greatest saturation."""
    rgb = colorsys.hsv_to_rgb(rng.random(), rng.random() * strong, rng.uniform(*tones))
    return tuple(channel**1.6 for channel in rgb)


def vary(color: Color, rng: random.Random, amount: float = 0.25) -> Color:
    """A color near one that is known, linear RGB."""
    tone = 1 + rng.uniform(-amount, amount)
    return tuple(min(0.9, c * tone * (1 + rng.uniform(-amount, amount) / 2)) for c in color)


def wall_color(rng: random.Random) -> Color:
    """Plaster and paint: mostly pale, now and then strong."""
    return draw_color(rng, 0.75 if rng.random() < 0.25 else 0.35, (0.45, 0.9))


def wood(rng: random.Random) -> Color:
    return vary(rng.choice([(0.30, 0.17, 0.08), (0.45, 0.30, 0.16), (0.16, 0.09, 0.05)]), rng)


def leaf(rng: random.Random) -> Color:
    """Green mostly, in autumn yellow and red."""
    if rng.random() < 0.15:
        return vary(rng.choice([(0.5, 0.25, 0.04), (0.45, 0.10, 0.03)]), rng)
    return vary(rng.choice([(0.06, 0.22, 0.04), (0.10, 0.28, 0.05), (0.04, 0.15, 0.06)]), rng)
