"""MediaPipe's face mesh: 468 points of a face, upright or tilted, from an image and where it lies.

The net looks at a square of 192 px, turned so that the eyes lie level; a second look starts from
the points of the first, as MediaPipe itself follows a face from frame to frame.
"""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from workflow_scripts.models.loaders.files import named_file
from workflow_scripts.models.loaders.tflite import open_tflite

SIDE_PX = 192
LOOKS = 2
MARGIN = 1.6  # side of the first square over the longer side of the detector's box
MESH_MARGIN = 1.5  # and of the next over the extent of the mesh: MediaPipe's own
OUTER_EYES = [33, 263]  # corners of the eyes, in the image from left to right

Mesh = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, float]]


def load_face_mesh(files: dict[str, Path], *, device: str) -> Mesh:
    """Return mesh(image, box (4,), eyes (2, 2)) -> points (468, 3), score.

    All in pixels of the image, z towards the back; the score says from 0 to 1 whether there is a
    face at all. `eyes` are their middles, from left to right in the image.
    """
    run = open_tflite(named_file(files, "face_landmark.tflite"))

    def mesh(image: np.ndarray, box: np.ndarray, eyes: np.ndarray) -> tuple[np.ndarray, float]:
        middle, side = (box[:2] + box[2:]) / 2, MARGIN * float((box[2:] - box[:2]).max())
        for _ in range(LOOKS):
            turn = place_square(middle, side, eyes)
            points, score = _look(run, image, turn)
            eyes = points[OUTER_EYES, :2]
            middle, side = find_extent(points[:, :2], eyes)
        return points, score

    return mesh


def place_square(middle: np.ndarray, side: float, eyes: np.ndarray) -> np.ndarray:
    """The matrix (2, 3) from pixels of the net's square to pixels of the image."""
    line = eyes[1] - eyes[0]
    line = line / max(float(np.linalg.norm(line)), 1e-6)
    scale = max(side, 1.0) / SIDE_PX
    turn = scale * np.array([[line[0], -line[1]], [line[1], line[0]]])
    return np.column_stack([turn, middle - turn @ np.full(2, SIDE_PX / 2)])


def find_extent(points: np.ndarray, eyes: np.ndarray) -> tuple[np.ndarray, float]:
    """Middle and side of the square around points (N, 2), along the line of the eyes."""
    line = (eyes[1] - eyes[0]) / max(float(np.linalg.norm(eyes[1] - eyes[0])), 1e-6)
    axes = np.array([line, [-line[1], line[0]]])
    along = points @ axes.T
    low, high = along.min(0), along.max(0)
    return (low + high) / 2 @ axes, MESH_MARGIN * float((high - low).max())


def _look(run: Callable, image: np.ndarray, turn: np.ndarray) -> tuple[np.ndarray, float]:
    scale = float(np.hypot(*turn[:, 0]))
    soft = cv2.GaussianBlur(image, (0, 0), scale / 2) if scale > 2 else image
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    view = cv2.warpAffine(
        soft, turn, (SIDE_PX, SIDE_PX), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    found, logit = run(view[None] / np.float32(255))
    points = found.reshape(-1, 3).astype(float)
    flat = points[:, :2] @ turn[:, :2].T + turn[:, 2]
    score = 1 / (1 + np.exp(-np.clip(float(logit.ravel()[0]), -50, 50)))
    return np.column_stack([flat, points[:, 2] * scale]), float(score)
