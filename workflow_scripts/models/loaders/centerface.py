"""CenterFace: faces with five points each (eyes, nose, mouth), by OpenCV's own runner."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from workflow_scripts.models.damage import explain_damage
from workflow_scripts.models.detections import Faces, FindFaces
from workflow_scripts.models.loaders.files import named_file

MIN_SCORE = 0.35
MAX_OVERLAP = 0.3  # IoU above which two boxes are the same face
CELL_PX = 4  # the net's maps are a quarter of its input
OUTPUTS = ["537", "538", "539", "540"]  # heat, scale, offset, points


def load_face(files: dict[str, Path], *, device: str) -> FindFaces:
    """Return face(images) -> boxes, scores and points of each, surest first."""
    # onnxruntime refuses the file: its stored shape is 10x3x32x32; cv2.dnn goes by the real one
    path = named_file(files, "centerface.onnx")
    with explain_damage(path):
        net = cv2.dnn.readNetFromONNX(str(path))

    def look(image: np.ndarray) -> Faces:
        height, width = image.shape[:2]
        size = (int(np.ceil(width / 32)) * 32, int(np.ceil(height / 32)) * 32)
        net.setInput(cv2.dnn.blobFromImage(image, size=size))
        boxes, scores, points = decode_maps(*net.forward(OUTPUTS))
        stretch = np.array([width / size[0], height / size[1]], np.float32)
        keep = suppress_boxes(boxes, scores)
        boxes = np.clip(boxes * np.tile(stretch, 2), 0, [width, height, width, height])
        return boxes[keep].astype(np.float32), scores[keep], (points * stretch)[keep]

    def face(images: Sequence[np.ndarray]) -> list[Faces]:
        return [look(image) for image in images]

    return face


def decode_maps(
    heat: np.ndarray, scale: np.ndarray, offset: np.ndarray, points: np.ndarray
) -> Faces:
    """Turn the net's maps (1, C, h, w) into faces, in pixels of its input."""
    rows, columns = np.nonzero(heat[0, 0] >= MIN_SCORE)
    scores = heat[0, 0, rows, columns].astype(np.float32)
    size = np.exp(scale[0][:, rows, columns]) * CELL_PX  # (2, M): height, width
    center = (np.stack([rows, columns]) + offset[0][:, rows, columns] + 0.5) * CELL_PX
    top_left = center - size / 2
    boxes = np.stack([top_left[1], top_left[0], top_left[1] + size[1], top_left[0] + size[0]], 1)
    fractions = points[0][:, rows, columns].reshape(5, 2, -1)  # of the box, y before x
    marks = (fractions * size + top_left).transpose(2, 0, 1)[:, :, ::-1]
    return boxes.astype(np.float32), scores, np.ascontiguousarray(marks, np.float32)


def suppress_boxes(boxes: np.ndarray, scores: np.ndarray) -> list[int]:
    """Rows to keep, surest first: drop a box (x0, y0, x1, y1) that overlaps a surer one."""
    corners_and_sizes = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])
    return list(cv2.dnn.NMSBoxes(corners_and_sizes.tolist(), scores.tolist(), 0.0, MAX_OVERLAP))
