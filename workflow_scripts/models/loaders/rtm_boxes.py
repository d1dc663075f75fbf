"""Role detect, full tier: YOLOX or RTMDet by rtmlib finds people; HumanArt has drawn ones too."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from rtmlib.tools.object_detection.post_processings import multiclass_nms

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models.detections import Detect, Detections
from workflow_scripts.models.loaders.devices import Batches, find_batch_size, open_onnx
from workflow_scripts.models.loaders.files import only_file
from workflow_scripts.models.loaders.rtm_tools import OpenedRtmDet, OpenedYolox

KINDS = {"yolox": OpenedYolox, "rtmdet": OpenedRtmDet}
STRIDES_PX = (8, 16, 32)
MAX_OVERLAP = 0.45  # IoU above which two boxes are the same person
PERSON = 0  # first class of COCO
MAX_AT_ONCE = 8  # images


def load_detect(
    files: dict[str, Path], *, device: str, net: str, input_px: int, min_score: float
) -> Detect:
    """Return detect(images) -> boxes of people and scores in each of them, best first."""
    if net not in KINDS:
        raise CineloraError(
            f"the option net is {net!r}, expected one of {', '.join(KINDS)}.\n"
            "  Set it in models.options.detect, or in the row of this model in the table of models."
        )
    path = only_file(files)
    session = open_onnx(path, device)
    check_outputs(path, session.get_outputs()[0].shape)
    opened = KINDS[net](session, (input_px, input_px))
    size = find_batch_size(path, session, MAX_AT_ONCE)
    find = partial(find_people, opened, input_px, min_score)
    batches = Batches(find, size, torch.device(device))
    return lambda images: [found for part in batches(images) for found in part]


def find_people(
    net: OpenedYolox | OpenedRtmDet,
    input_px: int,
    min_score: float,
    images: Sequence[np.ndarray],
) -> list[Detections]:
    """People of N images of any size, seen by the net at once.

    rtmlib's own call shows it one image after the other; what comes before the net is rtmlib's.
    """
    squares, ratios = zip(
        *(net.preprocess(cv2.cvtColor(image, cv2.COLOR_RGB2BGR)) for image in images), strict=True
    )
    pixels = np.ascontiguousarray(np.stack(squares).transpose(0, 3, 1, 2), np.float32)
    outputs = net.session.run(None, {net.session.get_inputs()[0].name: pixels})
    people = []
    for row, (image, ratio) in enumerate(zip(images, ratios, strict=True)):
        own = [output[row : row + 1] for output in outputs]
        people.append(_place(*decode(own, input_px, min_score), ratio, image.shape[:2]))
    return people


def _place(
    boxes: np.ndarray, scores: np.ndarray, ratio: float, size: tuple[int, int]
) -> Detections:
    """Boxes of the net's input in an image of this height and width, best first."""
    height, width = size
    boxes = np.clip(boxes / ratio, 0, [width, height, width, height])
    inside = (boxes[:, 2] - boxes[:, 0] >= 1) & (boxes[:, 3] - boxes[:, 1] >= 1)
    order = [row for row in np.argsort(-scores, kind="stable") if inside[row]]
    return Detections(boxes[order].astype(np.float32), scores[order].astype(np.float32))


def check_outputs(path: Path, shape: list) -> None:
    """Refuse nets that give no boxes: rows of five, or of boxes, objectness and classes."""
    if len(shape) != 3 or (isinstance(shape[2], int) and shape[2] < 5):
        raise CineloraError(
            f"{path} has an output of shape {shape}, not (images, boxes, 5 or more):\n"
            "  not a YOLOX or RTMDet net. Check the row of this model in the table of models."
        )


def decode(
    outputs: list[np.ndarray], input_px: int, min_score: float
) -> tuple[np.ndarray, np.ndarray]:
    """Boxes (N, 4) in pixels of the input and scores (N,) of people.

    rtmlib's own decoding keeps no scores and, in its mode for people, keeps every class. Two kinds
    of files are about: with suppression inside (1, N, 5), and the class of each box (1, N) where
    there is more than one; and without (1, cells, 5 + classes).
    """
    output = outputs[0]
    if output.shape[-1] == 5:
        classes = outputs[1][0] if len(outputs) > 1 else np.full(output.shape[1], PERSON)
        rows = output[0][(output[0, :, 4] >= min_score) & (classes == PERSON)]
        return rows[:, :4], rows[:, 4]
    cells = [_cells(input_px // stride, stride) for stride in STRIDES_PX]
    grid, strides = (np.concatenate(part) for part in zip(*cells, strict=True))
    center = (output[0, :, :2] + grid) * strides
    half = np.exp(output[0, :, 2:4]) * strides / 2
    boxes = np.concatenate([center - half, center + half], 1)
    scores = output[0, :, 4:5] * output[0, :, 5 + PERSON : 6 + PERSON]
    kept, _ = multiclass_nms(boxes, scores, nms_thr=MAX_OVERLAP, score_thr=min_score)
    if kept is None:
        return np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
    return kept[:, :4], kept[:, 4]


def _cells(count: int, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """Column and row (count², 2) of each cell of a square map, and its stride (count², 1)."""
    rows, columns = np.divmod(np.arange(count * count), count)
    return np.stack([columns, rows], 1), np.full((count * count, 1), stride)
