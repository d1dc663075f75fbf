"""Name what each body does and how it is seen. Reads instances, keypoints, faces; rules, no model.

Lengths are in torsos (shoulders to hips) of the person, so that children and distance do not
matter; movement is measured along the track, in a window of time around each image. Where the
image does not show enough, the word is "unknown".
"""

from functools import cache

import cv2
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.lib.stride_tricks import sliding_window_view

from workflow_scripts.lib.images import decode_rle
from workflow_scripts.lib.manifest import read_manifest, write_manifest
from workflow_scripts.lib.phase import Counts, log, run_phase

LABELS = pa.schema(
    [
        ("instance_id", pa.string()),
        ("action", pa.string()),  # stand walk run sit wave lie unknown
        ("view", pa.string()),  # front three_quarter side back unknown
        ("occlusion", pa.float32()),  # share of the joints inside the frame that something hides
        ("truncated", pa.bool_()),  # the body goes on beyond the frame
        ("shot_type", pa.string()),  # close-up medium full wide
        ("score", pa.float32()),  # joint confidence x agreement on the action within the window
    ]
)
BODY_COLUMNS = ["instance_id", "frame_id", "track_id", "mask", "width_px", "height_px"]
BOX_COLUMNS = ["x0", "y0", "x1", "y1"]
SHOULDERS, WRISTS, HIPS, KNEES, ANKLES = [5, 6], [9, 10], [11, 12], [13, 14], [15, 16]
TRUNK = [5, 6, 11, 12]
MOVEMENT = ["foot_x", "foot_y", "knee_x", "drop", "rise", "lean"]
FEW = 4  # images in the window: fewer show no movement, the pose alone must tell
WIDE_STRIDE = 0.7  # torsos between the feet in a single image of somebody who walks
OFF_MASK = 0.1  # torsos that a joint may lie off the mask and still be seen
GAZE_DEG = 40  # turn of a head whose gaze_yaw is 1: the nose stands before one eye
EDGE = 0.01  # of the frame's height: so near to its edge, a box touches it


def measure_bodies(keypoints: np.ndarray, height_px: np.ndarray, least: float) -> pd.DataFrame:
    """Measures of bodies (N, 17, 3), lengths in torsos; nan where joints are not seen.

    Joints of legs count if one of the pair reaches the confidence `least`: the far leg often hides.
    """
    points, seen = keypoints[..., :2].astype(float), keypoints[..., 2] >= least
    shoulders, hips = points[:, SHOULDERS].mean(1), points[:, HIPS].mean(1)
    spine = hips - shoulders
    torso = np.maximum(np.linalg.norm(spine, axis=1), 1e-6)
    legs_seen, feet_seen = seen[:, KNEES].any(1), seen[:, ANKLES].any(1)
    feet = np.where(feet_seen[:, None], points[:, 15] - points[:, 16], np.nan) / torso[:, None]
    drops = points[:, KNEES, 1] - points[:, HIPS, 1]
    rises = np.where(seen[:, WRISTS], points[:, SHOULDERS, 1] - points[:, WRISTS, 1], np.nan)
    return pd.DataFrame(
        {
            "foot_x": feet[:, 0],  # left foot to right foot
            "foot_y": feet[:, 1],
            "knee_x": np.where(legs_seen, points[:, 13, 0] - points[:, 14, 0], np.nan) / torso,
            "drop": np.where(legs_seen, drops.max(1), np.nan) / torso,  # hip down to knee
            "rise": np.fmax(rises[:, 0], rises[:, 1]) / torso,  # shoulder up to wrist
            "lean": np.degrees(np.arctan2(np.abs(spine[:, 0]), spine[:, 1])),  # 0 upright
            "width": (points[:, 5, 0] - points[:, 6, 0]) / torso,  # under 0: the back is seen
            "torso_shown": (height_px - shoulders[:, 1]) / np.maximum(spine[:, 1], 1e-6),
            "feet_shown": points[:, ANKLES, 1].max(1) < height_px,  # the net guesses them beyond
            "trunk_seen": seen[:, TRUNK].mean(1),
            "confidence": keypoints[..., 2].mean(1),
        }
    )


def name_action(window: np.ndarray, now: int, rules: dict) -> str:
    """What the body of row `now` does, judged from a window (T, 6) of its track; see MOVEMENT."""
    drops, rises, leans = (window[:, MOVEMENT.index(name)] for name in ("drop", "rise", "lean"))
    if np.median(leans) > rules["lie_lean_deg"]:
        return "lie"
    alone = len(window) < FEW
    if alone and window[now, 3] < rules["sit_drop"]:
        return "sit"  # before the feet are asked: without movement, feet apart may mean anything
    steps = _name_steps(window[:, :3], now, rules)
    if steps:
        return steps
    if _median(rises) > rules["wave_rise"]:  # nan, where no wrist is seen, is not larger
        return "wave"
    drop = _median(drops)
    if np.isnan(drop):
        return "unknown"
    return "sit" if drop < rules["sit_drop"] else "stand"


def _name_steps(legs: np.ndarray, now: int, rules: dict) -> str:
    """walk or run by how far the feet swing and how high they lift; "" when they rest."""
    feet = legs[~np.isnan(legs[:, 0]), :2]
    knees = legs[~np.isnan(legs[:, 2]), 2]
    if len(feet) >= FEW:
        swing, lift = feet.std(0)
        if np.hypot(swing, lift) < rules["min_swing"]:
            return ""
        return "run" if lift >= rules["min_run_lift"] else "walk"
    if len(knees) >= FEW:
        return "walk" if knees.std() >= rules["min_swing"] else ""
    if len(legs) < FEW and np.hypot(*legs[now, :2]) >= WIDE_STRIDE:
        return "run" if abs(legs[now, 1]) >= 2 * rules["min_run_lift"] else "walk"
    return ""


def _median(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else float("nan")


def name_actions(
    bodies: pd.DataFrame, tracks: np.ndarray, times_s: np.ndarray, rules: dict
) -> tuple[np.ndarray, np.ndarray]:
    """Action of each body, and the share of its window that agrees with it."""
    actions = np.full(len(bodies), "unknown", object)
    agreement = np.zeros(len(bodies))
    movement = bodies[MOVEMENT].to_numpy()
    for rows in pd.Series(range(len(bodies))).groupby(tracks).indices.values():
        rows = rows[np.argsort(times_s[rows], kind="stable")]
        times = times_s[rows]
        starts = np.searchsorted(times, times - rules["window_s"])
        ends = np.searchsorted(times, times + rules["window_s"], side="right")
        words = np.array(
            [
                name_action(movement[rows[start:end]], i - start, rules)
                for i, (start, end) in enumerate(zip(starts, ends, strict=True))
            ],
            object,
        )
        for row, start, end in zip(rows, starts, ends, strict=True):
            names, counts = np.unique(words[start:end].astype(str), return_counts=True)
            actions[row], agreement[row] = names[counts.argmax()], counts.max() / counts.sum()
    return actions, agreement


def steady(
    values: np.ndarray, tracks: np.ndarray, times_s: np.ndarray, window_s: float
) -> np.ndarray:
    """Median of the values of the same track within the window around each."""
    medians = values.copy()
    for rows in pd.Series(range(len(values))).groupby(tracks).indices.values():
        near = np.abs(np.subtract.outer(times_s[rows], times_s[rows])) <= window_s
        medians[rows] = [np.median(values[rows[close]]) for close in near]
    return medians


def name_view(body: tuple, gaze_yaw: float, rules: dict) -> str:
    """From which side the trunk is seen, by the signed width of its shoulders.

    `gaze_yaw` is nan where no face was found. In a close-up half of the word is the face's, for the
    width of shoulders is measured against hips that the frame does not show.
    """
    has_face = not np.isnan(gaze_yaw)
    if body.trunk_seen < 0.5 and not has_face:
        return "unknown"
    close = body.torso_shown < rules["medium_torso"]
    full_width = rules["close_shoulder_width" if close else "shoulder_width"]
    turned = np.degrees(np.arccos(np.clip(body.width / full_width, -1, 1)))
    if turned > rules["side_deg"] and not has_face:
        return "back"
    if has_face:  # left and right swapped: the net was mistaken, the body is not turned away
        turned = min(turned, 180 - turned)
        turned = (turned + GAZE_DEG * abs(gaze_yaw)) / 2 if close else turned
    if turned <= rules["front_deg"]:
        return "front"
    return "three_quarter" if turned <= 180 - rules["side_deg"] else "side"


def name_shot_type(body: tuple, height_share: float, rules: dict) -> str:
    """Framing, by what of the body is inside the frame and how high the tallest stands there."""
    if body.torso_shown < rules["medium_torso"]:
        return "close-up"
    if not body.feet_shown:
        return "medium"
    return "full" if height_share >= rules["full_height"] else "wide"


def measure_occlusion(keypoints: np.ndarray, mask: np.ndarray) -> float:
    """Share of the joints (17, 3) inside the frame that lie off the person's mask (H, W)."""
    points = keypoints[:, :2]
    torso = np.linalg.norm(points[SHOULDERS].mean(0) - points[HIPS].mean(0))
    disk = _draw_disk(max(1, round(OFF_MASK * float(torso))))
    columns, rows = np.floor(points).astype(int).T
    inside = (rows >= 0) & (columns >= 0) & (rows < mask.shape[0]) & (columns < mask.shape[1])
    if not inside.any():
        return 0.0
    around = sliding_window_view(np.pad(mask, len(disk) // 2), disk.shape)
    near = (around[rows[inside], columns[inside]] & disk).any((1, 2))
    return float(1 - near.mean())


@cache
def _draw_disk(radius_px: int) -> np.ndarray:
    """Pixels (2 R + 1, 2 R + 1) bool at most so far from the middle one; R holds them all."""
    reach = radius_px + radius_px // 20 + 1  # distances of OpenCV are up to 1 / 20 too short
    away = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    away[reach, reach] = 0
    return cv2.distanceTransform(away, cv2.DIST_L2, 3) <= radius_px


def is_truncated(person: tuple) -> bool:
    """Whether the box touches an edge of the frame."""
    edge = EDGE * person.height_px
    near = person.x0 <= edge or person.y0 <= edge
    return bool(near or person.x1 >= person.width_px - edge or person.y1 >= person.height_px - edge)


def label_people(people: pd.DataFrame, rules: dict) -> pd.DataFrame:
    """Rows of the table; `people` joins instances, keypoints, time_s and gaze_yaw."""
    keypoints = np.stack(people["keypoints"].tolist()).reshape(-1, 17, 3)
    heights = people["height_px"].to_numpy(float)
    bodies = measure_bodies(keypoints, heights, rules["min_confidence"])
    tracks, times_s = people["track_id"].to_numpy(), people["time_s"].to_numpy(float)
    actions, agreement = name_actions(bodies, tracks, times_s, rules)
    turn_window_s = rules["turn_window_s"]
    bodies["width"] = steady(bodies["width"].to_numpy(), tracks, times_s, turn_window_s)
    shares = (people["y1"] - people["y0"]) / people["height_px"]
    tallest = shares.groupby(people["frame_id"]).transform(
        "max"
    )  # children stand in full shots too
    tallest = steady(tallest.to_numpy(float), tracks, times_s, rules["window_s"])
    rows = list(zip(bodies.itertuples(), people.itertuples(), keypoints, tallest, strict=True))
    return pd.DataFrame(
        {
            "instance_id": people["instance_id"],
            "action": actions,
            "view": [name_view(body, person.gaze_yaw, rules) for body, person, _, _ in rows],
            "occlusion": [
                measure_occlusion(
                    joints, decode_rle(person.mask, person.height_px, person.width_px)
                )
                for _, person, joints, _ in rows
            ],
            "truncated": [is_truncated(person) for _, person, _, _ in rows],
            "shot_type": [name_shot_type(body, share, rules) for body, _, _, share in rows],
            "score": agreement * bodies["confidence"],
        }
    )


def read_people(instances: str, keypoints: str, faces: str, times: pd.DataFrame) -> pd.DataFrame:
    """People of one shard with keypoints, time_s and gaze_yaw, in the order of their ids."""
    people = read_manifest(instances, BODY_COLUMNS + BOX_COLUMNS)
    joints = read_manifest(keypoints, ["instance_id", "keypoints"])
    people = people.merge(joints, on="instance_id", validate="one_to_one")
    people = people.merge(times, on="frame_id")
    gazes = read_manifest(faces, ["instance_id", "gaze_yaw"])
    people = people.merge(gazes, on="instance_id", how="left")
    return people.sort_values("instance_id", ignore_index=True)


def main(
    instances: list[str],
    keypoints: list[str],
    faces: list[str],
    frames: str,
    labels: str,
    *,
    rules: dict,
) -> Counts:
    times = read_manifest(frames, ["frame_id", "time_s"])
    parts = [pd.DataFrame(columns=LABELS.names)]
    for shard in zip(instances, keypoints, faces, strict=True):  # of whole shots: tracks are whole
        people = read_people(*shard, times)
        parts += [label_people(people, rules)] if len(people) else []
    rows = pd.concat(parts[1:] or parts, ignore_index=True)
    write_manifest(rows, labels, LABELS)
    log.info("actions: %s", rows["action"].value_counts().to_dict())
    log.info("views: %s", rows["view"].value_counts().to_dict())
    return Counts("instances", len(rows), len(rows))


if __name__ == "__main__":
    run_phase(main, snakemake)
