"""Images as people bring them: any format, turned by a camera, in the colors of print."""

import io
import struct

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


def encode_several(images: list[np.ndarray], kind: str, **options) -> bytes:
    """An animation, or a file of several pages; images (H, W, 3 or 4)."""
    data = io.BytesIO()
    first, *others = [Image.fromarray(image) for image in images]
    first.save(data, kind, save_all=True, append_images=others, **options)
    return data.getvalue()


def encode_placed_gif(image: np.ndarray, canvas: tuple[int, int], at: tuple[int, int]) -> bytes:
    """A GIF whose first image lies at `at` (x, y) of a larger canvas (width, height)."""
    data = bytearray(encode(image, "GIF"))
    data[6:10] = struct.pack("<HH", *canvas)
    colors = 3 * 2 ** ((data[10] & 7) + 1)
    start = data.index(b"\x2c", 13 + colors)
    data[start + 1 : start + 5] = struct.pack("<HH", *at)
    return bytes(data)


def encode_tiff(
    samples: np.ndarray,
    *,
    photometric: int = 2,
    in_planes: bool = False,
    compression: int = 1,
    bits: int = 0,
    orientation: int = 1,
    big_endian: bool = False,
) -> bytes:
    """A TIFF of one strip, of samples (H, W) or (H, W, C) of any type that numpy has.

    photometric: 0 white is zero, 1 gray, 2 RGB. `bits` says otherwise than the type does.
    """
    order = ">" if big_endian else "<"
    stored = samples.astype(samples.dtype.newbyteorder(order))
    height, width, *rest = stored.shape
    count = rest[0] if rest else 1
    body = (np.moveaxis(stored, -1, 0) if in_planes else stored).tobytes()
    size = len(body) // count if in_planes else len(body)
    pieces = [8 + size * number for number in range(count if in_planes else 1)]
    tags = {
        256: [width],
        257: [height],
        258: [bits or stored.dtype.itemsize * 8] * count,
        259: [compression],
        262: [photometric],
        273: pieces,
        274: [orientation],
        277: [count],
        278: [height],
        279: [size] * len(pieces),
        284: [2 if in_planes else 1],
        339: [{"u": 1, "i": 2, "f": 3}[stored.dtype.kind]] * count,
    } | ({338: [2]} if count in (2, 4) else {})
    return _lay_out_tiff(dict(sorted(tags.items())), body, order)


def _lay_out_tiff(tags: dict[int, list[int]], body: bytes, order: str) -> bytes:
    """Header, pixels, directory, and values that do not fit into it; all of type LONG."""
    directory, after, values = 8 + len(body), 8 + len(body) + 2 + 12 * len(tags) + 4, b""
    entries = b""
    for tag, numbers in tags.items():
        packed = struct.pack(f"{order}{len(numbers)}I", *numbers)
        field = packed if len(numbers) == 1 else struct.pack(f"{order}I", after + len(values))
        entries += struct.pack(f"{order}HHI", tag, 4, len(numbers)) + field
        values += packed if len(numbers) > 1 else b""
    start = {"<": b"II", ">": b"MM"}[order] + struct.pack(f"{order}HI", 42, directory)
    count, end = struct.pack(f"{order}H", len(tags)), struct.pack(f"{order}I", 0)
    return start + body + count + entries + end + values


def make_wide_profile() -> bytes:
    """A color profile (ICC, version 2) with the primaries of Adobe RGB and a gamma of 2.2."""
    points = {
        b"wtpt": (0.9642, 1, 0.8249),
        b"rXYZ": (0.60974, 0.31111, 0.01947),
        b"gXYZ": (0.20528, 0.62567, 0.06087),
        b"bXYZ": (0.14919, 0.06322, 0.74457),
    }
    tags = {name: _pack_xyz(point) for name, point in points.items()}
    gamma = b"curv" + struct.pack(">IIHH", 0, 1, round(2.2 * 256), 0)
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), gamma)
    tags[b"desc"] = b"desc" + struct.pack(">II", 0, 5) + b"wide\0".ljust(84, b"\0")
    tags[b"cprt"] = b"text" + struct.pack(">I", 0) + b"x\0\0\0"
    place, table, body = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        table += name + struct.pack(">II", place + len(body), len(value))
        body += value
    head = struct.pack(
        ">I4sI4s4s4s", place + len(body), b"lcms", 0x02100000, b"mntr", b"RGB ", b"XYZ "
    )
    head += struct.pack(">6H", 2020, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    head += struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + table + body


def _pack_xyz(point: tuple[float, float, float]) -> bytes:
    return b"XYZ " + struct.pack(">I3i", 0, *(round(value * 65536) for value in point))
