from pathlib import Path

import numpy as np
import pytest
import yaml
from cast import caption_words as words
from cast.attributes import (
    ACCESSORIES,
    AGE_BANDS,
    BEARDS,
    BODY_TYPES,
    DRESS_TYPES,
    GENDERS,
    GLASSES,
    HAIR_STYLES,
    HATS,
    LOWER_WEAR,
    SCARS,
    sample_person,
)
from cast.captions import fix_article, write_caption
from cast.places import KINDS
from cast.shades import SKIN

HOME = Path(__file__).parents[2]
VOCABULARY = yaml.safe_load(
    (HOME / "resources/vocabularies/captions.yaml").read_text(encoding="utf-8")
)["words"]
UNSEEN = {**dict.fromkeys(sample_person(0).words(), "unknown"), "accessories": ()}


def make_row(looks=None, **facts) -> dict:
    """The row of an image that shows nothing but what is given."""
    person = {
        "visible": {**UNSEEN, **(looks or {})},
        "expression": "unknown", "intensity": 1.0, "blink": False, "action": "unknown",
        "posture": [], "view": "unknown",
    }  # fmt: skip
    row = {
        "place": "beach", "place_shown": False, "indoor": "unknown", "time_of_day": "unknown",
        "weather": "unknown", "shot_type": "unknown", "style": [], "light": "", "warmth": "",
    }  # fmt: skip
    person |= {name: facts.pop(name) for name in list(facts) if name in person}
    return {**row, "people": [person], **facts}


def write_many(row: dict, count: int = 400) -> list[str]:
    return [write_caption(row, np.random.default_rng(seed)) for seed in range(count)]


@pytest.mark.parametrize(
    ("table", "fact"),
    [
        (words.ACTIONS, "action"), (words.VIEWS, "view"), (words.SHOT_TYPES, "shot_type"),
        (words.TIMES, "time_of_day"), (words.TIMES_INDOORS, "time_of_day"),
        (words.WEATHERS, "weather"), (words.INDOOR, "indoor"), (words.LIGHTS, "light"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_each_class_of_the_workflow_has_its_word_and_no_other(table, fact):
    assert {name: wordings[0] for name, wordings in table.items()} == VOCABULARY[fact]


@pytest.mark.parametrize(
    ("table", "fact"),
    [(words.EXPRESSIONS, "emotion"), (words.POSTURES, "posture"), (words.WARMTHS, "warmth"),
     (words.INTENSITIES, "intensity")],
    ids=["emotion", "posture", "warmth", "intensity"],
)  # fmt: skip
def test_classes_that_the_cast_shows_are_called_as_in_the_workflow(table, fact):
    assert len(table) >= 2
    assert {name: wordings[0] for name, wordings in table.items()}.items() <= VOCABULARY[
        fact
    ].items()


def test_what_faces_do_is_called_as_in_the_workflow():
    said = {wordings[0] for wordings in (*words.FEATURES.values(), *words.EYES.values())}
    assert said == {
        *VOCABULARY["eyes"].values(), *VOCABULARY["mouth"].values(), *VOCABULARY["brows"].values()
    }  # fmt: skip


@pytest.mark.parametrize(
    ("table", "values"),
    [
        (words.HAIR_STYLES, HAIR_STYLES), (words.SKIN_TONES, SKIN), (words.BODY_TYPES, BODY_TYPES),
        (words.TOPS, (*DRESS_TYPES, "unknown")), (words.BOTTOMS, LOWER_WEAR),
        (words.GLASSES, GLASSES[1:]), (words.HATS, HATS[1:]), (words.BEARDS, BEARDS[1:]),
        (words.SCARS, SCARS[1:]), (words.ACCESSORIES, ACCESSORIES), (words.PLACES, KINDS),
        (words.SUBJECTS, [(a, g) for a in (*AGE_BANDS, "unknown") for g in GENDERS]),
        (words.AGES, (*AGE_BANDS, "unknown")),
    ],
    ids=range(13),
)  # fmt: skip
def test_every_value_of_the_cast_has_words(table, values):
    assert set(table) == set(values)


def test_nothing_is_said_of_what_does_not_show():
    said = set(write_many(make_row()))
    assert len(said) > 3
    assert {text.lower().removeprefix("a ").rstrip(".") for text in said} == set(
        words.AGES["unknown"]
    )


def test_what_shows_is_said_often_and_left_out_at_times():
    row = make_row({"hair_color": "green", "glasses": "glasses"}, time_of_day="night")
    said = write_many(row)
    for word in ("green hair", "glasses", "night"):
        share = np.mean(
            [word in text or ("spectacles" in text and word == "glasses") for text in said]
        )
        assert 0.4 < share < 0.95, word


def test_what_is_plainly_absent_is_said_now_and_then():
    said = write_many(make_row({"glasses": "none", "hat": "unknown"}))
    share = np.mean(["without glasses" in text or "no glasses" in text for text in said])
    assert 0.05 < share < 0.3
    assert not any("hat" in text.replace("that", "") for text in said)


def test_only_men_are_said_to_have_no_beard():
    said = {
        gender: " ".join(write_many(make_row({"beard": "none", "gender": gender})))
        for gender in GENDERS
    }
    assert "clean-shaven" in said["male"]
    assert "beard" not in said["female"] and "shaven" not in said["female"]


def test_a_bald_head_has_no_color():
    said = " ".join(write_many(make_row({"hair_style": "bald"})))
    assert "bald head" in said
    assert "unknown" not in said


def test_order_and_wording_vary():
    row = make_row(
        {"age_band": "elderly", "gender": "female", "hair_color": "grey", "top_color": "orange"},
        action="sit", view="side", shot_type="full", place="harbor", place_shown=True,
    )  # fmt: skip
    said = write_many(row)
    assert len(set(said)) > 350
    assert {
        name for name in words.SUBJECTS["elderly", "female"] if any(name in s for s in said)
    } == set(words.SUBJECTS["elderly", "female"])
    assert any("a " not in s for s in said) and any("wearing an orange" in s for s in said)


def test_a_place_that_does_not_show_is_not_named():
    hidden = " ".join(write_many(make_row(place="beach", place_shown=False)))
    shown = " ".join(write_many(make_row(place="beach", place_shown=True)))
    assert "beach" not in hidden and "beach" in shown


def test_the_same_seed_writes_the_same_caption():
    row = make_row({"hair_color": "green", "top_color": "blue"}, weather="rain")
    assert write_many(row, 20) == write_many(row, 20)


def test_captions_of_all_that_can_show_fit_into_the_77_tokens_of_clip():
    row = make_row(
        sample_person(3).words(), expression="happy", intensity=1.7, action="stand",
        posture=["one_arm_bent", "legs_straight"], view="three_quarter", shot_type="full",
        place="living room", place_shown=True, indoor="indoor", time_of_day="evening",
        light="dim", warmth="warm", style=["toon", "outlined"],
    )  # fmt: skip
    longest = max(
        (text.replace(",", " ,").replace("-", " - ") for text in write_many(row)), key=len
    )
    assert len(longest.split()) <= 75


@pytest.mark.parametrize(
    ("text", "fixed"),
    [("a orange top", "an orange top"), ("a elderly man", "an elderly man"), ("a top", "a top"),
     ("a uniform", "a uniform"), ("a", "a"), ("", "")],
)  # fmt: skip
def test_articles(text, fixed):
    assert fix_article(text) == fixed
