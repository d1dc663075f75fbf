"""Role pose, full tier: RTMPose by rtmlib, with 17 points of the body or 133 of the whole body."""

import contextlib
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rtmlib import RTMPose

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.models.devices import check_provider, open_onnx

BODY = 17  # COCO's points of the body; the 133 of the whole body begin with them


def load_pose(
    files: dict[str, Path], *, device: str, input_px: list[int]
) -> Callable[..., np.ndarray]:
    """Return pose(image, boxes, regions) -> (N, 17, 3): COCO-17 x, y, confidence.

    `input_px` is width and height of the net's input; regions are other models' and not looked at.
    """
    (path,) = files.values()
    check_points(path, open_onnx(path, device).get_outputs()[0].shape)
    with contextlib.redirect_stdout(io.StringIO()):
        net = RTMPose(str(path), tuple(input_px), backend="onnxruntime", device=device)
    check_provider(net.session, device)

    def pose(image: np.ndarray, boxes: np.ndarray, regions: np.ndarray | None) -> np.ndarray:
        if not len(boxes):  # rtmlib would take the whole picture for a person
            return np.zeros((0, BODY, 3), np.float32)
        # rtmlib does not swap colours, and the net was trained on RGB
        points, scores = net(image, boxes)
        rows = np.concatenate([points, np.clip(scores, 0, 1)[..., None]], 2)
        return rows[:, :BODY].astype(np.float32)

    return pose


def check_points(path: Path, shape: list) -> None:
    """Refuse nets whose first points are not COCO's body (hands, faces, animals)."""
    if len(shape) != 3 or shape[1] not in (BODY, 133):
        raise CineloraError(
            f"{path} has an output of shape {shape}, not (people, 17 or 133, width):\n"
            "  not an RTMPose net of bodies. Check the row of this model in the table of models."
        )
