"""What eyes, mouth and brows do, measured on the mesh of a face.

Lengths are shares of the distance between the outer corners of the eyes (about nine centimeters),
along the face's own axes: turning or tilting the head changes them little. Numbers of points are
those of MediaPipe's face mesh; what its average face has, stands beside each measure.
"""

import numpy as np

MEASURES = ("mouth_open", "corner_lift", "corner_drop", "eye_open", "brow_height")
AVERAGE_BROW_HEIGHT = 0.246

OUTER, INNER = [33, 263], [133, 362]  # corners of the eyes
BRIDGE, NOSE_BASE = 168, 2
UPPER_LIP, LOWER_LIP = [13, 82, 312], [14, 87, 317]  # inner edges
CORNERS = [61, 291]
LIDS = (  # upper and lower lid, outer and inner corner, of each eye
    ([159, 158, 160], [145, 153, 144], 33, 133),
    ([386, 385, 387], [374, 380, 373], 263, 362),
)
BROWS = [105, 52, 334, 282]  # their middles


def measure_features(points: np.ndarray) -> dict[str, float]:
    """The MEASURES of a mesh (468, 3); nan where the mesh has no extent.

    mouth_open   inner edges of the lips apart; average .06
    corner_lift  corners of the mouth above the line between the lips; average -.01
    corner_drop  corners of the mouth below the nose; average .25: a smile draws them up
    eye_open     lids apart, over the width of the eye: the eye aspect ratio of Soukupova and Cech
                 (2016), mean of both eyes
    brow_height  middle of the brows above the corners of the eyes; average .25
    """
    down, width = find_axes(points)
    if not width > 0:
        return dict.fromkeys(MEASURES, float("nan"))
    low = points @ down / width
    lips = (low[UPPER_LIP[0]] + low[LOWER_LIP[0]]) / 2
    corners = low[CORNERS].mean()
    return {
        "mouth_open": float((low[LOWER_LIP] - low[UPPER_LIP]).mean()),
        "corner_lift": float(lips - corners),
        "corner_drop": float(corners - low[NOSE_BASE]),
        "eye_open": float(np.mean([_open_eye(points, *lids) for lids in LIDS])),
        "brow_height": float(low[OUTER + INNER].mean() - low[BROWS].mean()),
    }


def find_axes(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Down along the face (3,), of length 1, and the distance between the outer eye corners."""
    across = points[OUTER[1]] - points[OUTER[0]]
    width = float(np.linalg.norm(across))
    nose = points[NOSE_BASE] - points[BRIDGE]
    down = nose - (nose @ across) * across / max(width, 1e-9) ** 2
    length = float(np.linalg.norm(down))
    return down / max(length, 1e-9), width if length > 0 else 0.0


def _open_eye(points: np.ndarray, upper: list[int], lower: list[int], a: int, b: int) -> float:
    gap = np.linalg.norm(points[upper] - points[lower], axis=1).mean()
    return float(gap / max(float(np.linalg.norm(points[a] - points[b])), 1e-9))
