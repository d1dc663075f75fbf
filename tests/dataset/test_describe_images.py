"""What a vision-language model is asked, sees and says, and that nothing is asked twice."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from tests.factories import tables
from tests.factories.dataset_phases import VOCABULARY, pack, select
from workflow_scripts.dataset import (
    answers,
    describe_images,
    image_files,
    template,
    vlm,
)
from workflow_scripts.dataset.describe_images import describe_one
from workflow_scripts.lib.images import read_rgb, write_image
from workflow_scripts.lib.kinds import KINDS, split_name

PROMPTS = "resources/prompts/captions.yaml"
WORDS = yaml.safe_load(Path(VOCABULARY).read_text(encoding="utf-8"))
ASKED = yaml.safe_load(Path(PROMPTS).read_text(encoding="utf-8"))
FACTS = {"subject": "woman", "action": "walk", "view": "front", "shot_type": "medium"}
GOOD = '{"clauses": ["holding a lantern", "hand on a gate, open"], "checks": {"action": "sit"}}'
CLASSES = {"nella": "woman", "bruno": "man"}


def test_a_question_holds_the_facts_and_the_values_to_choose_from():
    (tags,) = template.write_tags("character", [FACTS], WORDS)
    question = vlm.write_question("character", tags, WORDS, ASKED)
    assert tags and all(tag.text in question for tag in tags)
    assert '"action": ' in question and "sit" in question
    assert not any(place in question for place in ("{facts}", "{checks}", "{count}"))


@pytest.mark.parametrize(
    "text",
    ["", "a girl walks", "[1, 2]", '{"clauses": []}', '{"clauses": "one"}', '{"a": 1', "{" * 9999],
    ids=["nothing", "prose", "a list", "no clause", "no list", "cut off", "braces"],
)
def test_an_answer_of_another_shape_is_none(text):
    assert vlm.read_answer(text) is None


@pytest.mark.parametrize(
    "text",
    [
        f"```json\n{GOOD}\n```",
        f"Here it is: {GOOD} I left {{names}} out.",
        f"As {{asked}}, in the form {{'clauses': []}}:\n{GOOD}",
        f"{GOOD}\n{GOOD}",
        GOOD.replace('"sit"', '"sit", "view": null, "indoor": true, "place": ["a"]'),
    ],
    ids=["a fence", "braces after it", "braces before it", "twice", "checks that are no words"],
)
def test_json_is_found_between_other_words(text):
    row = describe_one(vlm.read_answer(text))
    assert row["clauses"] == ["holding a lantern", "hand on a gate, open"]
    checks = {check["fact"]: check["seen"] for check in row["checks"]}
    against = vlm.find_contradictions("character", FACTS, checks, WORDS)
    assert against == ["action: measured walk, seen sit"]


def test_an_answer_may_leave_its_checks_out():
    assert describe_one({"clauses": ["one"], "checks": None})["reason"] == ""


def test_no_more_clauses_are_kept_than_were_asked_for():
    row = describe_one({"clauses": [str(n) for n in range(9)]})
    assert row["clauses"] == ["0", "1", "2", "3", "4"]


def say(*waiting):
    """An ask() that gives these answers, call by call, and the list of what it was asked."""
    waiting, asked = list(waiting), []

    def ask(images, questions):
        asked.append(list(questions))
        return waiting.pop(0)

    return ask, asked


def test_the_same_is_never_asked_twice(tmp_path):
    opened, images = [], [np.full((4, 4, 3), n, np.uint8) for n in range(3)]

    def ask_all(about, images, questions):
        ask, asked = say(*[["one", "two", "three"][: len(questions)]] * 3)
        opened.append(asked)
        once = answers.ask_once(lambda: ask, tmp_path, about)
        return once(images, questions), [q for call in asked for q in call]

    assert ask_all({"m": 1}, images[:2], ["a", "b"]) == (["one", "two"], ["a", "b"])
    assert ask_all({"m": 1}, images[:2], ["a", "b"]) == (["one", "two"], [])
    assert ask_all({"m": 1}, images[1::-1], ["b", "a"]) == (["two", "one"], [])
    assert ask_all({"m": 1}, images[:1], ["other"])[1] == ["other"]
    assert ask_all({"m": 1}, images[2:], ["a"])[1] == ["a"], "other pixels"
    assert ask_all({"m": 2}, images[:1], ["a"])[1] == ["a"], "another model"


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b'{"a": 1}', b"5", b"null", b"[" * 100_000])
def test_an_answer_that_was_damaged_is_asked_for_again(tmp_path, data):
    ask, asked = say(["one"], ["two"])
    once = answers.ask_once(lambda: ask, tmp_path, {})
    image = [np.zeros((4, 4, 3), np.uint8)]
    once(image, ["a"])
    (kept,) = tmp_path.glob("*/*.json")
    kept.write_bytes(data)
    assert [once(image, ["a"]), once(image, ["a"])] == [["two"], ["two"]]
    assert asked == [["a"], ["a"]]


def test_only_what_could_not_be_read_is_asked_again_and_comes_back_to_its_place():
    def read():
        return np.zeros((4, 4, 3), np.uint8)

    ask, asked = say([GOOD, "no", "no"], [GOOD, "still no"])
    questions = [describe_images.Question("x", str(n), f"{n}?", read) for n in range(3)]
    made = describe_images.ask_twice(questions, ask, ASKED["retry"])
    assert [len(call) for call in asked] == [3, 2]
    assert [answer is None for answer in made] == [False, False, True]


def test_an_image_of_another_shape_is_another_image():
    flat = [np.zeros((2, 8, 3), np.uint8), np.zeros((4, 4, 3), np.uint8)]
    assert len({answers.name_answer(image, "a", {}) for image in flat}) == 2


class Model:
    """A caption model that tells what it was shown and asked, and how many images at once."""

    def __init__(self):
        self.loaded, self.images, self.questions, self.calls = 0, [], [], []
        self.say = lambda question: GOOD

    def load(self, model, weights):
        self.loaded += 1
        return self.ask

    def ask(self, images, questions, system=""):
        assert system == ASKED["system"]
        self.calls.append(len(questions))
        self.images += images
        self.questions += questions
        return [self.say(question) for question in questions]


@pytest.fixture
def model(monkeypatch):
    one = Model()
    monkeypatch.setattr(describe_images, "load_model", one.load)
    return one


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """The tiny film, with black bars above and below in shot 3 alone."""
    paths = tables.make_film(tmp_path_factory.mktemp("film"))
    barred = list(Path(paths["images"]).glob("s0003*.jpg"))
    assert len(barred) == 4
    for path in barred:
        image = read_rgb(path)
        image[:20] = image[-20:] = 0
        write_image(path, image)
    tables.write_sums(paths)
    return paths


def describe(film, folder, *datasets, class_words=CLASSES, **limits):
    """Run the phase after select_images; return counts, rows, and what was selected."""
    (folder / "select_images").mkdir(exist_ok=True)
    paths = [folder / f"select_images/{dataset}.parquet" for dataset in datasets]
    chosen = [select(film, p, d, **limits)[1] for p, d in zip(paths, datasets, strict=True)]
    kinds = [split_name(dataset)[0] for dataset in datasets]
    out = folder / "describe_images/descriptions.parquet"
    counts = describe_images.main(
        list(map(str, paths)),
        *(film[name] for name in ("frames", "images", "texts")),
        VOCABULARY,
        PROMPTS,
        [],
        str(out),
        model={"name": "pretended"},
        identity={"name": "pretended"},
        class_words=class_words,
        style_words=["3d animation"],
        overlay_text="crop",
        plates=[film["plates"]] if any(kind.shows == "plate" for kind in kinds) else [],
        **{name: [film[name]] for kind in kinds for name in kind.words},
    )
    return counts, pd.read_parquet(out), pd.concat(chosen)


@pytest.mark.parametrize("dataset", ["character-nella", "expression", "style", "background"])
def test_the_model_sees_the_pixels_that_are_packed(film, tmp_path, model, monkeypatch, dataset):
    _, rows, _ = describe(film, tmp_path, dataset)
    cut = {}  # as it was before JPEG lost a little of it

    def write(path, image, **options):
        cut[Path(path).name] = image.copy()
        return write_image(path, image, **options)

    monkeypatch.setattr(image_files, "write_image", write)
    _, packed, _ = pack(film, tmp_path / "packed", dataset)
    packed = packed[packed["file"] != ""].set_index("image_id")
    assert len(packed) == len(rows) and (packed["shot_id"] == 3).any()
    for image_id, seen in zip(rows["image_id"], model.images, strict=True):
        file = tmp_path / "packed" / packed.loc[image_id, "file"]
        pixels = cut[file.name] if file.name in cut else np.array(Image.open(file))
        np.testing.assert_array_equal(seen, pixels)


def test_chosen_images_and_the_reserve_are_described_and_no_other(film, tmp_path, model):
    counts, rows, selected = describe(film, tmp_path, "style", max_images=6, shares={}, reserve=0.5)
    wanted = selected[(selected["split"] != "") | selected["reserve"]]
    assert rows["image_id"].tolist() == wanted["image_id"].tolist()
    assert len(selected) > len(rows) == counts.kept == len(model.questions)
    assert counts.found == {"vlm_unparsable": 0}


def test_a_model_is_asked_about_what_changed_alone_and_not_opened_for_nothing(
    film, tmp_path, model
):
    describe(film, tmp_path, "expression")
    first = len(model.questions)
    describe(film, tmp_path, "expression")
    assert (model.loaded, len(model.questions)) == (1, first)
    moods = pd.read_parquet(film["expressions"])
    moods.loc[moods["instance_id"] == "s0002_f000024_i00", "emotion"] = "sad"
    moods.to_parquet(tmp_path / "moods.parquet")
    corrected = film | {"expressions": str(tmp_path / "moods.parquet")}
    _, rows, _ = describe(corrected, tmp_path, "expression")
    assert "s0002_f000024_i00" in set(rows["image_id"])
    assert (model.loaded, len(model.questions)) == (2, first + 1)
    assert "sad expression" in model.questions[-1]


def test_questions_call_characters_by_their_class(film, tmp_path, model):
    describe(film, tmp_path, "pose")
    assert any("woman" in question for question in model.questions)
    assert not any("nella" in question for question in model.questions)


EVERY = ("character-nella", "character-bruno", *(k for k in KINDS if k != "character"))


def test_a_model_is_opened_once_for_all_datasets(film, tmp_path, model):
    counts, rows, selected = describe(film, tmp_path, *EVERY)
    wanted = int(((selected["split"] != "") | selected["reserve"]).sum())
    assert len(EVERY) == rows["dataset"].nunique() == 7
    assert (model.loaded, len(model.questions), counts.kept) == (1, wanted, wanted)
    # no batch ends where a dataset does
    assert set(model.calls[:-1]) <= {describe_images.AT_ONCE} and len(model.calls) < len(EVERY)
    assert not rows.duplicated(["dataset", "image_id"]).any()
    assert rows.duplicated("image_id").any()  # of style and lighting


def test_what_could_not_be_read_is_asked_for_in_one_call_at_the_end(
    film, tmp_path, model, monkeypatch
):
    monkeypatch.setattr(describe_images, "AT_ONCE", 3)
    again = "was not the JSON object"
    model.say = lambda question: GOOD if again in question else "no"
    _, rows, _ = describe(film, tmp_path, "expression")
    assert [again in question for question in model.questions] == [
        *[False] * len(rows),
        *[True] * len(rows),
    ]
    assert len(rows) > 3 == max(model.calls) and set(rows["reason"]) == {""}


def test_an_answer_that_stays_unreadable_is_given_up(film, tmp_path, model):
    model.say = lambda question: "still no"
    counts, rows, _ = describe(film, tmp_path, "expression")
    assert len(model.questions) == 2 * len(rows) == 2 * counts.found[vlm.UNPARSABLE] > 0
    assert set(rows["reason"]) == {vlm.UNPARSABLE} and not rows["clauses"].str.len().any()
