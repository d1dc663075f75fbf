"""Role `inpaint` without a model: OpenCV's Telea fill carries edges inwards, but no texture."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from workflow_scripts.lib.images import scale_size

RADIUS_PX = 5  # how far round a pixel the fill looks; more is smoother and slower
MAX_PIXELS = 20_000  # larger holes are filled on a smaller copy: the fill is smooth anyway


def load_inpaint(
    files: dict[str, Path], *, device: str
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Return inpaint(image RGB, mask bool) -> image, equal to the image outside the mask."""
    return fill


def fill(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Paint the masked pixels of an image (H, W, 3) from those around them."""
    scale = min(1.0, float(np.sqrt(MAX_PIXELS / max(mask.sum(), 1))))
    if scale == 1:
        return cv2.inpaint(image, mask.astype(np.uint8), RADIUS_PX, cv2.INPAINT_TELEA)
    height, width = mask.shape
    size = scale_size(image, scale)
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    hole = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
    small = cv2.inpaint(small, hole.astype(np.uint8), RADIUS_PX, cv2.INPAINT_TELEA)
    painted = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.where(mask[..., None], painted, image)
