"""Figures about people: who was found, how well cut out and followed, joints, actions, faces, emotions.

What is judged. Pictures that a viewer can judge: sampled frames with a picture that are neither a fade
nor blurred on purpose (there the truth is of the sharp, bright scene). People with at least 0.3 % of
the frame's pixels showing, less than 60 % hidden. A found person is the true one where their masks
overlap by IoU >= 0.5, one to one.

Joints: those visible in the truth, inside the picture; the normaliser is the longer side of the true
box of the visible body. Actions: people whose knee and ankle of one leg are visible (a wave: a wrist);
"unknown" is wrong. Views: bodies turned between two of the four classes count for both of the true
neighbours only where the truth names a class in between. Faces: |yaw| <= 70 degrees, at least 60 % of
the box showing, 20 pixels wide; found where boxes overlap by IoU >= 0.35 (the truth is the skin from chin
to upper forehead, detectors stop at the brows). Emotions: found faces with |yaw| <= 45; "unsure" is wrong.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from workflow_scripts.accuracy.truth import Metric, Truth
from workflow_scripts.lib.images import decode_rle
from workflow_scripts.lib.manifest import read_manifest

MIN_AREA = 0.003  # share of the frame that a person must fill
MAX_OCCLUDED = 0.6
MIN_IOU = 0.5
MIN_FACE_IOU = 0.35
MIN_FACE_PX = 20
MIN_FACE_VISIBLE = 0.6
MAX_FACE_YAW = 70
MAX_EMOTION_YAW = 45
LEGS = (("left_knee", "left_ankle"), ("right_knee", "right_ankle"))
WRISTS = ("left_wrist", "right_wrist")
JOINTS = (
    "nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow right_elbow "
    "left_wrist right_wrist left_hip right_hip left_knee right_knee left_ankle right_ankle"
).split()
# A three-quarter back view is between side and back: both names are true of it.
TRUE_VIEWS = {"three_quarter_back": {"back", "side"}}


def measure(results: Path, truth: Truth) -> dict[str, Metric]:
    """All figures whose tables and truth are there."""
    instances = _read_shards(results / "segment_instances")
    if instances is None:
        return {}
    frames = select_frames(read_manifest(results / "extract_frames/frames.parquet"), truth)
    people, pairs = match_people(frames, instances, truth)
    metrics = {**measure_masks(people, pairs), **measure_tracks(people)}
    poses = _read_shards(results / "estimate_poses")
    if poses is not None:
        metrics |= measure_joints(people, poses, truth)
    if (path := results / "classify_poses/poses.parquet").is_file():
        metrics |= measure_labels(people, read_manifest(path), truth)
    faces = _read_shards(results / "crop_faces")
    if faces is not None and (true_faces := truth.table("faces")) is not None:
        matched = match_faces(frames, people, faces, true_faces)
        path = results / "classify_expressions/expressions.parquet"
        emotions = read_manifest(path) if path.is_file() else None
        metrics |= measure_faces(matched, frames, faces, true_faces, emotions)
    return metrics


def _read_shards(folder: Path) -> pd.DataFrame | None:
    paths = sorted(folder.glob("*of*.parquet"))
    return read_manifest(paths) if paths else None


def select_frames(frames: pd.DataFrame, truth: Truth) -> pd.DataFrame:
    """Sampled frames with a picture that a viewer can judge, with the truth's number and drawing."""
    frames = frames[frames["file"] != ""].copy()
    frames["truth_no"] = truth.frame_numbers(frames["time_s"])
    columns = ["frame_no", "unique_render_id", "is_fade", "is_blurred"]
    table = truth.frames[columns].rename(columns={"frame_no": "truth_no"})
    frames = frames.merge(table, on="truth_no")
    return frames[(frames["is_fade"] == 0) & (frames["is_blurred"] == 0)]


def match_people(
    frames: pd.DataFrame, instances: pd.DataFrame, truth: Truth
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Truth rows with the instance_id ("" if missed) and IoU of the person found; found people, each
    with whether it is anybody (0, 1)."""
    true_people = dict(list(truth.instances.groupby("frame_no")))
    found_people = dict(list(instances.groupby("frame_id")))
    people, pairs = [], []
    for frame in frames.itertuples():
        expected = true_people.get(frame.truth_no, truth.instances[:0])
        found = found_people.get(frame.frame_id, instances[:0])
        overlaps, shares = _compare_masks(frame, expected, found, truth)
        rows, columns = linear_sum_assignment(overlaps, maximize=True)
        matches = {r: c for r, c in zip(rows, columns, strict=True) if overlaps[r, c] >= MIN_IOU}
        for row, person in enumerate(expected.itertuples(index=False)):
            best = matches.get(row)
            size = frame.width_px * frame.height_px
            people.append(
                {
                    **person._asdict(),
                    "frame_id": frame.frame_id,
                    "shot": frame.shot_id,
                    "crop_x": frame.crop_x,
                    "crop_y": frame.crop_y,
                    "width_px": frame.width_px,
                    "height_px": frame.height_px,
                    "judged": person.visible_px >= MIN_AREA * size
                    and person.occluded_fraction < MAX_OCCLUDED,
                    "instance_id": "" if best is None else found["instance_id"].iloc[best],
                    "track_id": "" if best is None else found["track_id"].iloc[best],
                    "iou": 0.0 if best is None else overlaps[row, best],
                }
            )
        taken = set(matches.values())
        pairs += [
            (instance, number in taken, shares[number])
            for number, instance in enumerate(found["instance_id"])
        ]
    return pd.DataFrame(people), pd.DataFrame(
        pairs, columns=["instance_id", "is_somebody", "share"]
    )


def _compare_masks(frame, expected, found, truth) -> tuple[np.ndarray, np.ndarray]:
    """IoU (true people, found people), and the share of each found mask that shows anybody."""
    if not len(expected) or not len(found):
        return np.zeros((len(expected), len(found))), np.zeros(len(found))
    picture = truth.mask(frame.unique_render_id)
    picture = picture[frame.crop_y :, frame.crop_x :][: frame.height_px, : frame.width_px]
    index = truth.screenplay["mask_index"]
    masks = [
        decode_rle(row.mask, row.height_px, row.width_px).astype(bool) for row in found.itertuples()
    ]
    overlaps = np.zeros((len(expected), len(masks)))
    for row, name in enumerate(expected["character"]):
        true_mask = picture == index[name]
        for column, mask in enumerate(masks):
            overlaps[row, column] = (true_mask & mask).sum() / max(1, (true_mask | mask).sum())
    return overlaps, np.array([(picture[mask] > 0).mean() if mask.any() else 0 for mask in masks])


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
    """Purity: share of a track that is its main person. Coverage: share of a person's frames in a shot
    that their longest track holds."""
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
    pairs = {
        "action_accuracy": acting["found_action"] == acting["action"],
        "shot_type_accuracy": table["found_shot_type"] == table["shot_type"],
    }
    if "view" in table:
        pairs["view_accuracy"] = pd.Series(
            [
                found in TRUE_VIEWS.get(true, {true})
                for found, true in zip(table["found_view"], table["view"], strict=True)
            ],
            dtype=bool,
        )
    return {n: Metric(float(right.mean()), len(right)) for n, right in pairs.items() if len(right)}


def _shows_action(table: pd.DataFrame, truth: Truth) -> np.ndarray:
    joints = truth.table("keypoints")
    seen = joints[joints["visible"] == 1].groupby(["frame_no", "character"])["keypoint"].agg(set)
    shows = []
    for row in table.itertuples():
        visible = seen.get((row.frame_no, row.character), set())
        leg = any(set(leg) <= visible for leg in LEGS)
        shows.append(leg or (row.action == "wave" and bool(visible & set(WRISTS))))
    return np.array(shows, bool)


def match_faces(
    frames: pd.DataFrame, people: pd.DataFrame, faces: pd.DataFrame, true_faces: pd.DataFrame
) -> pd.DataFrame:
    """True faces that should be found, each with the face found there (instance_id "" if missed)."""
    place = frames.set_index("truth_no")[["frame_id", "crop_x", "crop_y", "width_px", "height_px"]]
    table = true_faces.join(place, on="frame_no", how="inner")
    table[["x0", "x1"]] = table[["x0", "x1"]].sub(table["crop_x"], axis=0)
    table[["y0", "y1"]] = table[["y0", "y1"]].sub(table["crop_y"], axis=0)
    hidden = people.set_index(["frame_no", "character"])["expression"].rename("expression")
    table = table.join(hidden, on=["frame_no", "character"], how="inner")
    table = table[
        (table["yaw_deg"].abs() <= MAX_FACE_YAW)
        & (table["face_visible_fraction"] >= MIN_FACE_VISIBLE)
        & (table["x1"] - table["x0"] >= MIN_FACE_PX)
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
    return faces["instance_id"].iloc[best] if overlaps[best] >= MIN_FACE_IOU else ""


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
    """Recall over the faces to be judged; precision: any true face counts; emotion of those found."""
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
        metrics["emotion_accuracy"] = Metric(float(hits.mean()), len(hits), 0.70)
    return metrics


def _lies_on_head(face, heads: pd.DataFrame | None) -> bool:
    """Whether the middle of a found face lies in a true face box."""
    if heads is None:
        return False
    x = (face.x0 + face.x1) / 2 + heads["crop_x"]
    y = (face.y0 + face.y1) / 2 + heads["crop_y"]
    inside = x.between(heads["x0"], heads["x1"]) & y.between(heads["y0"], heads["y1"])
    return bool(inside.any())
