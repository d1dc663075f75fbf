"""Boxes x0, y0, x1, y1, end excluded: how tables name their sides, and how much boxes overlap."""

import numpy as np

BOX = ["x0", "y0", "x1", "y1"]


def measure_overlaps(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Intersection over union of a box (4,) with each of boxes (N, 4)."""
    shared = _intersect(box, boxes)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1) + (box[2:] - box[:2]).prod()
    return shared / np.maximum(areas - shared, 1e-9)


def share_overlap(one: np.ndarray, other: np.ndarray) -> float:
    """What two boxes (4,) have in common, as a share of the smaller one."""
    smaller = min((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return float(_intersect(one, other[None])[0] / max(smaller, 1e-9))


def _intersect(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    low, high = np.maximum(boxes[:, :2], box[:2]), np.minimum(boxes[:, 2:], box[2:])
    return np.clip(high - low, 0, None).prod(1)
