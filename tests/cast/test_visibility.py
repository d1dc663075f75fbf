from dataclasses import replace

import pytest
from cast.attributes import sample_person
from cast.truth import JOINTS
from cast.visibility import Seen, find_visible, see_action, see_expression

WORDS = {
    **sample_person(0).words(), "hair_style": "loose", "hair_length": "long", "hair_color": "red",
    "eye_color": "blue", "glasses": "none", "hat": "none", "beard": "none", "scar": "none",
    "bottom": "skirt", "sleeves": "short", "top_color": "green", "bottom_color": "black",
    "accessories": ("backpack", "scarf"), "gender": "female", "dress_type": "casual",
}  # fmt: skip
PORTRAIT = Seen(
    {"FACE": 900, "HAIR": 500, "IRIS": 20, "LIPS": 30, "TOP": 300, "SKIN": 60, "SCARF": 90},
    {**dict.fromkeys(JOINTS, False), "nose": True, "left_shoulder": True, "right_shoulder": True},
    view="front", head_yaw=10, crown=True, shoulders=True,
)  # fmt: skip
WHOLE = replace(
    PORTRAIT,
    pixels={"FACE": 60, "HAIR": 70, "IRIS": 1, "TOP": 200, "SLEEVE": 40, "BOTTOM": 150, "SKIN": 90},
    joints=dict.fromkeys(JOINTS, True),
)


def see(seen: Seen, **words) -> dict:
    return find_visible({**WORDS, **words}, seen)


def test_a_portrait_shows_the_head_and_not_the_legs():
    shown = see(PORTRAIT)
    assert {name: shown[name] for name in ("hair_color", "eye_color", "top_color", "glasses")} == {
        "hair_color": "red", "eye_color": "blue", "top_color": "green", "glasses": "none"
    }  # fmt: skip
    assert {shown[name] for name in ("bottom", "bottom_color", "sleeves", "body_type")} == {
        "unknown"
    }
    assert shown["accessories"] == ("scarf",)


def test_a_whole_figure_shows_the_clothes_and_not_the_eyes():
    shown = see(WHOLE)
    assert (shown["bottom"], shown["bottom_color"], shown["sleeves"]) == ("skirt", "black", "short")
    assert (shown["eye_color"], shown["age_band"], shown["glasses"]) == ("unknown",) * 3
    assert shown["accessories"] == ()


def test_every_attribute_of_a_person_is_judged():
    assert set(see(PORTRAIT)) == set(sample_person(0).words())


@pytest.mark.parametrize(
    ("attribute", "part", "limit"),
    [("eye_color", "IRIS", 4), ("hair_color", "HAIR", 25), ("top_color", "TOP", 40)],
)
def test_a_pixel_less_than_the_limit_tells_nothing(attribute, part, limit):
    enough = replace(PORTRAIT, pixels={**PORTRAIT.pixels, part: limit})
    too_few = replace(PORTRAIT, pixels={**PORTRAIT.pixels, part: limit - 1})
    assert see(enough)[attribute] == WORDS[attribute]
    assert see(too_few)[attribute] == "unknown"


@pytest.mark.parametrize(
    ("words", "change", "attribute"),
    [
        ({}, {"head_yaw": 140.0}, "gender"),
        ({}, {"crown": False}, "hat"),
        ({}, {"crown": False}, "hair_style"),
        ({}, {"shoulders": False}, "hair_length"),
        ({"hair_style": "ponytail"}, {}, "hair_style"),
        ({"hair_style": "bald", "hat": "cap"}, {}, "hair_style"),
        ({"glasses": "sunglasses"}, {}, "eye_color"),
        ({"glasses": "glasses"}, {}, "glasses"),
        ({}, {"view": "back"}, "dress_type"),
    ],
    ids=lambda value: ",".join(map(str, value.values())) if isinstance(value, dict) else value,
)
def test_what_hides_an_attribute(words, change, attribute):
    plain = see(replace(PORTRAIT, pixels={**PORTRAIT.pixels, "GLASSES": 20, "LENS": 20}))
    assert plain[attribute] != "unknown"
    assert see(replace(PORTRAIT, **change), **words)[attribute] == "unknown"


def test_a_tail_of_hair_shows_from_behind():
    assert see(replace(PORTRAIT, head_yaw=120), hair_style="ponytail")["hair_style"] == "ponytail"


def test_a_bald_head_is_seen_and_has_no_hair_color():
    shown = see(replace(PORTRAIT, pixels={**PORTRAIT.pixels, "HAIR": 0}), hair_style="bald")
    assert (shown["hair_style"], shown["hair_color"]) == ("bald", "unknown")


def test_an_expression_needs_a_mouth_that_looks_this_way():
    assert see_expression("happy", PORTRAIT) == "happy"
    assert see_expression("happy", replace(PORTRAIT, head_yaw=80)) == "unknown"
    small = {"FACE": 165, "LIPS": 30, "SCLERA": 4}
    assert see_expression("happy", replace(PORTRAIT, pixels=small)) == "unknown"
    assert see_expression("happy", replace(PORTRAIT, pixels={**small, "IRIS": 1})) == "happy"
    hidden = replace(PORTRAIT, pixels={**PORTRAIT.pixels, "LIPS": 2})
    assert see_expression("happy", hidden) == "unknown"


@pytest.mark.parametrize("action", ["stand", "run", "wave", "lie"])
def test_no_action_is_known_without_legs(action):
    legs = {name for name in JOINTS if name.endswith(("knee", "ankle"))}
    above = {name: name not in legs for name in JOINTS}
    assert see_action(action, WHOLE) == action
    assert see_action(action, replace(WHOLE, joints=above)) == "unknown"


@pytest.mark.parametrize(
    ("action", "needed"), [("wave", "right_wrist"), ("wave", "right_elbow"), ("run", "ankle")]
)
def test_an_action_needs_what_does_it(action, needed):
    joints = {name: not name.endswith(needed) for name in JOINTS}
    assert see_action(action, replace(WHOLE, joints=joints)) == "unknown"


VALUES = {
    "glasses": ("none", "glasses", "sunglasses"), "hat": ("none", "cap"),
    "beard": ("none", "full_beard"), "scar": ("none", "cheek"),
}  # fmt: skip
FULL = replace(
    PORTRAIT, pixels={**PORTRAIT.pixels, "GLASSES": 20, "HAT": 90, "BEARD": 40, "SCAR": 9}
)


@pytest.mark.parametrize(
    ("change", "hidden"),
    [
        ({}, set()),
        ({"head_yaw": 80.0}, {"glasses", "beard", "scar"}),
        ({"crown": False}, {"hat"}),
        ({"pixels": {**FULL.pixels, "FACE": 200}}, {"scar"}),
        ({"pixels": {"FACE": 9, "HAIR": 9, "HAT": 15, "GLASSES": 8, "BEARD": 8, "SCAR": 4}},
         set(VALUES)),
    ],
    ids=["all shows", "from the side", "cut at the top", "a small face", "far away"],
)  # fmt: skip
def test_whether_it_is_known_does_not_tell_the_value(change, hidden):
    for name, values in VALUES.items():
        known = {
            see(replace(FULL, **change), **{name: value})[name] != "unknown" for value in values
        }
        assert known == {name not in hidden}, name


@pytest.mark.parametrize(
    ("style", "length", "known"),
    [
        ("bun", "none", False), ("ponytail", "long", False), ("braid", "long", False),
        ("loose", "short", False), ("loose", "long", True), ("curly", "short", True),
    ],
)  # fmt: skip
def test_from_the_front_tied_hair_and_short_hair_look_alike(style, length, known):
    words = {"hair_style": style, "hair_length": length}
    assert (see(PORTRAIT, **words)["hair_style"] != "unknown") == known
    assert see(replace(PORTRAIT, head_yaw=120), **words)["hair_style"] == style


def test_the_length_of_a_tail_does_not_show_from_the_front():
    assert see(PORTRAIT, hair_style="braid", hair_length="long")["hair_length"] == "unknown"
    assert see(PORTRAIT, hair_style="loose", hair_length="short")["hair_length"] == "short"
