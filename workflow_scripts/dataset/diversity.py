"""How many different images a packed dataset amounts to, from its pixels alone.

Measured apart from what select_images chose by: on the images as they were packed, in color.
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from scipy.spatial.distance import pdist, squareform

from workflow_scripts.lib.images import THUMBNAIL_PX, read_rgb

NEAR_LEVELS = 4.0  # images that differ by less on average, of 255, nearly repeat each other
SCALE_LEVELS = 10.0  # images that differ by so much count as alike by 1 / e


def measure_diversity(files: Sequence[Path]) -> dict[str, float | int]:
    """Effective number of these images, and how many nearly repeat an earlier one."""
    if not files:
        return {"images": 0, "effective_images": 0.0, "near_repeats": 0}
    differences = compare_images(np.stack([shrink_color(read_rgb(file)) for file in files]))
    return {
        "images": len(files),
        "effective_images": round(count_effective(np.exp(-differences / SCALE_LEVELS)), 1),
        "near_repeats": int((np.tril(differences < NEAR_LEVELS, -1)).any(1).sum()),
    }


def shrink_color(image: np.ndarray) -> np.ndarray:
    """Copy of an image (H, W, 3) at THUMBNAIL_PX a side, area means: (3072,) float32."""
    size = (THUMBNAIL_PX, THUMBNAIL_PX)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA).ravel().astype(np.float32)


def compare_images(thumbnails: np.ndarray) -> np.ndarray:
    """Mean differences (N, N) in levels of thumbnails (N, P)."""
    return squareform(pdist(thumbnails, "cityblock")) / thumbnails.shape[1]


def count_effective(similarity: np.ndarray) -> float:
    """Vendi score (Friedman and Dieng 2023) of similarities (N, N), positive definite, 1 with
    oneself: exp of the entropy of the eigenvalues of similarity / N. N for images that have
    nothing in common, 1 for N copies of one. exp(-L1 distance) is positive definite.
    """
    values = np.linalg.eigvalsh(similarity / len(similarity))
    values = values[values > 1e-12]
    return float(np.exp(-(values * np.log(values)).sum()))
