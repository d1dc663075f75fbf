"""Images and masks: decode, encode, crop, run-length code. Arrays are RGB uint8 (H, W, 3)."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
from pycocotools import mask as coco

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.manifest import replace_when_done
from workflow_scripts.lib.renewal import say_damaged
from workflow_scripts.lib.written_files import Sums, write_bytes

NEUTRAL_GRAY = (128, 128, 128)
MAX_PIXELS = 89_478_485  # where Pillow warns: to decode so many takes one to two gigabytes
MAX_SIDE_PX = 65_500  # of a JPEG
LONGEST = 128  # times the shorter side
BAND_PX = 256  # rows that are composited at a time
THUMBNAIL_PX = 32  # side of what tells near-repeats; whatever the shape of the image
# A mask in a table is what COCO's tools call a segmentation: height, width, packed run lengths
RLE = pa.struct([("size", pa.list_(pa.int32())), ("counts", pa.string())])
Rle = dict[str, Any]
ENDS = {b"\xff\xd8": b"\xff\xd9", b"\x89PNG": b"IEND"}  # how a JPEG and a PNG begin and end


def read_rgb(path: str | Path) -> np.ndarray:
    """Decode an image that the workflow wrote or kept: (H, W, 3) RGB uint8, alpha on gray.

    What people bring goes through `foreign_images`, which also turns images upright.
    """
    image = decode(path, read_encoded(path), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    if image.ndim == 2:
        return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    if image.shape[2] == 4:
        return composite(cv2.cvtColor(image[..., :3], cv2.COLOR_BGR2RGB), image[..., 3] / 255.0)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def read_encoded(path: str | Path) -> bytes:
    """The bytes of an image that the workflow wrote; an error where they cannot be all of it."""
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError as error:
        raise CineloraError(say_damaged(path, "it is gone")) from error
    except OSError as error:
        raise CineloraError(say_damaged(path, f"it cannot be read ({error.strerror})")) from error
    if not data:
        raise CineloraError(say_damaged(path, "it is empty now (0 bytes)"))
    end = next((end for start, end in ENDS.items() if data.startswith(start)), b"")
    if data.rfind(end) < 0:  # OpenCV would make up the rest of a JPEG
        raise CineloraError(say_damaged(path, f"its end is missing now ({len(data):,} bytes)"))
    return data


def decode(path: str | Path, data: bytes, flags: int) -> np.ndarray:
    """Decode what `read_encoded` read, with OpenCV's flags, as OpenCV does: BGR."""
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:  # a header that was changed may ask for any number of pixels
        image = None
    if image is None:
        raise CineloraError(say_damaged(path, f"it is no image now ({len(data):,} bytes)"))
    return image


def write_image(path: str | Path, image: np.ndarray, *, quality: int = 95) -> Sums:
    """Encode by the suffix (.jpg or .png); RGB (H, W, 3) or gray (H, W) uint8; atomic.

    Returns what a table says of the file: its size and sha256.
    """
    pixels = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    options = [cv2.IMWRITE_JPEG_QUALITY, quality] if Path(path).suffix == ".jpg" else []
    done, data = cv2.imencode(Path(path).suffix, pixels, options)
    if not done:
        raise CineloraError(f"{path}: an array of shape {image.shape} could not be encoded.")
    with replace_when_done(path) as partial:
        return write_bytes(partial, data.tobytes())  # tofile would not say that a disk is full


def check_size(width: int, height: int) -> None:
    """Refuse, before it is decoded, what takes too much memory, is no JPEG's size, or is a strip.

    Models look at an image in squares of its shorter side: a strip of a pixel has thousands.
    """
    size = f"{width}x{height} pixels"
    if width * height > MAX_PIXELS:
        raise CineloraError(f"{size} are more than {MAX_PIXELS}. Make it smaller")
    if max(width, height) > MAX_SIDE_PX:
        raise CineloraError(f"{size} are over {MAX_SIDE_PX} a side. Make it smaller")
    if max(width, height) > LONGEST * min(width, height) > 0:
        raise CineloraError(f"{size} are a strip, over {LONGEST} times as long as wide. Cut it up")


def scale_size(image: np.ndarray, scale: float) -> tuple[int, int]:
    """Width and height of an image (H, W, ...) times a scale; no side vanishes."""
    height, width = image.shape[:2]
    return max(1, round(width * scale)), max(1, round(height * scale))


def composite(image: np.ndarray, alpha: np.ndarray, color: tuple = NEUTRAL_GRAY) -> np.ndarray:
    """Lay the image over one color; alpha (H, W) from 0 to 1."""
    below = np.array(color, np.float32)
    laid = np.empty(image.shape, np.uint8)
    for first in range(0, len(image), BAND_PX):  # floats of all rows take 36 bytes a pixel
        band = slice(first, first + BAND_PX)
        weight = np.asarray(alpha[band], np.float32)[..., None]
        laid[band] = np.rint(image[band] * weight + below * (1 - weight))
    return laid


def clip_box(box: np.ndarray, width: int, height: int) -> tuple[int, int, int, int]:
    """Round a box x0, y0, x1, y1 (end excluded) outwards to whole pixels inside the image."""
    x0, y0, x1, y1 = (float(value) for value in box)
    left, top = max(0, int(np.floor(x0))), max(0, int(np.floor(y0)))
    return left, top, min(width, int(np.ceil(x1))), min(height, int(np.ceil(y1)))


def mask_box(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Bounding box x0, y0, x1, y1 (end excluded) of a mask (H, W); all 0 for an empty one."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return 0, 0, 0, 0
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def encode_rle(mask: np.ndarray) -> Rle:
    """Pack a bool mask (H, W) into COCO's compressed run lengths: column-major, zeros first."""
    packed = coco.encode(np.asfortranarray(mask, np.uint8))
    return {"size": packed["size"], "counts": packed["counts"].decode("ascii")}


def decode_rle(rle: Rle, height: int, width: int) -> np.ndarray:
    """Inverse of encode_rle: bool (height, width), which must be the size of the mask."""
    rows, columns = rle["size"]
    if (rows, columns) != (height, width):
        raise CineloraError(f"a mask of {columns}x{rows} pixels does not fit {width}x{height}")
    return coco.decode(rle).view(bool)


def make_thumbnail(image: np.ndarray) -> np.ndarray:
    """Luma of an image (H, W, 3) at THUMBNAIL_PX a side, area means: (1024,) uint8."""
    small = cv2.resize(image, (THUMBNAIL_PX, THUMBNAIL_PX), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).ravel()
