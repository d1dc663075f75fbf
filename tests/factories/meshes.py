"""Meshes of faces whose measures are known, and tables of measures."""

import numpy as np
import pandas as pd

from workflow_scripts.film.people import features

EYES = tuple(zip(features.OUTER, features.INNER, strict=True))  # from left to right
AT_REST = {
    "mouth_open": 0.02,
    "corner_lift": 0.01,
    "corner_drop": 0.22,
    "eye_open": 0.33,
    "brow_height": 0.28,
}
SMILE = {"corner_lift": 0.09, "corner_drop": 0.11, "mouth_open": 0.09}
GAPE = {"mouth_open": 0.26, "corner_lift": 0.08, "corner_drop": 0.28}
FROWN = {"brow_height": 0.2}
DRAWN = {"corner_lift": -0.01}


def make_measures(*faces: dict[str, float]) -> pd.DataFrame:
    """A row of MEASURES per face: at rest, but for what is said."""
    return pd.DataFrame([AT_REST | face for face in faces], dtype=float)


def make_mesh(width: float = 100, **changes: float) -> np.ndarray:
    """A frontal mesh (468, 3) with these measures, `width` between the outer eye corners."""
    want = AT_REST | changes
    points = np.zeros((468, 3))
    eye = 0.3  # width of an eye
    for side, (outer, inner) in zip((-1, 1), EYES, strict=True):
        points[outer, 0], points[inner, 0] = side * 0.5, side * (0.5 - eye)
    for upper, lower, outer, inner in features.LIDS:
        middle = points[[outer, inner], 0].mean()
        points[upper] = [middle, -want["eye_open"] * eye / 2, 0]
        points[lower] = [middle, want["eye_open"] * eye / 2, 0]
    points[features.BROWS] = [0, -want["brow_height"], 0]
    points[features.NOSE_BASE] = [0, 0.5, -0.1]
    points[features.BRIDGE] = [0, 0, -0.1]
    corners = 0.5 + want["corner_drop"]
    lips = corners + want["corner_lift"]
    points[features.CORNERS] = [[-0.28, corners, 0], [0.28, corners, 0]]
    points[features.UPPER_LIP] = [0, lips - want["mouth_open"] / 2, 0]
    points[features.LOWER_LIP] = [0, lips + want["mouth_open"] / 2, 0]
    return points * width
