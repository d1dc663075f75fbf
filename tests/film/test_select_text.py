"""select_text: which readings are text, where they stand, what a line is called."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import yaml

from tests.factories.written_images import SIZE, make_noise, write_text
from workflow_scripts.film import read_text, select_text
from workflow_scripts.film.read_text import measure_gray
from workflow_scripts.film.select_text import Line
from workflow_scripts.film.text import cards
from workflow_scripts.film.text.lines import LEAST_FIT, same_place
from workflow_scripts.film.text.watermarks import find_marks, list_missing
from workflow_scripts.lib.images import write_image

PLACE = (100.0, 140.0, 220.0, 160.0)
FRAMES = [f"s0000_f{n:06d}" for n in range(12)]


def make_readings(*rows: tuple) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Readings (text, confidence, box, contrast, stroke density) of the first image; its film."""
    columns = [*select_text.READING_COLUMNS]
    made = [
        (f"{FRAMES[0]}_r{n:02d}", FRAMES[0], *box, text, confidence, *looks)
        for n, (text, confidence, box, *looks) in enumerate(rows)
    ]
    frames = pd.DataFrame({"frame_id": FRAMES, "shot_id": 0})
    return pd.DataFrame(made, columns=columns), frames.assign(width_px=320, height_px=180)


@pytest.mark.parametrize(
    ("text", "confidence", "kept"),
    [("Hello", 0.9, True), ("Hello", 0.7, False), ("|-/.", 0.95, False), ("ABC", 0.99, False)],
    ids=["sure", "unsure", "no letters", "too short"],
)
def test_select_readings(text, confidence, kept):
    readings, frames = make_readings((text, confidence, PLACE, 0.2, 4.0))
    assert len(select_text.select_readings(readings, frames, 0.8, 4)) == kept


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
    line = Line("r0", box, "Hello you", 0.9, 0.5)
    assert select_text.name_kind(line, SIZE, card=card, lines=lines, steady=steady) == kind


@pytest.mark.parametrize(
    ("counts", "roll"),
    [([9, 12, 0, 30], True), ([1, 2, 12], False), ([0, 0], False), ([], False)],
    ids=["credits run over a film", "one full image", "no text", "no image"],
)
def test_is_roll(counts, roll):
    line = Line("r0", PLACE, "JANE DOE", 0.9)
    assert select_text.is_roll([[line] * count for count in counts]) == roll
    kind = select_text.name_kind(line, SIZE, card=False, lines=9, steady=False, roll=roll)
    assert (kind == "credit") == roll


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
    gray = measure_gray(write_text(image, "THE END", 120, 90))
    assert cards.is_card(gray, [(110, 70, 220, 100)], SIZE) is card


def test_a_line_stands_where_it_fits_well_enough():
    line = Line("r0", PLACE, "Hello you", 0.9)
    spots = {("r0", FRAMES[n]): (PLACE, fit) for n, fit in [(1, 0.9), (2, 0.6), (3, 0.9)]}
    for min_fit, there in [(0.5, [1, 1, 1, 1]), (0.7, [1, 1, 0, 0])]:  # lost once is lost
        lines = select_text.place_lines(FRAMES[:4], {FRAMES[0]: [line]}, spots, min_fit)
        assert [len(found) for found in lines] == there


def test_where_two_lines_meet_the_surer_one_stands():
    one, other = Line("r0", PLACE, "Hello you", 0.9), Line("r1", PLACE, "Hello yon", 0.8)
    lines = [one]
    select_text.add_line(lines, other)
    assert lines == [one]
    select_text.add_line(lines, replace(other, confidence=0.95))
    assert [line.text for line in lines] == ["Hello yon"]


def test_no_option_asks_for_less_than_is_followed():
    schema = yaml.safe_load(Path("config/schemas/film.schema.yaml").read_text(encoding="utf-8"))
    limits = schema["properties"]["select_text"]["properties"]
    assert limits["min_fit"]["minimum"] == LEAST_FIT
    assert limits["min_letters"]["minimum"] == 1  # readings without a letter are not even left


def make_shot(folder: Path) -> pd.DataFrame:
    """A shot of 12 images in which two texts come, fade and go."""
    rows = []
    for n, frame_id in enumerate(FRAMES):
        image = make_noise(n // 3)
        if n < 8:
            image = write_text(image, "Hello you", 105, 155)
        if n >= 3:
            image = write_text(image, "Way out", 20 + n // 4, 40)
        strength = 0.3 if n in (5, 6) else 1.0
        image = np.rint(strength * image + (1 - strength) * make_noise(20 + n)).astype(np.uint8)
        write_image(folder / f"{frame_id}.png", image)
        rows.append((frame_id, 0, n / 6, f"{frame_id}.png", *SIZE))
    columns = ["frame_id", "shot_id", "time_s", "file", "width_px", "height_px"]
    return pd.DataFrame(rows, columns=columns)


def read_at_random(seed: int):
    """A reader who sees both texts in any image, now surely, now not, now but a part of them."""
    rng = np.random.default_rng(seed)

    def read(_: np.ndarray) -> list[tuple]:
        texts = [((100.0, 140.0, 190.0, 160.0), "Hello you"), ((18.0, 25.0, 90.0, 45.0), "Way out")]
        return [
            (tuple(np.add(box, rng.integers(-2, 3, 4)).tolist()), text[: rng.integers(3, 10)], sure)
            for (box, text), sure in zip(texts, rng.random(2), strict=True)
        ]

    return read


def walk_directly(frames: pd.DataFrame, folder: Path, readings: dict, min_fit: float) -> list[list]:
    """The lines of each image when only what is selected is followed, image by image."""
    images = [cv2.imread(str(folder / file))[..., ::-1].copy() for file in frames["file"]]
    lines = [list(readings.get(frame_id, [])) for frame_id in frames["frame_id"]]
    strokes = {
        line.reading_id: read_text.draw_strokes(images[n], line.box)
        for n, found in enumerate(lines)
        for line in found
    }
    for order in (range(len(images)), reversed(range(len(images)))):
        followed: list[Line] = []
        for n in order:
            again = []
            for line in followed:
                seen = read_text.Line(line.reading_id, line.box, "", 0.0, strokes[line.reading_id])
                box, fit = read_text.find_again(images[n], seen)
                again += [replace(line, box=box)] if fit >= min_fit else []
            for line in again:
                select_text.add_line(lines[n], line)
            fresh = readings.get(frames["frame_id"][n], [])
            followed = fresh + [
                a for a in again if not any(same_place(a.box, b.box) for b in fresh)
            ]
    return lines


@pytest.mark.parametrize("seed", range(4))
def test_a_selection_finds_what_following_it_alone_would_find(tmp_path, monkeypatch, seed):
    frames = make_shot(tmp_path)
    frames.to_parquet(tmp_path / "frames.parquet")
    monkeypatch.setattr(read_text, "load_model", lambda *_: read_at_random(seed))
    left = [tmp_path / f"{name}.parquet" for name in ("readings", "followed", "grays")]
    read_text.main(
        *(tmp_path / "frames.parquet", tmp_path, [], *left),
        model={"name": "stub"},
        read_every_s=0.3,
    )
    everything, followed = pd.read_parquet(left[0]), pd.read_parquet(left[1])
    spots = select_text.group_spots(followed)
    compared = 0
    for min_confidence in (0.0, 0.4, 0.8):
        for min_letters, min_fit in [(1, 0.5), (4, 0.7), (6, 0.9)]:
            chosen = select_text.select_readings(everything, frames, min_confidence, min_letters)
            readings = select_text.group_readings(chosen)
            placed = select_text.place_lines(FRAMES, readings, spots, min_fit)
            assert placed == walk_directly(frames, tmp_path, readings, min_fit)
            compared += sum(map(len, placed))
    assert compared > 30


def test_a_film_without_text_has_an_empty_table(tmp_path):
    columns = {name: pd.Series(dtype=str) for name in select_text.FRAME_COLUMNS}
    pd.DataFrame(columns).to_parquet(tmp_path / "frames.parquet")
    left = [tmp_path / f"{name}.parquet" for name in ("readings", "followed", "grays")]
    for path, schema in zip(
        left, (read_text.READINGS, read_text.FOLLOWED, read_text.GRAYS), strict=True
    ):
        schema.empty_table().to_pandas().to_parquet(path)
    out = tmp_path / "text.parquet"
    limits = {"min_confidence": 0.8, "min_letters": 4, "min_fit": 0.7}
    counts = select_text.main(tmp_path / "frames.parquet", *left, out, **limits)
    assert counts.read == 0
    assert pd.read_parquet(out).columns.tolist() == select_text.TEXT.names


MIDDLE, LOW, CORNER = (
    (90.0, 75.0, 230.0, 100.0),
    (80.0, 150.0, 240.0, 165.0),
    (250.0, 5.0, 310.0, 15.0),
)
SIDE, SQUAT = (20.0, 80.0, 100.0, 95.0), (100.0, 60.0, 170.0, 100.0)


def select(
    tmp_path,
    rows,
    *,
    images: int = 6,
    card: bool = False,
    shots: int = 1,
    everywhere=True,
    few_from=None,
):
    """Kind and text of the lines in all images of a film, from readings in the first of each shot.

    `rows` are (text, confidence, box, contrast, stroke density); a reading is found again in the
    shot's other images where `everywhere`. The first seven are read again in image `few_from`; all
    others are gone by then.
    """
    ids = [[f"s{s:04d}_f{n:06d}" for n in range(images)] for s in range(shots)]
    frames = pd.DataFrame([(i, s) for s in range(shots) for i in ids[s]])
    frames.columns = ["frame_id", "shot_id"]
    frames = frames.assign(file="x.jpg", width_px=320, height_px=180)
    readings, followed = [], []
    for shot in ids:
        for n, (text, confidence, box, *looks) in enumerate(rows):
            parts = [shot] if few_from is None else [shot[:few_from], shot[few_from:]]
            for first, *others in parts if n < 7 else parts[:1]:
                name = f"{first}_r{n:02d}"
                readings.append((name, first, *box, text, confidence, *looks))
                followed += [(name, other, *box, 0.95) for other in others if everywhere]
    image = np.full((180, 320, 3), 20, np.uint8) if card else make_noise(1)
    grays = pd.DataFrame({"frame_id": frames["frame_id"]})
    grays["gray"] = [measure_gray(image)] * len(grays)
    tables = (
        frames,
        pd.DataFrame(readings, columns=read_text.READINGS.names),
        pd.DataFrame(followed, columns=read_text.FOLLOWED.names),
        grays,
    )
    paths = [tmp_path / f"{name}.parquet" for name in ("frames", "readings", "followed", "grays")]
    for table, path in zip(tables, paths, strict=True):
        table.to_parquet(path)
    out = tmp_path / "text.parquet"
    select_text.main(*paths, out, min_confidence=0.8, min_letters=4, min_fit=0.7)
    return pd.read_parquet(out)


@pytest.mark.parametrize(
    ("line", "card", "kind"),
    [
        (("", 0.0, MIDDLE, 1.0, 5.0), True, "title"),
        (("口品", 0.4, MIDDLE, 1.0, 5.0), True, "title"),
        (("", 0.0, MIDDLE, 1.0, 5.0), False, "title"),
        (("", 0.0, LOW, 1.0, 4.0), False, "subtitle"),
        (("E>KMK", 0.78, LOW, 0.9, 5.0), False, "subtitle"),
        (("", 0.0, (20.0, 147.0, 140.0, 170.0), 0.9, 4.0), False, "subtitle"),
        (("", 0.0, CORNER, 0.9, 4.0), False, "watermark"),
        (("", 0.0, (150.0, 20.0, 165.0, 150.0), 1.0, 4.0), True, "title"),
        (("", 0.0, LOW, 0.4, 4.0), False, None),
        (("", 0.0, LOW, 1.0, 1.2), False, None),
        (("", 0.0, SQUAT, 1.0, 4.0), True, None),
        (("", 0.0, SQUAT, 1.0, 4.0), False, None),
        (("", 0.0, SIDE, 1.0, 4.0), False, None),
        (("", 0.0, (10.0, 20.0, 310.0, 140.0), 1.0, 4.0), False, None),
        (("OPEN", 0.95, SIDE, 0.3, 4.0), False, "scene"),
    ],
    ids=[
        *("unread on a card", "misread on a card", "unread over images", "unread subtitle"),
        *("misread subtitle", "subtitle at the left", "corner", "down a card", "faint pattern"),
        *("a row of windows", "the moon", "a collar", "a sign that says nothing", "a wall"),
        "a sign",
    ],
)
def test_what_cannot_be_read_is_text_by_its_looks_and_place(tmp_path, line, card, kind):
    rows = select(tmp_path, [line], card=card)
    assert rows["kind"].tolist() == ([kind] * 6 if kind else [])
    read = line[1] >= 0.8
    assert set(rows["text"]) <= {line[0] if read else ""}


def test_unread_credits_roll_or_stand(tmp_path):
    lines = [("", 0.0, (100.0, y, 220.0, y + 10.0), 1.0, 5.0) for y in range(10, 170, 18)]
    assert set(select(tmp_path, lines, card=True)["kind"]) == {"credit"}
    rows = select(tmp_path, lines, card=False)
    assert set(rows["kind"]) == {"credit"} and len(rows) == 6 * len(lines)


def test_a_find_of_one_moment_is_no_text(tmp_path):
    line = ("", 0.0, MIDDLE, 1.0, 5.0)
    assert select(tmp_path, [line], card=True, everywhere=False).empty
    alone = select(tmp_path, [line], card=True, images=1, everywhere=False)
    assert alone["kind"].tolist() == ["title"]  # all that there is of the shot


def test_a_line_at_one_place_of_many_shots_is_a_watermark(tmp_path):
    faint = ("", 0.0, (130.0, 5.0, 190.0, 15.0), 0.15, 4.0)  # above the middle
    assert set(select(tmp_path, [faint], shots=4, images=2)["kind"]) == {"watermark"}
    assert select(tmp_path, [faint], shots=2, images=2).empty
    read = ("CHANNEL", 0.9, (250.0, 5.0, 310.0, 15.0), 0.3, 4.0)
    assert set(select(tmp_path, [read], shots=4, images=2)["kind"]) == {"watermark"}
    assert set(select(tmp_path, [read], shots=1, images=2)["kind"]) == {"scene"}


def test_a_watermark_of_most_shots_stands_in_all():
    places = [(250.0, 5.0, 310.0, 15.0)] * 3 + [(250.0, 5.0, 285.0, 15.0)]  # once half is read
    readings = pd.DataFrame(places, columns=["x0", "y0", "x1", "y1"])
    readings = readings.assign(shot_id=range(4), width_px=320, height_px=180, text="TV")
    marks = find_marks(readings, 6)
    assert marks.shape == (1, 4)
    assert marks[0] * [*SIZE, *SIZE] == pytest.approx(places[0], abs=0.5)
    assert len(find_marks(readings, 9)) == len(find_marks(readings.iloc[:0], 9)) == 0
    different = readings.assign(text=list("abcd"))  # subtitles that begin at the left
    assert len(find_marks(different, 6)) == 0
    assert len(find_marks(readings.assign(text=["TV", "", "", "TY"]), 6)) == 1
    frames = pd.DataFrame({"frame_id": FRAMES[:6], "width_px": 320, "height_px": 180})
    rows = [
        (f"{name}_x00", name, *box, "TV", 0.9, "watermark")
        for name, box in zip(FRAMES, places, strict=False)
    ]
    found = pd.DataFrame(rows, columns=select_text.TEXT.names)
    added = list_missing(found, frames, marks)
    added = pd.DataFrame(added, columns=select_text.TEXT.names)
    assert added["frame_id"].tolist() == FRAMES[3:6]  # half of it stood in the first of these
    assert added["text_id"].tolist()[0] == f"{FRAMES[3]}_x01"
    assert set(added["kind"]) == {"watermark"} and set(added["text"]) == {""}


def test_subtitles_in_every_shot_are_no_watermark(tmp_path):
    rows = select(tmp_path, [("Hello you", 0.95, LOW, 1.0, 4.0)], shots=6, images=2)
    assert rows["kind"].tolist() == ["subtitle"] * 12
    silent = pd.read_parquet(tmp_path / "readings.parquet").iloc[:4]  # nobody speaks in two shots
    silent.to_parquet(tmp_path / "readings.parquet")
    paths = [tmp_path / f"{name}.parquet" for name in ("frames", "readings", "followed", "grays")]
    out = tmp_path / "text.parquet"
    select_text.main(*paths, out, min_confidence=0.8, min_letters=4, min_fit=0.7)
    assert pd.read_parquet(out)["kind"].tolist() == ["subtitle"] * 8


def test_a_watermark_is_added_where_it_was_missed(tmp_path):
    select(tmp_path, [("CHANNEL", 0.95, CORNER, 0.3, 4.0)], shots=6, images=2)
    paths = [tmp_path / f"{name}.parquet" for name in ("frames", "readings", "followed", "grays")]
    pd.read_parquet(paths[1]).iloc[:4].to_parquet(paths[1])
    out = tmp_path / "text.parquet"
    select_text.main(*paths, out, min_confidence=0.8, min_letters=4, min_fit=0.7)
    rows = pd.read_parquet(out)
    assert rows["kind"].tolist() == ["watermark"] * 12
    assert rows["text"].tolist() == ["CHANNEL"] * 8 + [""] * 4


@pytest.mark.parametrize(("lines", "noisy"), [(5, True), (3, False)], ids=["credits", "few lines"])
def test_credits_that_fade_are_on_a_card_still(lines, noisy):
    """The color of a card ripples while it fades: a roll of credits ended in a background."""
    frames = pd.DataFrame({"frame_id": ["f0", "f1"], "width_px": 320, "height_px": 180})
    boxes = [[(60.0, 20.0 * n, 260.0, 20.0 * n + 10) for n in range(1, lines + 1)]] * 2
    plain, ripple = np.full((180, 320, 3), 20, np.uint8), make_noise(1)
    grays = {"f0": measure_gray(plain), "f1": measure_gray(ripple)}
    assert cards.find_cards(frames, boxes, grays) == [True, noisy]
    assert cards.find_cards(frames, [boxes[0], []], grays) == [True, False]


def test_credits_roll_to_the_end_of_their_shot(tmp_path):
    """The last images of a long shot, a piece of their own, show but a few of the lines."""
    lines = [(f"NAME {n}", 0.9, (100.0, 18.0 * n, 220.0, 18.0 * n + 9), 0.9, 4.0) for n in range(9)]
    rows = select(tmp_path, lines, images=30, few_from=15)
    assert set(rows["kind"]) == {"credit"} and len(rows) == 15 * 9 + 15 * 7
