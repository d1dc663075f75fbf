"""How the benchmark judges tools; nothing is timed here."""

import numpy as np
import pandas as pd
import pytest

from benchmarks import codes, score
from workflow_scripts.film.near_hashes import find_pairs

SHOTS = pd.DataFrame({"frame_no": [0, 100, 200], "transition": ["start", "cut", "dissolve"]})
IMAGES = pd.DataFrame(
    [
        ("a.jpg", 10, "frame"),
        ("a_half.jpg", 10, "half"),
        ("b.jpg", 20, "frame"),
        ("c.jpg", 150, "frame"),
        ("c_half.jpg", 150, "half"),
    ],
    columns=["file", "group", "kind"],
)


@pytest.mark.parametrize(
    ("found", "f1", "soft"),
    [
        ([100, 200], 1, 1),
        ([102, 212], 1, 1),
        ([103, 200], 0.5, 1),
        ([100], 2 / 3, 0),
        ([100, 101, 200], 0.8, 1),
        ([], 0, 0),
    ],
    ids=["exact", "as far as allowed", "too late", "missed", "found twice", "nothing found"],
)
def test_score_shots(found, f1, soft):
    assert score.score_shots(found, SHOTS) == (pytest.approx(f1), soft)


def test_score_pairs():
    pairs = {("a.jpg", "a_half.jpg"), ("a.jpg", "b.jpg"), ("a.jpg", "c.jpg")}
    # b is of the same shot: neither right nor wrong
    assert score.score_pairs(pairs, IMAGES, SHOTS) == {"precision": 0.5, "half": 0.5}


def test_pair_up():
    assert score.pair_up("dcba", [1, 1, 2, 1]) == {("a", "c"), ("a", "d"), ("c", "d")}


def test_score_blur():
    truth = pd.DataFrame({"file": list("abcd"), "kind": ["frame", "frame", "blurred", "blurred"]})
    assert score.score_blur({"a": 3, "b": 2, "c": 1, "d": 0}, truth) == 1
    assert score.score_blur({"a": 1, "b": 1, "c": 1, "d": 1}, truth) == 0.5


def test_make_codes_plants_neighbors():
    made = codes.make_codes(2000)
    assert len(np.unique(made)) == len(made)
    assert len(find_pairs(made, 8)[0]) >= 150


def test_score_groups():
    vectors = np.array([[1, 0], [1, 0], [0.6, 0.8], [0.8, 0.6]], np.float32)
    assert score.score_groups(vectors, np.array([0, 0, 1, 1])) == pytest.approx(0.01, abs=1e-5)
    assert score.score_groups(vectors, np.arange(4)) == pytest.approx(0, abs=1e-5)


def test_planted_groups_are_told_by_a_likeness_of_a_half():
    vectors = codes.make_vectors(500)
    similarity = vectors @ vectors.T
    assert vectors.shape == (500, 768)
    assert not ((similarity > 0.2) & (similarity < 0.35)).any()
    assert 5 < (similarity > 0.35).sum(1).mean() < 100
