"""Role face, full tier: RetinaFace as the package retina-face reads it, on onnxruntime.

The package shows the net one image a call, and makes all of its boxes before it looks at their
scores; here images of one shape go together, and only sure boxes are made, by the package's own
functions.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from retinaface.commons import postprocess

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models.detections import Faces, FindFaces
from workflow_scripts.models.loaders.devices import Batches, find_batch_size, open_onnx
from workflow_scripts.models.loaders.files import only_file

# Sides are padded to whole steps: ONNX Runtime plans its convolutions anew for each shape that it
# meets, and the net halves an image five times. The border is black: on the demo film (MobileNet,
# 217 true faces) all 213 that are found without a border are found, with any other kind 212.
SIDE_STEP_PX = 160
# Shorter and longer side that the net knows faces in: scales of the package's commons/preprocess.py
MAX_SIDES_PX = (1024, 1980)
# Around the first cell of each map, as in the package's RetinaFace.py; so is the overlap
ANCHORS = {
    32: [[-248, -248, 263, 263], [-120, -120, 135, 135]],
    16: [[-56, -56, 71, 71], [-24, -24, 39, 39]],
    8: [[-8, -8, 23, 23], [0, 0, 15, 15]],
}
MAX_OVERLAP = 0.4  # IoU from which two boxes are the same face
OUTPUTS = 3 * len(ANCHORS)  # scores, boxes and points at each stride
MAX_AT_ONCE = 8  # images of one shape

Look = Callable[[Sequence[np.ndarray]], list[list[np.ndarray]]]


def load_face(files: dict[str, Path], *, device: str, min_score: float) -> FindFaces:
    """Return face(images) -> boxes, scores and points of each, surest first."""
    path = only_file(files)
    session = open_onnx(path, device)
    if len(session.get_outputs()) != OUTPUTS:
        raise CineloraError(
            f"{path} has {len(session.get_outputs())} outputs; RetinaFace has {OUTPUTS}.\n"
            "  Check the row of this model in the table of models."
        )
    name, size = session.get_inputs()[0].name, find_batch_size(path, session, MAX_AT_ONCE)

    def run(images: Sequence[np.ndarray]) -> list[list[np.ndarray]]:
        maps = session.run(None, {name: np.stack(images).astype(np.float32)})
        return [[one[row] for one in maps] for row in range(len(images))]

    batches = Batches(run, size, torch.device(device))
    look = lambda images: [maps for part in batches(images) for maps in part]  # noqa: E731
    return partial(find_faces, look=look, min_score=min_score)


def find_faces(images: Sequence[np.ndarray], look: Look, min_score: float) -> list[Faces]:
    """Faces of RGB images of any sizes, in their pixels.

    `look` takes images of one shape, sides in whole steps, and gives the maps (h, w, C) of each.
    """
    shown = [fit_steps(image) for image in images]
    alike: dict[tuple[int, ...], list[int]] = {}
    for row, (padded, _) in enumerate(shown):
        alike.setdefault(padded.shape, []).append(row)
    faces: dict[int, Faces] = {}
    for rows in alike.values():
        for row, maps in zip(rows, look([shown[row][0] for row in rows]), strict=True):
            faces[row] = _place(*decode(maps, min_score), shown[row][1], images[row].shape[:2])
    return [faces[row] for row in range(len(images))]


def fit_steps(image: np.ndarray) -> tuple[np.ndarray, float]:
    """An image (H, W, 3) with sides in whole steps, and how much smaller what it shows became."""
    shorter, longer = sorted(image.shape[:2])
    scale = min(1.0, MAX_SIDES_PX[0] / shorter, MAX_SIDES_PX[1] / longer)
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    bottom, right = (-side % SIDE_STEP_PX for side in image.shape[:2])
    return cv2.copyMakeBorder(image, 0, bottom, 0, right, cv2.BORDER_CONSTANT), scale


def decode(maps: Sequence[np.ndarray], min_score: float) -> Faces:
    """Faces in pixels of the net's input, surest first, from its nine maps (h, w, C)."""
    found = []
    for place, (stride, anchors) in enumerate(ANCHORS.items()):
        scores, deltas, marks = maps[3 * place : 3 * place + 3]
        height, width, _ = scores.shape
        scores = scores[..., len(anchors) :].ravel()  # before them: how surely it is no face
        rows = np.flatnonzero(scores >= min_score)
        if not len(rows):
            continue
        around = postprocess.anchors_plane(height, width, stride, np.array(anchors, np.float32))
        around = around.reshape(-1, 4)[rows]
        boxes = postprocess.bbox_pred(around, deltas.reshape(-1, 4)[rows])
        points = postprocess.landmark_pred(around, marks.reshape(-1, 5, 2)[rows])
        found.append((boxes, scores[rows], points))
    if not found:
        return np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, 5, 2), "f4")
    boxes, scores, points = (np.concatenate(part) for part in zip(*found, strict=True))
    keep = postprocess.cpu_nms(np.column_stack([boxes, scores]), MAX_OVERLAP)
    return boxes[keep], scores[keep], points[keep]


def _place(
    boxes: np.ndarray, scores: np.ndarray, points: np.ndarray, scale: float, size: tuple[int, int]
) -> Faces:
    """The faces in an image of this height and width; what lies beyond it is left out."""
    height, width = size
    boxes = np.clip(boxes / scale, 0, [width, height, width, height]).astype(np.float32)
    inside = (boxes[:, 2:] > boxes[:, :2]).all(1)
    return (
        boxes[inside],
        scores[inside].astype(np.float32),
        (points[inside] / scale).astype(np.float32),
    )
