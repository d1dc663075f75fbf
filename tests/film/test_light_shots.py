"""light.shots: images of a shot agree, shots of a place on its side; words by probability."""

import numpy as np
import pandas as pd
import pytest

from tests.factories.light_models import write_light_model
from workflow_scripts.film.light import shots
from workflow_scripts.film.light.measures import MEASURES
from workflow_scripts.film.light.model import HEADS, read_light_model


@pytest.mark.parametrize(
    ("sides", "expected"),
    [
        ([0.9], [0.9]),
        ([0.9, 0.5, 0.5, 0.5], [0.75] * 4),
        ([0.9, 0.9], [0.957] * 2),
        ([0.9, 0.1], [0.5] * 2),
    ],
    ids=["alone", "one sky speaks for all", "two that agree", "two that do not"],
)
def test_a_place_is_of_one_mind(sides, expected):
    logs = pd.DataFrame([[np.log(p), np.log(1 - p)] for p in sides])
    places = pd.Series("plaza", logs.index)
    found = shots.agree_on_place(logs, places)
    np.testing.assert_allclose(found[0], expected, atol=1e-3)
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_places_do_not_hear_each_other():
    logs = pd.DataFrame(np.log([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]]), index=[4, 5, 9])
    found = shots.agree_on_place(logs, pd.Series(["a", "", ""], logs.index))
    assert found.index.tolist() == [4, 5, 9]
    np.testing.assert_allclose(found[0], [0.9, 0.2, 0.3])


def test_times_of_both_sides_are_weighed_by_the_side():
    sides = pd.DataFrame({"outdoor": [0.75, 0.0], "indoor": [0.25, 1.0]})
    outdoors = pd.DataFrame(np.log([[0.2, 0.8, 1e-9, 1e-9]] * 2))
    indoors = pd.DataFrame(np.log([[0.1, 0.9, 1e-9]] * 2))
    found = shots.combine_times(sides, outdoors, indoors)
    assert found.columns.tolist() == list(HEADS["time_outdoor"])
    expected = [[0.175, 0.6, 0.225, 0.0], [0.1, 0.0, 0.9, 0.0]]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_small_probability_is_no_word():
    table = pd.DataFrame({"day": [0.6, 0.59, 0.3], "night": [0.4, 0.41, 0.7]})
    words, chances = shots.choose(table, 0.6)
    assert words.tolist() == ["day", "unknown", "night"]
    assert chances.tolist() == [0.6, 0.59, 0.7]


@pytest.mark.parametrize(
    ("specks", "expected"),
    [
        ([(5.0, 6.0), (5.0, 6.0), (0.0, 1.0)], (5.0, 6.0)),
        ([(5.0, 1.0), (np.nan, np.nan), (np.nan, np.nan)], (5.0, 1.0)),
        ([(np.nan, np.nan)], (np.nan, np.nan)),
        ([], (np.nan, np.nan)),
    ],
    ids=["the middle one", "where the camera moves nothing is said", "always moves", "none"],
)
def test_all_images_have_the_specks_of_their_shot(specks, expected):
    rows = pd.DataFrame([*specks, (9.0, 9.0)], columns=["specks", "speck_shape"])
    rows = rows.assign(shot_id=4, compared=[True] * len(specks) + [False])
    found = shots.agree_on_specks(rows)[["specks", "speck_shape"]]
    np.testing.assert_array_equal(found, [expected] * len(rows))


def describe(tmp_path, minimum: float, **measures: list[float]) -> pd.DataFrame:
    """Shots by the model made in code: the images of shot 1, all in one place, with measures."""
    count = len(next(iter(measures.values())))
    plain = dict.fromkeys(MEASURES, 0.0) | {"specks": np.nan, "speck_shape": np.nan}
    rows = pd.DataFrame([plain] * count).assign(**measures, shot_id=1, location="hill")
    model = read_light_model(write_light_model(tmp_path))
    least = dict.fromkeys(("time_of_day", "weather", "indoor"), minimum)
    return shots.describe_shots(rows, model, least)


def test_images_of_a_shot_agree_on_the_likelier_word(tmp_path):
    bright, dark = {"sky": [0.2] * 3, "middle": [0.7] * 3}, {"sky": [0.2] * 3, "middle": [0.1] * 3}
    mixed = {"sky": [0.2] * 3, "middle": [0.1, 0.7, 0.7]}
    words = [describe(tmp_path, 0.4, **some)["time_of_day"][1] for some in (bright, dark, mixed)]
    assert words == ["day", "night", "day"]


@pytest.mark.parametrize(
    ("minimum", "word"), [(0.0, "outdoor"), (0.9, "outdoor"), (1.1, "unknown")]
)
def test_a_word_is_said_from_its_least_probability_on(tmp_path, minimum, word):
    assert describe(tmp_path, minimum, sky=[0.3])["indoor"][1] == word


def test_no_window_tells_the_weather(tmp_path):
    inside = describe(tmp_path, 0.0, warm=[2.0], dark_channel=[0.9])
    outside = describe(tmp_path, 0.0, sky=[0.3], dark_channel=[0.9])
    assert inside[["indoor", "weather"]].to_numpy().tolist() == [["indoor", "unknown"]]
    assert outside[["indoor", "weather"]].to_numpy().tolist() == [["outdoor", "fog"]]
