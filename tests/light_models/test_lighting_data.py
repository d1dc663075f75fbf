"""The data that the model of light learns from: scenes, grades, what falls, tables."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
import pytest
from light_models.recipe import lighting_data, lighting_grades, lighting_scenes
from light_models.recipe.lighting_cycles import pack_scene
from light_models.recipe.lighting_grades import PRESETS, Grade, develop

from workflow_scripts.film.light_measures import MEASURES, measure_image
from workflow_scripts.film.light_model import HEADS
from workflow_scripts.film.measure_lighting import measure_specks

FLAT = np.full((90, 160, 3), 0.3, np.float32)
NOBODY = np.zeros((90, 160), bool)


@pytest.fixture(scope="module")
def scenes() -> list:
    return list(lighting_scenes.choose_scenes(8, 3, False))


def test_the_same_seed_is_the_same_scene(scenes):
    again = list(lighting_scenes.choose_scenes(8, 3, False))
    images = [lighting_scenes.draw_scene(some[5], 48) for some in (scenes, again)]
    np.testing.assert_array_equal(*images)
    assert [scene.truth for scene in scenes] == [scene.truth for scene in again]


def test_held_out_kinds_are_never_trained():
    trained, held_out = (set(sum(lighting_scenes.list_kinds(held), [])) for held in (False, True))
    assert held_out == set(lighting_scenes.HELD_OUT)
    assert len(trained) >= 10 and not trained & held_out


def test_the_truth_of_a_scene_is_a_class_of_its_heads(scenes):
    for scene in scenes:
        side = "time_indoor" if scene.place.indoor else "time_outdoor"
        assert scene.truth["time_of_day"] in HEADS[side]
        assert scene.truth["weather"] in (*HEADS["weather"], "unknown")
        assert (scene.truth["weather"] == "unknown") == scene.place.indoor
    assert len({scene.truth["time_of_day"] for scene in scenes}) > 1


def test_a_scene_is_packed_for_the_other_renderer(scenes):
    packed = pack_scene(scenes[0])
    corners = packed["points"][packed["quads"]]
    assert corners.shape[1:] == (4, 3) and len(packed["glow"]) == len(corners)
    np.testing.assert_allclose(packed["axes"] @ packed["axes"].T, np.eye(3), atol=1e-9)


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
    ],
)
def test_a_grade_does_what_it_says(grade, name, low, high):
    image = (develop(FLAT, grade) * 255 + 0.5).astype(np.uint8)
    assert low <= measure_image(image, NOBODY)[name] <= high


def test_every_preset_changes_an_image():
    image = np.random.default_rng(0).random((8, 8, 3))
    changed = [lighting_grades.apply_preset(image, preset) for preset in PRESETS]
    assert all(np.abs(some - image).mean() > 0.01 for some in changed)
    np.testing.assert_array_equal(lighting_grades.apply_preset(image, ""), image)
    with pytest.raises(LookupError, match="No preset 'sepia'"):
        lighting_grades.apply_preset(image, "sepia")


@pytest.mark.parametrize(("weather", "steep"), [("rain", True), ("snow", False)])
def test_what_falls_is_seen_as_specks(weather, steep):
    falling = lighting_grades.draw_falling(weather, np.random.default_rng(5))
    falling = replace(falling, count=100)  # a downpour looks like a camera that moves
    wall = np.full((234, 416, 3), 90, np.uint8)
    images = [lighting_grades.lay_falling(wall, falling, n) for n in range(3)]
    grays = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images]
    specks, shape = measure_specks(*grays, np.ones((234, 416), bool))
    assert specks > 2
    assert (shape > 2) == steep


def test_nothing_falls_from_a_clear_sky():
    assert lighting_grades.draw_falling("clear", np.random.default_rng(0)) is None


def test_people_are_in_their_mask():
    crowd = lighting_grades.Crowd(np.array([[0.5, 0.5, 0.8]]), np.zeros((1, 3)), np.zeros(1), 0)
    image, people = lighting_grades.lay_crowd(FLAT, crowd, 0)
    np.testing.assert_array_equal(people, image[..., 0] == 0)
    assert 0.05 < people.mean() < 0.2


def test_a_table_of_drawn_shots(tmp_path):
    table = tmp_path / "table.parquet"
    lighting_data.main(table, 3, 4, True, 2, True, 1.0, None, None)
    rows = pd.read_parquet(table)
    assert rows["shot"].tolist() == [f"4-{n:05d}-{v}" for n in range(3) for v in range(2)]
    assert set(rows["kind"]) <= set(lighting_scenes.HELD_OUT)
    assert np.isfinite(rows[list(MEASURES)]).all(axis=None)
    assert rows["preset"].isin(PRESETS).all()
    assert rows.groupby("scene")["middle"].nunique().eq(2).all()  # two films, two grades


def test_a_table_of_images_of_the_other_renderer(tmp_path):
    truth = {"9-00000": {"kind": "quay", "time_of_day": "day", "weather": "clear"}}
    truth["9-00000"]["indoor"] = "outdoor"
    (tmp_path / "truth.json").write_text(json.dumps(truth), encoding="utf-8")
    np.save(tmp_path / "9-00000.npy", np.full((64, 64, 3), 0.4, np.float16))
    table = tmp_path / "table.parquet"
    lighting_data.main(table, 0, 1, False, 1, False, 0.0, tmp_path, tmp_path / "truth.json")
    rows = pd.read_parquet(table)
    assert rows[["scene", "kind", "indoor"]].to_numpy().tolist() == [["9-00000", "quay", "outdoor"]]
    assert rows["specks"].isna().all()
