"""Where images are cut out of frames: around bodies and faces, never beyond the frame's edge."""

import numpy as np

STEP = 64  # px; sides of training buckets are multiples of it
RATIOS = (0.5, 2.0)  # width / height that trainers' buckets hold well
# Context on each side, as a share of the box. A wide shot stays one: its crop keeps the figure
# small, so that the shot type which the caption names is what the image shows.
BODY_CONTEXT = {"close-up": 0.1, "medium": 0.12, "full": 0.15, "wide": 0.8}
FACE_CONTEXT = 0.5

Box = tuple[int, int, int, int]


def crop_body(box: np.ndarray, width: int, height: int, shot_type: str = "") -> Box:
    """Crop x0, y0, x1, y1 around a body box, inside a frame of width x height pixels."""
    return _place(np.asarray(box, float), BODY_CONTEXT.get(shot_type, 0.15), width, height)


def crop_face(box: np.ndarray, width: int, height: int) -> Box:
    """Square crop around a face box; narrower only where the frame is."""
    x0, y0, x1, y1 = (float(value) for value in box)
    middle_x, middle_y, half = (x0 + x1) / 2, (y0 + y1) / 2, max(x1 - x0, y1 - y0) / 2
    square = np.array([middle_x - half, middle_y - half, middle_x + half, middle_y + half])
    return _place(square, FACE_CONTEXT, width, height)


def _place(box: np.ndarray, context: float, width: int, height: int) -> Box:
    box = np.clip(box, 0, [width, height, width, height])
    body_width, body_height = box[2] - box[0], box[3] - box[1]
    pad = context * max(body_width, body_height)
    wide = max(body_width + 2 * pad, (body_height + 2 * pad) * RATIOS[0])
    high = max(body_height + 2 * pad, wide / RATIOS[1])
    left, right = _span(box[0], box[2], wide, width)
    top, bottom = _span(box[1], box[3], high, height)
    return left, top, right, bottom


def _span(start: float, end: float, wanted: float, limit: int) -> tuple[int, int]:
    """Whole pixels around start..end, about `wanted` long, a multiple of STEP where it fits."""
    length = int(np.ceil(wanted / STEP)) * STEP
    if length > limit:
        length = limit // STEP * STEP
        if length < end - start:  # not even the body fits: all that the frame has
            length = limit
    first = int(round((start + end - length) / 2))
    first = min(max(first, 0), limit - length)
    return first, first + length
