"""Characters of a seed: their words, their spread, and that none is of the demo film."""

from collections import Counter
from dataclasses import fields, replace

import pytest
from cast import attributes, demo_people, shades
from cast.attributes import Part, sample_person
from maker.cast import CAST

SEEDS = 2500
PEOPLE = [sample_person(seed) for seed in range(SEEDS)]
VALUES = {
    "age_band": set(attributes.AGE_BANDS),
    "gender": set(attributes.GENDERS),
    "hair_color": set(shades.HAIR),
    "hair_style": set(attributes.HAIR_STYLES),
    "hair_length": {*attributes.HAIR_LENGTHS, "none"},
    "eye_color": set(shades.EYES),
    "skin_tone": set(shades.SKIN),
    "body_type": set(attributes.BODY_TYPES),
    "dress_type": set(attributes.DRESS_TYPES),
    "top_color": set(shades.TOPS),
    "bottom_color": set(shades.BOTTOMS),
    "bottom": set(attributes.LOWER_WEAR),
    "sleeves": set(attributes.SLEEVES),
    "glasses": set(attributes.GLASSES),
    "hat": set(attributes.HATS),
    "beard": set(attributes.BEARDS),
    "scar": set(attributes.SCARS),
}

PINNED = {
    "age_band": "elderly",
    "gender": "male",
    "hair_color": "white",
    "hair_style": "curly",
    "hair_length": "short",
    "eye_color": "purple",
    "skin_tone": "fair",
    "body_type": "muscular",
    "dress_type": "casual",
    "top_color": "purple",
    "bottom_color": "orange",
    "bottom": "shorts",
    "sleeves": "long",
    "glasses": "none",
    "hat": "cap",
    "beard": "full_beard",
    "scar": "none",
    "accessories": ("necklace",),
}
PINNED_AGE = 0.9996744649308419


def count(name: str) -> Counter:
    return Counter(getattr(person, name) for person in PEOPLE)


def make_double(name: str, **changes):
    """A person with the words and shades of a character of the demo film."""
    demo = CAST[name]
    return replace(
        PEOPLE[0],
        **vars(demo_people.LOOKS[name]),
        hair_rgb=demo["hair"]["color"],
        iris_rgb=demo["iris"],
        skin_rgb=demo["skin"],
        top_rgb=demo["top"],
        bottom_rgb=demo["bottom"],
        **changes,
    )


def test_a_seed_is_always_the_same_person():
    assert sample_person(17) == PEOPLE[17]
    assert len({replace(person, seed=0) for person in PEOPLE}) == SEEDS


def test_this_person_of_this_seed_stays():
    """Other versions of Python must draw the same cast, or held-out characters get trained on."""
    person = PEOPLE[1]
    assert person.words() == PINNED
    assert person.age == pytest.approx(PINNED_AGE, abs=1e-9)


@pytest.mark.parametrize("name", VALUES)
def test_every_value_occurs_and_no_other(name):
    counts = count(name)
    assert set(counts) == VALUES[name]
    assert min(counts.values()) >= 0.03 * SEEDS


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("eye_color", "hair_color"),
        ("skin_tone", "hair_color"),
        ("skin_tone", "age_band"),
        ("top_color", "hair_color"),
        ("glasses", "age_band"),
        ("dress_type", "gender"),
        ("eye_color", "skin_tone"),
    ],
)
def test_one_attribute_does_not_give_another_away(one, other):
    """Knowing one raises the share of the likeliest value of the other by little."""
    pairs = Counter((getattr(p, one), getattr(p, other)) for p in PEOPLE if p.age_band != "elderly")
    grown = sum(pairs.values())
    base = max(Counter(b for (_, b), n in pairs.items() for _ in range(n)).values()) / grown
    known = sum(max(n for (a, _), n in pairs.items() if a == value) for value in VALUES[one])
    assert known / grown < base + 0.07


def test_words_are_what_can_be_asked():
    names = set(PEOPLE[0].words())
    assert set(VALUES) | {"accessories", "fringe"} >= names >= set(VALUES) | {"accessories"}
    assert names <= {field.name for field in fields(PEOPLE[0])}


def test_bands_have_gaps():
    bands = sorted(attributes.AGE_BANDS.values())
    assert all(low[1] + 0.05 <= high[0] for low, high in zip(bands, bands[1:], strict=False))
    assert len(bands) == 5


def test_what_people_wear_can_be_seen():
    robes = [person for person in PEOPLE if person.bottom == "robe"]
    assert len(robes) > 300
    assert {person.dress_type for person in robes} == {"traditional"}
    assert [p for p in robes if p.bottom_color != p.top_color or p.bottom_rgb != p.top_rgb] == []
    assert [p for p in PEOPLE if p.bottom != "robe" and p.bottom_color == p.top_color] == []
    assert [p for p in PEOPLE if p.age_band in ("child", "teen") and p.beard != "none"] == []
    assert [p for p in PEOPLE if p.hat != "none" and "hair_bow" in p.accessories] == []
    assert [p for p in PEOPLE if "scarf" in p.accessories and "tie" in p.accessories] == []
    worn = Counter(name for person in PEOPLE for name in person.accessories)
    assert set(worn) == set(attributes.ACCESSORIES)


def test_most_of_the_old_have_grey_or_white_hair():
    old = [person for person in PEOPLE if person.age_band == "elderly"]
    grey = sum(person.hair_color in ("grey", "white") for person in old)
    assert 0.65 < grey / len(old) < 0.9


@pytest.mark.parametrize("kind", ["HAIR", "EYES", "SKIN", "TOPS"])
def test_color_words_are_apart(kind):
    """No shade of a color, however jittered, lies nearer to the shade of another word."""
    colors = getattr(shades, kind)
    field = {"HAIR": "hair", "EYES": "iris", "SKIN": "skin", "TOPS": "top"}[kind]
    word = {"hair": "hair_color", "iris": "eye_color", "skin": "skin_tone", "top": "top_color"}
    wrong = 0
    for person in PEOPLE:
        shade = getattr(person, f"{field}_rgb")
        near = min(colors, key=lambda name: distance(colors[name], shade))
        wrong += near != getattr(person, word[field])
    assert wrong <= 0.005 * SEEDS


def distance(a, b) -> float:
    return sum((x**0.45 - y**0.45) ** 2 for x, y in zip(a, b, strict=True))


def test_nobody_of_the_demo_film_is_in_the_cast():
    assert [person.seed for person in PEOPLE if demo_people.is_like_demo(person)] == []
    assert set(CAST) == set(demo_people.LOOKS)
    nearest = min(
        demo_people.shade_distance(person, CAST[name])
        for person in PEOPLE
        for name, look in demo_people.LOOKS.items()
        if demo_people.count_shared(person, look) >= demo_people.ALIKE - 1
    )
    assert nearest >= demo_people.NEAR


@pytest.mark.parametrize("name", CAST)
def test_a_double_of_the_demo_film_is_found(name):
    assert demo_people.shade_distance(make_double(name), CAST[name]) == 0
    assert demo_people.is_like_demo(make_double(name))
    assert demo_people.is_like_demo(make_double(name, eye_color="red", glasses="glasses"))
    other = replace(make_double(name), hair_style="bald", age_band="elderly", bottom="robe")
    assert not demo_people.is_like_demo(other)


def test_parts_fit_the_id_buffer():
    values = [part.value for part in Part]
    assert min(values) == 1 and max(values) < 256
    assert len(set(values)) == len(values)
