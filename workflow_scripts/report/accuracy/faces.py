"""Figures about faces and emotions.

Judged are faces with |yaw| <= 70 degrees, at least 60 % of the true box showing and 20 pixels wide;
found where boxes overlap by IoU >= 0.35 (the truth is the skin from chin to upper forehead, while
detectors stop at the brows). Precision: the middle of a found face lies in any true face box.
Emotions are judged on found faces with |yaw| <= 45, once with "unsure" as wrong, once without the
unsure.
"""

import numpy as np
import pandas as pd

from workflow_scripts.report.accuracy.truth import Metric

MIN_IOU = 0.35
MIN_WIDTH_PX = 20
MIN_VISIBLE = 0.6
MAX_YAW = 70
MAX_EMOTION_YAW = 45


def match_faces(
    frames: pd.DataFrame, people: pd.DataFrame, faces: pd.DataFrame, true_faces: pd.DataFrame
) -> pd.DataFrame:
    """True faces to be judged, each with the face found there (found_id "" if missed)."""
    place = frames.set_index("truth_no")[["frame_id", "crop_x", "crop_y", "width_px", "height_px"]]
    table = true_faces.join(place, on="frame_no", how="inner")
    table[["x0", "x1"]] = table[["x0", "x1"]].sub(table["crop_x"], axis=0)
    table[["y0", "y1"]] = table[["y0", "y1"]].sub(table["crop_y"], axis=0)
    hidden = people.set_index(["frame_no", "character"])["expression"].rename("expression")
    table = table.join(hidden, on=["frame_no", "character"], how="inner")
    table = table[
        (table["yaw_deg"].abs() <= MAX_YAW)
        & (table["face_visible_fraction"] >= MIN_VISIBLE)
        & (table["x1"] - table["x0"] >= MIN_WIDTH_PX)
    ]
    found = dict(list(faces.groupby("frame_id")))
    table["found_id"] = [_find_face(row, found.get(row.frame_id)) for row in table.itertuples()]
    return table


def _find_face(true_face, faces: pd.DataFrame | None) -> str:
    if faces is None:
        return ""
    true_box = np.array([true_face.x0, true_face.y0, true_face.x1, true_face.y1])
    true_box = np.clip(true_box, 0, [true_face.width_px, true_face.height_px] * 2)
    overlaps = [_iou(true_box, box) for box in faces[["x0", "y0", "x1", "y1"]].to_numpy()]
    best = int(np.argmax(overlaps))
    return faces["instance_id"].iloc[best] if overlaps[best] >= MIN_IOU else ""


def _iou(first: np.ndarray, second: np.ndarray) -> float:
    size = np.clip(np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2]), 0, None)
    areas = np.prod(first[2:] - first[:2]) + np.prod(second[2:] - second[:2])
    return float(np.prod(size) / max(areas - np.prod(size), 1e-9))


def measure_faces(
    matched: pd.DataFrame,
    frames: pd.DataFrame,
    faces: pd.DataFrame,
    true_faces: pd.DataFrame,
    emotions: pd.DataFrame | None,
) -> dict[str, Metric]:
    """Recall over the faces to be judged, precision over all found, emotion of those matched."""
    if matched.empty:
        return {}
    shown = faces[faces["frame_id"].isin(frames["frame_id"])]
    heads = true_faces.join(
        frames.set_index("truth_no")[["frame_id", "crop_x", "crop_y"]], on="frame_no", how="inner"
    )
    heads = dict(list(heads.groupby("frame_id")))
    right = [_lies_on_head(face, heads.get(face.frame_id)) for face in shown.itertuples()]
    metrics = {
        "face_recall": Metric(float((matched["found_id"] != "").mean()), len(matched), 0.95),
        "face_precision": Metric(float(np.mean(right)) if right else 0.0, len(right)),
    }
    frontal = matched[(matched["found_id"] != "") & (matched["yaw_deg"].abs() <= MAX_EMOTION_YAW)]
    if emotions is not None and len(frontal):
        table = frontal.merge(emotions, left_on="found_id", right_on="instance_id")
        hits = table["emotion"] == table["expression"]
        sure = table["emotion"] != "unsure"
        metrics["emotion_accuracy"] = Metric(float(hits.mean()), len(hits), 0.70)
        if sure.any():
            metrics["emotion_sure_correct"] = Metric(
                float(hits[sure].mean()), int(sure.sum()), 0.85
            )
    return metrics


def _lies_on_head(face, heads: pd.DataFrame | None) -> bool:
    """Whether the middle of a found face lies in a true face box."""
    if heads is None:
        return False
    x = (face.x0 + face.x1) / 2 + heads["crop_x"]
    y = (face.y0 + face.y1) / 2 + heads["crop_y"]
    inside = x.between(heads["x0"], heads["x1"]) & y.between(heads["y0"], heads["y1"])
    return bool(inside.any())
