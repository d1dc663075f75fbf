"""Eyes, mouth and brows of a mesh: measured, and named where they are clear."""

import cv2
import numpy as np
import pandas as pd
import pytest

from tests.factories.meshes import (
    AT_REST,
    DRAWN,
    FROWN,
    GAPE,
    SMILE,
    make_measures,
    make_mesh,
)
from workflow_scripts.film.people import features, signs
from workflow_scripts.film.people.feature_words import name_eyes, name_features
from workflow_scripts.lib.emotions import EMOTIONS

NAN = dict.fromkeys(features.MEASURES, np.nan)


@pytest.mark.parametrize(
    "changes", [{}, SMILE, GAPE, FROWN], ids=["rest", "smile", "gape", "frown"]
)
def test_a_mesh_gives_its_measures_back(changes):
    found = features.measure_features(make_mesh(**changes))
    assert found == pytest.approx(AT_REST | changes)


@pytest.mark.parametrize(
    "turn",
    [(0, 0, 0.5), (0, 0.6, 0), (0.3, 0, 0), (0.2, -0.5, 1.2)],
    ids=["roll", "yaw", "pitch", "all"],
)
def test_turning_the_head_and_coming_nearer_change_no_measure(turn):
    matrix, _ = cv2.Rodrigues(np.array(turn, float))
    found = features.measure_features(make_mesh(width=37, **SMILE) @ matrix.T + [400, 300, 0])
    assert found == pytest.approx(AT_REST | SMILE)


def test_a_mesh_without_extent_has_no_measures():
    assert all(np.isnan(list(features.measure_features(np.zeros((468, 3))).values())))


def find_words(*faces: dict, fine: bool = True) -> pd.DataFrame:
    measures = make_measures(*faces)
    tracks, large = pd.Series(range(len(faces))), pd.Series([fine] * len(faces))
    extents = signs.find_extents(measures, large, tracks)
    return name_features(measures, extents, large, tracks)


@pytest.mark.parametrize(
    ("face", "mouth", "brows"),
    [
        ({}, "closed", ""),
        (SMILE, "smiling", ""),
        (GAPE, "open", ""),
        (FROWN, "closed", "lowered"),
        ({**GAPE, **FROWN}, "open", "lowered"),
        ({"mouth_open": 0.1}, "", ""),
        (NAN, "", ""),
    ],
    ids=["rest", "smile", "gape", "frown", "a shout", "parted: neither", "nothing measured"],
)
def test_mouths_and_brows_are_named_as_measured(face, mouth, brows):
    row = find_words(face, *[{}] * 6).iloc[0]
    assert (row["mouth"], row["brows"]) == (mouth, brows)


def test_of_small_faces_it_is_said_what_they_show_not_what_they_hide():
    faces = ({}, SMILE, GAPE)
    assert find_words(*faces, fine=False)["mouth"].tolist() == ["", "smiling", "open"]
    chances = pd.DataFrame({"smile": [0.1, 0.9, 0.1, np.nan]})
    seen = signs.keep_seen(chances, pd.Series([False, False, True, True]))
    assert seen["smile"].tolist() == pytest.approx([np.nan, 0.9, 0.1, np.nan], nan_ok=True)


def test_a_blink_is_seen_beside_the_open_eyes_of_its_track():
    opening = pd.Series([0.33, 0.34, 0.2, 0.33, 0.29, 0.2, 0.2, 0.2, 0.05, 0.06, np.nan])
    words = name_eyes(opening, pd.Series(list("aaaaabbbccd")))
    assert words.tolist()[:5] == ["open", "open", "closed", "open", ""]
    assert words.tolist()[5:8] == [""] * 3  # narrow eyes, or a long blink: nobody can say
    assert words.tolist()[8:] == ["closed", "closed", ""]


def test_brows_are_lowered_beside_those_of_the_film():
    high = [{"brow_height": 0.34}] * 9
    assert find_words({"brow_height": 0.25}, *high)["brows"].tolist() == ["lowered", *[""] * 9]
    assert find_words({"brow_height": 0.25})["brows"].tolist() == [""]  # an average face


def weigh(
    model: dict[str, float], face: dict, others: int = 6, fine: bool = True
) -> dict[str, float]:
    """Probabilities after weighing, of a face whom the model takes for these emotions."""
    measures = make_measures(face, *[{}] * others)
    tracks, large = pd.Series(range(len(measures))), pd.Series([fine] * len(measures))
    rest = (1 - sum(model.values())) / (7 - len(model))
    chances = np.array([[model.get(emotion, rest) for emotion in EMOTIONS]] * len(measures))
    seen = signs.keep_seen(signs.judge_signs(signs.find_extents(measures, large, tracks)), large)
    weighed = signs.weigh_signs(chances, seen)
    np.testing.assert_allclose(weighed.sum(1), 1)
    return dict(zip(EMOTIONS, weighed[0], strict=True))


def test_what_a_face_shows_outweighs_a_guess():
    assert weigh({"angry": 0.4, "surprised": 0.2}, GAPE)["angry"] < 0.1
    assert weigh({"sad": 0.36, "angry": 0.31}, FROWN)["angry"] > 0.6
    assert weigh({"sad": 0.4, "happy": 0.3}, SMILE)["happy"] > 0.9
    assert weigh({"surprised": 0.7, "neutral": 0.2}, {})["surprised"] < 0.6


def test_neutral_and_sad_differ_by_the_corners_of_the_mouth():
    model = {"neutral": 0.43, "sad": 0.34}
    assert weigh(model, DRAWN)["neutral"] < 0.5 < weigh(model, {})["neutral"]


def test_small_faces_add_nothing_but_what_they_show():
    model = {"neutral": 0.43, "sad": 0.34}
    for face in ({}, DRAWN):
        assert weigh(model, face, fine=False)["neutral"] == pytest.approx(0.43)
    assert weigh(model, SMILE, fine=False)["happy"] > weigh(model, {}, fine=False)["happy"] + 0.1


def test_few_plain_faces_say_nothing_of_corners():
    model = {"neutral": 0.43, "sad": 0.34}
    alone = [weigh(model, face, others=1) for face in (DRAWN, {})]
    assert alone[0]["neutral"] == pytest.approx(alone[1]["neutral"], abs=1e-3)


def test_a_face_without_measures_keeps_what_the_model_said():
    assert weigh({"happy": 0.7}, NAN)["happy"] == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("emotion", "face", "strength"),
    [("happy", {"corner_lift": 0.05, "corner_drop": 0.15}, 0.5), ("happy", SMILE, 0.75)]
    + [("surprised", {"mouth_open": 0.14}, 0.5), ("surprised", {"mouth_open": 0.9}, 1)]
    + [("happy", {"corner_lift": 0, "corner_drop": 0.3}, 0), ("sad", SMILE, np.nan)],
    ids=["least smile", "broad smile", "least gape", "no more than all", "no smile", "no sign"],
)
def test_strength(emotion, face, strength):
    extents = signs.find_extents(make_measures(face), pd.Series([True]), pd.Series(["a"]))
    found = signs.measure_strength(pd.Series([emotion]), extents)
    assert found == pytest.approx([strength], nan_ok=True)


def test_signs_of_a_track_are_those_of_most_of_its_faces():
    extents = pd.DataFrame({"smile": [0.0, 1.0, 1.0, 0.3, np.nan]})
    lasting = signs.average_signs(extents, pd.Series(list("aaabb")))
    assert lasting["smile"].tolist() == [1.0, 1.0, 1.0, 0.3, 0.3]
