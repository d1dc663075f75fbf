"""Which images may enter a dataset: one reason for each that may not; same poses found."""

import numpy as np
import pandas as pd

from workflow_scripts.dataset.facts import FRAME_KINDS

# What each kind is balanced over, and all categories that its report counts.
CATEGORY = {
    "character": "shot_type",
    "background": "location",
    "pose": "action",
    "expression": "emotion",
    "style": "location",
    "lighting": "lighting",
}
# Categories that a complete dataset has; those without an image are reported as too few.
EXPECTED = {
    "action": ["stand", "walk", "run", "sit", "wave"],
    "emotion": ["neutral", "happy", "sad", "angry", "surprised"],
    "shot_type": ["close-up", "medium", "full", "wide"],
}


def find_reasons(kind: str, rows: pd.DataFrame, limits: dict, character: str = "") -> pd.Series:
    """Name the first thing that keeps an image out; "" where nothing does.

    `rows` has the joined facts, `frame_reason` of filter_frames and `caption`; `limits` is the
    config block. A missing measure keeps an image out too: "not >=" rather than "<".
    """
    reasons = rows["frame_reason"].astype(str).copy()
    for reason, failed in _checks(kind, rows, limits, character):
        reasons[failed & (reasons == "")] = reason
    return reasons


def _checks(kind: str, rows: pd.DataFrame, limits: dict, character: str) -> list:
    if kind == "background":
        own = _background_checks(rows)
    elif kind == "lighting":
        score = rows["lighting_score"] >= limits["min_score"]["lighting"]
        own = [("unknown_lighting", rows["time_of_day"] == ""), ("low_score", ~score)]
    elif kind == "style":
        own = []
    else:
        own = _instance_checks(kind, rows, limits, character)
    return [*own, ("no_caption", rows["caption"] == "")]


def _background_checks(rows: pd.DataFrame) -> list:
    """cluster_scenes has judged the plates; of near-identical ones its keeper is enough."""
    reasons = sorted(set(rows["plate_reason"]) - {""})
    checks = [(reason, rows["plate_reason"] == reason) for reason in reasons]
    keeper = rows["is_view_keeper"].fillna(False).astype(bool)
    return [*checks, ("duplicate_view", ~keeper)]


def _instance_checks(kind: str, rows: pd.DataFrame, limits: dict, character: str) -> list:
    checks = []
    if kind == "character":
        checks.append(("unknown_character", rows["character"] == ""))
        checks.append(("not_this_character", rows["character"] != character))
    box = ("face_x0", "face_y0", "face_x1", "face_y1") if kind == "expression" else ()
    sides = _sides(rows, *(box or ("x0", "y0", "x1", "y1")))
    checks.append(("too_small", ~(sides >= limits["min_side_px"][kind])))
    checks.append(("occluded", ~(rows["occlusion"].fillna(0) <= limits["max_occlusion"])))
    score = {"character": "identity_score", "pose": "pose_score", "expression": "emotion_score"}
    if kind == "pose":
        checks.append(("unknown_action", rows["action"] == ""))
    if kind == "expression":
        unsure = (rows["emotion"] == "") | (rows["emotion_reason"] != "")
        checks.append(("unsure_expression", unsure))
    checks.append(("low_score", ~(rows[score[kind]] >= limits["min_score"][kind])))
    return checks


def _sides(rows: pd.DataFrame, x0: str, y0: str, x1: str, y1: str) -> np.ndarray:
    """Longer side of each box in pixels."""
    return np.maximum(rows[x1] - rows[x0], rows[y1] - rows[y0])


def find_same_poses(rows: pd.DataFrame, min_change: float) -> pd.Series:
    """True for images whose pose an earlier kept image of the same track shows already.

    `rows` has track_id and normalized: 34 numbers, in torso lengths, or None where it is unknown.
    A pose is the same when its joints lie within `min_change` torso lengths on average.
    """
    same = pd.Series(False, index=rows.index)
    for _, track in rows.sort_values("image_id").groupby("track_id"):
        kept = np.empty((0, 17, 2))
        for index, pose in track["normalized"].items():
            if pose is None or np.size(pose) != 34:
                continue
            points = np.reshape(np.asarray(pose, float), (1, 17, 2))
            if (np.linalg.norm(kept - points, axis=2).mean(1) < min_change).any():
                same[index] = True
            else:
                kept = np.concatenate([kept, points])
    return same


def name_category(kind: str, rows: pd.DataFrame) -> pd.Series:
    """The category that the kind is balanced over; "unknown" where nobody measured it."""
    if CATEGORY[kind] != "lighting":
        return rows[CATEGORY[kind]].replace("", "unknown")
    parts = rows[["time_of_day", "weather", "indoor"]].itertuples(index=False)
    words = [" ".join(text for text in part if text) or "unknown" for part in parts]
    return pd.Series(words, index=rows.index, dtype=str)


def measure_quality(kind: str, rows: pd.DataFrame) -> pd.Series:
    """What decides between images of one shot and category: sharpness times score."""
    if kind in FRAME_KINDS:
        return rows["sharpness"].astype(float)
    if kind == "expression":
        return rows["face_sharpness"].fillna(0) * rows["emotion_score"].fillna(0)
    return rows["sharpness"].astype(float) * rows["instance_score"].fillna(0)
