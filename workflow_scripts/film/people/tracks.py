"""Who is the same person from frame to frame of a shot: by place, size and colors."""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment

MIN_SIMILARITY = 0.35  # below: two different people
MIN_COLORS = 0.3  # colors this unlike are never one person, wherever they stand
HUE_BINS, SATURATION_BINS, VALUE_BINS = 12, 3, 6


@dataclass(frozen=True)
class Sighting:
    """One person in one frame; `time_s` orders the frames of a shot."""

    time_s: float
    box: np.ndarray  # (4,) x0, y0, x1, y1 in pixels
    colors: np.ndarray  # (D,) histogram inside the mask, sums to 1
    score: float


def describe_colors(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Histogram (42,) of hue x saturation and of value inside a mask (H, W); sums to 1."""
    pixels = image[mask]
    if not len(pixels):
        return np.zeros(HUE_BINS * SATURATION_BINS + VALUE_BINS, np.float32)
    hsv = cv2.cvtColor(pixels[None], cv2.COLOR_RGB2HSV)
    bins, ranges = [HUE_BINS, SATURATION_BINS], [0, 180, 0, 256]
    tones = cv2.calcHist([hsv], [0, 1], None, bins, ranges).ravel()
    values = cv2.calcHist([hsv], [2], None, [VALUE_BINS], [0, 256]).ravel()
    return np.concatenate([tones, values]) / (2 * len(pixels))


def link_tracks(frames: list[list[Sighting]], *, max_gap_s: float) -> list[list[int]]:
    """Number the people of a shot: one track number per sighting, frames in order of time.

    Each frame's sightings are matched to the last sighting of each open track, all at once. A track
    stays open for `max_gap_s` after it was last seen, and for one sampled frame at least.
    """
    numbers: list[list[int]] = []
    tracks: list[list[Sighting]] = []
    seen_in: list[int] = []  # frame index of the last sighting, per track
    for index, sightings in enumerate(frames):
        opened = [
            track
            for track, last in enumerate(seen_in)
            if sightings
            and (index - last <= 2 or sightings[0].time_s - tracks[track][-1].time_s <= max_gap_s)
        ]
        pairs = _match([tracks[track] for track in opened], sightings)
        row = [-1] * len(sightings)
        for candidate, sighting in pairs:
            row[sighting] = opened[candidate]
        for position, sighting in enumerate(sightings):
            if row[position] < 0:
                row[position] = len(tracks)
                tracks.append([])
                seen_in.append(index)
            tracks[row[position]].append(sighting)
            seen_in[row[position]] = index
        numbers.append(row)
    return numbers


def _match(tracks: list[list[Sighting]], sightings: list[Sighting]) -> list[tuple[int, int]]:
    if not tracks or not sightings:
        return []
    scores = np.array([[score_similarity(track, new) for new in sightings] for track in tracks])
    rows, columns = linear_sum_assignment(scores, maximize=True)
    return [
        (int(r), int(c))
        for r, c in zip(rows, columns, strict=True)
        if scores[r, c] >= MIN_SIMILARITY
    ]


def score_similarity(track: list[Sighting], new: Sighting) -> float:
    """How likely a sighting continues a track, 0 to 1: half by place and size, half by colors."""
    colors = float(np.minimum(track[-1].colors, new.colors).sum())
    if colors < MIN_COLORS:
        return 0.0
    return 0.5 * _score_place(predict_box(track, new.time_s), new.box) + 0.5 * colors


def predict_box(track: list[Sighting], time_s: float) -> np.ndarray:
    """Where a track should be: its last box, moved on at its last speed."""
    last = track[-1]
    if len(track) < 2 or last.time_s <= track[-2].time_s:
        return last.box
    speed = (_center(last.box) - _center(track[-2].box)) / (last.time_s - track[-2].time_s)
    step = speed * min(time_s - last.time_s, last.time_s - track[-2].time_s)
    return last.box + np.tile(step, 2)


def _score_place(expected: np.ndarray, box: np.ndarray) -> float:
    """1 for the same box, falling to 0.5 at half a body away, and with unlike sizes."""
    size, new_size = _size(expected), _size(box)
    distance = np.linalg.norm(_center(expected) - _center(box)) / max(size, new_size, 1.0)
    return float(min(size, new_size) / max(size, new_size, 1.0) * np.exp2(-2 * distance))


def _center(box: np.ndarray) -> np.ndarray:
    return (box[:2] + box[2:]) / 2


def _size(box: np.ndarray) -> float:
    return float(np.sqrt(max(0.0, (box[2] - box[0]) * (box[3] - box[1]))))
