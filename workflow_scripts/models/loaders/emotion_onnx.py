"""Role expression, full tier: a classifier of faces as an ONNX file, such as HSEmotion's."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch

from workflow_scripts.lib.emotions import EMOTIONS
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models.expressions import Expression
from workflow_scripts.models.loaders.devices import Batches, find_batch_size, open_onnx
from workflow_scripts.models.loaders.files import only_file

MAX_AT_ONCE = 64  # views of faces


def load_expression(
    files: dict[str, Path],
    *,
    device: str,
    side_px: int,
    mean: list[float],
    std: list[float],
    labels: list[str],
    logits: bool,
) -> Expression:
    """Return expression(tight RGB crops) -> (N, 7) probabilities in the order of EMOTIONS.

    `mean` and `std` are of values 0 to 1; `labels` name the outputs, those that are no emotion of
    ours (contempt) are left out and the rest scaled to 1; `logits`: the file has no softmax.
    """
    path = only_file(files)
    session = open_onnx(path, device)
    name = session.get_inputs()[0].name
    check_outputs(path, session.get_outputs()[0].shape, labels)
    columns = [labels.index(emotion) for emotion in EMOTIONS]

    def classify(crops: Sequence[np.ndarray]) -> np.ndarray:
        pixels = np.stack([prepare(crop, side_px, mean, std) for crop in crops])
        (values,) = session.run(None, {name: pixels})[:1]
        chances = softmax(values.astype(np.float64)) if logits else values.astype(np.float64)
        kept = np.maximum(chances[:, columns], 1e-9)
        return (kept / kept.sum(1, keepdims=True)).astype(np.float32)

    size = find_batch_size(path, session, MAX_AT_ONCE)
    batches = Batches(classify, size, torch.device(device))

    def expression(crops: Sequence[np.ndarray]) -> np.ndarray:
        return np.concatenate([np.zeros((0, len(EMOTIONS)), np.float32), *batches(crops)])

    return Expression(expression, side_px)


def check_outputs(path: Path, shape: list, labels: list[str]) -> None:
    """The file must have as many classes as the row has labels, and ours among them."""
    missing = [emotion for emotion in EMOTIONS if emotion not in labels]
    if len(shape) != 2 or shape[1] != len(labels) or missing:
        raise CineloraError(
            f"{path} has an output of shape {shape}; its row lists {len(labels)} labels"
            f"{', without ' + ', '.join(missing) if missing else ''}.\n"
            "  Check the row of this model in the table of models."
        )


def prepare(crop: np.ndarray, side_px: int, mean: list[float], std: list[float]) -> np.ndarray:
    """Scale a crop (H, W, 3) uint8 to the net's square: (3, side, side) float32."""
    how = cv2.INTER_AREA if max(crop.shape[:2]) > side_px else cv2.INTER_LINEAR
    small = cv2.resize(crop, (side_px, side_px), interpolation=how) / np.float32(255)
    return ((small - np.float32(mean)) / np.float32(std)).transpose(2, 0, 1)


def softmax(values: np.ndarray) -> np.ndarray:
    """Probabilities (N, K) of logits (N, K)."""
    powers = np.exp(values - values.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)
