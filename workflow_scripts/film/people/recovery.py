"""Looking again, in the frames that miss them, for people who were clearly seen in the shot."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from workflow_scripts.film.people.tracks import Sighting, describe_colors, link_tracks
from workflow_scripts.models.detections import Detections

MAX_OVERLAP = 0.5  # share of a recovered mask that may already belong to somebody
MAX_GROWTH = 2.0  # a recovered person has between 1/2 and 2 times the area of their neighbor

Segment = Callable[[np.ndarray, Detections], Detections]


@dataclass(frozen=True)
class Person:
    """One person in one frame. The mask is packed: a shot of them must fit in memory."""

    sighting: Sighting
    mask: np.ndarray  # (H, W) packed along the width, 8 pixels a byte
    area_px: int
    region: np.ndarray | None
    track: int | None = None  # where the segmenter itself knows who is who


def find_people(image: np.ndarray, time_s: float, found: Detections) -> list[Person]:
    """Describe the people of one image, each of whom is there once."""
    return [
        Person(
            Sighting(time_s, found.boxes[row], describe_colors(image, mask), float(score)),
            np.packbits(mask, axis=1),
            int(mask.sum()),
            None if found.regions is None else found.regions[row],
            None if found.tracks is None else int(found.tracks[row]),
        )
        for row, (mask, score) in enumerate(zip(found.masks, found.scores, strict=True))
    ]


def interpolate_prompt(before: Person, after: Person | None, time_s: float) -> Detections:
    """Where a person should be between two sightings (or still, after the last), as a prompt."""
    after = after or before
    first, last = before.sighting, after.sighting
    span = last.time_s - first.time_s
    weight = np.clip((time_s - first.time_s) / span, 0, 1) if span else 1.0
    box = first.box * (1 - weight) + last.box * weight
    score = min(first.score, last.score)
    regions = None
    if before.region is not None and after.region is not None:
        regions = (before.region * (1 - weight) + after.region * weight)[None].astype(np.float32)
    return Detections(box[None].astype(np.float32), np.array([score], np.float32), regions)


def pick_recovered(found: Detections, others: list[Person], neighbor: Person) -> int | None:
    """Row of the one who was missing: not one of the others, about as large as a frame before."""
    rows = []
    for row, mask in enumerate(found.masks):
        area, packed = int(mask.sum()), np.packbits(mask, axis=1)
        taken = sum(int(np.bitwise_count(packed & other.mask).sum()) for other in others)
        growth = area / max(1, neighbor.area_px)
        if area and taken <= MAX_OVERLAP * area and 1 / MAX_GROWTH <= growth <= MAX_GROWTH:
            rows.append(row)
    return rows[0] if len(rows) == 1 else None


def add_prompt(people: list[Person], prompt: Detections) -> Detections:
    """The prompts of the people already found, then the one of who is missing."""
    if not people:
        return prompt
    regions = None if prompt.regions is None else np.stack([p.region for p in people])
    boxes = np.stack([p.sighting.box for p in people]).astype(np.float32)
    scores = np.array([p.sighting.score for p in people], np.float32)
    return Detections(boxes, scores, regions).join(prompt)


def recover_people(
    images: Callable[[int], np.ndarray],
    times_s: list[float],
    frames: list[list[Person]],
    segment: Segment,
    *,
    sure_score: float,
    max_gap_s: float,
) -> list[list[Person]]:
    """Look again for each person who was clearly seen in the shot, in the frames that miss them.

    Goes forward, then backward in time. A person found again leads on to the next frame.
    """
    frames = [list(people) for people in frames]
    tracks = [t for t in collect_tracks(frames, max_gap_s) if best_score(t) >= sure_score]
    for step in (1, -1):
        indices = range(len(frames))[::step]
        for before, index in zip(indices, indices[1:], strict=False):
            if abs(times_s[index] - times_s[before]) > max_gap_s:
                continue
            for track in tracks:
                prompt = find_prompt(track, before, index, times_s[index])
                if prompt is None:
                    continue
                image = images(index)
                found = segment(image, add_prompt(frames[index], prompt))
                row = pick_recovered(found, frames[index], track[before])
                if row is not None:
                    missing = replace(found.take([row]), scores=prompt.scores)
                    track[index] = find_people(image, times_s[index], missing)[0]
                    frames[index].append(track[index])
    return frames


def find_prompt(
    track: dict[int, Person], before: int, index: int, time_s: float
) -> Detections | None:
    """Where to look for somebody of frame `before` who misses in `index`, the next or the last one.

    Between that sighting and the nearest one beyond, if there is one; None when nobody misses.
    """
    if before not in track or index in track:
        return None
    beyond = [i for i in track if (i - index) * (index - before) > 0]
    nearest = min(beyond, key=lambda i: abs(i - index), default=None)
    return interpolate_prompt(track[before], track.get(nearest), time_s)


def collect_tracks(frames: list[list[Person]], max_gap_s: float) -> list[dict[int, Person]]:
    """Link the people of a shot; per track, who they are in which frame."""
    numbers = [[p.track for p in people] for people in frames]
    if any(number is None for row in numbers for number in row):
        sightings = [[p.sighting for p in people] for people in frames]
        numbers = link_tracks(sightings, max_gap_s=max_gap_s)
    count = max((number for row in numbers for number in row), default=-1) + 1
    tracks: list[dict[int, Person]] = [{} for _ in range(count)]
    for index, (people, row) in enumerate(zip(frames, numbers, strict=True)):
        for person, number in zip(people, row, strict=True):
            tracks[number][index] = person
    return [track for track in tracks if track]


def best_score(track: dict[int, Person]) -> float:
    """How clearly somebody was seen at best."""
    return max(person.sighting.score for person in track.values())
