"""The people of a shot: detected, cut out, looked for again where they are lost, and followed."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import reduce
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.film.people.recovery import (
    Person,
    Segment,
    best_score,
    collect_tracks,
    find_people,
    recover_people,
)
from workflow_scripts.lib.images import encode_rle, read_rgb
from workflow_scripts.lib.read_ahead import take_batches
from workflow_scripts.models.detections import Detect, Detections, suppress_masks

MAX_TAKEN = 0.3  # share of a small figure that may lie on people already found

Seen = tuple[np.ndarray, Detections]  # an image and what the detector says of it


def detect_small(image: np.ndarray, detect: Detect, taken: np.ndarray) -> Detections:
    """Detect in overlapping squares of half the image's height, where nobody was found yet.

    `taken` (H, W) are the masks of the people found. A square shows but a part of large people, and
    what a detector makes of the part must not compete with the whole.
    """
    height, width = image.shape[:2]
    side = min(height, width) // 2
    corners = [(x, y) for y in _tile_starts(height, side) for x in _tile_starts(width, side)]
    tiles = [np.ascontiguousarray(image[y : y + side, x : x + side]) for x, y in corners]
    found = zip(detect(tiles), corners, strict=True)
    everything = reduce(Detections.join, [_move(people, *corner) for people, corner in found])
    free = [row for row, box in enumerate(everything.boxes) if not _is_taken(box, taken)]
    return everything.take(sorted(free, key=lambda row: -everything.scores[row]))


def _is_taken(box: np.ndarray, taken: np.ndarray) -> bool:
    """Whether the middle half of a box lies on people already found."""
    x0, y0, x1, y1 = (float(value) for value in box)
    middle = taken[
        int((3 * y0 + y1) / 4) : int((y0 + 3 * y1) / 4) + 1,
        int((3 * x0 + x1) / 4) : int((x0 + 3 * x1) / 4) + 1,
    ]
    return bool(middle.size and middle.mean() > MAX_TAKEN)


def segment_frame(
    image: np.ndarray, prompts: Detections, detect: Detect, segment: Segment, *, zoom: bool
) -> Detections:
    """The people of one image where the detector says; `zoom` adds small ones that stand apart."""
    found = segment(image, prompts)
    if not zoom:
        return found
    taken = found.masks.any(0)
    small = detect_small(image, detect, taken)
    if not len(small):
        return found
    small = segment(image, small)
    free = [row for row, mask in enumerate(small.masks) if taken[mask].mean() <= MAX_TAKEN]
    return found.join(small.take(free))


def _tile_starts(length: int, side: int) -> list[int]:
    count = int(np.ceil((length - side) / (side / 2))) + 1
    return np.linspace(0, length - side, count).round().astype(int).tolist()


def _move(found: Detections, x: int, y: int) -> Detections:
    regions = None if found.regions is None else found.regions + np.array([x, y, 0, 0], np.float32)
    boxes = found.boxes + np.array([x, y, x, y], np.float32)
    return replace(found, boxes=boxes, regions=regions)


def detect_ahead(images: Iterable[np.ndarray], detect: Detect) -> Iterator[Seen]:
    """Each image with what the detector says of it; the detector sees several at once."""
    for batch in take_batches(images):
        yield from zip(batch, detect(batch), strict=True)


def prepare_images(seen: Iterable[Seen], segment: Segment) -> Iterator[Seen]:
    """The images of a shot in turn; a segmenter that encodes several at once sees them first."""
    batch_size = getattr(segment, "batch_size", 1)
    for batch in take_batches(seen, batch_size):
        if batch_size > 1:
            segment.prepare([image for image, _ in batch])
        yield from batch


def keep_once(found: Detections) -> Detections:
    """Each person once, best first; a segmenter with a memory of its own does this itself."""
    return found.take(suppress_masks(found.masks, found.scores))


def segment_shot(
    shot: pd.DataFrame,
    folder: Path,
    seen: Iterator[Seen],
    detect: Detect,
    segment: Segment,
    *,
    tiling_interval: int,
    sure_score: float,
    max_gap_s: float,
) -> list[dict]:
    """Rows of one shot; `shot` has its frames in order of time, and `seen` those of all shots."""
    files, times_s = list(shot["file"]), [float(t) for t in shot["time_s"]]
    frames, widths = [], []
    follow = segment.follow_shot() if hasattr(segment, "follow_shot") else None
    shown = prepare_images(islice(seen, len(files)), segment)
    for number, ((image, prompts), time_s) in enumerate(zip(shown, times_s, strict=True)):
        zoom = tiling_interval > 0 and number % tiling_interval == 0
        found = segment_frame(image, prompts, detect, segment, zoom=zoom)
        found = follow(image, found) if follow else keep_once(found)
        frames.append(find_people(image, time_s, found))
        widths.append(image.shape[1])
    if not follow:  # one with a memory of its own has looked for the lost already
        limits = {"sure_score": sure_score, "max_gap_s": max_gap_s}
        frames = recover_people(
            lambda i: read_rgb(folder / files[i]), times_s, frames, segment, **limits
        )
    tracks = [t for t in collect_tracks(frames, max_gap_s) if best_score(t) >= sure_score]
    return [
        row
        for index, frame in enumerate(shot.itertuples())
        for row in make_rows(
            frame, [(n, t[index]) for n, t in enumerate(tracks) if index in t], widths[index]
        )
    ]


def make_rows(frame: tuple, people: list[tuple[int, Person]], width_px: int) -> list[dict]:
    """Rows of the table for one frame, from left to right."""
    rows = []
    people = sorted(people, key=lambda item: float(item[1].sighting.box[0]))
    for number, (track, person) in enumerate(people):
        mask = np.unpackbits(person.mask, axis=1, count=width_px).astype(bool)
        box = person.sighting.box.tolist()
        rows.append(
            {
                "instance_id": f"{frame.frame_id}_i{number:02d}",
                "frame_id": frame.frame_id,
                "shot_id": frame.shot_id,
                "track_id": f"s{frame.shot_id:04d}_t{track:02d}",
                **dict(zip(("x0", "y0", "x1", "y1"), box, strict=True)),
                "score": person.sighting.score,
                "mask": encode_rle(mask),
                "height_px": mask.shape[0],
                "width_px": mask.shape[1],
                "area_px": person.area_px,
                "region": None if person.region is None else person.region.tolist(),
            }
        )
    return rows
