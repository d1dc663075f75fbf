"""The face of each person: found on them alone, and the square around it that is cut out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from workflow_scripts.lib.images import (
    clip_box,
    composite,
    scale_size,
)
from workflow_scripts.models.detections import FindFaces

# Height looked at, in widths of the box (None: all of it), and longer side of what the net sees.
LOOKS = ((1.3, 320), (None, 640))
SURE = 0.6  # a face this clear in the first look saves the second
MAX_ENLARGE = 6.0  # a face of under some 8 pixels shows nothing more, however enlarged
STEADY_PX = 64  # steps of the square that a thumbnail shows; datasets cut faces in such steps too
MIN_POINTS_ON_MASK = 4  # of five


@dataclass(frozen=True)
class Body:
    """One person alone: their box of the image, on gray, and where that lies."""

    view: np.ndarray  # (h, w, 3) RGB
    corner: np.ndarray  # (2,) left and top of the view in the image
    mask: np.ndarray  # the part of the mask, with a seam, that has somebody: a frame has many
    mask_corner: np.ndarray  # (2,) left and top of that part in the image


@dataclass(frozen=True)
class Face:
    """One face, in pixels of the image."""

    box: np.ndarray  # (4,)
    score: float
    landmarks: np.ndarray  # (5, 2)


def add_seam(mask: np.ndarray) -> np.ndarray:
    """Widen a mask by some pixels: it often cuts ears, hair and the nose of a profile."""
    height = mask.any(1).sum()
    seam = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * max(1, height // 40) + 1,) * 2)
    return cv2.dilate(mask.astype(np.uint8), seam)


def lay_on_gray(image: np.ndarray, mask: np.ndarray, box: np.ndarray) -> Body:
    """The person of a mask (H, W) and a box (4,), without whoever stands beside them."""
    x0, y0, x1, y1 = clip_box(box, image.shape[1], image.shape[0])
    seamed = add_seam(mask)
    view = composite(image[y0:y1, x0:x1], seamed[y0:y1, x0:x1])
    left, top, wide, high = cv2.boundingRect(seamed)
    own = seamed[top : top + high, left : left + wide].copy()  # or the whole would stay in memory
    return Body(view, np.array([x0, y0]), own, np.array([left, top]))


def find_faces(bodies: Sequence[Body], net: FindFaces) -> list[Face | None]:
    """The best face on each person: near the top of the body, or anywhere; None if hidden.

    The net sees all of them at once, then once more those whose face is not sure.
    """
    best: list[Face | None] = [None] * len(bodies)
    for share, side_px in LOOKS:
        unsure = [n for n, face in enumerate(best) if face is None or face.score < SURE]
        parts = [_take_top(bodies[n].view, share) for n in unsure]
        for n, faces in zip(unsure, _detect(parts, side_px, net), strict=True):
            best[n] = max([best[n], *_keep_own(faces, bodies[n])], key=_rate)
    return best


def _rate(face: Face | None) -> float:
    return -1.0 if face is None else face.score


def _take_top(view: np.ndarray, share: float | None) -> np.ndarray:
    """The upper part of a view, `share` times as high as the view is wide; None: all of it."""
    return view if share is None else view[: int(share * view.shape[1]) + 1]


def _detect(
    parts: Sequence[np.ndarray], side_px: int, net: FindFaces
) -> Iterator[list[tuple[np.ndarray, float, np.ndarray]]]:
    """Per part its faces (box, score, points), in its own pixels."""
    scales = [min(MAX_ENLARGE, side_px / max(part.shape[:2])) for part in parts]
    shown = [
        cv2.resize(
            part,
            scale_size(part, scale),
            interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC,
        )
        for part, scale in zip(parts, scales, strict=True)
    ]
    for (boxes, scores, points), scale in zip(net(shown), scales, strict=True):
        yield list(zip(boxes / scale, map(float, scores), points / scale, strict=True))


def _keep_own(faces: list[tuple[np.ndarray, float, np.ndarray]], body: Body) -> list[Face]:
    """The faces of a view that lie on its person, in pixels of the image."""
    placed = [
        Face(box + np.tile(body.corner, 2), score, points + body.corner)
        for box, score, points in faces
    ]
    return [face for face in placed if lies_on(face.landmarks - body.mask_corner, body.mask)]


def lies_on(landmarks: np.ndarray, mask: np.ndarray) -> bool:
    """Whether the points (5, 2) of a face lie on the person's mask."""
    columns, rows = np.floor(landmarks).astype(int).T
    inside = (rows >= 0) & (columns >= 0) & (rows < mask.shape[0]) & (columns < mask.shape[1])
    return int(mask[rows[inside], columns[inside]].sum()) >= MIN_POINTS_ON_MASK


def place_square(box: np.ndarray, margin: float, width: int, height: int) -> tuple[int, int, int]:
    """Left, top, side of a square around a box: `margin` times its longer side, moved and at last
    shrunk to stay inside the image."""
    longer = float(max(box[2] - box[0], box[3] - box[1]))
    return _place(box, int(np.ceil(longer * margin)), width, height)


def place_steady_square(box: np.ndarray, width: int, height: int) -> tuple[int, int, int]:
    """Left, top, side of a square of whole steps, at least twice the box: the boxes of a face
    tremble from frame to frame, and mostly lie in squares of one size."""
    longer = float(max(box[2] - box[0], box[3] - box[1]))
    return _place(box, int(np.ceil(2 * longer / STEADY_PX)) * STEADY_PX, width, height)


def _place(box: np.ndarray, side: int, width: int, height: int) -> tuple[int, int, int]:
    x0, y0, x1, y1 = (float(value) for value in box)
    side = min(side, width, height)
    left = int(np.clip(round((x0 + x1 - side) / 2), 0, width - side))
    top = int(np.clip(round((y0 + y1 - side) / 2), 0, height - side))
    return left, top, side


def measure_sharpness(crop: np.ndarray, side_px: int = 64) -> float:
    """Share of the fine detail (0 to 1) that a slight blur would take away, at one fixed size."""
    gray = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float32)
    gray = cv2.resize(gray, (side_px, side_px), interpolation=cv2.INTER_AREA)
    contrast = float(gray.std())
    if contrast < 1:
        return 0.0
    detail = float((gray - cv2.GaussianBlur(gray, (0, 0), 1.0)).std())
    return min(1.0, 4 * detail / contrast)


def measure_yaw(landmarks: np.ndarray) -> float:
    """Where the face looks, from the nose between the eyes: -1 left of the image, 1 right."""
    eyes, nose = landmarks[:2], landmarks[2]
    line = eyes[1] - eyes[0]
    length = float(np.linalg.norm(line))
    if length < 1e-6:
        return 0.0
    return float(np.clip(2 * (nose - eyes.mean(0)) @ line / length**2, -1, 1))
