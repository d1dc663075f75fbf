"""light.shots: images of a shot agree, and shots of a place on its side."""

import numpy as np
import pandas as pd
import pytest

from tests.factories.light_models import write_light_model
from workflow_scripts.film.light import shots
from workflow_scripts.film.light.measures import MEASURES
from workflow_scripts.film.light.model import read_light_model


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


def find(tmp_path, minimum: float, **measures: list[float]) -> pd.DataFrame:
    """The side of one shot by the model made in code, from measures of its images."""
    count = len(next(iter(measures.values())))
    plain = dict.fromkeys(MEASURES, 0.0) | {"specks": np.nan, "speck_shape": np.nan}
    rows = pd.DataFrame([plain] * count).assign(**measures, shot_id=1, location="hill")
    model = read_light_model(write_light_model(tmp_path))
    return shots.find_sides(rows.assign(compared=True), model, minimum)


def test_images_of_a_shot_agree_on_the_likelier_side(tmp_path):
    sky, lamp = {"sky": 0.3, "warm": 0.0}, {"sky": 0.0, "warm": 2.0}
    words = []
    for images in ([sky] * 3, [lamp] * 3, [lamp, sky, sky]):
        measures = {name: [image[name] for image in images] for name in sky}
        words.append(find(tmp_path, 0.5, **measures)["indoor"][1])
    assert words == ["outdoor", "indoor", "outdoor"]


@pytest.mark.parametrize(
    ("minimum", "word"), [(0.5, "outdoor"), (0.9, "outdoor"), (1.1, "unknown")]
)
def test_a_side_is_said_from_its_least_probability_on(tmp_path, minimum, word):
    found = find(tmp_path, minimum, sky=[0.3])
    assert found["indoor"][1] == word
    assert found["indoor_probability"][1] > 0.9
