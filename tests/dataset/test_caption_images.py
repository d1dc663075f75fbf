"""Captions: clauses, tokens, shortening, corrections; then the phase on a tiny film."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.factories import tables
from workflow_scripts.dataset import caption_images, captions, facts, postures
from workflow_scripts.dataset.captions import Tag
from workflow_scripts.dataset.framing import crop_body, crop_face
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models.loaders import facts as model
from workflow_scripts.plan.inputs import CAPTION_TABLES

VOCABULARY = Path("resources/vocabularies/captions.yaml")
WORDS = yaml.safe_load(VOCABULARY.read_text())
CHARACTERS = {
    "nella": {"trigger": "nella", "class": "woman", "core_tags": ["red scarf"]},
    "bruno": {"trigger": "bruno", "class": "man"},
}
TRIGGERS = {kind: f"{{film}} {kind}" for kind in captions.CLASS_WORDS}


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return tables.make_film(tmp_path_factory.mktemp("film"))


def write(film, tmp_path, kind, shard="01of01", review="", characters=CHARACTERS):
    out = tmp_path / "captions.parquet"
    counts = caption_images.main(
        film["frames"],
        film["images"],
        film["texts"],
        str(VOCABULARY),
        str(out),
        kind=kind,
        film="tiny",
        shard=shard,
        model={"name": "facts", "role": "caption", "loader": "facts", "device": "cpu"},
        characters=characters,
        style={"trigger": "kitetide style", "words": ["3d animation", "soft shading"]},
        caption={"triggers": TRIGGERS},
        review=str(review),
        **{name: film[name] for name in CAPTION_TABLES[kind]},
    )
    return counts, pd.read_parquet(out).set_index("image_id")


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("a plaza, at noon", "a plaza at noon"),
        ("{red|blue} sky", "red blue sky"),
        ("two\nlines\tand  gaps", "two lines and gaps"),
        ("caf\u00e9", "caf\u00e9"),
    ],
    ids=["a comma would split it", "braces are choices", "only one line is read", "other letters"],
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
    assert model._phrase(value, words) == said


def test_every_recipe_has_words_and_sources():
    named = {fact for recipe in WORDS["recipes"].values() for fact in recipe}
    assert named <= set(WORDS["words"])
    assert named <= set(facts.SOURCES)
    assert set(WORDS["recipes"]) == {"character", *captions.CLASS_WORDS}


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


def test_joints_that_are_not_seen_say_nothing():
    figure = make_figure()
    figure[13:, 2] = 0.1
    assert postures.find_posture(figure) == ["arms_lowered"]
    figure[:, 2] = 0.1
    assert postures.find_posture(figure) == []


@pytest.mark.parametrize(
    ("box", "shot_type"),
    [
        ((100, 100, 160, 300), "full"),
        ((0, 0, 50, 400), "medium"),
        ((600, 10, 640, 60), "wide"),
        ((200, 0, 500, 400), "close-up"),
    ],
    ids=["in the middle", "at the edge", "far off in a corner", "fills the frame"],
)
def test_crops_hold_the_body_and_stay_in_the_frame(box, shot_type):
    x0, y0, x1, y1 = crop_body(np.array(box), 640, 400, shot_type)
    assert 0 <= x0 <= box[0] and 0 <= y0 <= box[1] and box[2] <= x1 <= 640 and box[3] <= y1 <= 400
    assert (x1 - x0) % 64 == 0 or x1 - x0 == 640
    assert (y1 - y0) % 64 == 0 or y1 - y0 == 400


def test_a_wide_shot_keeps_its_figure_small():
    _, y0, _, y1 = crop_body(np.array((300, 100, 330, 200)), 640, 400, "wide")
    assert 100 / (y1 - y0) < 0.5


def test_face_crops_are_square():
    x0, y0, x1, y1 = crop_face(np.array((100, 100, 140, 150)), 640, 400)
    assert x1 - x0 == y1 - y0 == 128


@pytest.mark.parametrize(
    ("kind", "image", "caption"),
    [
        (
            "character",
            "s0002_f000024_i00",
            "nella woman, walking, three-quarter view, full body shot, plaza, sunset,"
            " clear weather, bright light",
        ),
        (
            "pose",
            "s0006_f000120_i00",
            "tiny pose, waving, nella woman, three-quarter view, one arm raised, legs straight,"
            " full body shot",
        ),
        (
            "expression",
            "s0002_f000024_i00",
            "tiny expression, happy expression, nella woman, open eyes, smiling mouth,"
            " strong emotion, three-quarter view",
        ),
        (
            "background",
            "s0008_f000168",
            "tiny background, place 04, outdoors, daytime, bright light",
        ),
        (
            "style",
            "s0003_f000048",
            "kitetide style, 3d animation, soft shading, nella woman, one person, forest,"
            " outdoors, daytime, clear weather",
        ),
        (
            "lighting",
            "s0006_f000120",
            "tiny lighting, evening, rain, bright light, outdoors, bruno man, nella woman, beach,"
            " subtitle",
        ),
    ],
)
def test_each_kind_says_what_it_is_about(film, tmp_path, kind, image, caption):
    counts, rows = write(film, tmp_path, kind)
    assert rows.loc[image, "caption"] == caption
    assert counts.kept == len(rows) and rows["tokens"].max() <= 75
    assert (rows["tokens"] == [captions.count_tokens(text) for text in rows["caption"]]).all()


def test_the_source_of_every_clause_is_kept(film, tmp_path):
    _, rows = write(film, tmp_path, "pose")
    tags = {tag["text"]: tag["source"] for tag in rows.loc["s0003_f000048_i01", "tags"]}
    assert tags["tiny pose"] == "config"
    assert tags["standing"] == "classify_poses.action"
    assert tags["person"] == "segment_instances"


def test_only_images_that_the_kind_has(film, tmp_path):
    _, rows = write(film, tmp_path, "character", characters={"nella": CHARACTERS["nella"]})
    assert len(rows) == 31 and all(row.endswith("_i00") for row in rows.index)
    _, rows = write(film, tmp_path, "style")
    assert "s0006_f000138" not in rows.index  # a held frame has no image


def test_shards_share_out_the_film(film, tmp_path):
    parts = [write(film, tmp_path, "lighting", shard=f"0{n}of02")[1] for n in (1, 2)]
    assert not set(parts[0].index) & set(parts[1].index)
    assert sum(map(len, parts)) == 31


def test_a_shard_without_images_writes_an_empty_table(film, tmp_path):
    counts, rows = write(film, tmp_path, "character", characters={})
    assert (counts.read, len(rows)) == (0, 0)
    assert list(rows.reset_index().columns) == caption_images.CAPTIONS.names


def test_corrections_win_and_keep_the_trigger(film, tmp_path):
    review = tmp_path / "captions.csv"
    long = ", ".join(f"detail number {n}" for n in range(40))
    review.write_text(
        "kind,image_id,caption\n"
        'pose,s0001_f000000_i00,"tiny pose, leaning {on|at} a wall, hat"\n'
        f'pose,s0002_f000024_i00,"{long}"\n'
        "style,s0001_f000000,not for poses\n"
    )
    counts, rows = write(film, tmp_path, "pose", review=review)
    assert rows.loc["s0001_f000000_i00", "caption"] == "tiny pose, leaning on at a wall, hat"
    assert rows.loc["s0002_f000024_i00", "caption"].startswith("tiny pose, detail number 0")
    assert rows.loc["s0002_f000024_i00", "tokens"] <= 75
    assert counts.found == {"corrected": 2, "shortened": 1}


def test_a_review_without_its_columns_is_refused(tmp_path):
    review = tmp_path / "captions.csv"
    review.write_text("image,text\na,b\n")
    with pytest.raises(CineloraError, match="kind,image_id,caption"):
        caption_images.read_corrections(str(review), "pose")


@pytest.mark.parametrize(
    ("kind", "shape"),
    [("background", (256, 384)), ("style", (256, 384)), ("pose", None), ("expression", None)],
)
def test_a_model_may_open_the_image_that_is_packed(film, kind, shape):
    paths = {name: film[name] for name in ("frames", *CAPTION_TABLES[kind]) if name != "plates"}
    rows = facts.read_facts(kind, paths)
    image = caption_images.open_image(
        kind, Path(film["images"]), Path(film["plates"]), rows.iloc[0]
    )
    assert image.shape[2] == 3 and image.shape[:2] == (shape or image.shape[:2])
    assert kind in facts.FRAME_KINDS or image.size < 256 * 384 * 3
