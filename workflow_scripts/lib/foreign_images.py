"""Images that people bring, in film folders and rosters: whatever they are, upright RGB comes out.

Turned by their camera, 16 bit, CMYK, gray, with a palette or transparent: all are brought to one
form here, once. For images that the workflow wrote itself, `images.read_rgb` is enough.
"""

import io
from pathlib import Path

import numpy as np
import simplejpeg
from PIL import Image, ImageOps, UnidentifiedImageError

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.images import composite

JPEG_START = b"\xff\xd8"
ORIENTATION = 0x0112  # tag of Exif
SIDEWAYS = {5, 6, 7, 8}  # its values for images that are stored lying
INKS = {"CMYK", "YCCK"}  # color spaces of print
DAMAGE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)  # what Pillow raises
Size = tuple[int, int]  # width, height


def read_image_file(path: str | Path) -> np.ndarray:
    """Decode a file as upright RGB (H, W, 3) uint8; what cannot be read is an error naming it."""
    try:
        return decode_image(read_file(path))
    except CineloraError as error:
        raise CineloraError(f"{path}: {error}") from error


def read_file(path: str | Path) -> bytes:
    """The bytes of a file, or in plain words why there are none."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise CineloraError(f"cannot be opened ({error.strerror})") from error


def decode_image(data: bytes) -> np.ndarray:
    """Decode the bytes of an image as upright RGB (H, W, 3) uint8.

    Alpha is composited on gray. A damaged file, even if only its end is missing, is an error.
    """
    if find_plain_jpeg(data):
        return decode_jpeg(data)
    try:
        with Image.open(io.BytesIO(data)) as opened:
            return _to_rgb(ImageOps.exif_transpose(opened))
    except UnidentifiedImageError as error:
        raise CineloraError(f"not an image in a known format ({len(data)} bytes)") from error
    except DAMAGE as error:
        raise CineloraError(f"not a readable image ({len(data)} bytes): {error}") from error


def find_plain_jpeg(data: bytes) -> tuple[Size, str] | None:
    """Size and color space of a JPEG that is shown as it is stored; None for anything else.

    Another thing is one that its camera turned, or one in the colors of print.
    """
    if not data.startswith(JPEG_START):
        return None
    try:
        height, width, space, _ = simplejpeg.decode_jpeg_header(data)
        is_plain = space not in INKS and _orientation(data) == 1
    except DAMAGE as error:
        raise CineloraError(f"damaged JPEG ({len(data)} bytes): {error}") from error
    return ((width, height), space) if is_plain else None


def decode_jpeg(data: bytes, *, min_height: int = 0) -> np.ndarray:
    """Decode a plain JPEG, halved as often as leaves at least `min_height` rows; 0 is whole."""
    try:
        return simplejpeg.decode_jpeg(data, "RGB", min_height=min_height)
    except ValueError as error:
        raise CineloraError(f"damaged JPEG ({len(data)} bytes): {error}") from error


def read_size(path: Path) -> Size | None:
    """Size of an image when it is upright, from its header; None where there is none to read."""
    try:
        with Image.open(path) as opened:
            # Pillow looks for the Exif of a PNG behind its pixels, which it decodes on the way
            turned = opened.format != "PNG" and opened.getexif().get(ORIENTATION) in SIDEWAYS
            return opened.size[::-1] if turned else opened.size
    except DAMAGE:
        return None  # decode_image says what is wrong with it


def _orientation(data: bytes) -> int:
    if b"Exif\x00" not in data[:65536]:
        return 1
    with Image.open(io.BytesIO(data)) as opened:
        return opened.getexif().get(ORIENTATION, 1)


def _to_rgb(image: Image.Image) -> np.ndarray:
    if image.mode.startswith("I;16") or image.mode == "I":
        return np.repeat((np.asarray(image) >> 8).astype(np.uint8)[..., None], 3, axis=2)
    if image.has_transparency_data:
        pixels = np.asarray(image.convert("RGBA"))
        return composite(pixels[..., :3], pixels[..., 3] / 255.0)
    return np.asarray(image.convert("RGB"))
