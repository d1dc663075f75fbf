"""Instance masks as small palette images: index = character (from 1), 0 = nobody."""

import pathlib

import numpy as np
from PIL import Image

PALETTE = [0, 0, 0, 230, 60, 60, 60, 200, 80, 70, 110, 240]


def write_mask(index: np.ndarray, path: pathlib.Path) -> None:
    """Save an index image (h, w, uint8)."""
    mask = Image.fromarray(index)
    mask.putpalette(PALETTE)
    mask.save(path, optimize=True)


def read_mask(path: pathlib.Path) -> np.ndarray:
    """The index image (h, w, uint8) again."""
    with Image.open(path) as mask:
        return np.asarray(mask).copy()
