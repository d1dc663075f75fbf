"""Images of any size as one array that nets take."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch

IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], np.float32)  # RGB
IMAGENET_STD = np.array([0.229, 0.224, 0.225], np.float32)


@dataclass(frozen=True)
class Embedder:
    """`embedder(images)` -> vectors; `fit(image)` scales an image as the net takes it.

    Who reads images fits them there, in a thread of its own: what fits is not scaled again.
    """

    embed: Callable[[Sequence[np.ndarray]], np.ndarray]
    fit: Callable[[np.ndarray], np.ndarray]

    def __call__(self, images: Sequence[np.ndarray]) -> np.ndarray:
        return self.embed(images)


def stack_images(
    images: Sequence[np.ndarray],
    side_px: int,
    mean: np.ndarray,
    std: np.ndarray,
    device: torch.device,
) -> torch.Tensor:
    """Scale RGB uint8 images to squares, nothing cut off: (N, 3, side, side) float32 there.

    A film's frame is wide; the usual crop of its middle would lose who stands at its sides. What
    goes to the device are bytes: to make numbers of them took a CPU 30 ms an image at 1024 px.
    """
    squares = torch.from_numpy(np.stack([fit_square(image, side_px) for image in images]))
    pixels = squares.to(device).permute(0, 3, 1, 2).float() / 255
    center, spread = (torch.from_numpy(v).to(device).view(3, 1, 1) for v in (mean, std))
    return ((pixels - center) / spread).contiguous()


def fit_square(image: np.ndarray, side_px: int) -> np.ndarray:
    """Scale (H, W, 3) uint8 to a square; one of that size stays as it is."""
    how = cv2.INTER_AREA if max(image.shape[:2]) > side_px else cv2.INTER_CUBIC
    return cv2.resize(image, (side_px, side_px), interpolation=how)
