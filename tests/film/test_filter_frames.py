"""One reason per frame."""

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.film import filter_frames
from workflow_scripts.film.dedup_frames import GROUPS
from workflow_scripts.film.extract_frames import FRAMES
from workflow_scripts.film.select_text import TEXT
from workflow_scripts.lib.manifest import write_manifest
from workflow_scripts.lib.written_files import NO_FILE

LIMITS = {
    "keep_fades": False,
    "keep_dissolves": False,
    "max_combing": 0.01,
    "max_blur": 2.5,
    "min_sharpness": 0.25,
    "min_brightness": 0.06,
    "max_brightness": 0.95,
    "min_contrast": 0.1,
    "min_side_px": 256,
    "max_odd_color": 0.6,
    "max_text": 0.005,
    "text_kinds": ["title", "credit"],
}
FINE = {
    "shot_id": 0,
    "sharpness": 0.7,
    "brightness": 0.5,
    "contrast": 0.5,
    "combing": 0.0005,
    "fade": False,
    "dissolve": False,
    "reason": "",
    "side_px": 540,
    "odd_color": 0.0,
    "text": 0.0,
}


def find_reasons(*changes, **limits):
    """Reasons of frames that are fine but for these changes, after twenty that are fine."""
    usual = [FINE | {"sharpness": 0.7 + 0.004 * (k % 5)} for k in range(20)]
    frames = pd.DataFrame([*usual, *(FINE | change for change in changes)])
    reasons = filter_frames.find_reasons(frames, LIMITS | limits)
    assert (reasons[:20] == "").all()
    return reasons[20:].tolist()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, ""),
        ({"fade": True}, "fade"),
        ({"dissolve": True}, "dissolve"),
        ({"combing": 0.02}, "combed"),
        ({"combing": np.nan}, ""),
        ({"sharpness": 0.6}, "blurred"),
        ({"sharpness": 0.69}, ""),
        ({"brightness": 0.05}, "dark"),
        ({"brightness": 0.06}, ""),
        ({"brightness": 0.96}, "bright"),
        ({"contrast": 0.05}, "flat"),
        ({"side_px": 255}, "small"),
        ({"odd_color": 0.7}, "odd_color"),
        ({"text": 0.01}, "text"),
        ({"fade": True, "sharpness": 0.1, "brightness": 0.01}, "fade"),
        ({"reason": "held", "fade": True}, "held"),
        ({"reason": "unreadable", "sharpness": np.nan, "brightness": np.nan}, "unreadable"),
    ],
    ids=[
        "fine",
        "a fade",
        "a dissolve",
        "combed",
        "combing was not measured",
        "blurred",
        "a little soft",
        "too dark",
        "exactly at the minimum",
        "too bright",
        "no contrast",
        "too small",
        "odd colors",
        "a title",
        "several: the first wins",
        "held comes before all others",
        "never measured",
    ],
)
def test_find_reasons(change, reason):
    assert find_reasons(change) == [reason]


@pytest.mark.parametrize(
    ("change", "limit"),
    [
        ({"fade": True}, {"keep_fades": True}),
        ({"dissolve": True}, {"keep_dissolves": True}),
        ({"combing": 0.02}, {"max_combing": 0.03}),
    ],
    ids=["fades", "dissolves", "combed frames"],
)
def test_what_an_option_keeps(change, limit):
    assert find_reasons(change, **limit) == [""]


def test_blur_is_judged_by_the_film_and_by_a_floor():
    soft = pd.DataFrame([FINE | {"sharpness": 0.4 + 0.002 * (k % 9)} for k in range(40)])
    assert (filter_frames.find_reasons(soft, LIMITS) == "").all()
    softer = soft.assign(sharpness=soft["sharpness"] - 0.2)
    assert (filter_frames.find_reasons(softer, LIMITS) == "blurred").all()


def test_blur_leaves_frames_without_an_image_out_of_the_usual():
    rows = [FINE] * 10 + [FINE | {"reason": "held", "sharpness": 0.1}] * 50
    reasons = filter_frames.find_reasons(pd.DataFrame(rows), LIMITS)
    assert reasons.value_counts().to_dict() == {"held": 50, "": 10}


def histograms(*colors):
    """Each image has one color only, given by its number."""
    return [np.eye(64, dtype=np.float32)[color] for color in colors]


def test_odd_color():
    frames = pd.DataFrame({"shot_id": [0, 0, 1, 2, 3, 3]})
    frames["histogram"] = histograms(5, 5, 5, 5, 40, 40)
    assert filter_frames.measure_odd_color(frames).tolist() == [0, 0, 0, 0, 1, 1]


def test_a_single_shot_has_no_odd_colors():
    frames = pd.DataFrame({"shot_id": [0, 0], "histogram": histograms(1, 2)})
    assert filter_frames.measure_odd_color(frames).tolist() == [0, 0]


def test_measure_text():
    frames = pd.DataFrame({"frame_id": ["a", "b", "c"], "width_px": 100, "height_px": 50})
    line = {"x0": 0.0, "x1": 50.0, "y0": 0.0, "y1": 10.0}
    text = pd.DataFrame(
        [
            {"frame_id": "a", "kind": "title"} | line,
            {"frame_id": "a", "kind": "title"} | line,
            {"frame_id": "b", "kind": "subtitle"} | line,
        ]
    )
    assert filter_frames.measure_text(frames, text, ["title"]).tolist() == [0.2, 0, 0]
    assert filter_frames.measure_text(frames, text[:0], ["title"]).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["", "", ""], ["", "duplicate", "duplicate"]),
        (["text", "", ""], ["text", "duplicate", ""]),
        (["text", "", "dark"], ["text", "", "dark"]),
        (["text", "held", "dark"], ["text", "held", "dark"]),
    ],
    ids=[
        "the keeper stays",
        "the sharpest of the rest takes its place",
        "only one is left",
        "nothing is left",
    ],
)
def test_find_duplicates(before, after):
    groups = pd.DataFrame({"group": "a", "is_keeper": [True, False, False]})
    sharpness = pd.Series([0.5, 0.6, 0.7])
    assert filter_frames.find_duplicates(pd.Series(before), groups, sharpness).tolist() == after


def write_tables(folder, rows, lines=()):
    """frames, groups and text in a folder, as main wants them."""
    nothing = dict.fromkeys(FRAMES.names, 0) | NO_FILE
    nothing |= {
        "file": "x.jpg",
        "held_of": "",
        "fields": "",
        "color": "",
        "source": "",
        "luma_thumbnail": b"",
        "width_px": 960,
    }
    nothing |= {"height_px": 540}
    frames = pd.DataFrame([nothing | FINE | row for row in rows])[FRAMES.names]
    frames["frame_id"] = [f"s0000_f{number:06d}" for number in range(len(rows))]
    frames["histogram"] = histograms(*[5] * len(rows))
    write_manifest(frames, folder / "frames.parquet", FRAMES)
    groups = frames[["frame_id"]].assign(group=frames["frame_id"], is_keeper=True, distance=0)
    write_manifest(groups, folder / "groups.parquet", GROUPS)
    text = pd.DataFrame(lines, columns=TEXT.names)
    write_manifest(text, folder / "text.parquet", TEXT)
    return [folder / f"{name}.parquet" for name in ("frames", "groups", "text", "decisions")]


def test_main(tmp_path):
    rows = [{}] * 6 + [{"brightness": 0.01}, {"reason": "unreadable", "sharpness": np.nan}]
    title = {"text_id": "x", "frame_id": "s0000_f000000", "x0": 0, "y0": 0, "x1": 500, "y1": 90}
    title |= {"text": "THE END", "confidence": 1.0, "kind": "title"}
    paths = write_tables(tmp_path, rows, [title])
    counts = filter_frames.main(*paths, limits=LIMITS)
    assert (counts.read, counts.kept, counts.errors) == (8, 5, 1)
    assert counts.set_aside == {"text": 1, "dark": 1, "unreadable": 1}
    decisions = pd.read_parquet(paths[-1])
    assert decisions["reason"].tolist() == ["text"] + [""] * 5 + ["dark", "unreadable"]


def test_an_option_that_empties_the_film_is_named(tmp_path, caplog):
    paths = write_tables(tmp_path, [{"brightness": 0.3}] * 4)
    counts = filter_frames.main(*paths, limits=LIMITS | {"min_brightness": 0.5})
    assert (counts.read, counts.kept, counts.set_aside) == (4, 0, {"dark": 4})
    assert "filter_frames.min_brightness = 0.5 (median brightness of these: 0.3)" in caplog.text


def test_a_film_without_any_image(tmp_path, caplog):
    paths = write_tables(tmp_path, [{"reason": "unreadable", "sharpness": np.nan}] * 2)
    counts = filter_frames.main(*paths, limits=LIMITS)
    assert (counts.kept, counts.set_aside) == (0, {"unreadable": 2})
    assert "Not one of 2 frames gave an image" in caplog.text
