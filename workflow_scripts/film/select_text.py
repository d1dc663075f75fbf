"""Select which lines are text, where each stands, and what it is: title, subtitle, ...

Reads the frames, the readings, where each was found again, and the coarse gray of the images;
leaves one row per image and line of text. A line that could not be read, as in most scripts, is
text where it looks written and stands as text does that was laid over a film: on a card, among
credits, as a subtitle, as a title, or at one place through the film; its `text` is "". A newer
reading takes over from an older one of the same line; where two lines meet at one place, the surer
one stands. No image is decoded.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa

from workflow_scripts.film.text.cards import CREDIT_LINES, find_cards
from workflow_scripts.film.text.letters import rank_writing
from workflow_scripts.film.text.lines import (
    Box,
    count_letters,
    overlap,
    same_place,
    split_long_shots,
)
from workflow_scripts.film.text.watermarks import (
    MAX_WATERMARK,
    NEAR_EDGE,
    find_marks,
    find_recurring,
    list_missing,
)
from workflow_scripts.lib.boxes import BOX
from workflow_scripts.lib.manifest import read_manifest, write_manifest
from workflow_scripts.lib.phase import Counts, log, run_phase

TEXT = pa.schema(
    [
        ("text_id", pa.string()),  # frame_id and a number: s0012_f000345_x00
        ("frame_id", pa.string()),
        *[(side, pa.float32()) for side in ("x0", "y0", "x1", "y1")],
        ("text", pa.string()),  # "": could not be read
        ("confidence", pa.float32()),  # of the reading, 0 to 1
        ("kind", pa.string()),  # title | subtitle | watermark | credit | scene
    ]
)
FRAME_COLUMNS = ["frame_id", "shot_id", "file", "width_px", "height_px"]
READING_COLUMNS = ["reading_id", "frame_id", *BOX, "text", "confidence", "contrast"]
READING_COLUMNS += ["stroke_density"]
FOLLOWED_COLUMNS = ["reading_id", "frame_id", *BOX, "fit"]
MAX_SUBTITLE = 0.18  # of the image's height: Arabic stands high and hangs low
VIVID = 0.7  # contrast of subtitles, which must be read over anything
ROLL_LINES = 8  # images of any kind that mostly hold so many lines are credits over a film


@dataclass(frozen=True)
class Line:
    """One line of text in one image."""

    reading_id: str
    box: Box
    text: str  # "": could not be read
    confidence: float
    contrast: float = 1.0
    recurs: bool = False  # at its place in other shots


Spots = dict[tuple[str, str], tuple[Box, float]]  # (reading_id, frame_id) -> place there, fit


def select_readings(
    readings: pd.DataFrame, frames: pd.DataFrame, min_confidence: float, min_letters: int
) -> pd.DataFrame:
    """The lines that are text at all, with `recurs`; `frames` are those of the film.

    Read ones that are sure enough and have enough letters or digits; of the others, those that look
    written, with text "": what was read is no use.
    """
    sizes = frames[["frame_id", "shot_id", "width_px", "height_px"]]
    rows = readings.merge(sizes, on="frame_id")
    read = (rows["confidence"] >= min_confidence) & (rows["text"].map(count_letters) >= min_letters)
    looks = [*BOX, "height_px", "contrast", "stroke_density"]
    ranks = np.array([rank_writing(row[:4], *row[4:]) for row in rows[looks].to_numpy()], int)
    recurs, likely = np.zeros(len(rows), bool), (read | (ranks > 0)).to_numpy(bool)
    recurs[likely] = find_recurring(rows[likely], sizes["shot_id"].nunique())
    rows = rows.assign(text=rows["text"].where(read, ""), recurs=recurs)
    return rows.loc[likely & (read | recurs | (ranks == 2)), [*READING_COLUMNS, "recurs"]]


def place_lines(
    frame_ids: list[str], readings: dict[str, list[Line]], spots: Spots, min_fit: float
) -> list[list[Line]]:
    """The lines of every image of a piece of a shot; `readings` are selected, by frame_id."""
    lines = [list(readings.get(frame_id, [])) for frame_id in frame_ids]
    if any(lines):
        for order in (range(len(frame_ids)), reversed(range(len(frame_ids)))):
            follow(order, frame_ids, readings, spots, lines, min_fit)
    return lines


def follow(
    order: Iterable[int],
    frame_ids: list[str],
    readings: dict[str, list[Line]],
    spots: Spots,
    lines: list[list[Line]],
    min_fit: float,
) -> None:
    """Walk through a piece and add to each image the lines read before that still stand."""
    followed: list[Line] = []
    for n in order:
        again = [(line, spots.get((line.reading_id, frame_ids[n]))) for line in followed]
        followed = [replace(line, box=at[0]) for line, at in again if at and at[1] >= min_fit]
        for line in followed:
            add_line(lines[n], line)
        fresh = readings.get(frame_ids[n], [])  # takes over from an older one of the same line
        followed = fresh + [
            line for line in followed if not any(same_place(line.box, new.box) for new in fresh)
        ]


def add_line(lines: list[Line], line: Line) -> None:
    """Add a line to those of an image; where one stands already, the surer reading wins."""
    for n, other in enumerate(lines):
        if same_place(other.box, line.box):
            if line.confidence > other.confidence:
                lines[n] = line
            return
    lines.append(line)


def name_kind(
    line: Line, size: tuple[int, int], *, card: bool, lines: int, steady: bool, roll: bool = False
) -> str:
    """Kind of a line by where it stands; size = width, height of the image.

    `lines` counts those of the image; `steady`: it stands there through the whole shot; `roll`:
    the shot's images are full of lines.
    """
    box = line.box
    if roll:
        return "credit"
    x, y = (box[0] + box[2]) / 2 / size[0], (box[1] + box[3]) / 2 / size[1]
    high, wide = (box[3] - box[1]) / size[1], (box[2] - box[0]) / size[0]
    central = abs(x - 0.5) < 0.15
    if card:
        return "credit" if lines >= CREDIT_LINES else "title"
    corner = abs(x - 0.5) > 0.2 and abs(y - 0.5) > NEAR_EDGE
    if steady and corner and high < MAX_WATERMARK:
        return "watermark"
    # of two people who speak at once, and in some films, subtitles begin at the left
    if (
        y > 0.7
        and high < MAX_SUBTITLE
        and (central or line.contrast >= VIVID and wide > 0.15 and y > 0.8)
    ):
        return "subtitle"
    if line.recurs:
        return "watermark"
    if central and abs(y - 0.5) < 0.25 and high > 0.06 and wide > 0.25:
        return "title"
    return "scene"


def is_steady(line: Line, image_lines: list[list[Line]]) -> bool:
    """Whether a line stands at one place in (nearly) all images of a shot of some length."""
    there = sum(any(overlap(line.box, o.box) > 0.8 for o in lines) for lines in image_lines)
    return len(image_lines) >= 4 and there >= 0.9 * len(image_lines)


def is_roll(image_lines: list[list[Line]]) -> bool:
    """Whether images with text mostly hold as many lines as only credits do."""
    counts = [len(lines) for lines in image_lines if lines]
    return bool(counts) and float(np.median(counts)) >= ROLL_LINES


def find_standing(line: Line, image_lines: list[list[Line]]) -> bool:
    """Whether a line is there in more than one image, where there are more."""
    there = sum(
        any(o.reading_id == line.reading_id or same_place(o.box, line.box) for o in lines)
        for lines in image_lines
    )
    return there >= min(2, len(image_lines))


def describe_piece(
    piece: pd.DataFrame, image_lines: list[list[Line]], grays: dict[str, np.ndarray], *, roll: bool
) -> list[tuple]:
    """Rows of the table for one piece of a shot; `roll`: credits roll through the shot."""
    rows: list[tuple] = []
    boxes = [[line.box for line in lines] for lines in image_lines]
    cards = find_cards(piece, boxes, grays)
    for frame, lines, card in zip(piece.itertuples(), image_lines, cards, strict=True):
        size = (frame.width_px, frame.height_px)
        number = 0
        for line in sorted(lines, key=lambda one: (one.box[1], one.box[0])):
            steady = not card and is_steady(line, image_lines)
            facts = {"card": card, "lines": len(lines), "steady": steady, "roll": roll}
            kind = name_kind(line, size, **facts)
            if not line.text and (kind == "scene" or not find_standing(line, image_lines)):
                continue  # a pattern, or a sign that says nothing to us
            text_id, number = f"{frame.frame_id}_x{number:02d}", number + 1
            rows.append((text_id, frame.frame_id, *line.box, line.text, line.confidence, kind))
    return rows


def group_readings(readings: pd.DataFrame) -> dict[str, list[Line]]:
    """Lines by the frame_id of the image in which they were read."""
    lines: dict[str, list[Line]] = {}
    for row in readings.itertuples():
        line = Line(
            row.reading_id,
            (row.x0, row.y0, row.x1, row.y1),
            row.text,
            row.confidence,
            row.contrast,
            row.recurs,
        )
        lines.setdefault(row.frame_id, []).append(line)
    return lines


def group_spots(followed: pd.DataFrame) -> Spots:
    """Place and fit of each reading in each image where it was found again."""
    return {
        (row.reading_id, row.frame_id): ((row.x0, row.y0, row.x1, row.y1), row.fit)
        for row in followed.itertuples()
    }


def main(
    frames: str,
    readings: str,
    followed: str,
    grays: str,
    text: str,
    *,
    min_confidence: float,
    min_letters: int,
    min_fit: float,
) -> Counts:
    """Write the film's text; see the top of this file for the method."""
    table = read_manifest(frames, FRAME_COLUMNS)
    table = table[table["file"] != ""].sort_values("frame_id")
    everything = read_manifest(readings, READING_COLUMNS)
    selected = select_readings(everything, table, min_confidence, min_letters)
    lines = group_readings(selected)
    places = read_manifest(followed, FOLLOWED_COLUMNS)
    spots = group_spots(places[places["reading_id"].isin(selected["reading_id"])])
    tones = read_manifest(grays, ["frame_id", "gray"]).set_index("frame_id")["gray"].to_dict()
    rows = []
    for _, shot in table.groupby("shot_id"):
        pieces = split_long_shots(shot)
        placed = [place_lines(p["frame_id"].tolist(), lines, spots, min_fit) for p in pieces]
        roll = is_roll([image for piece in placed for image in piece])
        for piece, image_lines in zip(pieces, placed, strict=True):
            rows += describe_piece(piece, image_lines, tones, roll=roll)
    found = pd.DataFrame(rows, columns=TEXT.names)
    again = found[found["kind"] == "watermark"].merge(table, on="frame_id")
    marks = find_marks(again, table["shot_id"].nunique())
    rows += list_missing(found, table, marks)
    found = pd.DataFrame(rows, columns=TEXT.names)
    write_manifest(found, text, TEXT)
    kinds = {str(kind): int(n) for kind, n in found["kind"].value_counts().items()}
    log.info("%d of %d readings are text: %d lines", len(selected), len(everything), len(found))
    facts = {"with_text": found["frame_id"].nunique(), "unread": int((found["text"] == "").sum())}
    return Counts("images", len(table), len(table), found=facts | kinds)


if __name__ == "__main__":
    run_phase(main, snakemake)
