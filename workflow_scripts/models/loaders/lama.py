"""Role inpaint, full tier: LaMa by simple-lama-inpainting paints what no frame shows."""

import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from simple_lama_inpainting import SimpleLama

from workflow_scripts.lib.errors import GPU_CURE, CineloraError
from workflow_scripts.lib.images import mask_box
from workflow_scripts.models.damage import explain_damage
from workflow_scripts.models.loaders.devices import open_device
from workflow_scripts.models.loaders.files import only_file

CONTEXT = 1.0  # how much of the image round a hole LaMa sees, in sizes of the hole
MIN_CONTEXT_PX = 32
# Sides that LaMa sees are whole steps: TorchScript plans its net anew, for seconds, for each shape
SIDE_STEP_PX = 256


def load_inpaint(
    files: dict[str, Path], *, device: str, max_side_px: int
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Return inpaint(image RGB, mask bool) -> image, equal to the image outside the mask.

    Beyond `max_side_px` LaMa repeats patterns; such holes are painted in a smaller copy.
    """
    path = only_file(files)
    net = open_lama(path, device)

    def inpaint(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
        if not mask.any():
            return image.copy()
        x0, y0, x1, y1 = crop_with_context(mask)
        part, hole = image[y0:y1, x0:x1], mask[y0:y1, x0:x1]
        painted = image.copy()
        painted[y0:y1, x0:x1] = np.where(hole[..., None], paint(net, part, hole, max_side_px), part)
        return painted

    return inpaint


def open_lama(path: Path, device: str) -> SimpleLama:
    """Open the TorchScript file; the package takes its path from the environment only."""
    place = open_device(device)
    os.environ["LAMA_MODEL"] = str(path)
    torch.jit.set_fusion_strategy([("DYNAMIC", 1)])  # one plan, whatever shapes come
    with explain_damage(path):
        return SimpleLama(place)


def crop_with_context(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Part x0, y0, x1, y1 of the image that LaMa sees: the hole and as much again round it, and
    what is beside that up to whole steps, or to the ends of the image."""
    x0, y0, x1, y1 = mask_box(mask)
    wide = max(MIN_CONTEXT_PX, int(CONTEXT * (x1 - x0)))
    high = max(MIN_CONTEXT_PX, int(CONTEXT * (y1 - y0)))
    height, width = mask.shape
    left, right = widen(max(0, x0 - wide), min(width, x1 + wide), width)
    top, bottom = widen(max(0, y0 - high), min(height, y1 + high), height)
    return left, top, right, bottom


def widen(start: int, end: int, length: int) -> tuple[int, int]:
    """The span, widened on both sides to whole steps, but not beyond 0 and `length`."""
    span = end - start
    side = min(length, span + -span % SIDE_STEP_PX)
    start = min(max(0, start - (side - span) // 2), length - side)
    return start, start + side


def paint(net: SimpleLama, part: np.ndarray, hole: np.ndarray, max_side_px: int) -> np.ndarray:
    """The part as LaMa paints it, at its own size, or scaled down and back where it is larger."""
    height, width = hole.shape
    scale = min(1.0, max_side_px / max(height, width))
    if scale < 1:
        size = (max(8, round(width * scale)), max(8, round(height * scale)))
        small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
        covered = cv2.resize(hole.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
        painted = _run(net, small, covered)
        return cv2.resize(painted, (width, height), interpolation=cv2.INTER_CUBIC)
    return _run(net, part, hole)


def _run(net: SimpleLama, part: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """LaMa's image (h, w, 3) uint8; mirrored to whole steps, as the package does to eights."""
    height, width = hole.shape
    beyond = [(0, -height % SIDE_STEP_PX), (0, -width % SIDE_STEP_PX)]
    padded = np.pad(part, [*beyond, (0, 0)], mode="symmetric")
    try:
        painted = net(padded, np.pad(hole, beyond, mode="symmetric").astype(np.uint8) * 255)
    except torch.cuda.OutOfMemoryError as error:
        raise CineloraError(
            f"the GPU's memory does not hold {width}x{height} pixels for LaMa.\n  Set "
            f"models.options.inpaint.max_side_px to half of that. {GPU_CURE}"
        ) from error
    return np.asarray(painted)[:height, :width]
