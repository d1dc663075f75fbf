"""Role pose, full tier: RTMPose by rtmlib, with 17 points of the body or 133 of the whole body."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models.loaders.devices import Batches, find_batch_size, open_onnx
from workflow_scripts.models.loaders.files import only_file
from workflow_scripts.models.loaders.rtm_tools import OpenedRtmPose

BODY = 17  # COCO's points of the body; the 133 of the whole body begin with them
MAX_AT_ONCE = 64  # people


def load_pose(
    files: dict[str, Path], *, device: str, input_px: list[int], score_scale: float
) -> Callable[..., np.ndarray]:
    """Return pose(images, boxes (N, 4), regions) -> (N, 17, 3): COCO-17 x, y, confidence.

    `images` are the N images in which the people stand, the same one for several who share it.
    `input_px` is width and height of the net's input; `score_scale` takes its highest answer to 1;
    regions are other models' and not looked at.
    """
    path = only_file(files)
    session = open_onnx(path, device)
    check_points(path, session.get_outputs()[0].shape)
    net = OpenedRtmPose(session, tuple(input_px))
    size = find_batch_size(path, session, MAX_AT_ONCE)
    batches = Batches(partial(find_joints, net, score_scale), size, torch.device(device))

    def pose(
        images: Sequence[np.ndarray], boxes: np.ndarray, regions: np.ndarray | None
    ) -> np.ndarray:
        people = list(zip(images, boxes, strict=True))
        return np.concatenate([np.zeros((0, BODY, 3), np.float32), *batches(people)])

    return pose


def find_joints(
    net: OpenedRtmPose, score_scale: float, people: Sequence[tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    """Points (N, 17, 3) of N pairs of an image and a box, seen by the net at once.

    rtmlib's own call shows it one after the other; what comes before and after the net is rtmlib's,
    but for the confidence: the lower one of both axes, as in mmpose's get_simcc_maximum
    (mmpose/codecs/utils/post_processing.py), where rtmlib takes their mean.
    """
    # rtmlib does not swap colors, and the net was trained on RGB
    crops, centers, scales = zip(*(net.preprocess(*person) for person in people), strict=True)
    pixels = np.stack(crops).transpose(0, 3, 1, 2).astype(np.float32)
    outputs = net.session.run(None, {net.session.get_inputs()[0].name: pixels})
    points, _ = net.postprocess(outputs, np.stack(centers)[:, None], np.stack(scales)[:, None])
    scores = np.minimum(*(axis.max(2) for axis in outputs)) * score_scale
    rows = np.concatenate([points, np.clip(scores, 0, 1)[..., None]], 2)
    return rows[:, :BODY].astype(np.float32)


def check_points(path: Path, shape: list) -> None:
    """Refuse nets whose first points are not COCO's body (hands, faces, animals)."""
    if len(shape) != 3 or shape[1] not in (BODY, 133):
        raise CineloraError(
            f"{path} has an output of shape {shape}, not (people, 17 or 133, width):\n"
            "  not an RTMPose net of bodies. Check the row of this model in the table of models."
        )
