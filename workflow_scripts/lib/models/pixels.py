"""Pictures of any size as one array that nets take."""

from collections.abc import Sequence

import cv2
import numpy as np

IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], np.float32)  # RGB
IMAGENET_STD = np.array([0.229, 0.224, 0.225], np.float32)


def stack_pictures(
    images: Sequence[np.ndarray], side_px: int, mean: np.ndarray, std: np.ndarray
) -> np.ndarray:
    """Scale RGB uint8 pictures to squares, nothing cut off: (N, 3, side, side) float32.

    A film's frame is wide; the usual crop of its middle would lose who stands at its sides.
    """
    return np.stack([_square(image, side_px, mean, std) for image in images])


def _square(image: np.ndarray, side_px: int, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    how = cv2.INTER_AREA if max(image.shape[:2]) > side_px else cv2.INTER_CUBIC
    small = cv2.resize(image, (side_px, side_px), interpolation=how)
    return ((small / np.float32(255) - mean) / std).transpose(2, 0, 1)
