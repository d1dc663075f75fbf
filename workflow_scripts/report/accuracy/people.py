"""Figures about people: found, cut out, followed; joints, actions, views; faces and emotions.

Who is judged, and when a person counts as found: matching.py. Faces: faces.py.
Precision: a found mask that is nobody's, and of which less than half shows anybody, is wrong.
Joints: those visible in the truth, inside the image; the normalizer is the longer side of the
true box of the visible body. Actions: of people whose knee and ankle of one leg are visible (of a
wave: a wrist), "unknown" is wrong in the accuracy; precision is of all that are named, coverage
their share. Views: truth's three-quarter back counts as back. Shot types: the truth's is of the
shot, but somebody whose lower foot lies beyond the frame is in no full or wide shot.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.report.accuracy.faces import match_faces, measure_faces
from workflow_scripts.report.accuracy.features import measure_features
from workflow_scripts.report.accuracy.matching import MIN_IOU, match_people, select_frames
from workflow_scripts.report.accuracy.truth import Metric, Truth, read_result

LEGS = (("left_knee", "left_ankle"), ("right_knee", "right_ankle"))
WRISTS = ("left_wrist", "right_wrist")
JOINTS = ["nose"] + [
    f"{side}_{joint}"
    for joint in ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    for side in ("left", "right")
]


def measure(results: Path, truth: Truth) -> dict[str, Metric]:
    """All figures whose tables and truth are there."""
    instances = read_result(results, "instances")
    if instances is None:
        return {}
    frames = select_frames(read_result(results, "frames"), truth)
    people, pairs = match_people(frames, instances, truth)
    if people.empty:
        return {}
    metrics = {**measure_masks(people, pairs), **measure_tracks(people)}
    if (poses := read_result(results, "keypoints")) is not None:
        metrics |= measure_joints(people, poses, truth)
    if (labels := read_result(results, "poses")) is not None:
        metrics |= measure_labels(people, labels, truth)
    faces = read_result(results, "faces")
    if faces is not None and (true_faces := truth.table("faces")) is not None:
        matched = match_faces(frames, people, faces, true_faces)
        emotions = read_result(results, "expressions")
        metrics |= measure_faces(matched, frames, faces, true_faces, emotions)
        if emotions is not None and len(matched):
            metrics |= measure_features(matched, emotions, truth)
    return metrics


def measure_masks(people: pd.DataFrame, pairs: pd.DataFrame) -> dict[str, Metric]:
    """Recall over the people to be judged, precision over all found, IoU over those found."""
    judged = people[people["judged"]]
    found = judged["instance_id"] != ""
    # somebody small or mostly hidden, correctly found, is nobody's mistake
    precise = pairs["is_somebody"] | (pairs["share"] >= MIN_IOU)
    metrics = {
        "person_recall": Metric(float(found.mean()), len(judged), 0.95),
        "person_precision": Metric(float(precise.mean()), len(pairs)),
    }
    if found.any():
        overlaps = np.sort(judged["iou"][found])
        worst = overlaps[: max(1, len(overlaps) // 10)]
        metrics["mask_iou_mean"] = Metric(float(overlaps.mean()), len(overlaps), 0.90)
        metrics["mask_iou_worst_decile"] = Metric(float(worst.mean()), len(worst))
    return metrics


def measure_tracks(people: pd.DataFrame) -> dict[str, Metric]:
    """Purity: share of a track that is its main person. Coverage: share of a person's frames in
    a shot that their longest track holds."""
    found = people[people["track_id"] != ""]
    if found.empty:
        return {}
    main = found.groupby("track_id")["character"].agg(lambda names: names.value_counts().iloc[0])
    judged = people[people["judged"]].groupby(["shot", "character"])["track_id"]
    longest = judged.agg(lambda ids: max(ids[ids != ""].value_counts(), default=0))
    sizes = judged.size()
    return {
        "track_purity": Metric(float(main.sum() / len(found)), len(main)),
        "track_coverage": Metric(float(longest.sum() / sizes.sum()), len(sizes)),
    }


def measure_joints(people: pd.DataFrame, poses: pd.DataFrame, truth: Truth) -> dict[str, Metric]:
    """PCK: share of visible joints nearer than a part of the longer side of the true box."""
    found = people[people["judged"] & (people["instance_id"] != "")]
    table = found.merge(poses[["instance_id", "keypoints"]], on="instance_id")
    true_joints = truth.table("keypoints")
    true_joints = true_joints[true_joints["visible"] == 1]
    table = table.merge(true_joints, on=["frame_no", "character"])
    if table.empty:
        return {}
    rows = table["keypoint"].map(JOINTS.index)
    points = np.stack(table["keypoints"].tolist()).reshape(-1, 17, 3)
    points = points[np.arange(len(rows)), rows, :2]
    true = table[["x_px", "y_px"]].to_numpy() - table[["crop_x", "crop_y"]].to_numpy()
    inside = ((true >= 0) & (true < table[["width_px", "height_px"]].to_numpy())).all(1)
    size = np.maximum(table["x1"] - table["x0"], table["y1"] - table["y0"])
    error = (np.linalg.norm(points - true, axis=1) / size)[inside]
    return {
        "pck_05": Metric(float((error <= 0.05).mean()), len(error)),
        "pck_10": Metric(float((error <= 0.10).mean()), len(error), 0.95),
    }


def measure_labels(people: pd.DataFrame, labels: pd.DataFrame, truth: Truth) -> dict[str, Metric]:
    """Share of found people whose action, view and shot type are the true ones."""
    labels = labels[["instance_id", "action", "view", "shot_type"]]
    labels = labels.rename(columns={name: f"found_{name}" for name in labels.columns[1:]})
    table = people[people["judged"]].merge(labels, on="instance_id")
    acting = table[_shows_action(table, truth)]
    named = table[table["found_action"] != "unknown"]
    pairs = {
        "action_accuracy": acting["found_action"] == acting["action"],
        "action_precision": named["found_action"] == named["action"],
        "action_coverage": acting["found_action"] != "unknown",
        "shot_type_accuracy": table["found_shot_type"] == find_true_framing(table, truth),
    }
    if "view" in table:
        true_views = table["view"].replace("three_quarter_back", "back")
        pairs["view_accuracy"] = table["found_view"] == true_views
    return {n: Metric(float(right.mean()), len(right)) for n, right in pairs.items() if len(right)}


def find_true_framing(people: pd.DataFrame, truth: Truth) -> pd.Series:
    """Shot type of each person: that of the shot; medium where the frame cuts off the lower foot.

    `people` is of match_people.
    """
    joints = truth.table("keypoints")
    ankles = joints[joints["keypoint"].isin(["left_ankle", "right_ankle"])]
    lower = ankles.groupby(["frame_no", "character"])["y_px"].max().rename("lower_y")
    feet_y = people.join(lower, on=["frame_no", "character"])["lower_y"] - people["crop_y"]
    is_cut = (feet_y >= people["height_px"]) & people["shot_type"].isin(["full", "wide"])
    return people["shot_type"].mask(is_cut, "medium")


def _shows_action(table: pd.DataFrame, truth: Truth) -> np.ndarray:
    joints = truth.table("keypoints")
    seen = joints[joints["visible"] == 1].groupby(["frame_no", "character"])["keypoint"].agg(set)
    shows = []
    for row in table.itertuples():
        visible = seen.get((row.frame_no, row.character), set())
        leg = any(set(leg) <= visible for leg in LEGS)
        shows.append(leg or (row.action == "wave" and bool(visible & set(WRISTS))))
    return np.array(shows, bool)
