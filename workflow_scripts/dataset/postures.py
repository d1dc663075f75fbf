"""Body position from key points: which words of posture the image shows, and only those."""

from collections.abc import Sequence

import numpy as np

MIN_CONFIDENCE = 0.5  # of a joint; below, it says nothing
SHOULDERS, ELBOWS, WRISTS = (5, 6), (7, 8), (9, 10)  # COCO-17, left and right
HIPS, KNEES, ANKLES = (11, 12), (13, 14), (15, 16)


def hide_joints(keypoints: Sequence[float], seen: Sequence[bool] | None) -> np.ndarray:
    """Joints (17, 3), without confidence where they are not seen; None: nobody has looked."""
    points = np.array(keypoints, float).reshape(17, 3)
    if seen is not None and np.size(seen) == len(points):
        points[~np.asarray(seen, bool), 2] = 0
    return points


def find_posture(keypoints: np.ndarray) -> list[str]:
    """Name the position of arms, legs and trunk; `keypoints` is (17, 3): x, y, confidence.

    Names are keys of the vocabulary ("one_arm_raised"). Joints that are not seen give no words.
    """
    points = np.where(keypoints[:, 2:] >= MIN_CONFIDENCE, keypoints[:, :2], np.nan)
    trunk = _middle(points, HIPS) - _middle(points, SHOULDERS)
    torso = float(np.hypot(*trunk))
    if not torso > 0:  # also when it is unknown
        return []
    return [*_name_arms(points), *_name_legs(points, torso), *_name_trunk(trunk)]


def _middle(points: np.ndarray, pair: tuple[int, int]) -> np.ndarray:
    return points[list(pair)].mean(0)


def _bend(points: np.ndarray, joints: tuple[int, int, int]) -> float:
    """Angle in degrees at the middle joint; 180 is straight, nan where a joint is not seen."""
    first, middle, last = (points[joint] for joint in joints)
    one, two = first - middle, last - middle
    cosine = one @ two / max(np.linalg.norm(one) * np.linalg.norm(two), 1e-9)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def _name_arms(points: np.ndarray) -> list[str]:
    raised = [bool(points[w, 1] < points[s, 1]) for w, s in zip(WRISTS, SHOULDERS, strict=True)]
    if any(raised):
        return ["both_arms_raised" if all(raised) else "one_arm_raised"]
    arms = zip(SHOULDERS, ELBOWS, WRISTS, strict=True)
    bends = np.array([_bend(points, arm) for arm in arms])
    bent = int((bends < 110).sum())
    if bent:
        return ["arms_bent" if bent == 2 else "one_arm_bent"]
    return ["arms_lowered"] if (bends >= 140).all() else []


def _name_legs(points: np.ndarray, torso: float) -> list[str]:
    bends = np.array([_bend(points, leg) for leg in zip(HIPS, KNEES, ANKLES, strict=True)])
    bent = int((bends < 125).sum())
    words = ["knees_bent" if bent == 2 else "one_knee_bent"] if bent else []
    if abs(points[ANKLES[0], 0] - points[ANKLES[1], 0]) > 0.8 * torso:
        words.append("legs_apart")
    return words or (["legs_straight"] if (bends >= 155).all() else [])


def _name_trunk(trunk: np.ndarray) -> list[str]:
    """`trunk` points from the shoulders to the hips; y grows downwards."""
    lean = np.degrees(np.arctan2(abs(trunk[0]), trunk[1]))
    return ["leaning"] if 20 < lean < 70 else []
