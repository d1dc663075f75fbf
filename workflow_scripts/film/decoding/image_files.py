"""A folder of images as a film: which files, in which order, and the pixels of one."""

import io
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import simplejpeg
from PIL import Image, ImageOps, UnidentifiedImageError

from workflow_scripts.film.decoding.measures import count_halvings
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.images import composite
from workflow_scripts.lib.suffixes import IMAGES

JPEGS = {".jpg", ".jpeg"}
ORIENTATION = 0x0112  # tag of Exif
SIDEWAYS = {5, 6, 7, 8}  # its values for images that are stored lying
MOST_HALVINGS = 3  # of the JPEG decoder: to an eighth
Size = tuple[int, int]  # width, height


@dataclass(frozen=True)
class Loaded:
    """A decoded image, upright."""

    image: np.ndarray  # RGB (H, W, 3) uint8; what is kept as it is comes halved, where it is large
    size: Size  # of the image itself
    jpeg: bytes | None  # the file as it is, where it can be kept so


def list_images(folder: str | Path) -> list[Path]:
    """All images below a folder, in natural order: 2.jpg before 10.jpg; hidden ones left out."""
    root = Path(folder)
    files = [
        path
        for path in root.rglob("*")
        if path.suffix.lower() in IMAGES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(root).parts)
    ]
    return sorted(files, key=lambda path: _natural(path.relative_to(root)))


def _natural(path: Path) -> list[list[tuple[int, int, str]]]:
    """A key that compares runs of digits as numbers; a folder sorts by its own name first."""
    parts = [re.split(r"(\d+)", part.lower()) for part in path.parts]
    return [[(0, int(t), t) if t.isdecimal() else (1, 0, t) for t in part if t] for part in parts]


def read_size(path: Path) -> Size | None:
    """Size of an image when it is upright, from its header; None where there is none to read."""
    try:
        with Image.open(path) as opened:
            # Pillow looks for the Exif of a PNG behind its pixels, which it decodes on the way
            turned = opened.format != "PNG" and opened.getexif().get(ORIENTATION) in SIDEWAYS
            return opened.size[::-1] if turned else opened.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None  # load_image says what is wrong with it


def load_image(path: Path, cropped: Collection[Size] = ()) -> Loaded:
    """Decode a file once; a damaged one, even if only its end is missing, is an error.

    Images of the sizes in `cropped` are going to be cut, so their files are not kept.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CineloraError(f"cannot be opened ({error.strerror})") from error
    if path.suffix.lower() in JPEGS and data[:2] == b"\xff\xd8":
        loaded = _load_jpeg(data, cropped)
        if loaded:
            return loaded
    try:
        with Image.open(io.BytesIO(data)) as opened:
            image = _to_rgb(ImageOps.exif_transpose(opened))
            return Loaded(image, image.shape[1::-1], None)
    except UnidentifiedImageError as error:
        raise CineloraError(f"not an image in a known format ({len(data)} bytes)") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise CineloraError(f"not a readable image ({len(data)} bytes): {error}") from error


def _load_jpeg(data: bytes, cropped: Collection[Size]) -> Loaded | None:
    """Decode a plain upright JPEG; None for one that needs turning or another color space."""
    try:
        height, width, space, _ = simplejpeg.decode_jpeg_header(data)
        if space == "CMYK" or _orientation(data) != 1:
            return None
        if space == "Gray" or (width, height) in cropped:
            return Loaded(simplejpeg.decode_jpeg(data, "RGB"), (width, height), None)
        return Loaded(_decode_halved(data, (width, height)), (width, height), data)
    except ValueError as error:
        raise CineloraError(f"damaged JPEG ({len(data)} bytes): {error}") from error


def _decode_halved(data: bytes, size: Size) -> np.ndarray:
    """RGB of a JPEG in the size that is measured: the decoder halves with less work than none."""
    halvings = min(MOST_HALVINGS, count_halvings(size[1]))
    least = -(-size[1] // 2**halvings)
    image = simplejpeg.decode_jpeg(data, "RGB", min_height=least)
    return image[: size[1] >> halvings, : size[0] >> halvings]  # without half a block at the edge


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
