"""Images scaled for the nets that embed them."""

from collections.abc import Callable

import cv2
import numpy as np

from workflow_scripts.lib.images import scale_size

MAX_SIDE_PX = 640  # images are scaled to this first; no embedder looks closer

Embed = Callable[[list[np.ndarray]], np.ndarray]
Fit = Callable[[np.ndarray], np.ndarray]


def shrink(image: np.ndarray) -> np.ndarray:
    """Scale down to MAX_SIDE_PX, keeping the shape; smaller images stay as they are."""
    height, width = image.shape[:2]
    scale = MAX_SIDE_PX / max(height, width)
    if scale >= 1:
        return image
    size = scale_size(image, scale)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def find_fit(net: Embed) -> Fit:
    """How an image is scaled for the net; those that do it themselves leave it as it is."""
    return getattr(net, "fit", lambda image: image)
