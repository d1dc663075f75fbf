"""The recipe of the model of light: settings, grades, what falls, tables, training."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from resources.light_models.recipe.lighting import grades, judge, settings, tables, train
from resources.light_models.recipe.lighting.grades import PRESETS, Grade, develop
from workflow_scripts.film.light.measures import MEASURES, measure_image
from workflow_scripts.film.light.model import read_light_model
from workflow_scripts.film.measure_lighting import measure_specks
from workflow_scripts.lib.errors import CineloraError

FLAT = np.full((90, 160, 3), 0.3, np.float32)
NOBODY = np.zeros((90, 160), bool)
KINDS = (*settings.OUTDOORS, *settings.INDOORS)


def choose_many(count: int, seed: int = 3) -> list[settings.Setting]:
    return [settings.choose(seed, n, 4) for n in range(count)]


def test_the_same_seed_chooses_the_same():
    assert choose_many(12) == choose_many(12)
    assert choose_many(12) != choose_many(12, seed=4)


def test_images_that_follow_each_other_show_one_place():
    chosen = choose_many(40)
    places = [(one.kind, one.place_seed) for one in chosen]
    assert len(places) == 40
    assert all(len(set(places[n : n + 4])) == 1 for n in range(0, 40, 4))
    assert len(set(places)) == 10


def test_settings_have_every_hour_and_weather_of_films():
    chosen = choose_many(800)
    outdoors = {one.time_of_day for one in chosen if not one.indoor}
    assert outdoors == {"day", "sunset", "evening", "night"}
    assert {one.time_of_day for one in chosen if one.indoor} == {"day", "evening", "night"}
    weathers = {"unknown", "clear", "overcast", "fog", "rain", "snow"}
    assert {one.weather for one in chosen} == weathers
    assert all((one.weather == "unknown") == one.indoor for one in chosen)
    assert {one.kind for one in chosen} == set(KINDS)


def test_no_place_of_a_film_with_truth_is_drawn():
    assert not {"plaza", "forest", "livingroom", "beach"} & set(KINDS)


@pytest.mark.parametrize(
    ("grade", "name", "low", "high"),
    [
        (Grade(), "warm", -0.01, 0.01),
        (Grade(warmth=0.5), "warm", 0.3, 0.5),
        (Grade(exposure=1.0), "middle", 0.66, 0.70),
        (Grade(exposure=-1.0), "middle", 0.39, 0.43),
        (Grade(curve="clip"), "middle", 0.56, 0.60),
        (Grade(lift=0.2), "dark", 0.6, 0.66),
        (Grade(vignette=1.0), "shade", 0.03, 0.3),
        (Grade(toon=2), "middle", 0.98, 1.0),
    ],
)
def test_a_grade_does_what_it_says(grade, name, low, high):
    image = (develop(FLAT, grade) * 255 + 0.5).astype(np.uint8)
    assert low <= measure_image(image, NOBODY)[name] <= high


def test_every_preset_changes_an_image():
    image = np.random.default_rng(0).random((8, 8, 3))
    changed = [grades.apply_preset(image, preset) for preset in PRESETS]
    assert len(changed) == 6
    assert all(np.abs(some - image).mean() > 0.01 for some in changed)
    np.testing.assert_array_equal(grades.apply_preset(image, ""), image)
    with pytest.raises(LookupError, match="No preset 'sepia'"):
        grades.apply_preset(image, "sepia")


@pytest.mark.parametrize(("weather", "steep"), [("rain", True), ("snow", False)])
def test_what_falls_is_seen_as_specks(weather, steep):
    falling = grades.draw_falling(weather, np.random.default_rng(5))
    falling = replace(falling, count=100)  # a downpour looks like a camera that moves
    wall = np.full((234, 416, 3), 90, np.uint8)
    images = [grades.lay_falling(wall, falling, n) for n in range(3)]
    grays = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images]
    specks, shape = measure_specks(*grays, np.ones((234, 416), bool))
    assert specks > 2
    assert (shape > 2) == steep


def test_nothing_falls_from_a_clear_sky():
    assert grades.draw_falling("clear", np.random.default_rng(0)) is None


LOOKS = {  # hour, weather -> linear color, whether indoors
    ("day", "clear"): ((0.5, 0.6, 0.8), False),
    ("sunset", "clear"): ((0.9, 0.4, 0.15), False),
    ("night", "clear"): ((0.02, 0.03, 0.08), False),
    ("day", "unknown"): ((0.5, 0.45, 0.4), True),
    ("evening", "unknown"): ((0.3, 0.15, 0.06), True),
}


def write_drawn(folder: Path, images: int) -> None:
    """Images as a renderer leaves them: a sky above a ground, in the color of the hour."""
    rng = np.random.default_rng(0)
    for n in range(images):
        (hour, weather), (color, indoor) = list(LOOKS.items())[n % len(LOOKS)]
        rgb = rng.uniform(0.5, 1.0, (72, 128, 3)) * np.array(color)
        rgb[:30] = color if not indoor else rgb[:30] * 0.6
        people = np.zeros((72, 128), bool)
        people[30:, 50:70] = True
        truth = {"kind": KINDS[n % 7], "place": f"place {n}", "time_of_day": hour}
        truth |= {"weather": weather, "indoor": "indoor" if indoor else "outdoor"}
        arrays = {"rgb": rgb.astype(np.float16), "depth": np.full((72, 128), 4, np.float16)}
        arrays |= {"people": people, "fog": np.full(3, np.nan), "exposure": np.float32(1.2)}
        np.savez(folder / f"01_{n:05d}.npz", truth=np.array(json.dumps(truth)), **arrays)


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("lighting")
    write_drawn(folder, 70)
    tables.main(folder / "table.parquet", folder, None, variants=2, share=1.0, seed=1)
    return folder / "table.parquet"


def test_a_table_of_drawn_images(table):
    rows = pd.read_parquet(table)
    assert len(rows) == 140 and set(rows["renderer"]) == {"cycles"}
    assert np.isfinite(rows[list(MEASURES)]).all(axis=None)
    assert rows.groupby("image")["middle"].nunique().eq(2).all()  # two films, two grades
    assert 0.5 < rows["specks"].notna().mean() < 0.95


def test_an_empty_folder_says_so(tmp_path):
    with pytest.raises(CineloraError, match="No images in"):
        tables.main(tmp_path / "t.parquet", tmp_path, None, variants=1, share=1.0, seed=1)


def test_the_gradient_of_the_loss():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(7, 5))
    targets, weights = np.eye(3)[rng.integers(0, 3, 7)], np.full(7, 1 / 7)
    flat = rng.normal(size=5 * train.HIDDEN + (train.HIDDEN + 1) * 3)
    _, slopes = train.find_loss(flat, x, targets, weights)
    at, ends = (0, 17, len(flat) - 1), []
    for number in at:
        step = np.zeros_like(flat)
        step[number] = 1e-5
        ends.append([train.find_loss(flat + s, x, targets, weights)[0] for s in (step, -step)])
    numeric = np.array(ends) @ [1, -1] / 2e-5
    np.testing.assert_allclose(slopes[list(at)], numeric, rtol=1e-4, atol=1e-8)


def test_renderers_count_alike():
    weights = train.weigh(np.array(["a", "a", "a", "b"]))
    np.testing.assert_allclose(weights, [1 / 6] * 3 + [1 / 2])


def test_a_kind_of_place_is_in_one_fold():
    kinds = np.array(KINDS * 3)
    folds = pd.DataFrame({"kind": kinds, "fold": train.fold_kinds(kinds)})
    assert folds.groupby("kind")["fold"].nunique().eq(1).all()
    assert folds["fold"].nunique() == train.FOLDS


def test_what_is_trained_is_what_is_read(table, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "ITERATIONS", 30)
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    train.main(one, [table], 0)
    train.main(two, [table], 0)
    assert one.read_bytes() == two.read_bytes()
    recipe = json.loads(one.read_text(encoding="utf-8"))["recipe"]
    assert recipe["rows"] == {"cycles": 140} and recipe["license"] == "Apache-2.0"
    rows = pd.read_parquet(table)
    found = judge.name_rows(read_light_model(one), rows)
    figures, chance = judge.score(rows, found), judge.score(rows, judge.name_commonest(rows))
    assert figures > chance + 0.2


def test_the_shipped_model_says_what_it_was_made_of():
    path = Path("resources/light_models/lighting.json")
    recipe = json.loads(path.read_text(encoding="utf-8"))["recipe"]
    assert path.stat().st_size < 100_000
    assert set(recipe["rows"]) == {"cast", "cycles", "rasterizer"}
    assert set(KINDS) <= set(recipe["kinds"])
    assert recipe["license"] == "Apache-2.0"


@pytest.mark.parametrize("seed", range(3))
def test_noise_is_no_light(seed):
    noise = np.random.default_rng(seed).integers(0, 256, (180, 320, 3), np.uint8)
    rows = pd.DataFrame([measure_image(noise, np.zeros((180, 320), bool))])
    rows = rows.assign(specks=np.nan, speck_shape=np.nan)
    model = read_light_model("resources/light_models/lighting.json")
    found = judge.name_rows(model, rows)
    assert found["indoor_probability"].max() < 0.99
