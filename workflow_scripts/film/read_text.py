"""Read the text of the film, and follow each reading through its shot; select nothing.

Reads frames and their images. Leaves every line that was found, however unsure its reading, also
where it could not be read at all; where each was found again and
how well it fits there; and a coarse gray of the images in which any stands.

Reading an image takes a second, so not every image is read. In each shot the first image, the
last, and one every `read_every_s` seconds are; a line found there is then followed, forwards and
backwards, through the shot's other images for as long as its letters are (nearly) unchanged:
the fine structure of the line (the image less its local mean, so that what moves behind the
letters hardly counts) must correlate with the line as it was read. It is looked for a little around
its last place, which follows lines on a wall that the camera passes. So a row
of an image that was not read still says what is there; only text that comes and goes between two
read images is missed.

Each reading is followed alone, down to LEAST_FIT, so that any limit of `select_text` finds what it
needs. Only one that no selection can prefer to another at the same place is left behind there.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pyarrow as pa

from workflow_scripts.film.text.letters import measure_letters, rank_writing
from workflow_scripts.film.text.lines import (
    CARD_GRID,
    LEAST_FIT,
    Box,
    count_letters,
    same_place,
    split_long_shots,
)
from workflow_scripts.lib.images import clip_box, read_rgb
from workflow_scripts.lib.manifest import read_manifest, write_manifest
from workflow_scripts.lib.phase import Counts, log, progress, run_phase
from workflow_scripts.models.registry import load_model

# float64: a limit must decide on the very numbers that were measured
BOX = [(side, pa.float64()) for side in ("x0", "y0", "x1", "y1")]
READINGS = pa.schema(
    [
        ("reading_id", pa.string()),  # frame_id and a number: s0012_f000345_r00
        ("frame_id", pa.string()),
        *BOX,
        ("text", pa.string()),  # "": found, but in no script that is read
        ("confidence", pa.float64()),  # of the reading, 0 to 1
        ("contrast", pa.float64()),  # of the letters, 0 to 1
        (
            "stroke_density",
            pa.float64(),
        ),  # changes of light and dark along the line, per its height
    ]
)
FOLLOWED = pa.schema(
    [
        ("reading_id", pa.string()),
        ("frame_id", pa.string()),  # another image of the shot, in which it was found again,
        *BOX,  # there
        ("fit", pa.float64()),  # correlation with the line as it was read, LEAST_FIT to 1
    ]
)
GRAYS = pa.schema(
    [
        ("frame_id", pa.string()),
        ("gray", pa.list_(pa.float32())),  # 0 to 255, the cells of CARD_GRID row by row
    ]
)
COLUMNS = ["frame_id", "shot_id", "time_s", "file"]
SEARCH = 0.6  # of the line's height: how far it may move from one image to the next


@dataclass(frozen=True)
class Line:
    """One line of text in one image; `strokes` is its fine structure where it was read."""

    reading_id: str
    box: Box
    text: str
    confidence: float
    strokes: np.ndarray
    looks: tuple[float, float] = (0.0, 0.0)  # contrast, stroke density
    rank: int = 0  # of rank_writing


@dataclass(frozen=True)
class Spot:
    """Where a reading was found again: number of the image in its piece, place, correlation."""

    reading_id: str
    image: int
    box: Box
    fit: float


def choose_read(times_s: np.ndarray, every_s: float) -> list[int]:
    """Which images of a shot are read: first, last, and one every `every_s` seconds."""
    steps = np.floor((times_s - times_s[0]) / every_s)
    firsts = np.flatnonzero(np.diff(steps) > 0) + 1
    return sorted({0, *map(int, firsts), len(times_s) - 1})


def draw_strokes(image: np.ndarray, box: Box, margin_px: int = 0) -> np.ndarray:
    """Fine structure (h, w) float32 of a box and its margin: gray less the mean around it."""
    height, width = image.shape[:2]
    grown = np.add(box, [-margin_px, -margin_px, margin_px, margin_px])
    x0, y0, x1, y1 = clip_box(grown, width, height)
    gray = cv2.cvtColor(image[y0:y1, x0:x1], cv2.COLOR_RGB2GRAY).astype(np.float32)
    side = max(3, int(box[3] - box[1]) | 1)
    return gray - cv2.blur(gray, (side, side))


def find_again(image: np.ndarray, line: Line) -> tuple[Box, float]:
    """Look for a line near its last place; return where it fits best, and how well (-1 to 1)."""
    height, width = image.shape[:2]
    x0, y0, x1, y1 = clip_box(line.box, width, height)
    margin_px = max(2, int(SEARCH * (y1 - y0)))
    around = draw_strokes(image, line.box, margin_px)
    too_small = np.any(np.array(around.shape) < line.strokes.shape)  # it leaves the image
    if too_small or line.strokes.std() < 1 or around.std() < 1:  # flat: it would fit anything
        return line.box, -1.0
    fits = cv2.matchTemplate(around, line.strokes, cv2.TM_CCOEFF_NORMED)
    _, fit, _, (right, down) = cv2.minMaxLoc(fits)
    dx, dy = right + max(0, x0 - margin_px) - x0, down + max(0, y0 - margin_px) - y0
    return tuple(np.add(line.box, [dx, dy, dx, dy]).tolist()), float(fit)


def read_image(image: np.ndarray, read: Callable, frame_id: str) -> list[Line]:
    """Every line of one image, however unsure its reading is."""
    lines = []
    for n, (box, text, confidence) in enumerate(read(image)):
        looks = measure_letters(image, box)
        rank, strokes = rank_writing(box, len(image), *looks), draw_strokes(image, box)
        lines.append(Line(f"{frame_id}_r{n:02d}", box, text, confidence, strokes, looks, rank))
    return lines


def takes_over(new: Line, old: Line) -> bool:
    """Whether a reading replaces an older one of its place in every selection that has the old."""
    surer = new.confidence >= old.confidence
    longer = count_letters(new.text) >= count_letters(old.text)
    written = new.rank >= old.rank  # for those that are selected by their looks
    return surer and longer and written and same_place(new.box, old.box)


def follow(
    load: Callable[[int], np.ndarray], order: Iterable[int], sources: dict[int, list[Line]]
) -> list[Spot]:
    """Walk through a piece of a shot; where the lines read before still stand, and how well."""
    followed: list[Line] = []
    spots = []
    for n in order:
        if followed:
            image = load(n)
            again = [(line, *find_again(image, line)) for line in followed]
            again = [(line, box, fit) for line, box, fit in again if fit >= LEAST_FIT]
            spots += [Spot(line.reading_id, n, box, fit) for line, box, fit in again]
            followed = [replace(line, box=box) for line, box, _ in again]
        fresh = sources.get(n, [])
        followed = fresh + [
            line for line in followed if not any(takes_over(new, line) for new in fresh)
        ]
    return spots


def read_piece(
    load: Callable[[int], np.ndarray], piece: pd.DataFrame, read: Callable, every_s: float
) -> tuple[dict[int, list[Line]], list[Spot]]:
    """The readings of a piece by the image they are of, and where else they stand.

    `load(n)` decodes image n, one at a time.
    """
    frame_ids = piece["frame_id"].tolist()
    chosen = choose_read(piece["time_s"].to_numpy(), every_s)
    sources = {n: read_image(load(n), read, frame_ids[n]) for n in chosen}
    if not any(sources.values()):
        return sources, []
    orders = range(len(piece)), reversed(range(len(piece)))
    return sources, [spot for order in orders for spot in follow(load, order, sources)]


def measure_gray(image: np.ndarray) -> np.ndarray:
    """Mean gray (float32, 0 to 255) of the cells of CARD_GRID, row by row."""
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return cv2.resize(gray, CARD_GRID, interpolation=cv2.INTER_AREA).ravel()


def describe_piece(
    load: Callable[[int], np.ndarray], piece: pd.DataFrame, read: Callable, every_s: float
) -> tuple[list[tuple], list[tuple], list[tuple]]:
    """Rows of READINGS, FOLLOWED and GRAYS for one piece."""
    sources, spots = read_piece(load, piece, read, every_s)
    ids = piece["frame_id"].tolist()
    readings = [
        (*(line.reading_id, ids[n], *line.box, line.text, line.confidence), *line.looks)
        for n, lines in sources.items()
        for line in lines
    ]
    followed = [(spot.reading_id, ids[spot.image], *spot.box, spot.fit) for spot in spots]
    written = {n for n, lines in sources.items() if lines} | {spot.image for spot in spots}
    return readings, followed, [(ids[n], measure_gray(load(n))) for n in sorted(written)]


def main(
    frames: str,
    images: str,
    weights: list[str],
    readings: str,
    followed: str,
    grays: str,
    *,
    model: dict,
    read_every_s: float,
) -> Counts:
    """Read and follow the film's text; see the top of this file for the method."""
    table = read_manifest(frames, COLUMNS)
    table = table[table["file"] != ""].sort_values("frame_id")
    read = load_model(model, weights) if len(table) else None
    pieces = split_long_shots(table)
    log.info("%d images in %d pieces of shots, %s", len(table), len(pieces), model["name"])
    tables: list[list[tuple]] = [[], [], []]
    for piece in progress(pieces, "reading text", total=len(pieces)):
        files = [Path(images) / name for name in piece["file"]]
        parts = describe_piece(lambda n, f=files: read_rgb(f[n]), piece, read, read_every_s)
        for rows, part in zip(tables, parts, strict=True):
            rows += part
    paths, schemas = (readings, followed, grays), (READINGS, FOLLOWED, GRAYS)
    for rows, path, schema in zip(tables, paths, schemas, strict=True):
        write_manifest(pd.DataFrame(rows, columns=schema.names), path, schema)
    counts = [len(rows) for rows in tables]
    log.info("%d readings, found again %d times; text on %d images", *counts)
    return Counts("images", len(table), len(table), found={"readings": counts[0]})


if __name__ == "__main__":
    run_phase(main, snakemake)
