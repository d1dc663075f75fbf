"""The shipped model of light: what it was made of, and how good it is on places never trained."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from light_models.recipe import lighting_data, lighting_make, lighting_scenes, lighting_train
from light_models.recipe.lighting_report import (
    ablate,
    add_best,
    bin_reliability,
    measure,
    name_shots,
    read_rows,
)

from workflow_scripts.film.classify_lighting import describe_shots
from workflow_scripts.film.light_measures import measure_image
from workflow_scripts.film.light_model import HEADS, make_features, read_light_model

MODEL = Path("resources/light_models/lighting.json")
MINIMUM = yaml.safe_load(Path("config/options/film.yaml").read_text(encoding="utf-8"))[
    "classify_lighting"
]["min_probability"]
SHOTS = 36
FLOORS = {"indoor": 0.75, "time_outdoor": 0.65, "time_indoor": 0.75, "weather": 0.5}


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    """Shots of kinds of places that were never trained on, of a seed of their own."""
    path = tmp_path_factory.mktemp("light") / "table.parquet"
    lighting_data.main(path, SHOTS, 777, True, 1, False, 1.0, None, None)
    return path


def test_the_file_says_what_it_was_made_of():
    recipe = json.loads(MODEL.read_text(encoding="utf-8"))["recipe"]
    assert MODEL.stat().st_size < 100_000
    outdoors, rooms = lighting_scenes.list_kinds(False)
    assert recipe["kinds"] == sorted(outdoors + rooms)
    assert set(recipe["held_out_kinds"]) <= set(lighting_scenes.HELD_OUT)
    assert set(recipe["scene_seeds"]) <= set(lighting_make.TRAINED)
    assert set(recipe["held_out_accuracy"]) == set(HEADS)


def count_right(model, rows: pd.DataFrame) -> dict[str, float]:
    return lighting_train.measure_heads(model, rows)


def test_the_shipped_model_names_places_that_it_never_saw(table):
    figures = count_right(read_light_model(MODEL), pd.read_parquet(table))
    assert all(figures[name] >= floor for name, floor in FLOORS.items()), figures


@pytest.mark.parametrize("name", list(HEADS))
def test_a_wrong_coefficient_fails_the_floor(table, name):
    model = read_light_model(MODEL)
    head = model.heads[name]
    wrong = replace(head, output=np.roll(head.output, 1, axis=1))  # each class speaks for the next
    spoiled = replace(model, heads=model.heads | {name: wrong})
    assert count_right(spoiled, pd.read_parquet(table))[name] < FLOORS[name]


@pytest.mark.parametrize("seed", range(4))
def test_noise_is_no_light(seed):
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 256, (180, 320, 3), np.uint8)
    rows = pd.DataFrame([measure_image(noise, np.zeros((180, 320), bool))])
    rows = rows.assign(specks=np.nan, speck_shape=np.nan, shot_id=1, location="a")
    found = describe_shots(rows, read_light_model(MODEL), MINIMUM)
    words = found[["time_of_day", "weather", "indoor"]].iloc[0].tolist()
    assert words.count("unknown") >= 2


def test_the_report_counts_unknown_apart(table):
    rows = read_rows(table)
    named = name_shots(read_light_model(MODEL), rows, dict.fromkeys(MINIMUM, 0.0))
    figures = measure(named)
    assert (figures["unknown"] == 0).all()
    assert figures["accuracy"].equals(figures["named_right"])
    none = measure(name_shots(read_light_model(MODEL), rows, dict.fromkeys(MINIMUM, 1.01)))
    assert (none["unknown"] == 1).all() and (none["accuracy"] == 0).all()


def test_the_report_bins_all_shots_and_drops_features(table):
    model, rows = read_light_model(MODEL), read_rows(table)
    named = add_best(model, rows, name_shots(model, rows, MINIMUM))
    bins = bin_reliability(named)
    outdoors = (rows["indoor"] == "outdoor").sum()
    counts = bins.groupby("word")["n"].sum().to_dict()
    assert counts == {"time_of_day": SHOTS, "indoor": SHOTS, "weather": outdoors}
    figures = ablate(model, rows)
    assert figures.loc["nothing"].to_dict() == pytest.approx(count_right(model, rows), abs=1e-3)
    assert not figures.loc["warmth"].equals(figures.loc["nothing"])


def test_the_gradient_of_the_loss():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(7, 5))
    targets, weights = np.eye(3)[rng.integers(0, 3, 7)], np.full(7, 1 / 7)
    flat = rng.normal(size=5 * lighting_train.HIDDEN + (lighting_train.HIDDEN + 1) * 3)
    _, slopes = lighting_train.find_loss(flat, x, targets, weights)
    for at in (0, 17, len(flat) - 1):
        step = np.zeros_like(flat)
        step[at] = 1e-5
        ends = [lighting_train.find_loss(flat + s, x, targets, weights)[0] for s in (step, -step)]
        assert slopes[at] == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-4, abs=1e-8)


def test_what_is_trained_is_what_is_read(tmp_path, monkeypatch, table):
    monkeypatch.setattr(lighting_train, "ITERATIONS", 30)
    path = tmp_path / "lighting.json"
    lighting_train.main(path, [table], [table], 0)
    stored = json.loads(path.read_text(encoding="utf-8"))["recipe"]
    model = read_light_model(path)
    figures = count_right(model, pd.read_parquet(table))
    assert figures == pytest.approx(stored["held_out_accuracy"], abs=0.06)  # digits are cut
    assert min(figures.values()) > 0.6
    again = tmp_path / "again.json"
    lighting_train.main(again, [table], [table], 0)
    assert again.read_bytes() == path.read_bytes()


def test_features_keep_the_order_of_rows(table):
    rows = pd.read_parquet(table)
    np.testing.assert_array_equal(make_features(rows)[::-1], make_features(rows[::-1]))
