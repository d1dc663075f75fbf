"""read_text: what is read and followed; then the phase on images."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pandas as pd
import pytest

from tests.factories.written_images import make_noise, write_text, write_unreadable
from workflow_scripts.film import read_text, select_text
from workflow_scripts.film.read_text import (
    Line,
    choose_read,
    draw_strokes,
    find_again,
    follow,
    takes_over,
)
from workflow_scripts.film.text.lines import LEAST_FIT
from workflow_scripts.lib.images import write_image
from workflow_scripts.models.loaders import rapidocr
from workflow_scripts.models.registry import choose_model, weight_files

PLACE = (100.0, 140.0, 220.0, 160.0)
LINE = Line("r0", PLACE, "Hello you", 0.9, np.zeros((2, 2)))


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([0.0], [0]),
        ([0.0, 0.1, 0.2], [0, 2]),
        ([5.0, 5.5, 6.0, 6.5, 7.1], [0, 2, 4]),
    ],
    ids=["one image", "short shot: its ends", "one a second"],
)
def test_choose_read(times, expected):
    assert choose_read(np.array(times), 1.0) == expected


@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (3, 0), (0, -5)], ids=["rests", "right", "rolls"])
def test_a_line_is_found_again_over_another_background(dx, dy):
    line = Line(
        "r0",
        PLACE,
        "Hello you",
        0.9,
        draw_strokes(write_text(make_noise(1), "Hello you", 105, 155), PLACE),
    )
    box, fit = find_again(write_text(make_noise(2), "Hello you", 105 + dx, 155 + dy), line)
    assert fit > 0.7
    assert box == pytest.approx(np.add(PLACE, [dx, dy, dx, dy]), abs=1)


@pytest.mark.parametrize(
    "image",
    [
        make_noise(3),
        write_text(make_noise(3), "Farewell!", 105, 155),
        np.zeros((180, 320, 3), np.uint8),
    ],
    ids=["nothing there", "another text", "black"],
)
def test_a_line_that_is_gone_is_not_found(image):
    strokes = draw_strokes(write_text(make_noise(1), "Hello you", 105, 155), PLACE)
    assert find_again(image, Line("r0", PLACE, "Hello you", 0.9, strokes))[1] < 0.7


def test_a_line_is_followed_until_it_ends():
    shown = [write_text(make_noise(n), "Hello you", 105, 155) for n in range(4)]
    images = [*shown, make_noise(4), shown[0]]
    line = replace(LINE, strokes=draw_strokes(shown[0], PLACE))
    spots = follow(images.__getitem__, range(6), {0: [line]})
    assert [(spot.reading_id, spot.image) for spot in spots] == [("r0", 1), ("r0", 2), ("r0", 3)]
    assert all(LEAST_FIT <= spot.fit <= 1 for spot in spots)


def test_an_unsure_reading_ends_no_sure_one():
    images = [write_text(make_noise(n), "Hello you", 105, 155) for n in range(4)]
    first = replace(LINE, strokes=draw_strokes(images[0], PLACE))
    for confidence, followed in [(0.5, ["r0", "r0", "r0", "r1"]), (0.95, ["r0", "r0", "r1"])]:
        later = replace(first, reading_id="r1", confidence=confidence)
        spots = follow(images.__getitem__, range(4), {0: [first], 2: [later]})
        assert sorted(spot.reading_id for spot in spots) == followed


@pytest.mark.parametrize(
    ("changes", "takes"),
    [
        ({}, True),
        ({"confidence": 0.95, "text": "Hello, you"}, True),
        ({"confidence": 0.89}, False),
        ({"text": "Hello"}, False),
        ({"box": (0.0, 0.0, 20.0, 20.0)}, False),
    ],
    ids=["as good", "better", "less sure", "fewer letters", "elsewhere"],
)
def test_a_reading_takes_over_where_no_selection_could_miss_it(changes, takes):
    assert takes_over(replace(LINE, **changes), LINE) is takes


def test_every_line_is_left_however_unsure_its_reading():
    said = [(PLACE, "Hello", 0.01), (PLACE, "|-/.", 0.95), (PLACE, "A", 0.5)]
    lines = read_text.read_image(make_noise(1), lambda _: said, "s0000_f000000")
    assert [(line.reading_id, line.text) for line in lines] == [
        ("s0000_f000000_r00", "Hello"),
        ("s0000_f000000_r01", "|-/."),
        ("s0000_f000000_r02", "A"),
    ]


def test_of_many_lines_the_largest_are_read():
    boxes = np.array([(0, 0, 10, 10), (0, 20, 80, 40), (0, 50, 40, 60)], np.float32)
    corners = np.stack([boxes[:, [0, 1]], boxes[:, [2, 1]], boxes[:, [2, 3]], boxes[:, [0, 3]]], 1)
    assert rapidocr.keep_largest(corners, 2).max(1).tolist() == [[80, 40], [40, 60]]
    assert len(rapidocr.keep_largest(corners, 5)) == 3


@pytest.mark.parametrize(
    ("size", "looked_at"),
    [((540, 960), (480, 864)), ((540, 1291), (480, 1152)), ((1, 128), (128, 15360))],
    ids=["a film", "a wide film", "a strip"],
)
def test_lines_are_searched_in_a_copy_of_no_more_than_so_many_pixels(size, looked_at):
    reader = rapidocr.TextReader.__new__(rapidocr.TextReader)
    seen = []
    reader.engine = SimpleNamespace(
        auto_text_det=lambda copy: (seen.append(copy.shape), None)[::-1]
    )
    assert reader(np.zeros((*size, 3), np.uint8)) == []
    assert seen == [(*looked_at, 3)]


@pytest.fixture
def reader():
    """The real model and its weights."""
    model = choose_model("text", {"tier": "light", "device": "cpu"})
    weights = weight_files(model)
    if absent := [path for path in weights if not Path(path).is_file()]:
        pytest.skip(f"no weights: python -m workflow_scripts.models.fetch_model {' '.join(absent)}")
    return model, weights


def test_images_are_read_with_the_real_model(tmp_path, reader):
    model, weights = reader
    names = [f"s0000_f{n:06d}" for n in range(4)]
    for n, name in enumerate(names):
        image = cv2.resize(make_noise(n), (640, 360))
        write_image(tmp_path / f"{name}.jpg", write_text(image, "where is it", 240, 330))
    frames = pd.DataFrame({"frame_id": names, "shot_id": 0, "time_s": np.arange(4) / 8})
    frames["file"] = [f"{name}.jpg" for name in names[:3]] + [""]  # the last one is a held drawing
    frames.assign(width_px=640, height_px=360).to_parquet(tmp_path / "frames.parquet")
    left = [tmp_path / f"{name}.parquet" for name in ("readings", "followed", "grays")]
    counts = read_text.main(
        tmp_path / "frames.parquet", tmp_path, weights, *left, model=model, read_every_s=1.0
    )
    out = tmp_path / "text.parquet"
    limits = {"min_confidence": 0.6, "min_letters": 4, "min_fit": 0.7}
    select_text.main(tmp_path / "frames.parquet", *left, out, **limits)
    rows = pd.read_parquet(out)
    assert counts.read == 3
    assert set(pd.read_parquet(left[0])["frame_id"]) == {names[0], names[2]}  # first and last
    assert pd.read_parquet(left[2])["frame_id"].tolist() == names[:3]
    assert rows["frame_id"].tolist() == names[:3]
    assert set(rows["kind"]) == {"subtitle"}
    assert rows["text"].str.replace(" ", "").str.lower().str.startswith("whereis").all()


def test_a_script_that_nobody_reads_is_found_with_the_real_model(tmp_path, reader):
    model, weights = reader
    black, scene = np.zeros((360, 640, 3), np.uint8), cv2.resize(make_noise(1), (640, 360))
    shown = {
        0: write_unreadable(black, 100, 150, 48),
        1: write_unreadable(scene, 220, 315, 22),
        2: scene,
    }
    rows = []
    for shot, image in shown.items():
        for n in range(3):
            name = f"s{shot:04d}_f{n:06d}"
            write_image(tmp_path / f"{name}.jpg", image)
            rows.append((name, shot, n / 8, f"{name}.jpg", 640, 360))
    frames = pd.DataFrame(rows, columns=[*read_text.COLUMNS, "width_px", "height_px"])
    frames.to_parquet(tmp_path / "frames.parquet")
    left = [tmp_path / f"{name}.parquet" for name in ("readings", "followed", "grays")]
    read_text.main(
        tmp_path / "frames.parquet", tmp_path, weights, *left, model=model, read_every_s=1.0
    )
    out = tmp_path / "text.parquet"
    limits = {"min_confidence": 0.8, "min_letters": 4, "min_fit": 0.7}
    counts = select_text.main(tmp_path / "frames.parquet", *left, out, **limits)
    rows = pd.read_parquet(out)
    assert rows.groupby(rows["frame_id"].str[:5])["kind"].agg(list).to_dict() == {
        "s0000": ["title"] * 3,
        "s0001": ["subtitle"] * 3,
    }
    assert counts.found["unread"] == 6 and set(rows["text"]) == {""}


def test_no_images_need_no_model(tmp_path):
    columns = {name: pd.Series(dtype=str) for name in read_text.COLUMNS}
    pd.DataFrame(columns).to_parquet(tmp_path / "frames.parquet")
    model = {"name": "none", "loader": "does_not_exist", "role": "text"}
    left = [tmp_path / f"{name}.parquet" for name in ("readings", "followed", "grays")]
    read_text.main(tmp_path / "frames.parquet", tmp_path, [], *left, model=model, read_every_s=1.0)
    schemas = (read_text.READINGS, read_text.FOLLOWED, read_text.GRAYS)
    assert [pd.read_parquet(path).columns.tolist() for path in left] == [s.names for s in schemas]
