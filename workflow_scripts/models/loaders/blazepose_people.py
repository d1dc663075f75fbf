"""Which bodies of an image are different people, where one stands before another.

The net looks at one body at a time. Where two overlap, it slips from the one behind to the one in
front and mixes their masks. So the surest body is taken first; whoever touches it is looked at
again in an image where it is painted over.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from workflow_scripts.models.loaders.blazepose_regions import uncrop_map

HIPS = 33  # first row of the landmark net that is no joint: the middle of the hips
TRUNK = [0, 11, 12, 23, 24]  # nose, shoulders, hips
MIN_PRESENCE = 0.5  # the landmark net's own "there is a person"
OUTSIDE = -20.0  # mask logit where the region does not reach
CORE = 2.0  # mask logit from which a pixel is surely the person's
GRAY = 128
MAX_TRIES = 2  # other arrangements of people who touch; each takes some 20 ms a person
TOUCHING = 0.03  # share of the smaller mask: less is a seam between neighbors
# Two looks at one person: so much of the smaller mask shared, trunks so near (in torsos).
SAME_AT_ONCE, SAME_WHEN_HIDDEN = (0.5, 0.2), (0.3, 0.35)
MIN_ON_MASK = 0.5  # share of the trunk's points; people half behind others keep that much
COVERED = 0.6  # share of a mask that lies on surer people: then it is of them, whatever the trunk


@dataclass(frozen=True)
class Body:
    """What the landmark net says about one region."""

    points: np.ndarray  # (39, 2) pixels of the image
    seen: np.ndarray  # (39,) 0 to 1: neither hidden nor outside
    presence: float
    logits: np.ndarray  # (256, 256) of the mask, in the region
    region: np.ndarray  # the region that was looked at
    next_region: np.ndarray  # the region that the points ask for


@dataclass(frozen=True)
class Person:
    """A body that is somebody of their own."""

    body: Body
    score: float  # of the detector, times the share of joints seen
    sureness: float  # of the landmark net alone
    logits: np.ndarray  # (H, W) of the mask, in the image


Measure = Callable[[np.ndarray, np.ndarray], Body]


def separate_people(
    image: np.ndarray, regions: np.ndarray, scores: np.ndarray, measure: Measure
) -> list[Person]:
    """The different people among regions (N, 4) with scores (N,) of the detector.

    A body behind another may look surer than the one in front, when it has stolen its limbs. So
    whoever gave way is also tried first, and the arrangement that shows the most is taken.
    """
    looks = [_look_twice(image, region, measure) for region in regions]
    people = [
        None if look is None else _make_person(look, score, image.shape)
        for look, score in zip(looks, scores, strict=True)
    ]
    sureness = np.array([0.0 if person is None else person.sureness for person in people])
    order = [int(row) for row in np.argsort(-sureness, kind="stable")]
    best, gave_way = _arrange(image, regions, scores, measure, people, order)
    for row in gave_way[:MAX_TRIES]:
        if people[row] is None:
            continue
        first = [row, *(other for other in order if other != row)]
        other, _ = _arrange(image, regions, scores, measure, people, first)
        if sum(p.sureness for p in other) > sum(p.sureness for p in best):
            best = other
    return best


def _arrange(
    image: np.ndarray,
    regions: np.ndarray,
    scores: np.ndarray,
    measure: Measure,
    looks: list[Person | None],
    order: list[int],
) -> tuple[list[Person], list[int]]:
    """People in one order of precedence, and the rows of those whom others stood in the way of."""
    people: list[Person] = []
    gave_way = []
    for row in order:
        person = looks[row]
        if person and any(_is_same(person, other, *SAME_AT_ONCE) for other in people):
            continue
        near = [other for other in people if _touches(person, regions[row], other)]
        if near:
            gave_way.append(row)
            hidden = np.any([other.logits > CORE for other in near], axis=0)
            painted = np.where(hidden[..., None], np.uint8(GRAY), image)
            body = _look_twice(painted, regions[row], measure)
            person = None if body is None else _make_person(body, scores[row], image.shape)
            if person and any(_is_covered(person, other) for other in people):
                continue
        if person and _stands_on_mask(person):
            people.append(person)
    return people, gave_way


def _look_twice(image: np.ndarray, region: np.ndarray, measure: Measure) -> Body | None:
    """The body in a region, measured again in the region that its own points ask for."""
    body = measure(image, region)
    if body.presence >= MIN_PRESENCE:
        body = measure(image, body.next_region)
    return body if body.presence >= MIN_PRESENCE else None


def _make_person(body: Body, score: float, shape: tuple[int, ...]) -> Person:
    """Scenery that the detector falls for shows few joints (a tree: half): a lower score."""
    height, width = shape[:2]
    seen = seen_share(body, width, height)
    logits = uncrop_map(body.logits, body.region, width, height, OUTSIDE)
    return Person(body, float(score) * seen, body.presence * seen, logits)


def seen_share(body: Body, width: int, height: int) -> float:
    """Mean visibility of the joints that would lie inside the image."""
    points = body.points[:HIPS]
    inside = ((points >= 0) & (points < [width, height])).all(1)
    return float(body.seen[:HIPS][inside].mean()) if inside.any() else 0.0


def _shared(first: Person, second: Person) -> float:
    masks = first.logits > 0, second.logits > 0
    smaller = min(np.count_nonzero(mask) for mask in masks)
    return np.count_nonzero(masks[0] & masks[1]) / max(1, smaller)


def _touches(person: Person | None, region: np.ndarray, other: Person) -> bool:
    """Whether somebody surer stands in the way; of nobody yet, whether they stand in the region."""
    if person is not None:
        return _shared(person, other) > TOUCHING
    distance = np.hypot(*(region[:2] - other.body.region[:2]))
    return bool(distance < (region[2] + other.body.region[2]) / 4)


def _is_same(first: Person, second: Person, min_shared: float, max_distance: float) -> bool:
    return (
        _shared(first, second) > min_shared
        and _trunk_distance(first.body, second.body) < max_distance
    )


def _is_covered(person: Person, other: Person) -> bool:
    return _shared(person, other) > COVERED or _is_same(person, other, *SAME_WHEN_HIDDEN)


def _stands_on_mask(person: Person) -> bool:
    """Whether the mask is of this body: most of the trunk inside the image lies on it."""
    height, width = person.logits.shape
    columns, rows = np.floor(person.body.points[TRUNK]).astype(int).T
    inside = (rows >= 0) & (columns >= 0) & (rows < height) & (columns < width)
    on = person.logits[rows[inside], columns[inside]] > 0
    return bool(on.mean() >= MIN_ON_MASK) if inside.any() else bool((person.logits > 0).any())


def _trunk_distance(first: Body, second: Body) -> float:
    """Mean distance of nose, shoulders and hips, in torsos of the larger body."""
    torsos = [
        np.linalg.norm(b.points[[11, 12]].mean(0) - b.points[[23, 24]].mean(0))
        for b in (first, second)
    ]
    apart = np.linalg.norm(first.points[TRUNK] - second.points[TRUNK], axis=1).mean()
    return float(apart / max(*torsos, 1e-6))
