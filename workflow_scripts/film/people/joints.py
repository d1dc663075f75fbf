"""Which of a body's joints an image shows, and the lengths that its movement is judged by.

A pose net places all 17 joints of a body, whether they show or not: those beyond the frame come to
lie just inside its edge, those behind a table on the table. Only what is seen may be spoken of.
"""

from functools import cache

import cv2
import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

SHOULDERS, WRISTS, HIPS, KNEES, ANKLES = [5, 6], [9, 10], [11, 12], [13, 14], [15, 16]  # COCO-17
TRUNK = [*SHOULDERS, *HIPS]
OFF_MASK = 0.1  # torsos that a joint may lie off the mask and still be seen
# Torsos: so near to an edge that cuts the body, a joint of a leg is a guess. A body that stands on
# the edge has its ankles there, but neither hips nor knees.
RIM = np.array([0.0] * 11 + [0.3] * 4 + [0.1] * 2)
EDGE = 0.01  # of the frame's height: so near to its edge, a box touches it
MIN_TORSO = 1e-6


def measure_torsos(keypoints: np.ndarray) -> np.ndarray:
    """Shoulders to hips, in pixels, of bodies (..., 17, 3)."""
    spine = keypoints[..., HIPS, :2].mean(-2) - keypoints[..., SHOULDERS, :2].mean(-2)
    return np.maximum(np.linalg.norm(spine, axis=-1), MIN_TORSO)


def find_cuts(boxes: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Which edges of the frame cut bodies: (N, 4) bool, left, top, right, bottom.

    `boxes` (N, 4) are x0, y0, x1, y1 of what shows of them, `sizes` (N, 2) width and height of the
    frame, all in pixels.
    """
    edge = EDGE * sizes[:, 1:]
    return np.hstack([boxes[:, :2] <= edge, boxes[:, 2:] >= sizes - edge])


def find_in_frame(keypoints: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Which joints (N, 17, 3) lie in the frames, of width and height `sizes` (N, 2): (N, 17)."""
    points = keypoints[..., :2]
    return ((points >= 0) & (points < sizes[:, None])).all(2)


def find_guesses(keypoints: np.ndarray, cuts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Which joints of legs (N, 17, 3) lie where a net puts those beyond the frame: (N, 17) bool.

    That is just inside an edge that cuts the body, `cuts` (N, 4) as of find_cuts.
    """
    points = keypoints[..., :2]
    away = np.concatenate([points, sizes[:, None] - points], 2)  # (N, 17, 4), from the edges
    rims = RIM * measure_torsos(keypoints)[:, None]  # (N, 17)
    return (cuts[:, None] & (away < rims[..., None])).any(2)


def find_on_mask(keypoints: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Which joints (17, 3) lie on or near the person's mask (H, W): (17,) bool."""
    disk = _draw_disk(max(1, round(OFF_MASK * float(measure_torsos(keypoints)))))
    columns, rows = np.floor(keypoints[:, :2]).astype(int).T
    inside = (rows >= 0) & (columns >= 0) & (rows < mask.shape[0]) & (columns < mask.shape[1])
    around = sliding_window_view(np.pad(mask, len(disk) // 2), disk.shape)
    near = np.zeros(len(keypoints), bool)
    near[inside] = (around[rows[inside], columns[inside]] & disk).any((1, 2))
    return near


@cache
def _draw_disk(radius_px: int) -> np.ndarray:
    """Pixels (2 R + 1, 2 R + 1) bool at most so far from the middle one; R holds them all."""
    reach = radius_px + radius_px // 20 + 1  # distances of OpenCV are up to 1 / 20 too short
    away = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    away[reach, reach] = 0
    return cv2.distanceTransform(away, cv2.DIST_L2, 3) <= radius_px


def measure_movement(keypoints: np.ndarray, shown: np.ndarray, least: float) -> pd.DataFrame:
    """What actions are judged by, of bodies (N, 17, 3): torsos, degrees; nan where it is not seen.

    `shown` (N, 17) are the joints in the frame and on the body. A pair of a leg's joints counts if
    both are and one reaches the confidence `least`: the far leg often hides behind the near one.
    """
    points = keypoints[..., :2].astype(float)
    seen = shown & (keypoints[..., 2] >= least)
    torsos = measure_torsos(keypoints)
    hips, knees, feet = (_see_pairs(shown, seen, pair) for pair in (HIPS, KNEES, ANKLES))
    spine = points[:, HIPS].mean(1) - points[:, SHOULDERS].mean(1)
    stride = (points[:, 15] - points[:, 16]) / torsos[:, None]
    heels = (points[:, ANKLES, 1] - points[:, KNEES, 1]) / torsos[:, None]  # knee down to ankle
    drops = (points[:, KNEES, 1] - points[:, HIPS, 1]).max(1) / torsos
    hands = (points[:, WRISTS] - points[:, SHOULDERS]) / torsos[:, None, None]
    hands = np.where((seen[:, WRISTS] & shown[:, SHOULDERS])[..., None], hands, np.nan)
    return pd.DataFrame(
        {
            "foot_x": np.where(feet, stride[:, 0], np.nan),  # left foot to right foot
            "foot_y": np.where(feet, stride[:, 1], np.nan),
            "knee_x": np.where(knees, points[:, 13, 0] - points[:, 14, 0], np.nan) / torsos,
            "heel": np.where(feet & knees, heels.min(1), np.nan),  # under 0: above its knee
            "drop": np.where(hips & knees, drops, np.nan),  # hip down to knee
            "left_x": hands[:, 0, 0],  # shoulder to wrist
            "left_rise": -hands[:, 0, 1],
            "right_x": hands[:, 1, 0],
            "right_rise": -hands[:, 1, 1],
            "lean": np.where(
                shown[:, TRUNK].all(1),
                np.degrees(np.arctan2(np.abs(spine[:, 0]), spine[:, 1])),  # 0 upright
                np.nan,
            ),
            "size": np.log(torsos),
        }
    )


def _see_pairs(shown: np.ndarray, seen: np.ndarray, pair: list[int]) -> np.ndarray:
    return shown[:, pair].all(1) & seen[:, pair].any(1)
