"""Find and read text: titles, credits, subtitles, watermarks, text in the scene.

Reads frames and their images, leaves one row per image and line of text.

Reading an image takes a second, so not every image is read. In each shot the first image, the
last, and one every `read_every_s` seconds are; a line found there is then followed, forwards and
backwards, through the shot's other images for as long as its letters are (nearly) unchanged:
the fine structure of the line (the image less its local mean, so that what moves behind the
letters hardly counts) must correlate with the line as it was read. It is looked for a little around
its last place, which follows lines on a wall that the camera passes. So a row
of an image that was not read still says what is there; only text that comes and goes between two
read images is missed.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pyarrow as pa

from workflow_scripts.lib.images import clip_box, read_rgb
from workflow_scripts.lib.manifest import read_manifest, write_manifest
from workflow_scripts.lib.phase import Counts, log, progress, run_phase
from workflow_scripts.models.registry import load_model

TEXT = pa.schema(
    [
        ("text_id", pa.string()),  # frame_id and a number: s0012_f000345_x00
        ("frame_id", pa.string()),
        *[(side, pa.float32()) for side in ("x0", "y0", "x1", "y1")],
        ("text", pa.string()),
        ("confidence", pa.float32()),  # of the reading, 0 to 1
        ("kind", pa.string()),  # title | subtitle | watermark | credit | scene
    ]
)
COLUMNS = ["frame_id", "shot_id", "time_s", "file", "width_px", "height_px"]
SAME_PLACE = 0.5  # overlap (intersection over union) of two finds of one line
SEARCH = 0.6  # of the line's height: how far it may move from one image to the next
CARD_GRID = (32, 18)  # a card is judged on so many cells,
CARD_RIPPLE = 4.0  # by what is left of their gray (0 to 255) after a smooth run of it is taken off
CREDIT_LINES = 4  # a card with at least so many lines is credits,
ROLL_LINES = 8  # and so are images of any kind that mostly hold so many: credits over a film
PIECE = 24  # images of a long shot that are read together: bounds memory, and the wait for news
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Line:
    """One line of text in one image; `strokes` is its fine structure where it was read."""

    box: Box
    text: str
    confidence: float
    strokes: np.ndarray


def choose_read(times_s: np.ndarray, every_s: float) -> list[int]:
    """Which images of a shot are read: first, last, and one every `every_s` seconds."""
    steps = np.floor((times_s - times_s[0]) / every_s)
    firsts = np.flatnonzero(np.diff(steps) > 0) + 1
    return sorted({0, *map(int, firsts), len(times_s) - 1})


def keep_line(text: str, confidence: float, min_confidence: float, min_letters: int) -> bool:
    """Whether a reading is text at all: sure enough, and with enough letters or digits."""
    letters = sum(character.isalnum() for character in text)
    return confidence >= min_confidence and letters >= min_letters


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


def overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes."""
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if wide <= 0 or high <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return wide * high / (sum(areas) - wide * high)


def read_image(image: np.ndarray, read: Callable, options: dict) -> list[Line]:
    """The lines of one image that are sure enough."""
    limits = (options["min_confidence"], options["min_letters"])
    return [
        Line(box, text, confidence, draw_strokes(image, box))
        for box, text, confidence in read(image)
        if keep_line(text, confidence, *limits)
    ]


def follow(
    load: Callable[[int], np.ndarray],
    order: Iterable[int],
    sources: dict[int, list[Line]],
    lines: list[list[Line]],
    min_fit: float,
) -> None:
    """Walk through a shot and add to each image the lines read before that still stand."""
    followed: list[Line] = []
    for n in order:
        if followed:
            image = load(n)
            again = [(line, *find_again(image, line)) for line in followed]
            followed = [replace(line, box=box) for line, box, fit in again if fit >= min_fit]
            for line in followed:
                add_line(lines[n], line)
        fresh = sources.get(n, [])  # a new reading takes over from an older one of the same line
        followed = fresh + [
            line for line in followed if not any(same_place(line, new) for new in fresh)
        ]


def same_place(a: Line, b: Line) -> bool:
    return overlap(a.box, b.box) > SAME_PLACE


def add_line(lines: list[Line], line: Line) -> None:
    """Add a line to those of an image; where one stands already, the surer reading wins."""
    for n, other in enumerate(lines):
        if same_place(other, line):
            if line.confidence > other.confidence:
                lines[n] = line
            return
    lines.append(line)


def read_shot(
    load: Callable[[int], np.ndarray], times_s: np.ndarray, read: Callable, options: dict
) -> list[list[Line]]:
    """The lines of every image of one shot; `load(n)` decodes image n, one at a time."""
    chosen = choose_read(times_s, options["read_every_s"])
    sources = {n: read_image(load(n), read, options) for n in chosen}
    lines: list[list[Line]] = [list(sources.get(n, [])) for n in range(len(times_s))]
    if any(sources.values()):
        for order in (range(len(times_s)), reversed(range(len(times_s)))):
            follow(load, order, sources, lines, options["min_fit"])
    return lines


def is_card(image: np.ndarray, boxes: Iterable[Box]) -> bool:
    """Whether an image is a title card: beside the text one color, or a smooth run of it."""
    height, width = image.shape[:2]
    beside = np.ones((height, width), np.float32)
    for box in boxes:
        px = (box[3] - box[1]) / 2
        x0, y0, x1, y1 = clip_box(np.add(box, [-px, -px, px, px]), width, height)
        beside[y0:y1, x0:x1] = 0
    free = cv2.resize(beside, CARD_GRID, interpolation=cv2.INTER_AREA).ravel() > 0.99
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    values = cv2.resize(gray, CARD_GRID, interpolation=cv2.INTER_AREA).ravel()[free]
    y, x = np.divide(np.mgrid[: CARD_GRID[1], : CARD_GRID[0]].reshape(2, -1), CARD_GRID[0])
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], 1)[free]
    if len(values) < terms.shape[1]:
        return False
    plane, *_ = np.linalg.lstsq(terms, values, rcond=None)
    return float(np.std(values - terms @ plane)) <= CARD_RIPPLE


def name_kind(
    box: Box, size: tuple[int, int], *, card: bool, lines: int, steady: bool, roll: bool = False
) -> str:
    """Kind of a line by where it stands; size = width, height of the image.

    `lines` counts those of the image; `steady`: it stands there through the whole shot; `roll`:
    the shot's images are full of lines.
    """
    if roll:
        return "credit"
    x, y = (box[0] + box[2]) / 2 / size[0], (box[1] + box[3]) / 2 / size[1]
    high, wide = (box[3] - box[1]) / size[1], (box[2] - box[0]) / size[0]
    central = abs(x - 0.5) < 0.15
    if card:
        return "credit" if lines >= CREDIT_LINES else "title"
    if steady and high < 0.08 and abs(x - 0.5) > 0.2 and abs(y - 0.5) > 0.33:
        return "watermark"
    if central and y > 0.7 and high < 0.14:
        return "subtitle"
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


def cut_pieces(table: pd.DataFrame) -> list[pd.DataFrame]:
    """The images of each shot in order; those of a long one in several pieces."""
    shots = [shot for _, shot in table.groupby("shot_id")]
    return [
        shot.iloc[start : start + PIECE] for shot in shots for start in range(0, len(shot), PIECE)
    ]


def describe_shot(
    shot: pd.DataFrame, image_lines: list[list[Line]], load: Callable[[int], np.ndarray]
) -> list[tuple]:
    """Rows of the table for one shot."""
    rows, roll = [], is_roll(image_lines)
    for n, (frame, lines) in enumerate(zip(shot.itertuples(), image_lines, strict=True)):
        if not lines:
            continue
        card = is_card(load(n), [line.box for line in lines])
        for k, line in enumerate(sorted(lines, key=lambda one: (one.box[1], one.box[0]))):
            steady = not card and is_steady(line, image_lines)
            size = (frame.width_px, frame.height_px)
            facts = {"card": card, "lines": len(lines), "steady": steady, "roll": roll}
            kind = name_kind(line.box, size, **facts)
            text_id = f"{frame.frame_id}_x{k:02d}"
            rows.append((text_id, frame.frame_id, *line.box, line.text, line.confidence, kind))
    return rows


def main(
    frames: str,
    images: str,
    weights: list[str],
    text: str,
    *,
    model: dict,
    min_confidence: float,
    min_letters: int,
    min_fit: float,
    read_every_s: float,
) -> Counts:
    """Read the film's text; see the top of this file for the method."""
    table = read_manifest(frames, COLUMNS)
    table = table[table["file"] != ""].sort_values("frame_id")
    read = load_model(model, weights) if len(table) else None
    options = {"min_confidence": min_confidence, "min_letters": min_letters}
    options |= {"min_fit": min_fit, "read_every_s": read_every_s}
    pieces = cut_pieces(table)
    log.info("%d images in %d pieces of shots, %s", len(table), len(pieces), model["name"])
    rows = []
    for shot in progress(pieces, "reading text", total=len(pieces)):
        files = [Path(images) / name for name in shot["file"]]
        times_s = shot["time_s"].to_numpy()
        image_lines = read_shot(lambda n, f=files: read_rgb(f[n]), times_s, read, options)
        rows += describe_shot(shot, image_lines, lambda n, f=files: read_rgb(f[n]))
    found = pd.DataFrame(rows, columns=TEXT.names)
    write_manifest(found, text, TEXT)
    kinds = {str(kind): int(n) for kind, n in found["kind"].value_counts().items()}
    log.info("%d lines: %s", len(found), kinds)
    with_text = found["frame_id"].nunique()
    return Counts("images", len(table), len(table), found={"with_text": with_text, **kinds})


if __name__ == "__main__":
    run_phase(main, snakemake)
