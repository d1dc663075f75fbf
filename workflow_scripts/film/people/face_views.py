"""A face as the model of expressions sees it: at several sizes and heights, and mirrored."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from workflow_scripts.film.people.features import measure_features
from workflow_scripts.models.expressions import Expression

SIZES, SHIFTS = (1.0, 1.1, 1.2, 1.3), (0.0, 0.05)  # of the face box
FLOOR = 1e-4  # no single view may rule an emotion out


@dataclass(frozen=True)
class Face:
    """One face as it is shown to both models."""

    instance_id: str
    crop: np.ndarray  # (H, W, 3) RGB
    box: np.ndarray  # (4,) pixels of the crop
    eyes: np.ndarray  # (2, 2) their middles, pixels of the crop
    views: list[np.ndarray]  # of make_views


def make_views(crop: np.ndarray, box: np.ndarray, view_px: int) -> list[np.ndarray]:
    """The face in a box of the crop at several sizes and heights, each also mirrored.

    Each is a square of `view_px`, cut at once for the net that looks at it.
    """
    x0, y0, x1, y1 = box
    middle, longer = np.array([x0 + x1, y0 + y1]) / 2, max(x1 - x0, y1 - y0)
    views = []
    for size in SIZES:
        side = longer * size
        soft = cv2.GaussianBlur(crop, (0, 0), side / view_px / 2) if side > 2 * view_px else crop
        for shift in SHIFTS:
            left, top = middle + [0, shift * side] - side / 2
            matrix = np.array([[side / view_px, 0, left], [0, side / view_px, top]])
            flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            view = cv2.warpAffine(
                soft, matrix, (view_px, view_px), flags=flags, borderMode=cv2.BORDER_REPLICATE
            )
            views += [view, np.ascontiguousarray(view[:, ::-1])]
    return views


def score_faces(
    faces: Sequence[Face], expression: Expression, mesh: Callable
) -> list[dict[str, Any]]:
    """What both models make of each face: columns of score_expressions.SCORES.

    The model of expressions sees the views of all of them at once.
    """
    chances = np.maximum(expression([view for face in faces for view in face.views]), FLOOR)
    evidence = np.split(np.log(chances), len(faces))  # as many views of each
    rows = []
    for face, own in zip(faces, evidence, strict=True):
        points, score = mesh(face.crop, face.box, face.eyes)
        row = {"instance_id": face.instance_id, "log_probabilities": own.mean(0)}
        rows.append(row | {"mesh_score": score} | measure_features(points))
    return rows
