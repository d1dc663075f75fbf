"""Test suites: what the shipped ones ask, and how a bad one is refused."""

from collections import Counter
from pathlib import Path

import pytest

from workflow_scripts.adapter.suites import ASKED, Asked, check_lengths, format_value, read_suite
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.kinds import KINDS
from workflow_scripts.plan.suites import find_other, find_suites

ROOT = Path(__file__).resolve().parents[2]
VOCABULARY = ROOT / "resources/vocabularies/captions.yaml"
CHARACTER = [
    "close_up",
    "medium",
    "full_body",
    "several_characters",
    "busy_background",
    "occlusion",
]
GOOD = """
scenarios:
  near:
    asks: {shot_type: close-up, people: 1}
    prompts:
      - text: "{trigger}, happy expression, close-up, garden"
        asks: {emotion: happy, indoor: outdoor}
      - text: "{trigger}, close-up, daytime"
        asks: {time_of_day: day}
"""
BAD = {  # what is changed: what, into what, and what is said of it
    "no such attribute": ("emotion: happy", "mood: happy", "'mood' is no attribute that is judged"),
    "no such value": ("emotion: happy", "emotion: hungry", "emotion cannot be 'hungry'. Known:"),
    "too many people": ("people: 1", "people: 44", "people cannot be 44"),
    "people as a word": ("people: 1", "people: true", "people cannot be true"),
    "a wave": ("time_of_day: day", "action: wave", "action 'wave' cannot be judged of a still"),
    "snow": ("time_of_day: day", "weather: snow", "what falls is told by images in a row"),
    "a place": ("indoor: outdoor", "location: garden", "none names a place"),
    "no trigger": ("{trigger}, close-up", "somebody, close-up", "lacks {trigger}"),
    "an unknown placeholder": ("{trigger}, close", "{trigger} {who}, close", "{who} is not filled"),
    "a lone brace": ("{trigger}, close-up", "{trigger}, } close-up", "a brace that stands alone"),
    "asked, not said": ("daytime", "noon", "asks time_of_day day without the words 'daytime'"),
    "said, not asked": ("close-up, garden", "close-up, night", "says 'night', but does not ask"),
    "other than its scenario": (
        "{emotion: happy, indoor: outdoor}",
        "{emotion: happy, people: 2}",
        "asks people 2, its scenario 1",
    ),
    "another who is not counted": ("daytime", "daytime, with {other}", "it must ask for people: 2"),
    "twice": (
        '"{trigger}, close-up, daytime"\n        asks: {time_of_day: day}',
        '"{trigger}, happy expression, close-up, garden"\n        asks: {emotion: happy}',
        "stands there 2 times",
    ),
    "an unknown key": ("prompts:", "prompt:", "Additional properties are not allowed"),
    "a reserved name": ("  near:", "  all:", "scenarios"),
    "no prompt": ("scenarios:", "scenario:", "Additional properties are not allowed"),
    "no YAML": ("asks: {shot_type", "asks: [{shot_type", "line"),
}


def write(folder, text):
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_suite_with_ten_prompts_a_scenario(kind):
    prompts = read_suite(ROOT / f"resources/suites/{kind}.yaml", VOCABULARY)
    scenarios = list(dict.fromkeys(prompt.scenario for prompt in prompts))
    assert len(scenarios) >= 3
    counts = Counter(prompt.scenario for prompt in prompts)
    assert set(counts.values()) == {10}
    check_lengths(prompts, "a trigger of five words", "another trigger of six words")
    if kind == "character":
        assert scenarios == CHARACTER
        assert {p.scenario for p in prompts if p.names_other} == {"several_characters"}


def test_a_prompt_asks_what_its_scenario_does_and_more(tmp_path):
    first, second = read_suite(write(tmp_path, GOOD), VOCABULARY)
    assert first.asks == {
        "shot_type": "close-up",
        "people": 1,
        "emotion": "happy",
        "indoor": "outdoor",
    }
    assert (second.scenario, second.number) == ("near", 2)
    assert second.call("nella woman", "") == "nella woman, close-up, daytime"


@pytest.mark.parametrize("name", BAD)
def test_a_bad_suite_is_refused_in_words(tmp_path, name):
    old, new, said = BAD[name]
    assert old in GOOD
    path = write(tmp_path, GOOD.replace(old, new))
    with pytest.raises(CineloraError) as error:
        read_suite(path, VOCABULARY)
    assert said in str(error.value)
    assert str(path) in str(error.value)


def test_all_mistakes_are_said_at_once(tmp_path):
    text = GOOD.replace("emotion: happy", "mood: happy").replace("daytime", "noon")
    with pytest.raises(CineloraError) as error:
        read_suite(write(tmp_path, text), VOCABULARY)
    lines = str(error.value).splitlines()
    assert len(lines) == 2
    assert ["prompt 1" in lines[0], "prompt 2" in lines[1]] == [True, True]


def test_a_prompt_that_no_text_encoder_reads_whole_is_refused():
    long = Asked("near", 3, "{trigger}, " + "red and green " * 24, {"people": 1})
    check_lengths([long], "nella", "")
    with pytest.raises(
        CineloraError, match="1 prompt.*more than 75 tokens.*\n  near, prompt 3: 76"
    ):
        check_lengths([long], "nella woman", "")


def test_values_are_text_in_tables():
    assert [format_value(value) for value in (True, False, 2, "close-up")] == [
        "yes",
        "no",
        "2",
        "close-up",
    ]
    assert "shot_type" in ASKED


def test_a_suite_of_the_users_takes_the_place_of_ours(tmp_path):
    own = str(write(tmp_path, GOOD))
    found = find_suites({"pose": own})
    assert list(found) == list(KINDS)
    assert found["pose"] == own
    assert found["style"] == "resources/suites/style.yaml"


def test_what_is_wrong_with_the_users_suites_is_said_before_anything_runs(tmp_path):
    bad = write(tmp_path, GOOD.replace("emotion: happy", "mood: happy"))
    with pytest.raises(CineloraError) as error:
        find_suites({"pose": str(bad), "style": "no/such.yaml"})
    assert "draw_suite.suites.pose: " in str(error.value)
    assert "draw_suite.suites.style: there is no file no/such.yaml" in str(error.value)


CAST = {
    "nella": {"trigger": "nella", "class": "woman"},
    "bruno": {"trigger": "bruno", "class": "man"},
}


@pytest.mark.parametrize(
    ("dataset", "characters", "other"),
    [
        ("character-nella", CAST, "bruno man"),
        ("character-bruno", CAST, "nella woman"),
        ("character-nella", {"nella": CAST["nella"]}, ""),
        ("style", CAST, ""),
    ],
    ids=["the next", "the first after the last", "nobody else", "of no character"],
)
def test_the_other_character_is_the_next_one(dataset, characters, other):
    assert find_other(dataset, "luca", characters) == other
