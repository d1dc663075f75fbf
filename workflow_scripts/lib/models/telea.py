"""Role `inpaint` without a model: OpenCV's Telea fill carries edges inwards, but no texture."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

RADIUS_PX = 5  # how far round a pixel the fill looks; more is smoother and slower


def load_inpaint(
    files: dict[str, Path], *, device: str
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Return inpaint(image RGB, mask bool) -> image, equal to the image outside the mask."""
    return fill


def fill(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Paint the masked pixels of a picture (H, W, 3) from those around them."""
    if not mask.any():
        return image.copy()
    return cv2.inpaint(image, mask.astype(np.uint8), RADIUS_PX, cv2.INPAINT_TELEA)
