"""What the segments of a JPEG say before its pixels: how it is turned, which colors it means."""

import struct
from collections.abc import Iterator

from PIL import Image

JPEG_START = b"\xff\xd8"
ORIENTATION = 0x0112  # tag of Exif
EXIF, PROFILE = b"Exif\x00\x00", b"ICC_PROFILE\x00"
APP1, APP2, START_OF_SCAN, END = 0xE1, 0xE2, 0xDA, 0xD9
ALONE = {0x01, *range(0xD0, 0xD9)}  # markers without a length
BAD_EXIF = (OSError, SyntaxError, ValueError, TypeError, KeyError, struct.error)


def read_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and content of each segment before the pixels (ITU T.81, B.1.1)."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in (START_OF_SCAN, END):
            return
        if marker == 0xFF or marker in ALONE:  # 0xFF fills up
            at += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        yield marker, data[at + 4 : at + 2 + length]
        at += 2 + max(2, length)


def read_header(data: bytes) -> tuple[int, bytes]:
    """Orientation (1 to 8; 1 is upright) and color profile (ICC; b"" for none) of a JPEG."""
    orientation, parts = 0, {}
    for marker, content in read_segments(data):
        if marker == APP1 and content.startswith(EXIF) and not orientation:
            orientation = _read_orientation(content)
        elif marker == APP2 and content.startswith(PROFILE):
            parts[content[12:13]] = content[14:]  # a large profile is cut into numbered parts
    return orientation or 1, b"".join(parts[number] for number in sorted(parts))


def _read_orientation(content: bytes) -> int:
    exif = Image.Exif()
    try:
        exif.load(content)
        return check_orientation(exif.get(ORIENTATION, 1))
    except BAD_EXIF:
        return 1  # viewers show an image with damaged Exif as it is stored


def find_orientation(image: Image.Image) -> int:
    """Orientation (1 to 8) of an image that Pillow has opened and loaded."""
    try:
        return check_orientation(image.getexif().get(ORIENTATION, 1))
    except BAD_EXIF:
        return 1


def check_orientation(value: object) -> int:
    """1 for whatever is no orientation."""
    return value if isinstance(value, int) and 1 <= value <= 8 else 1
