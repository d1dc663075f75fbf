"""An image of a folder that is a film: its pixels, and the file itself where it can be kept."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workflow_scripts.film.decoding.measures import count_halvings
from workflow_scripts.lib.foreign_images import (
    Size,
    decode_image,
    decode_jpeg,
    find_plain_jpeg,
    read_file,
)

MOST_HALVINGS = 3  # of the JPEG decoder: to an eighth


@dataclass(frozen=True)
class Loaded:
    """A decoded image, upright."""

    image: np.ndarray  # RGB (H, W, 3) uint8; what is kept as it is comes halved, where it is large
    size: Size  # of the image itself
    jpeg: bytes | None  # the file as it is, where it can be kept so
    note: str = ""  # what of the file is not used


def load_image(path: Path, cropped: Collection[Size] = ()) -> Loaded:
    """Decode a file once; a damaged one, even if only its end is missing, is an error.

    Images of the sizes in `cropped` are going to be cut, so their files are not kept.
    """
    data = read_file(path)
    if plain := find_plain_jpeg(data):
        size, space = plain
        if space != "Gray" and size not in cropped:
            return Loaded(_decode_halved(data, size), size, data)
    decoded = decode_image(data)
    return Loaded(decoded.pixels, decoded.pixels.shape[1::-1], None, decoded.note)


def _decode_halved(data: bytes, size: Size) -> np.ndarray:
    """RGB of a JPEG in the size that is measured: the decoder halves with less work than none."""
    halvings = min(MOST_HALVINGS, count_halvings(size[1]))
    image = decode_jpeg(data, min_height=-(-size[1] // 2**halvings))
    width, height = (max(1, side >> halvings) for side in size)
    return image[:height, :width]  # without half a block at the edge
