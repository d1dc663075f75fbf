"""Role face, full tier: RetinaFace by the package retina-face, on onnxruntime."""

import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models.loaders.devices import open_onnx
from workflow_scripts.models.loaders.files import only_file

os.environ["DEEPFACE_BACKEND_ENGINE"] = "onnx"  # read at import: else it looks for TensorFlow

from retinaface import RetinaFace  # noqa: E402
from retinaface.model import retinaface_onnx_model  # noqa: E402

# Sides are padded to whole steps: ONNX Runtime plans its convolutions anew for each shape that it
# meets, and the net halves an image five times.
SIDE_STEP_PX = 160
POINTS = ("right_eye", "left_eye", "nose", "mouth_right", "mouth_left")  # theirs: from their left
OUTPUTS = 9  # scores, boxes and points at three strides

Net = Callable[[np.ndarray], list[np.ndarray]]
Faces = tuple[np.ndarray, np.ndarray, np.ndarray]


def load_face(
    files: dict[str, Path], *, device: str, min_score: float
) -> Callable[[np.ndarray], Faces]:
    """Return face(image) -> boxes (M, 4), scores (M,), points (M, 5, 2), surest first."""
    path = only_file(files)
    session = open_onnx(path, device)
    if len(session.get_outputs()) != OUTPUTS:
        raise CineloraError(
            f"{path} has {len(session.get_outputs())} outputs; RetinaFace has {OUTPUTS}.\n"
            "  Check the row of this model in the table of models."
        )
    net = retinaface_onnx_model.RetinaFace(session)
    return lambda image: find_faces(image, net, min_score)


def find_faces(image: np.ndarray, net: Net, min_score: float) -> Faces:
    """Faces of one RGB image, in its pixels; the package takes BGR and gives whole pixels."""
    height, width = image.shape[:2]
    bottom, right = -height % SIDE_STEP_PX, -width % SIDE_STEP_PX
    padded = cv2.copyMakeBorder(image, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
    found = RetinaFace.detect_faces(
        cv2.cvtColor(padded, cv2.COLOR_RGB2BGR), min_score, net, allow_upscaling=False
    )
    rows = list(found.values())
    boxes = np.array([row["facial_area"] for row in rows], np.float32).reshape(-1, 4)
    points = [[row["landmarks"][name] for name in POINTS] for row in rows]
    scores = np.array([row["score"] for row in rows], np.float32)
    boxes = np.clip(boxes, 0, [width, height, width, height]).astype(np.float32)
    order = [
        row for row in np.argsort(-scores, kind="stable") if (boxes[row, 2:] > boxes[row, :2]).all()
    ]
    return boxes[order], scores[order], np.array(points, np.float32).reshape(-1, 5, 2)[order]
