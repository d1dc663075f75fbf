"""Figures about eyes, mouths and brows, and about emotions as an epoch shows them."""

import json

import pandas as pd
import pytest

from workflow_scripts.report.accuracy.faces import measure_faces
from workflow_scripts.report.accuracy.features import find_true_features, measure_features
from workflow_scripts.report.accuracy.truth import Truth

SHOTS = [
    {"first_frame": 0, "frames": 6, "characters": [{"name": "Nella", "expression": "happy"}]},
    {
        "first_frame": 6,
        "frames": 6,
        "characters": [
            {"name": "Nella", "expression": "surprised", "blink": 1},
            {"name": "Pip", "expression": "angry", "blink": None},
        ],
    },
]


@pytest.fixture
def truth(tmp_path) -> Truth:
    """Two shots at 24 frames and 8 drawings a second: a drawing is held for three frames."""
    folder = tmp_path / "truth"
    folder.mkdir()
    (folder / "frames.csv").write_text("frame_no,time_s\n0,0\n", encoding="utf-8")
    play = {"fps": 24, "drawings_per_second": 8, "shots": SHOTS, "characters": {"Nella": {}}}
    (folder / "screenplay.json").write_text(json.dumps(play), encoding="utf-8")
    return Truth(folder)


def test_true_features_follow_the_screenplay(truth):
    rows = find_true_features(truth).set_index(["frame_no", "character"])
    assert len(rows) == 18
    assert rows.loc[(2, "Nella")].tolist() == ["open", "smiling", ""]
    assert rows.loc[(8, "Nella")].tolist() == ["open", "open", ""]
    assert rows.loc[(9, "Nella")].tolist() == ["closed", "open", ""]  # the second drawing blinks
    assert rows.loc[(9, "Pip")].tolist() == ["open", "closed", "lowered"]


def test_words_are_right_or_wrong_or_not_said(truth):
    faces = [(0, "Nella", "a"), (7, "Nella", "b"), (10, "Nella", "c"), (10, "Pip", "d")]
    matched = pd.DataFrame([*faces, (11, "Pip", "")], columns=["frame_no", "character", "found_id"])
    said = [("a", "open", "smiling", ""), ("b", "closed", "", "lowered")]
    said += [("c", "closed", "open", ""), ("d", "", "closed", "lowered")]
    words = pd.DataFrame(said, columns=["instance_id", "eyes", "mouth", "brows"])
    found = measure_features(matched, words, truth)
    figures = {name: (round(metric.value, 3), metric.n) for name, metric in found.items()}
    assert figures == {
        "eyes_correct": (0.667, 3),
        "eyes_named": (0.75, 4),
        "mouth_correct": (1.0, 3),
        "mouth_named": (0.75, 4),
        "brows_correct": (0.5, 2),
        "brows_named": (1.0, 1),
    }


def test_without_shots_or_words_there_is_no_figure(truth):
    matched = pd.DataFrame([(0, "Nella", "a")], columns=["frame_no", "character", "found_id"])
    assert measure_features(matched, pd.DataFrame({"instance_id": ["a"]}), truth) == {}
    (truth.folder / "screenplay.json").write_text("{}", encoding="utf-8")
    assert find_true_features(Truth(truth.folder)) is None


def test_emotions_are_judged_with_and_without_the_unsure():
    matched = pd.DataFrame({"found_id": list("abcd"), "yaw_deg": [0, 10, 20, 60]})
    matched = matched.assign(expression="happy")
    frames = pd.DataFrame(columns=["truth_no", "frame_id", "crop_x", "crop_y"])
    heads = pd.DataFrame(columns=["frame_no"])
    faces = pd.DataFrame(columns=["frame_id"])
    emotions = pd.DataFrame(
        {"instance_id": list("abcd"), "emotion": ["happy", "sad", "unsure", "sad"]}
    )
    found = measure_faces(matched, frames, faces, heads, emotions)
    assert found["emotion_accuracy"].value == pytest.approx(1 / 3)
    assert (found["emotion_sure_correct"].value, found["emotion_sure_correct"].n) == (0.5, 2)
