"""light_model: features and probabilities of hand-made measures; what a wrong file is told."""

import json

import numpy as np
import pandas as pd
import pytest

from tests.factories.light_models import make_light_model, write_light_model
from workflow_scripts.film.light.measures import MEASURES
from workflow_scripts.film.light.model import FEATURES, HEADS, make_features, read_light_model
from workflow_scripts.lib.errors import CineloraError


def make_rows(*rows: dict) -> pd.DataFrame:
    plain = dict.fromkeys(MEASURES, 0.0) | {"specks": np.nan, "speck_shape": np.nan}
    return pd.DataFrame([plain | row for row in rows])


def test_features_of_measures():
    rows = make_rows(
        {"bright": 0.9, "dark": 0.2},
        {"specks": 9.0, "speck_shape": 4.0},
        {"specks": 0.2, "speck_shape": 4.0},
    )
    features = pd.DataFrame(make_features(rows), columns=FEATURES)
    assert features["contrast"].tolist() == pytest.approx([0.7, 0, 0])
    assert features["specks"].tolist() == pytest.approx([0, np.log(10), np.log(1.2)])
    assert features["speck_shape"].tolist() == pytest.approx([0, np.log(4), 0])
    assert features["specks_seen"].tolist() == [0, 1, 1]


def test_probabilities_by_hand(tmp_path):
    model = read_light_model(write_light_model(tmp_path))
    # sky one scale above its mean: the hidden unit is tanh(1), the logit 6 tanh(1), the other 0
    rows = make_rows({"sky": 0.10, "warm": 0.8}, {"sky": 0.05, "warm": 0.8})
    found = np.exp(model.log_probabilities(rows)["indoor"])
    outdoors = 1 / (1 + np.exp(-6 * np.tanh(1)))
    np.testing.assert_allclose(found, [[outdoors, 1 - outdoors], [0.5, 0.5]], atol=1e-9)


def test_a_higher_temperature_is_less_sure(tmp_path):
    path = tmp_path / "lighting.json"
    stored = make_light_model()
    stored["heads"]["indoor"]["temperature"] = 2.0
    path.write_text(json.dumps(stored), encoding="utf-8")
    found = read_light_model(path).log_probabilities(make_rows({"sky": 0.10, "warm": 0.8}))[
        "indoor"
    ]
    assert np.exp(found[0, 0]) == pytest.approx(1 / (1 + np.exp(-3 * np.tanh(1))))


def test_an_extreme_says_no_more_than_the_farthest_that_was_learned(tmp_path):
    model = read_light_model(write_light_model(tmp_path))
    found = model.log_probabilities(
        make_rows({"sky": 0.25, "warm": 0.8}, {"sky": 0.9, "warm": 0.8})
    )["indoor"]
    np.testing.assert_allclose(found[0], found[1])


def drop_head(stored: dict) -> None:
    del stored["heads"]["indoor"]


def rename_feature(stored: dict) -> None:
    stored["features"][0] = "gloom"


def cut_weights(stored: dict) -> None:
    stored["heads"]["indoor"]["hidden"].pop()


def swap_classes(stored: dict) -> None:
    stored["heads"]["indoor"]["classes"].reverse()


def spoil_weight(stored: dict) -> None:
    stored["heads"]["indoor"]["output"][0][0] = float("nan")


def flatten_scale(stored: dict) -> None:
    stored["scale"][3] = 0.0


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (drop_head, "no model of light"),
        (rename_feature, "not those that are measured"),
        (cut_weights, "the weights of indoor"),
        (swap_classes, "the classes of indoor are indoor, outdoor"),
        (spoil_weight, "weights of indoor are no numbers"),
        (flatten_scale, "mean and scale"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(tmp_path, spoil, words):
    stored = make_light_model()
    spoil(stored)
    path = tmp_path / "lighting.json"
    path.write_text(json.dumps(stored), encoding="utf-8")
    with pytest.raises(CineloraError, match=words):
        read_light_model(path)


def test_a_file_that_is_no_json(tmp_path):
    path = tmp_path / "lighting.json"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(CineloraError, match="no model of light"):
        read_light_model(path)


def test_every_head_gives_probabilities(tmp_path):
    model = read_light_model(write_light_model(tmp_path))
    found = model.log_probabilities(make_rows({}, {"middle": 0.6}, {"warm": 2.0}))
    assert list(found) == list(HEADS)
    for name, logs in found.items():
        assert logs.shape == (3, len(HEADS[name]))
        np.testing.assert_allclose(np.exp(logs).sum(1), 1)
