"""Images that people bring, in film folders and rosters: whatever they are, upright sRGB comes out.

Turned by their camera, 16 bit or float, CMYK, gray, with a palette, a color profile, transparent or
animated: all are brought to one form here, once. For images that the workflow wrote itself,
`images.read_rgb` is enough.
"""

import io
import struct
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import simplejpeg
from PIL import Image, UnidentifiedImageError

from workflow_scripts.lib.color_codes import check_codes
from workflow_scripts.lib.color_profiles import apply_profile, changes_colors
from workflow_scripts.lib.deep_images import (
    check_tiff,
    decode_by_opencv,
    is_deep,
    reduce_deep,
)
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.image_folders import CONVERT_SUFFIXES, FORMATS, format_name
from workflow_scripts.lib.image_signatures import (
    IMAGES,
    TIFF_STARTS,
    TO_CONVERT,
    name_content,
)
from workflow_scripts.lib.images import MAX_PIXELS, NEUTRAL_GRAY, check_size, composite
from workflow_scripts.lib.jpeg_headers import (
    JPEG_START,
    find_orientation,
    read_header,
)
from workflow_scripts.lib.logs import log

SEVERAL = {"GIF", "PNG", "WEBP", "TIFF", "AVIF", "FLI"}  # formats whose images follow each other
SIDEWAYS = {5, 6, 7, 8}  # orientations of images that are stored lying
TURNS = {  # orientation -> how the stored image becomes upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
CLEAR_OR_NOT = np.array([0, 255], np.uint8)
INKS = {"CMYK", "YCCK"}  # color spaces of print
warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # it says so before check_size can
DAMAGE = (  # what Pillow raises
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    RuntimeError,  # of its AVIF
    struct.error,
    Image.DecompressionBombError,
)
Size = tuple[int, int]  # width, height


@dataclass(frozen=True)
class Decoded:
    """An image as it is used."""

    pixels: np.ndarray  # RGB (H, W, 3) uint8, upright, sRGB
    note: str = ""  # what of the file is not used


def read_image_file(path: str | Path) -> np.ndarray:
    """Decode a file as upright RGB (H, W, 3) uint8; what cannot be read is an error naming it."""
    try:
        decoded = decode_image(read_file(path))
    except CineloraError as error:
        raise CineloraError(f"{format_name(path)}: {error}") from error
    if decoded.note:
        log.warning("%s: %s", format_name(path), decoded.note)
    return decoded.pixels


def read_file(path: str | Path) -> bytes:
    """The bytes of an image file, or in plain words why there are none that can be decoded."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise CineloraError(f"cannot be opened ({error.strerror})") from error
    if not data:
        raise CineloraError("the file is empty")
    if data.startswith(TIFF_STARTS) and Path(path).suffix.lower() in CONVERT_SUFFIXES:
        # the image that such a TIFF shows first is a small preview
        raise CineloraError("raw data of a camera, not read here: convert it to PNG or JPEG")
    return data


def decode_image(data: bytes) -> Decoded:
    """Decode the bytes of an image.

    Alpha is composited on gray. A damaged file, even if only its end is missing, is an error.
    """
    if find_plain_jpeg(data):
        return Decoded(decode_jpeg(data))
    wide = check_codes(data)
    try:
        with Image.open(io.BytesIO(data), formats=tuple(FORMATS)) as opened:
            check_size(*opened.size)
            return _decode(opened, wide)
    except UnidentifiedImageError as error:
        if (pixels := decode_by_opencv(data)) is not None:
            return Decoded(pixels)
        raise CineloraError(_say_unknown(data)) from error
    except Image.DecompressionBombError as error:
        raise CineloraError(f"more pixels than {MAX_PIXELS}. Make it smaller") from error
    except MemoryError as error:
        raise CineloraError("takes more memory than there is. Make it smaller") from error
    except DAMAGE as error:
        raise CineloraError(f"not a readable image ({len(data)} bytes): {error}") from error


def _say_unknown(data: bytes) -> str:
    content = name_content(data)
    if content in IMAGES:
        return f"damaged, or a kind of {content} that is not read ({len(data)} bytes)"
    if content in TO_CONVERT:
        return f"holds {content}, which is not read here: convert it to PNG or JPEG"
    if content:
        return f"holds no image but {content}"
    return f"not an image in a known format ({len(data)} bytes)"


def find_plain_jpeg(data: bytes) -> tuple[Size, str] | None:
    """Size and color space of a JPEG that is shown as it is stored; None for anything else.

    Another thing is one that its camera turned, or one in other colors than sRGB.
    """
    if not data.startswith(JPEG_START):
        return None
    try:
        height, width, space, _ = simplejpeg.decode_jpeg_header(data)
    except ValueError as error:
        raise CineloraError(f"damaged JPEG ({len(data)} bytes): {error}") from error
    check_size(width, height)
    orientation, profile = read_header(data)
    if space in INKS or orientation != 1:
        return None
    if changes_colors(profile, "L" if space == "Gray" else "RGB"):
        return None
    return (width, height), space


def decode_jpeg(data: bytes, *, min_height: int = 0) -> np.ndarray:
    """Decode a plain JPEG, halved as often as leaves at least `min_height` rows; 0 is whole."""
    try:
        return simplejpeg.decode_jpeg(data, "RGB", min_height=min_height)
    except ValueError as error:
        raise CineloraError(f"damaged JPEG ({len(data)} bytes): {error}") from error


def read_size(path: Path) -> Size | None:
    """Size of an image when it is upright, from its header; None where there is none to read."""
    try:
        with Image.open(path, formats=tuple(FORMATS)) as opened:
            # a TIFF's size is upright already; Pillow would look for the Exif of a PNG behind its
            # pixels, which it decodes on the way
            told = opened.format != "TIFF" and (opened.format != "PNG" or "exif" in opened.info)
            turned = told and find_orientation(opened) in SIDEWAYS
            return opened.size[::-1] if turned else opened.size
    except DAMAGE:
        return None  # decode_image says what is wrong with it


def _decode(opened: Image.Image, wide: str) -> Decoded:
    more = _find_more(opened)
    if opened.info.get("default_image"):  # of an APNG: for viewers that show no animation
        opened.seek(1)
    if opened.format == "TIFF":
        check_tiff(opened.tag_v2)
    box = opened.tile[0].extents if opened.format == "GIF" and opened.tile else None
    opened.load()
    pixels, ignored = _to_rgb(opened)
    if box:  # the first image of a GIF may fill a part of it
        pixels = _clear_around(pixels, box)
    pixels = _turn(pixels, find_orientation(opened))
    if "icc_profile" in opened.info:  # counts more than codes
        wide = ""
    return Decoded(pixels, "; ".join(filter(None, (more, wide, ignored))))


def _turn(pixels: np.ndarray, orientation: int) -> np.ndarray:
    if orientation not in TURNS:
        return pixels
    return np.ascontiguousarray(Image.fromarray(pixels).transpose(TURNS[orientation]))


def _clear_around(pixels: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    x0, y0, x1, y1 = box
    cleared = np.full_like(pixels, NEUTRAL_GRAY)
    cleared[y0:y1, x0:x1] = pixels[y0:y1, x0:x1]
    return cleared


def _find_more(opened: Image.Image) -> str:
    count = getattr(opened, "n_frames", 1) if opened.format in SEVERAL else 1
    return f"holds {count} images, of which the first is used" if count > 1 else ""


def _to_rgb(image: Image.Image) -> tuple[np.ndarray, str]:
    """Pixels (H, W, 3) of an image as stored, and what of it was not used."""
    alpha = None
    if image.has_transparency_data:
        image, alpha = _split_alpha(image)
    if is_deep(image):
        image = _keep_profile(image, Image.fromarray(reduce_deep(image)))
    elif image.mode not in ("RGB", "L", "CMYK", "LAB"):
        image = _keep_profile(image, image.convert("RGB"))
    image, ignored = apply_profile(image)
    pixels = np.asarray(image.convert("RGB"))
    return (pixels if alpha is None else composite(pixels, alpha / np.float32(255))), ignored


def _split_alpha(image: Image.Image) -> tuple[Image.Image, np.ndarray | None]:
    if is_deep(image):  # gray, one level of which is not there
        return image, np.where(np.asarray(image) == image.info["transparency"], *CLEAR_OR_NOT)
    if image.mode == "La":
        image = image.convert("LA")
    layers = image.convert("RGBA")
    flat = layers.convert("RGB").convert("L" if image.mode in ("L", "LA") else "RGB")
    return _keep_profile(image, flat), np.asarray(layers.getchannel("A"))


def _keep_profile(image: Image.Image, converted: Image.Image) -> Image.Image:
    if "icc_profile" in image.info:
        converted.info["icc_profile"] = image.info["icc_profile"]
    return converted
