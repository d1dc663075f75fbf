"""What a drawn image shows of its people, measured in the id buffer and by projection."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from cast.framing import HIPS, SHOULDERS, Posed
from cast.postures import find_posture
from cast.rasterizer import Camera, Drawing
from cast.visibility import Seen, find_visible, see_action, see_expression

JOINTS = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder",
    "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip",
    "left_knee", "right_knee", "left_ankle", "right_ankle",
)  # fmt: skip
UNDER_SKIN = 0.36  # of the head's height: joints lie so deep in the body, hips deeper
MIN_PERSON_PX = 24
LUMA = np.array([0.2126, 0.7152, 0.0722])


def split_ids(drawing: Drawing) -> tuple[np.ndarray, np.ndarray]:
    """Person and part of every sample, (R, R) each."""
    return drawing.ids >> 8, drawing.ids & 255


def make_mask(drawing: Drawing) -> np.ndarray:
    """Which person every pixel shows, (S, S) uint8, 0 for none: its first sample decides."""
    step = drawing.ids.shape[0] // drawing.image.shape[0]
    return (drawing.ids[::step, ::step] >> 8).astype(np.uint8)


def find_box(shown: np.ndarray, step: int) -> list[float]:
    """x0, y0, x1, y1 in pixels around samples (R, R) bool, end excluded."""
    rows, columns = np.flatnonzero(shown.any(1)), np.flatnonzero(shown.any(0))
    edges = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    return [round(float(edge) / step, 1) for edge in edges]


def count_parts(drawing: Drawing, person: int, names: Mapping[int, str]) -> dict[str, float]:
    """Pixels of the image that show each part of a person, by the part's name."""
    who, parts = split_ids(drawing)
    step = drawing.ids.shape[0] // drawing.image.shape[0]
    counts = np.bincount(parts[who == person], minlength=256) / step**2
    return {name: float(counts[part]) for part, name in names.items() if counts[part]}


def see_joints(posed: Posed, camera: Camera, drawing: Drawing, person: int) -> np.ndarray:
    """x, y in pixels and whether it is seen, (17, 3), of a person's joints.

    Seen is a joint inside the image, on or beside the person's own pixels, that neither a thing nor
    the body's far side hides.
    """
    size, samples = drawing.image.shape[0], drawing.ids.shape[0]
    places = camera.project(posed.joints, size)
    out = np.zeros((17, 3))
    out[:, :2] = places[:, :2]
    for k, (x, y, depth) in enumerate(places):
        column, row = math.floor(x * samples / size), math.floor(y * samples / size)
        if not (0 <= column < samples and 0 <= row < samples) or depth <= 0:
            continue
        around = np.s_[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
        own = drawing.ids[around] >> 8 == person
        deep = UNDER_SKIN * posed.head_height * (1.5 if k in (*HIPS, *SHOULDERS) else 1.0)
        out[k, 2] = own.any() and depth - drawing.depth[around].min() < deep
    return out


def find_yaw(forward: np.ndarray, to_lens: np.ndarray) -> float:
    """Degrees on the ground from the direction to the lens to `forward`, -180 to 180."""
    cross = to_lens[0] * forward[1] - to_lens[1] * forward[0]
    return math.degrees(math.atan2(cross, float(to_lens[:2] @ forward[:2])))


def look_at_head(posed: Posed, camera: Camera) -> tuple[float, float]:
    """Yaw and pitch of the head against the direction to the lens, degrees."""
    forward = posed.head @ np.array([0.0, -1.0, 0.0])
    to_lens = np.asarray(camera.eye) - posed.joints[0]
    rise = math.degrees(math.atan2(to_lens[2], math.hypot(*to_lens[:2])))
    pitch = math.degrees(math.asin(float(np.clip(forward[2], -1, 1)))) - rise
    return round(find_yaw(forward, to_lens), 1), round(pitch, 1)


def measure_face(points: np.ndarray, camera: Camera, drawing: Drawing, pixels: float) -> dict:
    """Box of the face's points (n, 3), cut by nothing, and the share of it that shows."""
    size = drawing.image.shape[0]
    places = camera.project(points, size)
    x0, y0, x1, y1 = *places[:, :2].min(0), *places[:, :2].max(0)
    share = min(1.0, pixels / max((x1 - x0) * (y1 - y0) * math.pi / 4, 1.0))
    box = [round(float(edge), 1) for edge in (x0, y0, x1, y1)]
    return {"face_box": box, "face_visible": round(share, 3)}


def measure_person(
    person: int,
    posed: Posed,
    camera: Camera,
    drawing: Drawing,
    *,
    words: Mapping[str, object],
    part_names: Mapping[int, str],
    face_points: np.ndarray,
    view: str,
    action: str,
    expression: str,
    intensity: float,
    blink: bool,
) -> dict | None:
    """The row of one person in one image; None: nothing of the person shows."""
    shown = drawing.ids >> 8 == person
    step = drawing.ids.shape[0] // drawing.image.shape[0]
    visible_px = float(shown.sum()) / step**2
    if visible_px < MIN_PERSON_PX:
        return None
    joints = see_joints(posed, camera, drawing, person)
    yaw, pitch = look_at_head(posed, camera)
    seen = Seen(
        count_parts(drawing, person, part_names),
        dict(zip(JOINTS, joints[:, 2] > 0, strict=True)),
        view,
        abs(yaw),
        find_crown(posed, camera),
        bool(((joints[SHOULDERS, :2] >= 0) & (joints[SHOULDERS, :2] < len(drawing.image))).all()),
    )
    return {
        "person": person,
        "visible_px": round(visible_px, 1),
        "box": find_box(shown, step),
        "keypoints": [round(float(value), 2) for value in joints.ravel()],
        **measure_face(face_points, camera, drawing, seen.face),
        "head_yaw": yaw,
        "head_pitch": pitch,
        "view": view,
        "action": see_action(action, seen),
        "expression": see_expression(expression, seen),
        "intensity": round(intensity, 2),
        "blink": blink,
        "posture": find_posture(joints),
        "parts_px": seen.pixels,
        "true": dict(words),
        "visible": find_visible(words, seen),
    }


def find_crown(posed: Posed, camera: Camera) -> bool:
    """Whether the top of the head, hair or hat is inside the image."""
    top = posed.sparse[-1] if not posed.lies else posed.joints[0]
    x, y, depth = camera.project(top[None], 1)[0]
    return bool(depth > 0 and 0 <= x < 1 and 0 <= y < 1)


def count_place(drawing: Drawing, mark_parts: Sequence[int]) -> tuple[float, float]:
    """Shares of the image: what is not people, and what tells the kind of the place."""
    who, parts = split_ids(drawing)
    marks = (who == 0) & np.isin(parts, mark_parts)
    return float((who == 0).mean()), float(marks.mean())


def measure_light(image: np.ndarray, mask: np.ndarray) -> tuple[float, float]:
    """Median luma, 0 to 1, and warmth, stops of red over blue, of what is not people."""
    image, mask = image[::3, ::3], mask[::3, ::3]  # enough for a median
    free = image[mask == 0] if (mask == 0).mean() > 0.02 else image.reshape(-1, 3)
    linear = (free / 255.0) ** 2.2
    luma = (linear @ LUMA) ** (1 / 2.2)
    red, _, blue = linear.mean(0) + 1e-3
    return round(float(np.median(luma)), 3), round(math.log2(red / blue), 3)


def name_light(luma: float, warmth: float) -> tuple[str, str]:
    """Words for both, "" near a limit; the limits are those of classify_lighting."""
    lights = {"dark": (-1, 0.13), "dim": (0.17, 0.28), "soft": (0.32, 0.43), "bright": (0.48, 2)}
    light = next((name for name, (low, high) in lights.items() if low <= luma <= high), "")
    return light, "warm" if warmth >= 0.85 else "cool" if warmth <= -0.3 else ""
