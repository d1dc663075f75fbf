"""Figures about packed crops: whoever else shows, and figures that are called whole."""

import io
import json
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from workflow_scripts.lib.images import encode_rle
from workflow_scripts.report.accuracy import crops
from workflow_scripts.report.accuracy.crops import Company
from workflow_scripts.report.accuracy.truth import Truth

WIDTH, HEIGHT = 100, 60
BODIES = {"Nella": (10, 10, 30, 50), "Bruno": (35, 10, 55, 50)}  # x0, y0, x1, y1
FRAME = "s0001_f000000"


def make_mask(names) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for index, (name, (x0, y0, x1, y1)) in enumerate(BODIES.items(), start=1):
        mask[y0:y1, x0:x1] = index if name in names else mask[y0:y1, x0:x1]
    return mask


@pytest.fixture
def truth(tmp_path) -> Truth:
    folder = tmp_path / "truth"
    folder.mkdir()
    (folder / "frames.csv").write_text(
        "frame_no,time_s,unique_render_id,is_fade,is_blurred\n0,0.0,u0,0,0\n", encoding="utf-8"
    )
    people = [(0, who, *box, 800, 0.0) for who, box in BODIES.items()]
    columns = ["frame_no", "character", "x0", "y0", "x1", "y1", "visible_px", "occluded_fraction"]
    pd.DataFrame(people, columns=columns).to_csv(folder / "instances.csv", index=False)
    ends = {"nose": 12, "left_ankle": 48, "right_ankle": 47}
    joints = [(0, who, joint, 20, y) for who in BODIES for joint, y in ends.items()]
    columns = ["frame_no", "character", "keypoint", "x_px", "y_px"]
    pd.DataFrame(joints, columns=columns).to_csv(folder / "keypoints.csv", index=False)
    (folder / "screenplay.json").write_text(
        json.dumps({"mask_index": {"Nella": 1, "Bruno": 2}}), encoding="utf-8"
    )
    with zipfile.ZipFile(folder / "masks.zip", "w") as archive:
        data = io.BytesIO()
        Image.fromarray(make_mask(BODIES)).save(data, "PNG")
        archive.writestr("masks/u0.png", data.getvalue())
    return Truth(folder)


def measure(folder, truth, crop, caption) -> dict[str, tuple[float, int]]:
    """Both figures of one packed crop of Nella."""
    frames = pd.DataFrame(
        [(FRAME, 1, 0.0, "0.jpg", WIDTH, HEIGHT, 0, 0)],
        columns=["frame_id", "shot_id", "time_s", "file", "width_px", "height_px"]
        + ["crop_x", "crop_y"],
    )
    instances = pd.DataFrame({"instance_id": [f"{FRAME}_i00"], "frame_id": FRAME, "track_id": "t"})
    instances["mask"] = [encode_rle(make_mask(["Nella"]) > 0)]
    instances = instances.assign(height_px=HEIGHT, width_px=WIDTH)
    packed = pd.DataFrame({"image_id": [f"{FRAME}_i00"], "frame_id": FRAME, "split": "train"})
    packed = packed.assign(repeats=0, category="walk", caption=caption)
    packed[["x0", "y0", "x1", "y1"]] = [crop]
    for name, table in (
        ("extract_frames/frames", frames),
        ("segment_instances/01of01", instances),
        ("datasets/pose/dataset", packed),
    ):
        path = folder / f"{name}.parquet"
        path.parent.mkdir(parents=True)
        table.to_parquet(path)
    return {name: (one.value, one.n) for name, one in crops.measure(folder, truth).items()}


@pytest.mark.parametrize(
    ("crop", "caption", "right"),
    [
        ((5, 5, 34, 55), "a pose, walking", 1.0),
        ((5, 5, 60, 55), "a pose, walking", 0.0),
        ((5, 5, 60, 55), "a pose, walking, with bruno man", 1.0),
        ((5, 5, 60, 55), "a pose, walking, with one person", 1.0),
        ((5, 5, 60, 55), "a pose, walking, with two people", 0.0),
        ((5, 5, 34, 55), "a pose, walking, with bruno man", 0.0),
        ((5, 5, 36, 55), "a pose, walking, with bruno man", 1.0),
        ((5, 5, 36, 55), "a pose, walking", 1.0),
    ],
    ids=["alone", "left out", "named", "counted", "one too many", "not there"]
    + ["a little of him, named", "a little of him, left out"],
)
def test_whoever_else_shows_must_be_named(tmp_path, truth, crop, caption, right):
    figures = measure(tmp_path / "results", truth, crop, caption)
    assert figures == {"packed_others_correct": (right, 1)}


@pytest.mark.parametrize(("bottom", "whole"), [(55, 1.0), (48, 0.0)], ids=["feet", "no feet"])
def test_a_figure_that_is_called_whole_shows_its_feet(tmp_path, truth, bottom, whole):
    caption = "a pose, walking, full body shot"
    figures = measure(tmp_path / "results", truth, (5, 5, 34, bottom), caption)
    assert figures["packed_whole_correct"] == (whole, 1)


def test_actions_count_as_often_as_an_epoch_shows_them():
    rows = pd.DataFrame(
        [
            ("pose", "train", 3, "walk", "walk"),
            ("pose", "train", 1, "walk", "run"),
            ("pose", "validation", 1, "walk", "run"),
            ("character", "train", 2, "full", "walk"),
        ],
        columns=["kind", "split", "repeats", "category", "action"],
    )
    metric = crops.measure_labels(rows)["packed_action_correct"]
    assert (metric.value, metric.n, metric.goal) == (0.75, 2, 0.85)
    assert crops.measure_labels(rows[3:]) == {}


def test_a_stranger_stands_for_whoever_shows():
    assert crops.agrees("x, with one person", Company({"bruno"}, set()), ["bruno", "nella"])
    assert not crops.agrees("x, with nella woman", Company({"bruno"}, set()), ["bruno", "nella"])


def test_without_tables_there_are_no_figures(tmp_path, truth):
    assert crops.measure(tmp_path, truth) == {}
