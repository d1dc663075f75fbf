"""Keeps the demo film's characters out of the cast: what is learned here is tried on them."""

import math
from dataclasses import dataclass

from maker.cast import CAST

from cast.attributes import Person

ALIKE = 6  # of the seven words of a look: as many shared are the same character
NEAR = 0.22  # with one word less, shades nearer than this are too; see shade_distance


@dataclass(frozen=True)
class DemoLook:
    """A character of the demo film in the words of the cast; shades come from the film itself."""

    age_band: str
    gender: str
    hair_color: str
    hair_style: str
    hair_length: str
    top_color: str
    bottom: str


LOOKS = {
    "Nella": DemoLook("young_adult", "female", "brown", "loose", "medium", "yellow", "skirt"),
    "Bruno": DemoLook("young_adult", "male", "black", "loose", "short", "green", "trousers"),
    "Pip": DemoLook("child", "male", "blonde", "loose", "short", "white", "shorts"),
}


def count_shared(person: Person, look: DemoLook) -> int:
    """How many of the seven words of a look the person has too."""
    return sum(getattr(person, name) == word for name, word in vars(look).items())


def shade_distance(person: Person, demo: dict) -> float:
    """Mean distance of hair, iris, skin, top and bottom; 0 the same, about 1 black and white."""
    pairs = [
        (person.hair_rgb, demo["hair"]["color"]),
        (person.iris_rgb, demo["iris"]),
        (person.skin_rgb, demo["skin"]),
        (person.top_rgb, demo["top"]),
        (person.bottom_rgb, demo["bottom"]),
    ]
    steps = [math.dist([c**0.45 for c in a], [c**0.45 for c in b]) for a, b in pairs]
    return sum(steps) / len(steps) / math.sqrt(3)


def is_like_demo(person: Person) -> bool:
    """Whether a person could be taken for a character of the demo film."""
    return any(
        count_shared(person, look) >= ALIKE - (shade_distance(person, CAST[name]) < NEAR)
        for name, look in LOOKS.items()
    )
