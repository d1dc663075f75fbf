"""Who a character is: the vocabulary, and characters drawn from a seed (plain Python, no model).

`Person` holds the words that captions and scorers use, and the exact shades and measures behind
them. Values of different attributes are drawn independently where life allows it, so that none can
be guessed from another; what depends on another attribute stands in `sample_person` in plain sight.
Colors are linear RGB, 0 to 1.
"""

import random
from dataclasses import dataclass, fields
from enum import IntEnum

from cast.shades import BOTTOMS, EYES, HAIR, SKIN, TOPS, jitter

NONE = "none"
AGE_BANDS = {  # the body model's age; a gap between neighbors, so that none could be both
    "child": (0.36, 0.42),
    "teen": (0.50, 0.55),
    "young_adult": (0.64, 0.70),
    "middle_aged": (0.80, 0.86),
    "elderly": (0.95, 1.0),
}
BODY_TYPES = {  # weight from, to; muscle
    "slim": (0.10, 0.24, 0.38),
    "average": (0.45, 0.53, 0.45),
    "heavy": (0.88, 1.0, 0.40),
    "muscular": (0.52, 0.60, 1.0),
}
GENDERS = ("female", "male")
HAIR_STYLES = ("loose", "bun", "ponytail", "twintails", "braid", "curly", "bald")
HAIR_LENGTHS = ("short", "medium", "long")  # NONE for a bun and for bald heads
DRESS_TYPES = ("casual", "uniform", "formal", "traditional", "sportswear")
LOWER_WEAR = ("trousers", "skirt", "shorts", "robe")
SLEEVES = ("short", "long")
GLASSES = (NONE, "glasses", "sunglasses")
HATS = (NONE, "cap", "brim_hat", "beanie")
BEARDS = (NONE, "moustache", "full_beard")
SCARS = (NONE, "cheek", "eye")
ACCESSORIES = ("scarf", "tie", "backpack", "earrings", "necklace", "hair_bow")
FRINGES = ("swept", "straight", "parted", "side")


class Part(IntEnum):
    """What a quad of a figure is; 1 to 255, for 0 is nobody in an id buffer."""

    SKIN = 1
    FACE = 2
    SCLERA = 3
    IRIS = 4
    LIPS = 5
    TEETH = 6
    HAIR = 7
    BROWS = 8
    BEARD = 9
    TOP = 10
    BOTTOM = 11
    SHOES = 12
    GLASSES = 13
    HAT = 14
    SCAR = 15
    SCARF = 16
    TIE = 17
    BACKPACK = 18
    EARRINGS = 19
    NECKLACE = 20
    HAIR_BOW = 21
    LASHES = 22
    MOUTH = 23
    WRINKLES = 24
    TRIM = 25  # buttons, sash, lapels: what tells a uniform from a suit
    SLEEVE = 26  # the sleeves of the top
    LENS = 27
    STRAP = 28


@dataclass(frozen=True)
class Person:
    """A character: words (what can be asked), then the shades and measures behind the words."""

    seed: int
    age_band: str
    gender: str
    hair_color: str
    hair_style: str
    hair_length: str  # "none" where the style has none to show
    eye_color: str
    skin_tone: str
    body_type: str
    dress_type: str
    top_color: str
    bottom_color: str  # of a robe: that of the top
    bottom: str
    sleeves: str
    glasses: str
    hat: str
    beard: str
    scar: str
    accessories: tuple[str, ...]
    fringe: str
    age: float
    weight: float
    muscle: float
    hair_rgb: tuple[float, float, float]
    iris_rgb: tuple[float, float, float]
    skin_rgb: tuple[float, float, float]
    top_rgb: tuple[float, float, float]
    bottom_rgb: tuple[float, float, float]

    def words(self) -> dict[str, str | tuple[str, ...]]:
        """The attributes that can be asked for, by name."""
        names = [field.name for field in fields(self)][1:19]
        return {name: getattr(self, name) for name in names}


def sample_hair(rng: random.Random, age_band: str, gender: str) -> dict[str, str]:
    """Style, length, color and fringe. Old hair is mostly grey or white, men's mostly short."""
    long_haired = gender == "female" or rng.random() < 0.4
    styles = HAIR_STYLES[:-1] if long_haired else ("loose", "curly")
    style = rng.choice(styles)
    bald_share = 0.12 if gender == "male" else 0.02
    if rng.random() < bald_share * (2 if age_band in ("middle_aged", "elderly") else 1):
        style = "bald"
    lengths = HAIR_LENGTHS if style in ("loose", "curly") else HAIR_LENGTHS[1:]
    length = rng.choice(lengths) if long_haired else "short"
    if style in ("bun", "bald"):
        length = NONE
    color = rng.choice(sorted(HAIR))
    if age_band == "elderly" and rng.random() < 0.7:
        color = rng.choice(("grey", "white"))
    fringe = rng.choice(FRINGES)
    return {"hair_style": style, "hair_length": length, "hair_color": color, "fringe": fringe}


def sample_clothes(rng: random.Random, gender: str) -> dict[str, str]:
    """Dress type, top, lower wear, sleeves and colors; top and bottom differ unless a robe."""
    dress = rng.choice(DRESS_TYPES)
    lower = {
        "traditional": ("robe",),
        "sportswear": ("trousers", "shorts"),
        "formal": ("trousers", "skirt"),
        "uniform": ("trousers", "skirt", "shorts"),
    }.get(dress, ("trousers", "skirt", "shorts"))
    if gender == "male" and len(lower) > 1:
        lower = tuple(name for name in lower if name != "skirt")
    sleeves = "long" if dress in ("formal", "traditional") else rng.choice(SLEEVES)
    top = rng.choice(sorted(TOPS))
    others = [name for name in sorted(BOTTOMS) if name != top]
    bottom = rng.choice(lower)
    color = top if bottom == "robe" else rng.choice(others)
    return {
        "dress_type": dress,
        "bottom": bottom,
        "sleeves": sleeves,
        "top_color": top,
        "bottom_color": color,
    }


def sample_extras(rng: random.Random, age_band: str, gender: str, hair: dict, dress: str) -> dict:
    """Glasses, hat, beard, scar and accessories: absent mostly, so that absence is learned too."""
    grown_man = gender == "male" and age_band in ("young_adult", "middle_aged", "elderly")
    beard = rng.choice(BEARDS) if grown_man else NONE
    hat = rng.choice(HATS[1:]) if rng.random() < 0.25 else NONE
    wearable = [name for name in ACCESSORIES if may_wear(name, gender, hair, dress, hat)]
    worn = tuple(name for name in wearable if rng.random() < 0.2)
    if "scarf" in worn:  # it would hide both
        worn = tuple(name for name in worn if name not in ("tie", "necklace"))
    return {
        "glasses": rng.choices(GLASSES, (0.68, 0.22, 0.10))[0],
        "hat": hat,
        "beard": beard,
        "scar": rng.choice(SCARS[1:]) if rng.random() < 0.15 else NONE,
        "accessories": worn,
    }


def may_wear(name: str, gender: str, hair: dict, dress: str, hat: str) -> bool:
    """Whether an accessory goes with the rest and can be seen there."""
    if name == "tie":
        return dress in ("formal", "uniform")
    if name == "hair_bow":
        return gender == "female" and hair["hair_style"] != "bald" and hat == NONE
    if name == "necklace":
        return dress in ("casual", "sportswear")
    return name != "earrings" or gender == "female"


def sample_body(rng: random.Random, age_band: str) -> dict:
    """Body type, age, weight and muscle; children are not muscular."""
    types = [name for name in BODY_TYPES if name != "muscular" or age_band != "child"]
    kind = rng.choice(types)
    least, most, muscle = BODY_TYPES[kind]
    return {
        "body_type": kind,
        "age": rng.uniform(*AGE_BANDS[age_band]),
        "weight": rng.uniform(least, most),
        "muscle": muscle,
    }


def draw_person(rng: random.Random, seed: int) -> Person:
    """One character, without a look at who else there is."""
    age_band, gender = rng.choice(sorted(AGE_BANDS)), rng.choice(GENDERS)
    hair, clothes = sample_hair(rng, age_band, gender), sample_clothes(rng, gender)
    extras = sample_extras(rng, age_band, gender, hair, clothes["dress_type"])
    eyes, skin = rng.choice(sorted(EYES)), rng.choice(sorted(SKIN))
    body = sample_body(rng, age_band)
    top = jitter(rng, TOPS[clothes["top_color"]])
    robe = clothes["bottom"] == "robe"
    shades = {
        "hair_rgb": jitter(rng, HAIR[hair["hair_color"]]),
        "iris_rgb": jitter(rng, EYES[eyes]),
        "skin_rgb": jitter(rng, SKIN[skin], 0.06),
        "top_rgb": top,
        "bottom_rgb": top if robe else jitter(rng, BOTTOMS[clothes["bottom_color"]]),
    }
    return Person(
        seed=seed, age_band=age_band, gender=gender, eye_color=eyes, skin_tone=skin,
        **hair, **clothes, **extras, **body, **shades,
    )  # fmt: skip


def sample_person(seed: int) -> Person:
    """The character of a seed: always the same one, and never one of the demo film's."""
    from cast.demo_people import is_like_demo  # it names the attributes of this module

    rng = random.Random(f"person {seed}")
    while is_like_demo(person := draw_person(rng, seed)):
        pass
    return person
