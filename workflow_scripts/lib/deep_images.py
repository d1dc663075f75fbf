"""Images of more than 8 bits a channel, brought to 8; kinds of TIFF that no reader reads rightly.

Pillow knows gray of 16 and 32 bits. What it does not know, such as three channels of float, OpenCV
reads; but of a TIFF in planes or in a compression that it lacks, either leaves wrong colors
without a word, so only what is known to be right is read.
"""

import io
import struct
from collections.abc import Mapping

import cv2
import numpy as np
from PIL import Image, TiffImagePlugin

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.image_signatures import TIFF_STARTS
from workflow_scripts.lib.images import check_size, composite

PFM_START = b"PF"  # three channels of float
WHITES = (255, 65535, 2**31 - 1, 2**32 - 1)  # levels of white in integers of 32 bits
HIGHLIGHTS = 99.0  # percent of a float image's levels that are within white, give or take a stop
# tags of TIFF 6.0, and values of theirs
WIDTH, HEIGHT = 256, 257
BITS, COMPRESSION, PHOTOMETRIC, SAMPLES, PLANAR, SAMPLE_FORMAT = 258, 259, 262, 277, 284, 339
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, IN_PLANES, SIGNED = 0, 1, 2, 2, 2
LOSSLESS = {1, 5, 8, 32773, 32946}  # none, LZW, Deflate, PackBits, Deflate: all OpenCV builds do
DEEP_BITS = {10, 12, 14, 16, 32, 64}
BAD_TAGS = (OSError, SyntaxError, ValueError, TypeError, KeyError, struct.error)
Tags = Mapping[int, object]


def is_deep(image: Image.Image) -> bool:
    """Whether Pillow opened the image in one of its gray modes of 16 or 32 bits."""
    return image.mode in ("I", "F") or image.mode.startswith("I;16")


def reduce_deep(image: Image.Image) -> np.ndarray:
    """Levels (H, W) uint8 of a deep gray image."""
    tags = getattr(image, "tag_v2", {})
    levels = _reduce(image, tags)
    return 255 - levels if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO else levels


def _reduce(image: Image.Image, tags: Tags) -> np.ndarray:
    values = np.asarray(image)
    if image.mode == "F":
        return reduce_float(values)
    if image.mode != "I" or image.format == "PPM":  # a PGM was brought to 16 bits by Pillow
        return (values >> (_get_bits(tags, 16) - 8)).astype(np.uint8)
    if _get_bits(tags, 32) == 16 and tags.get(SAMPLE_FORMAT) == (SIGNED,):
        return (np.maximum(values, 0) >> 7).astype(np.uint8)
    return reduce_integers(values.view(np.uint32) if values.min(initial=0) < 0 else values)


def reduce_integers(values: np.ndarray) -> np.ndarray:
    """Levels uint8 of 32 bits: the least full range that holds all levels is taken.

    Nobody says what is white in them.
    """
    highest = values.max(initial=0)
    white = next(level for level in WHITES if highest <= level)
    return (np.maximum(values, 0) * (255 / white)).astype(np.uint8)


def reduce_float(values: np.ndarray) -> np.ndarray:
    """Levels uint8 of floats, of which white is 1 as is usual, or 255, or 65535.

    Highlights beyond white are clipped; what is no number is black.
    """
    values = np.nan_to_num(values.astype(np.float32), nan=0, posinf=np.finfo(np.float32).max)
    high = float(np.percentile(values, HIGHLIGHTS)) if values.size else 0.0
    white = next((white for white in (1, 255) if high <= 2 * white), 65535)
    return np.rint(np.clip(values / white, 0, 1) * 255).astype(np.uint8)


def check_tiff(tags: Tags) -> None:
    """Refuse a TIFF that Pillow opens, but whose colors it would get wrong."""
    if tags.get(PLANAR) == IN_PLANES and _get_samples(tags) > 1 and _get_bits(tags, 8) > 8:
        raise CineloraError(_say_kind(tags))


def decode_by_opencv(data: bytes) -> np.ndarray | None:
    """RGB (H, W, 3) uint8, upright, of a TIFF or PFM that Pillow does not know.

    None for another format; CineloraError for a kind of TIFF that is not read.
    """
    if data.startswith(TIFF_STARTS):
        tags = read_tags(data)
        check_opencv_reads(tags)
        check_size(tags.get(WIDTH, 0), tags.get(HEIGHT, 0))
    elif not data.startswith(PFM_START):
        return None
    try:  # OpenCV turns TIFF upright whatever it is told
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if image is None:
        return None
    check_size(image.shape[1], image.shape[0])
    return _to_rgb(_to_bytes(image))


def check_opencv_reads(tags: Tags) -> None:
    """Refuse a TIFF that OpenCV would read wrongly or not at all."""
    known = (
        _get_bits(tags, 1) in DEEP_BITS
        and tags.get(COMPRESSION, 1) in LOSSLESS
        and tags.get(PLANAR, 1) != IN_PLANES
        and (tags.get(PHOTOMETRIC), _get_samples(tags)) in {(BLACK_IS_ZERO, 1), (RGB, 3), (RGB, 4)}
        and not (_get_bits(tags, 1) == 16 and _is_float(tags))
    )
    if not known:
        raise CineloraError(_say_kind(tags))


def read_tags(data: bytes) -> Tags:
    """Tags of the first image of a TIFF; {} where there are none to read."""
    try:
        tags = TiffImagePlugin.ImageFileDirectory_v2(
            data[: 16 if data[2:4] in (b"+\0", b"\0+") else 8]
        )
        file = io.BytesIO(data)
        file.seek(tags.next)
        tags.load(file)
        return dict(tags)
    except BAD_TAGS:
        return {}


def _say_kind(tags: Tags) -> str:
    if BITS not in tags:
        return "a TIFF that is damaged, or of a kind that is not read"
    number = "float" if _is_float(tags) else "integer"
    planes = ", in planes" if tags.get(PLANAR) == IN_PLANES else ""
    return (
        f"a TIFF of {_get_samples(tags)} x {_get_bits(tags, 1)} bits ({number}{planes},"
        f" compression {tags.get(COMPRESSION, 1)}), which is not read: convert it to PNG"
    )


def _get_bits(tags: Tags, default: int) -> int:
    """Bits of a channel; the most of all where they differ."""
    return max(tags.get(BITS) or (default,))


def _get_samples(tags: Tags) -> int:
    return tags.get(SAMPLES, 1)


def _is_float(tags: Tags) -> bool:
    return 3 in (tags.get(SAMPLE_FORMAT) or ())


def _to_bytes(image: np.ndarray) -> np.ndarray:
    if image.dtype.kind == "f":
        return reduce_float(image)
    if image.dtype.itemsize == 2:
        return (image.view(np.uint16) >> 8).astype(np.uint8)
    return image if image.dtype == np.uint8 else reduce_integers(image.astype(np.int64))


def _to_rgb(image: np.ndarray) -> np.ndarray:
    if image.ndim == 2 or image.shape[2] == 1:
        return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    pixels = cv2.cvtColor(np.ascontiguousarray(image[..., :3]), cv2.COLOR_BGR2RGB)
    return composite(pixels, image[..., 3] / 255.0) if image.shape[2] == 4 else pixels
