"""Images as people bring them: any format, turned by a camera, in the colors of print."""

import io

import numpy as np
import simplejpeg
from PIL import Image

ORIENTATION = 0x0112


def encode(image: np.ndarray, kind: str, *, mode: str = "", **options) -> bytes:
    """The bytes of an image in one of Pillow's formats, converted to `mode` before."""
    data = io.BytesIO()
    opened = Image.fromarray(image)
    (opened.convert(mode) if mode else opened).save(data, kind, **options)
    return data.getvalue()


def encode_turned(image: np.ndarray, orientation: int) -> bytes:
    """A JPEG that says that its camera was turned; 6 is shown turned right by a quarter."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return encode(image, "JPEG", exif=exif, quality=98)


def encode_print(image: np.ndarray) -> bytes:
    """A JPEG in YCCK, as programs for print write it: inks inverted, no black."""
    inks = np.dstack([image, np.full(image.shape[:2], 255, np.uint8)])
    return simplejpeg.encode_jpeg(np.ascontiguousarray(inks), quality=98, colorspace="CMYK")


def encode_alpha(image: np.ndarray, alpha: np.ndarray) -> bytes:
    """A PNG with transparency; alpha (H, W) uint8."""
    return encode(np.dstack([image, alpha]), "PNG")


def encode_deep(image: np.ndarray) -> bytes:
    """A gray PNG of 16 bits: the image's first channel in the high byte, noise in the low one."""
    low = np.arange(image[..., 0].size, dtype=np.uint16).reshape(image.shape[:2]) % 256
    return encode(image[..., 0].astype(np.uint16) * 256 + low, "PNG")
