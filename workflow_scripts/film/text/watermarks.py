"""Watermarks: small lines near the edge of the image that stand at one place in many shots."""

from itertools import product

import numpy as np
import pandas as pd

from workflow_scripts.film.text.lines import overlap
from workflow_scripts.lib.boxes import BOX

NEAR_EDGE = 0.33  # of the image, from its middle: where watermarks stand
MAX_WATERMARK = 0.12  # of the image's height
RECURS = (3, 0.3)  # at least so many shots, and this share of all, have a watermark at one place
THROUGHOUT = 0.5  # share of shots with it from which a watermark is taken to stand in all
CELL = 0.02  # of the image: finds of one line lie so near to each other
SAME_MARK = 0.3  # overlap of its finds
SAME_WIDTH = 0.25  # by which their widths may differ
WHOLE_MARK = 0.8  # overlap with its place from which a line holds all of a mark


def find_recurring(readings: pd.DataFrame, shots: int) -> np.ndarray:
    """Which readings (N,) are of a small line near the edge that stands there in many shots.

    `readings` also has shot_id, width_px and height_px of its image; `shots` is how many there are.
    """
    x, wide = _middle(readings, "x", "width_px")
    y, high = _middle(readings, "y", "height_px")
    edge = (np.maximum(np.abs(x - 0.5), np.abs(y - 0.5)) > NEAR_EDGE) & (high < MAX_WATERMARK)
    widths = np.log(np.maximum(wide, CELL)) / np.log1p(SAME_WIDTH)
    cells = np.stack([x // CELL, y // CELL, widths // 1], 1)[edge].astype(int)
    shots_at: dict[tuple, set[int]] = {}
    for cell, shot in zip(map(tuple, cells), readings["shot_id"].to_numpy()[edge], strict=True):
        shots_at.setdefault(cell, set()).add(int(shot))
    least = max(RECURS[0], RECURS[1] * shots)
    often = {
        cell
        for cell in shots_at
        if len(set().union(*(shots_at.get(near, set()) for near in _list_beside(cell)))) >= least
    }
    found = np.zeros(len(readings), bool)
    found[edge] = [tuple(cell) in often for cell in cells]
    return found


def _list_beside(cell: tuple) -> list[tuple]:
    """A cell and those that touch it: one line's finds may fall on both sides of a border."""
    return [tuple(np.add(cell, step).tolist()) for step in product((-1, 0, 1), repeat=len(cell))]


def _middle(readings: pd.DataFrame, axis: str, length: str) -> tuple[np.ndarray, np.ndarray]:
    """Middle and size of boxes along one axis, as shares of the image."""
    ends = [readings[f"{axis}{end}"].to_numpy(float) for end in "01"]
    pixels = readings[length].to_numpy(float)
    return (ends[0] + ends[1]) / 2 / pixels, (ends[1] - ends[0]) / pixels


def find_marks(lines: pd.DataFrame, shots: int) -> np.ndarray:
    """Places (N, 4), as shares of the image, of watermarks that stand through the whole film.

    `lines` are all that are watermarks, with text, shot_id, width_px and height_px; of each find a
    part may be missing, so a mark reaches as far as all but the widest tenth of its finds.
    """
    sizes = lines[["width_px", "height_px"] * 2].to_numpy(float)
    boxes, ids = lines[BOX].to_numpy(float) / sizes, lines["shot_id"].to_numpy()
    marks, free = [], np.ones(len(boxes), bool)
    for n in np.argsort(-(boxes[:, 2] - boxes[:, 0]), kind="stable"):
        if not free[n]:
            continue
        near = free & np.array([overlap(boxes[n], box) > SAME_MARK for box in boxes], bool)
        free &= ~near
        is_often = len(set(ids[near])) >= max(RECURS[0], THROUGHOUT * shots)
        if is_often and says_one_thing(lines["text"].to_numpy()[near]):
            low, high = np.quantile(boxes[near], [0.1, 0.9], axis=0)
            marks.append(np.concatenate([low[:2], high[2:]]))
    return np.array(marks).reshape(-1, 4)


def says_one_thing(texts: np.ndarray) -> bool:
    """Whether those of the texts (N,) that could be read mostly are one: subtitles all differ."""
    read = texts[texts != ""].astype(str)
    return not len(read) or np.unique(read, return_counts=True)[1].max() >= len(read) / 2


def list_missing(found: pd.DataFrame, frames: pd.DataFrame, marks: np.ndarray) -> list[tuple]:
    """Rows as those of `found` for marks that were not found, or not whole, in an image.

    `found` are the lines of the film; `marks` (N, 4) are places of find_marks.
    """
    known, nothing = dict(iter(found.groupby("frame_id"))), found.iloc[:0]
    missing = []
    for frame in frames.itertuples() if len(marks) else ():
        lines = known.get(frame.frame_id, nothing)
        places = lines[BOX].to_numpy(float)
        for k, mark in enumerate(marks * ([frame.width_px, frame.height_px] * 2)):
            if not any(overlap(mark, place) > WHOLE_MARK for place in places):
                text_id = f"{frame.frame_id}_x{len(lines) + k:02d}"
                missing.append((text_id, frame.frame_id, *mark, "", 0.0, "watermark"))
    return missing
