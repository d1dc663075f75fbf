"""Planted defects are found, a healthy adapter is not accused: fewer films than `make judges`."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks import judges, planted_defects, planted_trainings
from benchmarks.planted_defects import DEFECTS, HEALTHY, HELD_OUT
from workflow_scripts.adapter.findings import OPEN, RIGHT, WRONG, judge_adapter
from workflow_scripts.adapter.training_data import find_shots, read_split
from workflow_scripts.models.loaders.light_clip import load_embed

ROOT = Path(__file__).resolve().parents[2]
WEIGHTS = ROOT / "resources/light_models/light-clip.safetensors"
FILMS = 6  # `make judges` takes twenty


def redraw(images):
    """Softer, as what a VAE draws; the base's own is not built in a test."""
    return np.stack([cv2.GaussianBlur(image, (3, 3), 0.8) for image in images])


@pytest.fixture(scope="module")
def answers():
    """How often each question was answered how, by (planted, question)."""
    embed = load_embed({WEIGHTS.name: WEIGHTS}, device="cpu", batch_size=64)
    cast = planted_defects.read_cast(ROOT / HELD_OUT)
    vectors, found = embed(list(cast.images)), []
    for seed in range(FILMS):
        for planted in (HEALTHY, *DEFECTS):
            rng = np.random.default_rng([seed, 3])
            world = planted_defects.make_world(cast, vectors, rng)
            scores = planted_defects.score_world(cast, world, planted, embed, redraw, rng)
            found += [(planted, one.question, one.found) for one in judge_adapter(scores)]
    table = judges.count(found, DEFECTS)
    print("\n" + judges.write_table(f"Images, {FILMS} films, light-clip", table))  # with -s
    return table.set_index(["planted", "question"])


@pytest.mark.parametrize(("planted", "question"), DEFECTS.items())
def test_a_planted_defect_is_found(answers, planted, question):
    row = answers.loc[(planted, question)]
    assert row.sum() == FILMS
    assert row[RIGHT] <= 1


@pytest.mark.parametrize("question", DEFECTS.values())
def test_a_healthy_adapter_is_not_accused(answers, question):
    row = answers.loc[(HEALTHY, question)]
    assert row.sum() == FILMS
    assert row[WRONG] <= 1


def test_a_healthy_adapter_is_said_to_draw_its_own_subject(answers):
    assert answers.loc[(HEALTHY, "subject"), RIGHT] >= FILMS // 2
    assert answers.loc[("wrong character", "subject"), RIGHT] <= 1


def test_answers_are_counted_by_what_was_planted():
    found = [("copier", "copies", WRONG), ("copier", "collapse", RIGHT), ("copier", "copies", OPEN)]
    table = judges.count(found, {"copier": "copies"})
    assert table.to_numpy().tolist() == [
        ["copier", "copies", 1, 1, 0],
        [HEALTHY, "copies", 0, 0, 0],
    ]
    page = judges.write_table("Images, 2 films", table)
    assert "| copier | copies | 1 | 1 | 0 |" in page.splitlines()


def test_a_planted_dataset_is_one_that_trainings_read(tmp_path):
    rows = planted_trainings.read_rows(ROOT / HELD_OUT)
    assert rows["subject"].value_counts().min() >= planted_defects.TRAINING
    some = rows[rows["subject"] == rows["subject"].iloc[0]].head(30)
    folder = planted_trainings.write_dataset(tmp_path / "data", some)
    splits = [read_split(folder, split) for split in ("train", "validation")]
    assert [len(images) for images in splits] == [24, 6]
    captions = [image.caption for image in splits[0]]
    assert all(text.startswith(f"{planted_trainings.TRIGGER}, ") for text in captions)
    assert len(set(captions)) > 12 and not any("unknown" in text for text in captions)
    shots = [find_shots(folder, images) for images in splits]
    assert len(set(np.concatenate(shots))) == 30
