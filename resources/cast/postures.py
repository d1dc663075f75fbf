"""Words for arms and legs from projected joints, as captions use them; near a limit no word."""

import numpy as np

ARMS = ((5, 7, 9), (6, 8, 10))  # shoulder, elbow, wrist
LEGS = ((11, 13, 15), (12, 14, 16))  # hip, knee, ankle


def measure_bend(joints: np.ndarray, limb: tuple[int, int, int]) -> float:
    """Degrees at the middle of three joints (17, 3); 180 is straight, nan where one is hidden."""
    if not joints[list(limb), 2].all():
        return np.nan
    start, middle, end = joints[list(limb), :2]
    one, two = start - middle, end - middle
    cosine = one @ two / max(float(np.linalg.norm(one) * np.linalg.norm(two)), 1e-9)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def find_posture(joints: np.ndarray) -> list[str]:
    """Names of the position of arms and legs; joints (17, 3): x, y in pixels, seen."""
    rises = np.array(
        [
            (joints[s, 1] - joints[w, 1]) if joints[s, 2] and joints[w, 2] else np.nan
            for s, _, w in ARMS
        ]
    )
    arm = np.nanmax([np.linalg.norm(joints[s, :2] - joints[e, :2]) for s, e, _ in ARMS])
    return name_arms(joints, rises / max(float(arm), 1e-6)) + name_legs(joints)


def name_arms(joints: np.ndarray, rises: np.ndarray) -> list[str]:
    """`rises` (2,): how far wrists are above their shoulders, in upper arms; nan: not seen."""
    raised = int((rises > 0.25).sum())
    if raised:
        other_low = (rises < -0.25).any()
        return ["both_arms_raised"] if raised == 2 else ["one_arm_raised"] if other_low else []
    bends = np.array([measure_bend(joints, arm) for arm in ARMS])
    if not (rises < -0.25).all() or np.isnan(bends).any():
        return []
    if (bends > 148).all():
        return ["arms_lowered"]
    bent = bends < 102
    if bent.all():
        return ["arms_bent"]
    return ["one_arm_bent"] if bent.any() and (bends > 120).any() else []


def name_legs(joints: np.ndarray) -> list[str]:
    bends = np.array([measure_bend(joints, leg) for leg in LEGS])
    if np.isnan(bends).any():
        return []
    if (bends > 160).all():
        return ["legs_straight"]
    bent = bends < 117
    if bent.all():
        return ["knees_bent"]
    return ["one_knee_bent"] if bent.any() and (bends > 133).any() else []
