"""Figures about frames against a small truth made in code."""

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.lib.images import write_image
from workflow_scripts.report.accuracy import frames as accuracy
from workflow_scripts.report.accuracy.truth import Truth

# two shots of two drawings, each held for three frames; then the first shot again
DRAWINGS = ["u0"] * 3 + ["u1"] * 3 + ["u2"] * 3 + ["u3"] * 3 + ["u0"] * 3 + ["u1"] * 3
SHOTS = [0] * 6 + [1] * 6 + [2] * 6


def write_truth(folder, change=5.0, **columns):
    """Truth of the film above; `change` lies between the two drawings of each shot."""
    folder.mkdir()
    numbers = np.arange(len(DRAWINGS))
    table = pd.DataFrame({"frame_no": numbers, "time_s": numbers / 24, "shot_id": SHOTS})
    table = table.assign(unique_render_id=DRAWINGS, is_fade=0, is_blurred=0).assign(**columns)
    table.to_csv(folder / "frames.csv", index=False)
    changes = ["", "0", "0", str(change), "0", "0"] * 3
    pd.DataFrame({"frame_no": numbers, "change_from_previous_frame": changes}).to_csv(
        folder / "duplicates.csv", index=False
    )
    return Truth(folder)


def sampled(groups, every=3, **columns):
    """Sampled frames with their truth, in these groups."""
    numbers = np.arange(0, len(DRAWINGS), every)
    table = {"frame_no": numbers, "unique_render_id": np.array(DRAWINGS)[numbers], "is_fade": 0}
    return pd.DataFrame(table | {"group": groups} | columns)


@pytest.mark.parametrize(
    ("groups", "change", "precision", "recall"),
    [
        ("abcdab", 5.0, 1.0, 1.0),
        ("abcdef", 5.0, 1.0, 0.0),
        ("abcdae", 5.0, 1.0, 0.5),
        ("aacdaa", 5.0, 2 / 6, 1.0),
        ("aacdaa", 0.1, 1.0, 1.0),
        ("ababab", 5.0, 2 / 6, 1.0),
    ],
    ids=[
        "the repeated shot is found",
        "nothing joined",
        "half of it",
        "different drawings joined",
        "drawings that look alike joined: no mistake",
        "different shots joined",
    ],
)
def test_duplicates(tmp_path, groups, change, precision, recall):
    truth = write_truth(tmp_path / "truth", change)
    held = sampled(list(groups), file="")  # no image of theirs is left to look at
    metrics = accuracy.measure_duplicates(held, truth, tmp_path)
    assert metrics["dedup_precision"].value == pytest.approx(precision)
    assert metrics["dedup_recall"].value == pytest.approx(recall)
    assert metrics["dedup_f1"].n == 2


@pytest.mark.parametrize(("gray", "precision"), [(90, 1.0), (96, 2 / 6)])
def test_joined_drawings_whose_images_look_the_same_are_no_mistake(tmp_path, gray, precision):
    """Much moved between them, and moved back; or something is another color now."""
    truth = write_truth(tmp_path / "truth", change=5.0)
    files = [f"{number}.png" for number in range(6)]
    for number, file in enumerate(files):
        shade = gray if number in (1, 5) else 90
        write_image(tmp_path / file, np.full((8, 8, 3), shade, np.uint8))
    frames = sampled(list("aacdaa"), file=files)
    metrics = accuracy.measure_duplicates(frames, truth, tmp_path)
    assert metrics["dedup_precision"].value == pytest.approx(precision)


@pytest.mark.parametrize(
    ("starts", "f1"),
    [([0, 6, 12], 1.0), ([0, 7, 11], 1.0), ([0, 6], 2 / 3), ([0, 6, 9, 12], 0.8), ([0], 0.0)],
    ids=["exact", "one beside", "one missed", "one too many", "none"],
)
def test_cuts(tmp_path, starts, f1):
    truth = write_truth(tmp_path / "truth")
    transitions = ["start"] + ["cut"] * (len(starts) - 1)
    shots = pd.DataFrame({"start_s": np.array(starts) / 24, "transition": transitions})
    assert accuracy.measure_shots(shots, truth)["cuts_f1"].value == pytest.approx(f1)


def test_dissolves_are_no_false_cuts(tmp_path):
    truth = write_truth(tmp_path / "truth")
    pd.DataFrame(
        {
            "shot_id": [0, 1, 2],
            "first_frame": [0, 6, 12],
            "end_frame": [6, 12, 18],
            "transition_in": ["start", "cut", "dissolve"],
        }
    ).to_csv(tmp_path / "truth/shots.csv", index=False)
    found = {"start_s": np.array([0, 6, 10]) / 24, "transition": ["start", "cut", "dissolve"]}
    metrics = accuracy.measure_shots(pd.DataFrame(found), truth)
    assert metrics["cuts_f1"].value == 1.0
    assert metrics["dissolves_f1"].value == 1.0


def test_blur_and_fades():
    frames = sampled(list("abcdef"), is_blurred=[0, 0, 0, 0, 1, 1], file="x.jpg", shot_id=0)
    frames["sharpness"] = [0.9, 0.8, 0.7, 0.5, 0.6, 0.3]
    frames["reason"] = ["", "", "", "blurred", "blurred", ""]
    assert accuracy.measure_sharpness(frames)["blur_auc"].value == pytest.approx(7 / 8)
    metrics = accuracy.measure_blurred(frames)
    assert (metrics["blur_precision"].value, metrics["blur_recall"].value) == (0.5, 0.5)
    frames["is_fade"], frames["fade"] = [0, 0, 0, 1, 1, 1], [False] * 4 + [True] * 2
    assert accuracy.measure_fades(frames)["fades_f1"].value == pytest.approx(0.8)


def test_without_tables_there_are_no_figures(tmp_path):
    assert accuracy.measure(tmp_path, write_truth(tmp_path / "truth")) == {}
