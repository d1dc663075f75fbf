"""Square masks, and detections made of them."""

import numpy as np

from workflow_scripts.lib.images import mask_box
from workflow_scripts.models.detections import Detections


def square(x: int, width: int = 120) -> np.ndarray:
    mask = np.zeros((90, width), bool)
    mask[30:60, x : x + 30] = True
    return mask


def as_found(*masks: np.ndarray, score: float = 0.9) -> Detections:
    boxes = np.array([mask_box(mask) for mask in masks], np.float32).reshape(-1, 4)
    stack = np.array(masks, bool).reshape(-1, 90, 120)
    return Detections(boxes, np.full(len(masks), score, np.float32), None, stack)
