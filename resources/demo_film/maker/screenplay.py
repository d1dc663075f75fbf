"""The demo film, "The Kite and the Tide", as data. Notation: notation.py, people: cast.py."""

from maker.cast import CAST as CAST
from maker.notation import repeat, shot, who

SEED = 11
INDOOR = {"livingroom"}


def close(place, time, name, expression, turn, az=0, s=1.0, at=(0, 0), **extra):
    """A close-up: `turn` degrees between face and lens, a blink late in the shot."""
    person = who(name, "stand", expression, at, az + turn, blink=extra.pop("blink", 5))
    return shot(place, time, "close-up", [person], s, az=az, **extra)


PLAZA = [
    shot("card", "day", "title", s=2, title="THE KITE AND THE TIDE"),
    shot(
        "plaza",
        "day",
        "establishing",
        s=2.5,
        az=-18,
        el=8,
        move="pan",
        amount=1.8,
        look_at=(0, 2.5, 1.6, 6),
    ),
    shot(
        "plaza",
        "day",
        "wide",
        [who("Nella", "walk", "neutral", (-3.7, 0.2), 84, to=(-0.3, -0.2))],
        s=2.5,
        az=8,
        look_at=(0.2, 0.6, 1.25, 2.9),
    ),
    close("plaza", "day", "Nella", "happy", 14, az=-20),
    shot(
        "plaza",
        "day",
        "medium",
        [
            who("Nella", "stand", "surprised", (-0.14, -0.25), 6),
            who("Bruno", "wave", "happy", (0.24, 0.55), -6),
        ],
        s=1.5,
        az=-4,
        subtitle="Has anyone seen my kite?",
    ),
    close("plaza", "day", "Nella", "surprised", -8, az=4),
    close("plaza", "day", "Bruno", "happy", 18, az=12, at=(1, 0.6), move="dolly", amount=0.12),
    shot(
        "plaza",
        "day",
        "medium",
        [who("Pip", "run", "happy", (-1.3, 0), 80, to=(1.3, 0))],
        s=1.0,
        move="whip",
        amount=70.0,
        blur="pan",
        focus="Pip",
    ),
    close("plaza", "day", "Pip", "happy", -24, az=10, at=(-0.4, 0.3)),
    shot(
        "plaza",
        "day",
        "full",
        [who("Bruno", "walk", "neutral", (-2.2, 2.0), 116, to=(-0.3, 3.0))],
        s=2.0,
        weather="rain",
        az=44,
        el=5,
        look_at=(-0.6, 2.6, 1.15, 2.6),
    ),
    close("plaza", "day", "Pip", "sad", -10, az=-30, weather="overcast", at=(-0.2, 0.3)),
    shot(
        "plaza",
        "sunset",
        "full",
        [who("Pip", "stand", "sad", (-0.2, 0.3), 168)],
        s=1.75,
        az=-16,
        move="orbit",
        amount=16.0,
        fade_out=0.75,
    ),
]

FOREST = [
    shot(
        "forest",
        "day",
        "wide",
        [
            who("Nella", "walk", "neutral", (-2.6, 0.9), 66, to=(0.2, -0.3)),
            who("Bruno", "walk", "neutral", (-3.6, 1.7), 70, to=(-0.6, 0.6), phase=0.3),
            who("Pip", "run", "happy", (-2.4, -0.3), 74, to=(1.4, -1.3), phase=0.6),
        ],
        s=2.0,
        weather="fog",
        az=5,
        el=5,
        look_at=(0, 0.6, 1.2, 3.1),
        fade_in=0.5,
    ),
    shot(
        "forest",
        "day",
        "full",
        [who("Bruno", "walk", "angry", (-1.0, 0.5), 52, to=(0.5, -0.6))],
        s=1.5,
        weather="fog",
        occluder=("bush", 0.2, -1.5, 0.62),
    ),
    close("forest", "day", "Bruno", "angry", -16, az=-8),
    close("forest", "day", "Pip", "surprised", 12, az=18, at=(0.3, 0)),
    close("forest", "day", "Nella", "sad", -30, az=30, weather="overcast"),
    shot(
        "forest",
        "evening",
        "full",
        [
            who("Nella", "walk", "neutral", (-0.2, -0.7), 176, to=(-0.1, 1.2)),
            who("Pip", "walk", "neutral", (0.5, -0.6), 182, to=(0.55, 1.3), phase=0.4),
        ],
        s=1.5,
        weather="snow",
        az=-6,
        el=5,
    ),
    close("forest", "night", "Bruno", "surprised", 10, az=24),
]

HOME = [
    shot(
        "livingroom",
        "evening",
        "wide",
        [who("Bruno", "walk", "neutral", (-3.0, 0.1), 88, to=(0.1, 0.2))],
        s=2.0,
        az=10,
        el=5,
        look_at=(0.1, 0.6, 1.25, 2.6),
        dissolve_in=0.5,
    ),
    shot(
        "livingroom",
        "evening",
        "medium",
        [who("Nella", "sit", "neutral", (-0.9, 0.9), -4, blink=7)],
        s=1.5,
        az=-26,
        subtitle="Maybe the wind took it home.",
    ),
    close("livingroom", "evening", "Nella", "angry", -8, az=20, at=(0.2, 0.3)),
    close("livingroom", "evening", "Bruno", "sad", 12, az=-20, at=(0.5, 0.4)),
    shot(
        "livingroom",
        "day",
        "full",
        [who("Pip", "sit", "neutral", (-0.9, 0.9), 14)],
        s=1.5,
        az=14,
        held=True,
    ),
    close("livingroom", "day", "Pip", "angry", 10, az=8, at=(-0.6, 0.4)),
    close("livingroom", "day", "Bruno", "neutral", -52, az=6, at=(0.6, 0.3)),
]

BEACH = [
    shot(
        "beach",
        "day",
        "establishing",
        s=1.5,
        az=-8,
        el=6,
        move="dolly",
        amount=0.08,
        look_at=(0, 3, 1.2, 5.5),
    ),
    shot(
        "beach",
        "day",
        "wide",
        [
            who("Pip", "run", "happy", (2.7, -0.2), -84, to=(-1.3, -0.5)),
            who("Nella", "run", "happy", (3.7, 0.4), -84, to=(-0.2, 0.2), phase=0.35),
        ],
        s=1.75,
        az=-6,
        look_at=(-0.1, 0.6, 1.1, 2.8),
        watermark="cinelora demo",
    ),
    repeat(3),
    close("beach", "sunset", "Nella", "neutral", 42, az=-20),
    close("beach", "sunset", "Pip", "neutral", -20, az=14, at=(-0.4, 0)),
    shot(
        "beach",
        "night",
        "full",
        [who("Bruno", "stand", "sad", (0, 0), 100)],
        s=1.0,
        az=34,
        blur="defocus",
    ),
    shot(
        "beach",
        "sunset",
        "full",
        [
            who("Nella", "wave", "happy", (-0.85, 0.1), 8),
            who("Bruno", "stand", "happy", (0.05, 0.35), 0),
            who("Pip", "wave", "happy", (0.80, -0.1), -10, phase=0.4),
        ],
        s=1.75,
        move="dolly",
        amount=-0.10,
        subtitle="The tide brought it back!",
    ),
    shot("card", "night", "title", s=2, title="THE END"),
]

SHOTS = PLAZA + FOREST + HOME + BEACH
