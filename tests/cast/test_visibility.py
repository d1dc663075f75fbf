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
    hidden = replace(PORTRAIT, pixels={**PORTRAIT.pixels, "LIPS": 2})
    assert see_expression("happy", hidden) == "unknown"


def test_legs_tell_an_action_and_a_hand_tells_a_wave():
    assert see_action("run", WHOLE) == "run"
    assert see_action("run", PORTRAIT) == "unknown"
    hand = {**PORTRAIT.joints, "right_wrist": True, "right_elbow": True}
    assert see_action("wave", replace(PORTRAIT, joints=hand)) == "wave"
    assert see_action("wave", PORTRAIT) == "unknown"
