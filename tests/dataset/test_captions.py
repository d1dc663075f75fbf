"""Captions: clauses, tokens, shortening, core tags; words of facts and of postures."""

import subprocess
import sys
from pathlib import Path
from random import Random

import numpy as np
import pytest
import yaml

from tests.factories import tables
from workflow_scripts.dataset import captions, facts, postures, template
from workflow_scripts.dataset.captions import Tag
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.kinds import KINDS

WORDS = yaml.safe_load(Path("resources/vocabularies/captions.yaml").read_text(encoding="utf-8"))
ASKED = yaml.safe_load(Path("resources/prompts/captions.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("a plaza, at noon", "a plaza at noon"),
        ("{red|blue} sky", "red blue sky"),
        ("two\nlines\tand  gaps", "two lines and gaps"),
        ("caf\u00e9", "caf\u00e9"),
        ("a\0b\x85c\u2028d", "a b c d"),
        ("\u202eyks\u202c \u200fblue\ufeff", "yks blue"),
        ("half \ud83d of \U0001f600", "half of \U0001f600"),
        (",,, ,", ""),
    ],
    ids=[
        *("a comma would split it", "braces are choices", "only one line is read", "other letters"),
        *("control characters", "marks of direction", "half a character", "only commas"),
    ],
)
def test_a_clause_stays_whole(text, clean):
    assert captions.clean_clause(text) == clean


@pytest.mark.parametrize("number", [75, 76], ids=["just fits", "one token too many"])
def test_the_last_clauses_go_until_clip_can_read_it(number):
    # "nella" is more than one token; "fog" and "," are one each
    room = number - captions.count_tokens("nella")
    tags = [Tag("fog " * (room - 2), "x"), Tag("rain", "y")]
    made = captions.write_caption("nella", tags)
    assert made.tokens <= 75
    assert "too long: rain" in made.dropped
    assert made.text.startswith("nella")


def test_a_caption_of_75_tokens_is_left_alone():
    room = 75 - captions.count_tokens("nella") - 1
    made = captions.write_caption("nella", [Tag("fog " * room, "x")])
    assert (made.tokens, made.dropped) == (75, [])


def draw_clauses(random):
    """Some clauses of words whose tokens depend on what stands beside them."""
    words = (
        "fog o'clock we'll caf\u00e9 \u65e5\u672c !! ... (a) 3d 2024 long-red \u00c3\u00a9 &amp"
        " x& 12.5% \U0001f600"
    )
    return [
        Tag(" ".join(random.choices(words.split(), k=random.randint(1, 4))), "x")
        for _ in range(random.randint(1, 50))
    ]


def drop_one_by_one(tags):
    """The caption of the most clauses whose whole text CLIP can read."""
    texts = list(dict.fromkeys(["nella", *(tag.text for tag in tags)]))
    while captions.count_tokens(", ".join(texts)) > captions.MAX_TOKENS:
        texts.pop()
    return ", ".join(texts)


def test_as_many_clauses_are_kept_as_clip_can_read():
    drawn = [draw_clauses(Random(seed)) for seed in range(100)]
    made = [captions.write_caption("nella", tags).text for tags in drawn]
    assert made == [drop_one_by_one(tags) for tags in drawn]
    assert (
        20
        < sum(text.count(",") + 1 < len(tags) for text, tags in zip(made, drawn, strict=True))
        < 100
    )


def test_a_caption_of_very_many_clauses_is_tokenized_once(monkeypatch):
    read, count = [], captions.count_tokens
    monkeypatch.setattr(captions, "count_tokens", lambda text: read.append(text) or count(text))
    made = captions.write_caption("nella", [Tag(f"fog {number}", "x") for number in range(3000)])
    assert len(made.tags) + len(made.dropped) == 3001
    assert len(read) <= len(made.tags) + 3  # the first that is too much, twice, and the whole


def test_a_clause_longer_than_any_caption_is_not_tokenized(monkeypatch):
    read, count = [], captions.count_tokens
    monkeypatch.setattr(captions, "count_tokens", lambda text: read.append(text) or count(text))
    made = captions.write_caption("nella", [Tag("fog", "x"), Tag("x" * 10**6, "x")])
    assert made.text == "nella, fog"
    assert sum(map(len, read)) < 40


def test_a_trigger_that_is_too_long_is_refused():
    with pytest.raises(CineloraError, match="Shorten it"):
        captions.write_caption("kite " * 80, [])


@pytest.mark.parametrize(
    ("tag", "left"),
    [("long red scarf", False), ("red scarf", False), ("red scarfs", True), ("scarf red", True)],
    ids=["holds the core tag", "is the core tag", "another word", "another order"],
)
def test_core_tags_melt_into_the_trigger(tag, left):
    made = captions.write_caption("nella", [Tag(tag, "model")], ["red scarf"])
    assert (tag in made.text) == left
    assert made.dropped == ([] if left else [f"core tag: {tag}"])


def test_counting_tokens_needs_no_torch():
    # 13 is what open_clip.tokenizer.SimpleTokenizer().encode gives; importing it all takes 13 s.
    text = "Nella's caf\u00e9, 3d animation!! \u2014 seen from behind"
    code = (
        "import sys; from workflow_scripts.dataset.captions import count_tokens;"
        f"print(count_tokens({text!r}), 'torch' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["13", "False"]


@pytest.mark.parametrize(
    ("value", "words", "said"),
    [
        ("walk", {"walk": "walking"}, "walking"),
        ("moonwalk", {"walk": "walking"}, ""),
        ("", {"_": "{} eyes"}, ""),
        ("wide", {"_": "{} eyes"}, "wide eyes"),
        ("eyes closed", {"_": "{} eyes"}, "eyes closed"),
        ("neutral", {"neutral": "", "_": "{} colors"}, ""),
    ],
    ids=["listed", "not listed", "unknown", "by pattern", "says its noun", "not worth a word"],
)
def test_words_of_a_fact(value, words, said):
    assert template.say_value(value, words) == said


def test_every_recipe_has_words_and_sources():
    named = {fact for recipe in WORDS["recipes"].values() for fact in recipe}
    assert named <= set(WORDS["words"])
    assert named <= set(facts.SOURCES)
    assert set(WORDS["recipes"]) == set(ASKED["instructions"]) == set(KINDS)


def make_figure(**moved):
    points = np.column_stack([tables.FIGURE * [80, 190], np.ones(17)])
    for joint, place in moved.items():
        points[int(joint[1:]), :2] = place
    return points


@pytest.mark.parametrize(
    ("moved", "words"),
    [
        ({}, ["arms_lowered", "legs_straight"]),
        ({"j9": (70, 0)}, ["one_arm_raised", "legs_straight"]),
        ({"j9": (70, 0), "j10": (10, 0)}, ["both_arms_raised", "legs_straight"]),
        ({"j13": (90, 110), "j14": (80, 110)}, ["arms_lowered", "knees_bent"]),
        (
            {"j13": (80, 140), "j14": (0, 140), "j15": (110, 180), "j16": (-30, 180)},
            ["arms_lowered", "legs_apart"],
        ),
    ],
    ids=["stands", "waves", "cheers", "sits", "strides"],
)
def test_find_posture(moved, words):
    assert postures.find_posture(make_figure(**moved)) == words


def test_joints_beyond_the_frame_or_off_the_body_say_nothing():
    points, seen = make_figure(j9=(70, 0)), np.ones(17, bool)
    for all_seen in (seen, None):
        said = postures.find_posture(postures.hide_joints(points.ravel(), all_seen))
        assert said == ["one_arm_raised", "legs_straight"]
    seen[[9, 15]] = False
    assert postures.find_posture(postures.hide_joints(points.ravel(), seen)) == []
    assert points[9, 2] == 1  # of the table's own


def test_joints_that_are_not_seen_say_nothing():
    figure = make_figure()
    figure[13:, 2] = 0.1
    assert postures.find_posture(figure) == ["arms_lowered"]
    figure[:, 2] = 0.1
    assert postures.find_posture(figure) == []
