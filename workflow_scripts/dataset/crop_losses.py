"""What training buckets cut off a crop, and whether that hits a face."""

import numpy as np
import pandas as pd

from workflow_scripts.dataset.crops import FACE_BOX
from workflow_scripts.dataset.trainers.kohya import bucket_loss


def measure_loss(boxes: np.ndarray, resolution: int) -> np.ndarray:
    """Share of width and of height (N, 2) that training buckets cut off each image."""
    sizes = boxes[:, 2:] - boxes[:, :2]
    return np.array([bucket_loss(w, h, resolution) for w, h in sizes], float).reshape(-1, 2)


def find_cut_faces(rows: pd.DataFrame, boxes: np.ndarray, losses: np.ndarray) -> np.ndarray:
    """True where a part of the face falls into what the buckets cut off; (N,) bool.

    `rows` has face_x0 ... face_y1, nan where no face is known; `boxes` (N, 4) is what is shown,
    `losses` (N, 2) what buckets cut off of it.
    """
    faces = rows[list(FACE_BOX)].to_numpy(float)
    edge = losses * (boxes[:, 2:] - boxes[:, :2]) / 2  # trainers cut both sides alike
    inside = np.clip(faces, np.tile(boxes[:, :2], 2), np.tile(boxes[:, 2:], 2))
    before = inside[:, :2] < boxes[:, :2] + edge - 1
    behind = inside[:, 2:] > boxes[:, 2:] - edge + 1
    return (before | behind).any(1)
