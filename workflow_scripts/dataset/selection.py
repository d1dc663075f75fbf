"""Which images may enter a dataset: one reason for each that may not; same poses found."""

import numpy as np
import pandas as pd

from workflow_scripts.dataset.overlay_text import SET_ASIDE
from workflow_scripts.lib.kinds import Kind

Checks = list[tuple[str, pd.Series]]  # a reason, and True for the images that it keeps out


def find_reasons(kind: Kind, rows: pd.DataFrame, limits: dict, character: str = "") -> pd.Series:
    """Name the first thing that keeps an image out; "" where nothing does.

    `rows` has the joined facts and `frame_reason` of filter_frames; `limits` are the options as
    this kind reads them. A missing measure keeps an image out too: "not >=" rather than "<".
    """
    reasons = rows["frame_reason"].astype(str).copy()
    for reason, failed in _list_checks(kind, rows, limits, character):
        reasons[failed & (reasons == "")] = reason
    return reasons


def _list_checks(kind: Kind, rows: pd.DataFrame, limits: dict, character: str) -> Checks:
    """In the order in which reasons are given."""
    checks = [] if kind.is_of_frames else _check_body(kind, rows, limits, character)
    if kind.shows == "plate":
        checks += _check_plates(rows)
    checks += _check_category(kind, rows)
    if kind.score:
        checks.append(("low_score", ~(rows[kind.score] >= limits["min_score"])))
    if "keypoints" in kind.words:  # else a caption could say nothing of what it is about
        checks.append(("no_joints", ~rows["keypoints"].map(sees_joints).astype(bool)))
    checks.append(("overlay_text", rows["overlay_text"] == SET_ASIDE))
    return [*checks, ("no_image", rows["file"].fillna("") == "")]


def _check_plates(rows: pd.DataFrame) -> Checks:
    """cluster_scenes has judged the plates; of near-identical ones its keeper is enough."""
    reasons = sorted(set(rows["plate_reason"]) - {""})
    checks = [(reason, rows["plate_reason"] == reason) for reason in reasons]
    keeper = rows["is_view_keeper"].fillna(False).astype(bool)
    return [*checks, ("duplicate_view", ~keeper)]


def _check_body(kind: Kind, rows: pd.DataFrame, limits: dict, character: str) -> Checks:
    checks = []
    if character:
        checks.append(("unknown_character", rows["character"] == ""))
        checks.append(("not_this_character", rows["character"] != character))
    part = "face_" if kind.shows == "face" else ""
    width, height = (rows[f"{part}{s}1"] - rows[f"{part}{s}0"] for s in "xy")
    checks.append(("too_small", ~(np.maximum(width, height) >= limits["min_side_px"])))
    checks.append(("occluded", ~(rows["occlusion"].fillna(0) <= limits["max_occlusion"])))
    return checks


def _check_category(kind: Kind, rows: pd.DataFrame) -> Checks:
    """What a dataset is about must be known."""
    if kind.category == "action":
        return [("unknown_action", rows["action"] == "")]
    if kind.category == "emotion":
        unsure = (rows["emotion"] == "") | (rows["emotion_reason"] != "")
        return [("unsure_expression", unsure)]
    if kind.category == "lighting":
        return [("unknown_lighting", rows["time_of_day"] == "")]
    return []


def sees_joints(keypoints: object) -> bool:
    """Whether 17 joints were looked for, and any was found."""
    return keypoints is not None and np.size(keypoints) == 51 and bool(np.isfinite(keypoints).any())


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


def name_category(kind: Kind, rows: pd.DataFrame) -> pd.Series:
    """The category that the kind is balanced over; "unknown" where nobody measured it."""
    if kind.category != "lighting":
        return rows[kind.category].replace("", "unknown")
    parts = rows[["time_of_day", "weather", "indoor"]].itertuples(index=False)
    words = [" ".join(text for text in part if text) or "unknown" for part in parts]
    return pd.Series(words, index=rows.index, dtype=str)


def measure_quality(kind: Kind, rows: pd.DataFrame) -> pd.Series:
    """What decides between images of one shot and category: sharpness times score."""
    if kind.is_of_frames:
        return rows["sharpness"].astype(float)
    if kind.shows == "face":
        return rows["face_sharpness"].fillna(0) * rows["emotion_score"].fillna(0)
    return rows["sharpness"].astype(float) * rows["instance_score"].fillna(0)
