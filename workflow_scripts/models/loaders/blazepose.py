"""BlazePose: finds people by their bodies, then measures 39 body points and a mask of each.

Plays three roles of the light tier with two nets: `detect` (224 px), `segment` and `pose` (256 px).
Human-like figures only; a figure should take about a tenth of the image's height or more.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from workflow_scripts.lib.images import mask_box, scale_size
from workflow_scripts.models.detections import Detect, Detections, no_detections
from workflow_scripts.models.loaders.blazepose_people import HIPS, Body, separate_people
from workflow_scripts.models.loaders.blazepose_regions import (
    DETECT_PX,
    boxes_to_regions,
    crop_region,
    make_anchors,
    points_to_regions,
    region_matrix,
    regions_to_boxes,
    sharpen_edges,
)
from workflow_scripts.models.loaders.files import named_file
from workflow_scripts.models.loaders.tflite import open_tflite

LANDMARK_PX = 256
Run = Callable[[np.ndarray], list[np.ndarray]]  # an opened net: tflite.py
RIM = 34  # with HIPS, the row of the landmark net that gives the region again
COCO = [0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28]
MIN_DETECTION = 0.5
FIRST_LOOK = 1.3  # of a box's longer side; on the demo's roster 1.0 misses a figure, 1.3 none
EDGE_CELLS = 3  # cells of the net's mask by which its edge may be off


def load_detect(files: dict[str, Path], *, device: str) -> Detect:
    """Return detect(images) -> regions around bodies, best first; boxes are a rough guess."""
    run, anchors = open_tflite(named_file(files, "pose_detection.tflite")), make_anchors()

    def look(image: np.ndarray) -> Detections:
        height, width = image.shape[:2]
        found = [_detect_tile(run, anchors, image, tile) for tile in make_tiles(width, height)]
        regions = np.concatenate([regions for regions, _ in found])
        scores = np.concatenate([scores for _, scores in found])
        keep = suppress_regions(regions, scores)
        boxes = regions_to_boxes(regions[keep], width, height)
        return Detections(boxes, scores[keep], regions[keep])

    def detect(images: Sequence[np.ndarray]) -> list[Detections]:
        return [look(image) for image in images]

    return detect


def make_tiles(width: int, height: int) -> list[tuple[int, int, int]]:
    """Squares (x, y, side): around the whole image, then overlapping ones of its shorter side."""
    side = min(width, height)
    tiles = [(x, y, side) for y in _starts(height, side) for x in _starts(width, side)]
    return list(dict.fromkeys([(0, 0, max(width, height)), *tiles]))


def _starts(length: int, side: int) -> list[int]:
    """Evenly spread starts of tiles that overlap by half of their side or more."""
    count = int(np.ceil((length - side) / (side / 2))) + 1
    return np.linspace(0, length - side, max(count, 1)).round().astype(int).tolist()


def _detect_tile(run, anchors, image, tile) -> tuple[np.ndarray, np.ndarray]:
    x, y, side = tile
    part = image[y : y + side, x : x + side]
    scale = DETECT_PX / side
    size = scale_size(part, scale)
    canvas = np.zeros((DETECT_PX, DETECT_PX, 3), np.uint8)
    canvas[: size[1], : size[0]] = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    values, logits = run(canvas[None] / np.float32(127.5) - 1)
    scores = 1 / (1 + np.exp(-np.clip(logits[0, :, 0], -30, 30)))
    good = scores >= MIN_DETECTION
    points = values[0, good, 4:8].reshape(-1, 2, 2) + anchors[good][:, None]
    points = points / scale + [x, y]
    return points_to_regions(points[:, 0], points[:, 1]), scores[good].astype(np.float32)


def suppress_regions(regions: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Rows to keep, best first: drop a region near a better one of about the same size."""
    keep: list[int] = []
    for row in np.argsort(-scores, kind="stable"):
        x, y, side, _ = regions[row]
        if all(not _is_same(x, y, side, *regions[other][:3]) for other in keep):
            keep.append(int(row))
    return np.array(keep, int)


def _is_same(x: float, y: float, side: float, x2: float, y2: float, side2: float) -> bool:
    small, large = sorted((side, side2))
    return np.hypot(x - x2, y - y2) < 0.12 * small and large < 1.6 * small


def load_segment(
    files: dict[str, Path], *, device: str
) -> Callable[[np.ndarray, Detections], Detections]:
    """Return segment(image, detections) -> the people among them, each once, with masks."""
    measure = _load_landmarks(files)

    def segment(image: np.ndarray, detections: Detections) -> Detections:
        height, width = image.shape[:2]
        regions = detections.regions
        if regions is None:
            regions = boxes_to_regions(detections.boxes)
        people = separate_people(image, regions, detections.scores, measure)
        if not people:
            return no_detections(height, width, regions=True)
        cells = [person.body.region[2] / LANDMARK_PX for person in people]  # px per cell of the net
        stack = np.stack(
            [
                sharpen_edges(person.logits, image, max(2, round(EDGE_CELLS * cell)))
                for person, cell in zip(people, cells, strict=True)
            ]
        )
        masks = (stack > 0) & (stack == stack.max(0))  # a pixel belongs to the surest
        shown = np.flatnonzero(masks.any((1, 2)))
        return Detections(
            np.array([mask_box(masks[row]) for row in shown], np.float32).reshape(-1, 4),
            np.array([people[row].score for row in shown], np.float32),
            np.array([people[row].body.region for row in shown], np.float32).reshape(-1, 4),
            masks[shown],
        )

    return segment


def load_pose(files: dict[str, Path], *, device: str) -> Callable[..., np.ndarray]:
    """Return pose(images, boxes (N, 4), regions) -> (N, 17, 3); rtm_joints.py says of what."""
    measure = _load_landmarks(files)
    detector = open_tflite(named_file(files, "pose_detection.tflite")), make_anchors()

    def pose(
        images: Sequence[np.ndarray], boxes: np.ndarray, regions: np.ndarray | None
    ) -> np.ndarray:
        first = regions
        if first is None:
            first = [find_region(*detector, *pair) for pair in zip(images, boxes, strict=True)]
        bodies = [measure(*pair) for pair in zip(images, first, strict=True)]
        if regions is None:
            bodies = [measure(i, b.next_region) for i, b in zip(images, bodies, strict=True)]
        rows = [np.column_stack([body.points[COCO], body.seen[COCO]]) for body in bodies]
        return np.array(rows, np.float32).reshape(-1, 17, 3)

    return pose


def find_region(run: Run, anchors: np.ndarray, image: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Region (4,) of the body in a box (4,) of which nothing else is known.

    The landmark net takes whatever fills its input for a whole body, and is sure of it: shown a
    close-up, it puts hips in a face. How much of a body a box shows only the detector tells.
    """
    x0, y0, x1, y1 = (float(side) for side in box)
    side = max(2, round(FIRST_LOOK * max(x1 - x0, y1 - y0)))
    x, y = round((x0 + x1 - side) / 2), round((y0 + y1 - side) / 2)
    view = _cut_square(image, x, y, side)
    regions, scores = _detect_tile(run, anchors, view, (0, 0, side))
    if not len(scores):
        return boxes_to_regions(np.asarray(box)[None])[0]
    return regions[scores.argmax()] + np.array([x, y, 0, 0], np.float32)


def _cut_square(image: np.ndarray, x: int, y: int, side: int) -> np.ndarray:
    """A square (side, side, 3) of an image, from this column and row; black beyond its edges."""
    view = np.zeros((side, side, 3), np.uint8)
    part = image[max(0, y) : max(0, y + side), max(0, x) : max(0, x + side)]
    top, left = max(0, -y), max(0, -x)
    view[top : top + part.shape[0], left : left + part.shape[1]] = part
    return view


def _load_landmarks(files: dict[str, Path]) -> Callable[[np.ndarray, np.ndarray], Body]:
    run = open_tflite(named_file(files, "pose_landmark_full.tflite"))

    def measure(image: np.ndarray, region: np.ndarray) -> Body:
        crop = crop_region(image, region, LANDMARK_PX)
        values, presence, logits, heat, _ = run(crop[None] / np.float32(255))
        values = values.reshape(39, 5)
        points = (
            values[:, :2] @ (matrix := region_matrix(region, LANDMARK_PX))[:, :2].T + matrix[:, 2]
        )
        seen = 1 / (1 + np.exp(-np.clip(values[:, 3:5].min(1), -30, 30)))
        next_region = points_to_regions(points[HIPS : HIPS + 1], points[RIM : RIM + 1])[0]
        return Body(
            points,
            seen,
            float(presence.item()),
            logits[0, :, :, 0].copy(),
            np.asarray(region),
            next_region,
        )

    return measure
