"""Measures one character in one drawing: box, joints, occlusion, face (numpy and OpenCV)."""

import math

import cv2
import numpy as np

from maker.camera import Camera, body_yaw, place, view_of, yaw_between
from maker.notation import moment

JOINTS = [
    *["nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder"],
    *["left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip"],
    *["left_knee", "right_knee", "left_ankle", "right_ankle"],
]
MIN_VISIBLE_PX = 48
FINER = 2  # silhouettes are painted this much finer than the film's pixels


def own_depth(px: np.ndarray, quads: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Distance map (h, w) of one character alone, inf where it is not: quads from far to near."""
    w, h = size
    corners = px[quads]
    x, y, z = corners[..., 0], corners[..., 1], corners[..., 2]
    inside = (x.max(1) > 0) & (x.min(1) < w) & (y.max(1) > 0) & (y.min(1) < h)
    near = (z > 0.05).all(1) & inside
    corners, z = corners[near], z[near].mean(1)
    depth = np.full((h * FINER, w * FINER), np.inf, "f4")
    order = np.argsort(-z)
    points = np.round((corners[order][..., :2] * FINER - 0.5) * 16).astype("i4")
    for quad, distance in zip(points, z[order], strict=True):
        cv2.fillConvexPoly(depth, quad, float(distance), cv2.LINE_8, 4)  # 4 bits of fraction
    return depth[FINER // 2 :: FINER, FINER // 2 :: FINER]


def see_joint(name: str, at, depth: np.ndarray, near: np.ndarray, stature: float) -> int:
    """1 where a joint is in the frame and neither a thing nor the own body's far side hides it."""
    x, y, z = at
    column, row = math.floor(x), math.floor(y)
    h, w = near.shape
    if not (0 <= column < w and 0 <= row < h and z > 0 and near[row, column]):
        return 0
    front = depth[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2].min()
    under_skin = (0.115 if name.endswith("hip") else 0.085) * stature  # a joint's depth in the body
    return int(z - front < under_skin)


def box_of(mask: np.ndarray) -> list[int]:
    """x0, y0, x1, y1 around a mask (h, w), end excluded."""
    rows, cols = np.where(mask.any(1))[0], np.where(mask.any(0))[0]
    return [int(cols[0]), int(rows[0]), int(cols[-1]) + 1, int(rows[-1]) + 1]


def face_of(points: np.ndarray, mask: np.ndarray) -> tuple[list[float], float]:
    """Box of the projected face points (n, 2), and the part of it that shows the character."""
    x0, y0 = points.min(0)
    x1, y1 = points.max(0)
    seen = mask[int(max(y0, 0)) : int(max(y1, 0)), int(max(x0, 0)) : int(max(x1, 0))].sum()
    box = [round(float(edge), 1) for edge in (x0, y0, x1, y1)]
    return box, round(min(1.0, float(seen) / max((x1 - x0) * (y1 - y0), 1)), 3)


def look_direction(person: dict, turn, at, k: int, camera: Camera) -> tuple[float, float]:
    """Yaw and pitch of the head against the direction to the lens, degrees."""
    forward = turn @ person["R"][k] @ np.array([0, -1.0, 0])
    to_lens = camera.loc - (turn @ person["joints"][k][0] + at)
    rise = math.degrees(math.atan2(to_lens[2], np.linalg.norm(to_lens[:2])))
    pitch = math.degrees(math.asin(np.clip(forward[2], -1, 1))) - rise
    return round(yaw_between(forward, to_lens), 1), round(pitch, 1)


def measure(shot: dict, person: dict, k: int, camera: Camera, mask: np.ndarray) -> dict | None:
    """All truths of one character in drawing k; mask (h, w) is where it can be seen."""
    visible = int(mask.sum())
    if visible < MIN_VISIBLE_PX:
        return None
    u = moment(shot, k)
    turn, at = place(person["who"], u)
    px = camera.project(person["v"][k] @ turn.T + at)
    depth = own_depth(px, person["quads"], camera.size)
    alone = max(int(np.isfinite(depth).sum()), visible)
    near = cv2.dilate(mask.astype("u1"), np.ones((3, 3), "u1"))
    places = camera.project(person["joints"][k] @ turn.T + at)
    joints = [
        [
            name,
            round(float(p[0]), 1),
            round(float(p[1]), 1),
            see_joint(name, p, depth, near, person["stature"]),
        ]
        for name, p in zip(JOINTS, places, strict=True)
    ]
    face, face_seen = face_of(px[person["face_idx"], :2], mask)
    yaw = round(body_yaw(person["who"], u, camera), 1)
    return {
        "box": box_of(mask),
        "visible_px": visible,
        "occluded": round(1 - visible / alone, 3),
        "joints": joints,
        "face": [*face, *look_direction(person, turn, at, k, camera), face_seen],
        "body_yaw": yaw,
        "view": view_of(yaw),
    }
