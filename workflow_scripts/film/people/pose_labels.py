"""Words for bodies: what each does, from which side and how much of it is seen, what hides it."""

import numpy as np
import pandas as pd

from workflow_scripts.film.people.actions import name_actions
from workflow_scripts.film.people.joints import (
    ANKLES,
    HIPS,
    SHOULDERS,
    TRUNK,
    find_cuts,
    find_guesses,
    find_in_frame,
    find_on_mask,
    measure_movement,
    measure_torsos,
)
from workflow_scripts.lib.boxes import BOX
from workflow_scripts.lib.images import decode_rle

MIN_SURE = 0.5  # an action less sure than this is unknown
GAZE_DEG = 40  # turn of a head whose gaze_yaw is 1: the nose stands before one eye
SOLE = 0.15  # torsos from an ankle to the ground
HIDDEN = 0.25  # torsos by which a visible body may end above its lower ankle and be whole


def measure_bodies(keypoints: np.ndarray, height_px: np.ndarray, least: float) -> pd.DataFrame:
    """What views and framing are judged by, of bodies (N, 17, 3); lengths in torsos."""
    points, seen = keypoints[..., :2].astype(float), keypoints[..., 2] >= least
    shoulders, hips = points[:, SHOULDERS].mean(1), points[:, HIPS].mean(1)
    torsos = measure_torsos(keypoints)
    return pd.DataFrame(
        {
            "width": (points[:, 5, 0] - points[:, 6, 0]) / torsos,  # under 0: the back is seen
            "torso_shown": (height_px - shoulders[:, 1]) / np.maximum(hips - shoulders, 1e-6)[:, 1],
            "trunk_seen": seen[:, TRUNK].mean(1),
            "confidence": keypoints[..., 2].mean(1),
        }
    )


def find_whole(keypoints: np.ndarray, boxes: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Whether bodies (N, 17, 3) show from head to feet: (N,) bool.

    Neither does the frame, of width and height `sizes` (N, 2), cut them at trunk, head or feet, nor
    does what shows of them (`boxes`, N x 4) end above the feet, as that of somebody behind a table
    does. The net guesses joints beyond the frame.
    """
    torsos = measure_torsos(keypoints)
    feet_y, head_y, trunk_x = (
        keypoints[:, ANKLES, 1].max(1),
        keypoints[:, 0, 1],
        keypoints[:, TRUNK, 0],
    )
    in_frame = (feet_y + SOLE * torsos <= sizes[:, 1]) & (head_y >= 0)
    in_frame &= ((trunk_x >= 0) & (trunk_x < sizes[:, :1])).all(1)
    return in_frame & (boxes[:, 3] >= feet_y - HIDDEN * torsos)


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
    if not body.whole:
        return "medium"
    return "full" if height_share >= rules["full_height"] else "wide"


def find_all_on_masks(people: pd.DataFrame, keypoints: np.ndarray) -> np.ndarray:
    """Which joints (N, 17, 3) lie on or near the person's mask: (N, 17) bool."""
    return np.array(
        [
            find_on_mask(joints, decode_rle(person.mask, person.height_px, person.width_px))
            for person, joints in zip(people.itertuples(), keypoints, strict=True)
        ],
        bool,
    ).reshape(-1, 17)


def measure_occlusion(in_frame: np.ndarray, on_mask: np.ndarray) -> np.ndarray:
    """Share of the joints in the frame that lie off the person's mask; 0 where none is in it.

    Both (N, 17) bool.
    """
    hidden = (in_frame & ~on_mask).sum(1)
    return hidden / np.maximum(in_frame.sum(1), 1)


def name_framing(people: pd.DataFrame, keypoints: np.ndarray, rules: dict) -> dict[str, list[str]]:
    """From which side each body is seen, and how much of it: columns view and shot_type."""
    heights = people["height_px"].to_numpy(float)
    bodies = measure_bodies(keypoints, heights, rules["min_confidence"])
    sizes = people[["width_px", "height_px"]].to_numpy(float)
    bodies["whole"] = find_whole(keypoints, people[BOX].to_numpy(float), sizes)
    tracks, times_s = people["track_id"].to_numpy(), people["time_s"].to_numpy(float)
    bodies["width"] = steady(bodies["width"].to_numpy(), tracks, times_s, rules["turn_window_s"])
    shares = (people["y1"] - people["y0"]) / people["height_px"]
    tallest = shares.groupby(people["frame_id"]).transform(
        "max"
    )  # children stand in full shots too
    tallest = steady(tallest.to_numpy(float), tracks, times_s, rules["window_s"])
    rows = list(bodies.itertuples())
    return {
        "view": [name_view(*row, rules) for row in zip(rows, people["gaze_yaw"], strict=True)],
        "shot_type": [name_shot_type(*row, rules) for row in zip(rows, tallest, strict=True)],
    }


def label_people(people: pd.DataFrame, rules: dict) -> pd.DataFrame:
    """Rows of the table; `people` joins instances, keypoints, time_s and gaze_yaw."""
    keypoints = np.stack(people["keypoints"].tolist()).reshape(-1, 17, 3)
    sizes = people[["width_px", "height_px"]].to_numpy(float)
    cuts = find_cuts(people[BOX].to_numpy(float), sizes)
    in_frame, on_mask = find_in_frame(keypoints, sizes), find_all_on_masks(people, keypoints)
    shown = in_frame & on_mask & ~find_guesses(keypoints, cuts, sizes)
    movement = measure_movement(keypoints, shown, rules["min_confidence"])
    tracks, times_s = people["track_id"].to_numpy(), people["time_s"].to_numpy(float)
    actions, scores = name_actions(movement, tracks, times_s, rules)
    unsure = scores < MIN_SURE
    return pd.DataFrame(
        {
            "instance_id": people["instance_id"],
            "action": np.where(unsure, "unknown", actions),
            **name_framing(people, keypoints, rules),
            "occlusion": measure_occlusion(in_frame, on_mask),
            "truncated": cuts.any(1),
            "score": np.where(unsure, 0, scores),
            "joints_seen": list(shown & (keypoints[..., 2] >= rules["min_confidence"])),
        }
    )
