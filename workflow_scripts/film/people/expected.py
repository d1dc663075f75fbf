"""Where somebody must be whom no mask shows: a track goes on before and after, or just began.

A person found at t-1 and at t+1 is there at t too; and who is first found in the middle of a shot
was there a moment before, at the edge of the image, small or half hidden.
"""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from workflow_scripts.film.people.meetings import MAX_OVERLAP
from workflow_scripts.lib.boxes import BOX, share_overlap
from workflow_scripts.lib.images import clip_box

NEAR_S = 0.5  # past its first or last sighting, a track tells of so long
MIN_SHOWN = 0.002  # share of the image: less of a person is no trouble
MIN_HIDDEN = 0.5  # share of the place that a hole must take out for it to be accounted for


def find_missed(
    shot: pd.DataFrame, people: pd.DataFrame, get_hole: Callable[[int], np.ndarray]
) -> list[float]:
    """Per image of one shot, the surest track that must be there beside the hole; 0 where none.

    `shot` has frame_id and time_s in order; `people` frame_id, track_id, score and a box in pixels;
    `get_hole` gives what was taken out of an image, (H, W) bool.
    """
    times_s, missed = shot["time_s"].tolist(), [0.0] * len(shot)
    numbers = people["frame_id"].map({frame_id: n for n, frame_id in enumerate(shot["frame_id"])})
    people = people.assign(number=numbers)
    places = {n: part[["track_id", *BOX]] for n, part in people.groupby("number")}
    for name, track in people.groupby("track_id"):
        boxes = dict(zip(track["number"], track[BOX].to_numpy(float), strict=True))
        for n, box in expect_boxes(boxes, times_s):
            if not is_found(name, box, places.get(n)) and is_uncovered(box, get_hole(n)):
                missed[n] = max(missed[n], float(track["score"].max()))
    return missed


def expect_boxes(
    boxes: dict[int, np.ndarray], times_s: list[float]
) -> Iterator[tuple[int, np.ndarray]]:
    """Images without the person, and the box (4,) where they must be, from those that have them."""
    seen = sorted(boxes)
    for before, after in zip(seen, seen[1:], strict=False):
        for n in range(before + 1, after):
            yield n, _extrapolate(before, after, n, boxes, times_s)
    for last, step in ((seen[0], -1), (seen[-1], 1)):
        n = last + step
        if 0 <= n < len(times_s) and abs(times_s[n] - times_s[last]) <= NEAR_S:
            inner = last - step if last - step in boxes else last
            yield n, _extrapolate(inner, last, n, boxes, times_s)


def _extrapolate(
    first: int, second: int, n: int, boxes: dict[int, np.ndarray], times_s: list[float]
) -> np.ndarray:
    """The box at image `n` on the straight way through two sightings; still where they are one."""
    span = times_s[second] - times_s[first]
    weight = (times_s[n] - times_s[first]) / span if span else 0.0
    return boxes[first] * (1 - weight) + boxes[second] * weight


def is_found(track_id: str, box: np.ndarray, found: pd.DataFrame | None) -> bool:
    """Whether somebody was found in this box under the id of another track.

    `found` has track_id and the boxes of the image; None where nobody was.
    """
    if found is None:
        return False
    others = found.loc[found["track_id"] != track_id, BOX].to_numpy(float)
    return any(share_overlap(box, other) > MAX_OVERLAP for other in others)


def is_uncovered(box: np.ndarray, hole: np.ndarray) -> bool:
    """Whether a person in this box would show, and most of it is not taken out."""
    x0, y0, x1, y1 = clip_box(box, hole.shape[1], hole.shape[0])
    if x1 <= x0 or y1 <= y0 or (x1 - x0) * (y1 - y0) < MIN_SHOWN * hole.size:
        return False
    return bool(hole[y0:y1, x0:x1].mean() < MIN_HIDDEN)
