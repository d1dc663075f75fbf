"""detect_text: what is read, followed, and what a line is called; then the phase on images."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from workflow_scripts.film import detect_text
from workflow_scripts.film.detect_text import Line, choose_read, draw_strokes, find_again, follow
from workflow_scripts.lib.images import write_image
from workflow_scripts.models.loaders import rapidocr
from workflow_scripts.models.registry import choose_model, weight_files

SIZE = (320, 180)  # width, height
PLACE = (100.0, 140.0, 220.0, 160.0)


def write_text(image: np.ndarray, text: str, x: int, y: int) -> np.ndarray:
    image = image.copy()
    for color, thick in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(image, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.5, color, thick, cv2.LINE_AA)
    return image


def make_noise(seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(60, 160, (12, 20, 3), np.uint8)
    return cv2.resize(noise, SIZE, interpolation=cv2.INTER_CUBIC)


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


@pytest.mark.parametrize(
    ("text", "confidence", "kept"),
    [("Hello", 0.9, True), ("Hello", 0.7, False), ("|-/.", 0.95, False), ("ABC", 0.99, False)],
    ids=["sure", "unsure", "no letters", "too short"],
)
def test_keep_line(text, confidence, kept):
    assert detect_text.keep_line(text, confidence, 0.8, 4) is kept


@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (3, 0), (0, -5)], ids=["rests", "right", "rolls"])
def test_a_line_is_found_again_over_another_background(dx, dy):
    line = Line(
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
    assert find_again(image, Line(PLACE, "Hello you", 0.9, strokes))[1] < 0.7


def test_a_line_is_followed_until_it_ends():
    shown = [write_text(make_noise(n), "Hello you", 105, 155) for n in range(4)]
    images = [*shown, make_noise(4), shown[0]]
    line = Line(PLACE, "Hello you", 0.9, draw_strokes(shown[0], PLACE))
    lines = [[] for _ in images]
    follow(images.__getitem__, range(6), {0: [line]}, lines, 0.7)
    assert [len(found) for found in lines] == [0, 1, 1, 1, 0, 0]


@pytest.mark.parametrize(
    ("box", "card", "lines", "steady", "kind"),
    [
        ((60, 70, 260, 100), True, 2, False, "title"),
        ((100, 20, 220, 30), True, 8, False, "credit"),
        ((80, 150, 240, 165), False, 1, False, "subtitle"),
        ((80, 150, 240, 165), False, 1, True, "subtitle"),
        ((250, 5, 310, 15), False, 1, True, "watermark"),
        ((250, 5, 310, 15), False, 1, False, "scene"),
        ((60, 70, 260, 100), False, 1, False, "title"),
        ((20, 80, 80, 90), False, 1, True, "scene"),
    ],
    ids=[
        *("card", "card of many lines", "low center", "a subtitle may stand all shot"),
        *("corner, all shot", "corner, a moment", "large over images", "a sign"),
    ],
)
def test_name_kind(box, card, lines, steady, kind):
    assert detect_text.name_kind(box, SIZE, card=card, lines=lines, steady=steady) == kind


@pytest.mark.parametrize(
    ("counts", "roll"),
    [([9, 12, 0, 30], True), ([1, 2, 12], False), ([0, 0], False), ([], False)],
    ids=["credits run over a film", "one full image", "no text", "no image"],
)
def test_is_roll(counts, roll):
    line = Line(PLACE, "JANE DOE", 0.9, np.zeros((2, 2)))
    assert detect_text.is_roll([[line] * count for count in counts]) == roll
    kind = detect_text.name_kind(PLACE, SIZE, card=False, lines=9, steady=False, roll=roll)
    assert (kind == "credit") == roll


def test_of_many_lines_the_largest_are_read():
    boxes = np.array([(0, 0, 10, 10), (0, 20, 80, 40), (0, 50, 40, 60)], np.float32)
    corners = np.stack([boxes[:, [0, 1]], boxes[:, [2, 1]], boxes[:, [2, 3]], boxes[:, [0, 3]]], 1)
    assert rapidocr.keep_largest(corners, 2).max(1).tolist() == [[80, 40], [40, 60]]
    assert len(rapidocr.keep_largest(corners, 5)) == 3


def test_long_shots_are_read_in_pieces():
    shots = pd.DataFrame({"shot_id": [0] * 3 + [1] * (2 * detect_text.PIECE + 1)})
    pieces = detect_text.cut_pieces(shots)
    assert [len(piece) for piece in pieces] == [3, detect_text.PIECE, detect_text.PIECE, 1]
    assert pd.concat(pieces).equals(shots)


@pytest.mark.parametrize(
    ("image", "card"),
    [
        (np.full((180, 320, 3), 30, np.uint8), True),
        (
            np.repeat(np.linspace(20, 120, 180)[:, None, None], 320, 1)
            .repeat(3, 2)
            .astype(np.uint8),
            True,
        ),
        (make_noise(5), False),
        (cv2.GaussianBlur(make_noise(5), (0, 0), 9), False),
    ],
    ids=["one color", "a run of color", "a scene", "a blurred scene"],
)
def test_is_card(image, card):
    assert detect_text.is_card(write_text(image, "THE END", 120, 90), [(110, 70, 220, 100)]) is card


def test_images_are_read_with_the_real_model(tmp_path):
    model = choose_model("text", {"tier": "light", "device": "cpu"})
    weights = weight_files(model)
    if absent := [path for path in weights if not Path(path).is_file()]:
        pytest.skip(f"no weights: python -m workflow_scripts.models.fetch_model {' '.join(absent)}")
    names = [f"s0000_f{n:06d}" for n in range(4)]
    for n, name in enumerate(names):
        image = cv2.resize(make_noise(n), (640, 360))
        write_image(tmp_path / f"{name}.jpg", write_text(image, "where is it", 240, 330))
    frames = pd.DataFrame({"frame_id": names, "shot_id": 0, "time_s": np.arange(4) / 8})
    frames["file"] = [f"{name}.jpg" for name in names[:3]] + [""]  # the last one is a held drawing
    frames.assign(width_px=640, height_px=360).to_parquet(tmp_path / "frames.parquet")
    options = {"min_confidence": 0.6, "min_letters": 4, "min_fit": 0.7, "read_every_s": 1.0}
    out = tmp_path / "text.parquet"
    counts = detect_text.main(
        tmp_path / "frames.parquet", tmp_path, weights, out, model=model, **options
    )
    rows = pd.read_parquet(out)
    assert counts.read == 3
    assert rows["frame_id"].tolist() == names[:3]
    assert set(rows["kind"]) == {"subtitle"}
    assert rows["text"].str.replace(" ", "").str.lower().str.startswith("whereis").all()


def test_no_images_need_no_model(tmp_path):
    columns = {name: pd.Series(dtype=str) for name in detect_text.COLUMNS}
    pd.DataFrame(columns).to_parquet(tmp_path / "frames.parquet")
    model = {"name": "none", "loader": "does_not_exist", "role": "text"}
    options = {"min_confidence": 0.8, "min_letters": 4, "min_fit": 0.7, "read_every_s": 1.0}
    out = tmp_path / "text.parquet"
    detect_text.main(tmp_path / "frames.parquet", tmp_path, [], out, model=model, **options)
    assert pd.read_parquet(out).columns.tolist() == detect_text.TEXT.names
