"""What a file holds by its first bytes, whatever its name says.

The bytes are those of each format's own description.
"""

import re
from pathlib import Path

START = 64  # bytes that tell a format; a box of brands may be longer, and is cut
TIFF_STARTS = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")  # the last two: BigTIFF
READ = {  # start of the file -> name
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    **dict.fromkeys(TIFF_STARTS, "TIFF"),
    b"\x00\x00\x00\x0cjP  ": "JPEG 2000",
    b"\xff\x4f\xff\x51": "JPEG 2000",
    b"qoif": "QOI",
    b"8BPS": "Photoshop",
}
CONVERTIBLE = {
    b"\xff\x0a": "JPEG XL",
    b"\x00\x00\x00\x0cJXL ": "JPEG XL",
    b"II\xbc": "JPEG XR",
    b"v/1\x01": "OpenEXR",
    b"#?RADIANCE": "Radiance HDR",
    b"#?RGBE": "Radiance HDR",
    b"gimp xcf": "GIMP",
    b"FUJIFILM": "raw data of a camera",
    b"IIRO": "raw data of a camera",
    b"%!PS": "PostScript",
}
NO_IMAGES = {
    b"%PDF": "a PDF",
    b"PK\x03\x04": "a ZIP archive",
    b"\x1a\x45\xdf\xa3": "a video (Matroska)",
    b"version https://git-lfs": "a pointer of Git LFS, whose file comes by: git lfs pull",
}
BRANDS = {  # of the box ftyp; the first of these that a file claims
    b"avif": "AVIF",
    b"avis": "AVIF",
    **dict.fromkeys(
        (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), "HEIF"
    ),
    b"crx ": "raw data of a camera",
}
MARKUP = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*<(\?xml|svg|!doctype html|html)", re.IGNORECASE)
IMAGES = {*READ.values(), "AVIF", "WebP", "BMP"}  # formats that are read
TO_CONVERT = {*CONVERTIBLE.values(), "HEIF", "SVG or other XML"}  # images that are not


def name_content(data: bytes) -> str:
    """The format of a file that begins with these bytes; "" where none is recognized."""
    for start, name in (READ | CONVERTIBLE | NO_IMAGES).items():
        if data.startswith(start):
            return name
    if data[:4] == b"RIFF":
        return "WebP" if data[8:12] == b"WEBP" else "a video (AVI)"
    if data[:2] == b"BM" and data[14:18] in {
        bytes([n, 0, 0, 0]) for n in (12, 40, 52, 56, 108, 124)
    }:
        return "BMP"
    if data[4:8] == b"ftyp":
        return _name_brands(data)
    if markup := MARKUP.match(data):
        return "a web page (HTML)" if b"html" in markup[1].lower() else "SVG or other XML"
    return ""


def _name_brands(data: bytes) -> str:
    box = data[8 : min(len(data), int.from_bytes(data[:4], "big"))]
    claimed = [box[:4], *(box[at : at + 4] for at in range(8, len(box), 4))]
    return next((name for brand, name in BRANDS.items() if brand in claimed), "a video (MP4)")


def read_content(path: Path) -> str:
    """`name_content` of a file; "" where it cannot be opened."""
    try:
        if not path.stat().st_size:  # as a system's own files have, some of which never end
            return ""
        with path.open("rb") as file:
            return name_content(file.read(START))
    except OSError:
        return ""
