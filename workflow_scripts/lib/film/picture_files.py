"""A folder of pictures as a film: which files, in which order, and the pixels of one."""

import io
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import simplejpeg
from PIL import Image, ImageOps, UnidentifiedImageError

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.images import composite
from workflow_scripts.lib.suffixes import PICTURES

JPEGS = {".jpg", ".jpeg"}


@dataclass(frozen=True)
class Loaded:
    """A decoded picture, upright."""

    image: np.ndarray  # RGB (H, W, 3) uint8
    jpeg: bytes | None  # the file as it is, where it can be kept so


def list_pictures(folder: str | Path) -> list[Path]:
    """All pictures below a folder, in natural order: 2.jpg before 10.jpg; hidden ones left out."""
    root = Path(folder)
    files = [
        path
        for path in root.rglob("*")
        if path.suffix.lower() in PICTURES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(root).parts)
    ]
    return sorted(files, key=lambda path: _natural(path.relative_to(root)))


def _natural(path: Path) -> list[list[tuple[int, int, str]]]:
    """A key that compares runs of digits as numbers; a folder sorts by its own name first."""
    parts = [re.split(r"(\d+)", part.lower()) for part in path.parts]
    return [[(0, int(t), t) if t.isdecimal() else (1, 0, t) for t in part if t] for part in parts]


def load_picture(path: Path) -> Loaded:
    """Decode a file once; a damaged one, even if only its end is missing, is an error."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CineloraError(f"cannot be opened ({error.strerror})") from error
    if path.suffix.lower() in JPEGS and data[:2] == b"\xff\xd8":
        loaded = _load_jpeg(data)
        if loaded:
            return loaded
    try:
        with Image.open(io.BytesIO(data)) as picture:
            return Loaded(_to_rgb(ImageOps.exif_transpose(picture)), None)
    except UnidentifiedImageError as error:
        raise CineloraError(f"not a picture in a known format ({len(data)} bytes)") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise CineloraError(f"not a readable picture ({len(data)} bytes): {error}") from error


def _load_jpeg(data: bytes) -> Loaded | None:
    """Decode a plain upright JPEG; None for one that needs turning or another colour space."""
    try:
        space = simplejpeg.decode_jpeg_header(data)[2]
        if space == "CMYK" or _orientation(data) != 1:
            return None
        return Loaded(simplejpeg.decode_jpeg(data, "RGB"), data if space != "Gray" else None)
    except ValueError as error:
        raise CineloraError(f"damaged JPEG ({len(data)} bytes): {error}") from error


def _orientation(data: bytes) -> int:
    if b"Exif\x00" not in data[:65536]:
        return 1
    with Image.open(io.BytesIO(data)) as picture:
        return picture.getexif().get(0x0112, 1)


def _to_rgb(picture: Image.Image) -> np.ndarray:
    if picture.mode.startswith("I;16") or picture.mode == "I":
        return np.repeat((np.asarray(picture) >> 8).astype(np.uint8)[..., None], 3, axis=2)
    if picture.has_transparency_data:
        pixels = np.asarray(picture.convert("RGBA"))
        return composite(pixels[..., :3], pixels[..., 3] / 255.0)
    return np.asarray(picture.convert("RGB"))
