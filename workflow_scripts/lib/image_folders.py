"""Folders of images that people bring: which files count as images, and in which order.

Nothing in a folder vanishes: a file is an image, which is read or gets a reason, or it is one of
the others, which are named and counted.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.image_signatures import IMAGES, TO_CONVERT, read_content

# Formats of still images that Pillow decodes by itself. Not here: icons, which systems leave in
# folders; PostScript, which would start another program; scientific data and videos.
FORMATS = {
    "JPEG": ".jpg .jpeg .jpe .jfif .jif .mpo",
    "PNG": ".png .apng",
    "WEBP": ".webp",
    "GIF": ".gif",
    "AVIF": ".avif .avifs",
    "BMP": ".bmp",
    "DIB": ".dib",
    "TIFF": ".tif .tiff",
    "JPEG2000": ".jp2 .j2k .j2c .jpc .jpf .jpx",
    "PPM": ".ppm .pgm .pbm .pnm .pfm",
    "TGA": ".tga .icb .vda .vst",
    "QOI": ".qoi",
    "PSD": ".psd",
    "PCX": ".pcx",
    "SGI": ".sgi .rgb .rgba .bw",
    "SUN": ".ras",
    "DDS": ".dds",
    "XBM": ".xbm",
    "XPM": ".xpm",
    "FLI": ".fli .flc",
}
# Images too, of which people expect that they are used: they get a row that says why they are not
UNREAD_FORMATS = {
    "HEIF": ".heic .heif .hif .avci",
    "JPEG XL": ".jxl",
    "JPEG XR": ".jxr .wdp .hdp",
    "high dynamic range": ".exr .hdr",
    "raw data of a camera": ".dng .cr2 .cr3 .nef .nrw .arw .srf .sr2 .orf .rw2 .raf .pef .srw .x3f"
    " .iiq .3fr",
}
IMAGE_SUFFIXES = tuple(suffix for suffixes in FORMATS.values() for suffix in suffixes.split())
CONVERT_SUFFIXES = tuple(
    suffix for suffixes in UNREAD_FORMATS.values() for suffix in suffixes.split()
)
WHAT_IS_READ = "JPEG, PNG, WebP, AVIF, TIFF and others; config/README.md lists them"
TRAINER_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
MASK_FOLDER = ".masks"  # of a split of a dataset; hidden: trainers that walk it pass it over
SIDECARS = {".txt", ".caption", ".json", ".jsonl", ".csv", ".npz"}  # not opened to look inside
# Folders that systems leave: of a Mac's archives, of network disks, waste-paper baskets
LEFT_BY_SYSTEMS = {"__MACOSX", "@eaDir", "#recycle", "$RECYCLE.BIN"}
HIDDEN, NO_IMAGE = "hidden", "not read as an image"
DIGITS = re.compile(r"\.\d+\Z")  # the end of frame.0001 is a number, not a suffix


class Other(NamedTuple):
    """Something in a folder that is not read as an image."""

    path: Path
    what: str  # NO_IMAGE, HIDDEN, or in words what else it is


def find_images(folder: str | Path) -> Iterator[Path]:
    """All images below a folder, in no order; hidden ones left out. Those of links come last."""
    return (path for path, what in _scan(Path(folder)) if not what and is_image(path))


def list_images(folder: str | Path) -> list[Path]:
    """All images below a folder, in natural order: 2.jpg before 10.jpg; hidden ones left out."""
    root = Path(folder)
    return sorted(find_images(root), key=lambda path: _natural(path.relative_to(root)))


def list_others(folder: str | Path) -> list[Other]:
    """What lies below a folder and is not read as an image, in natural order."""
    root = Path(folder)
    others = [
        Other(path, what or _name_other(path))
        for path, what in _scan(root)
        if what or not is_image(path)
    ]
    return sorted(others, key=lambda other: _natural(other.path.relative_to(root)))


def group_others(others: list[Other]) -> dict[tuple[str, str], list[Path]]:
    """Files by suffix (or name, where there is none) and by what they are."""
    groups: dict[tuple[str, str], list[Path]] = {}
    for path, what in others:
        suffix = ".*" if what == HIDDEN else path.suffix.lower() or path.name
        groups.setdefault((format_name(suffix), what), []).append(path)
    return dict(sorted(groups.items()))


def count_others(others: list[Other]) -> dict[str, int]:
    """How many files are not read as images, by suffix."""
    counts: Counter[str] = Counter()
    for (suffix, what), paths in group_others(others).items():
        counts[HIDDEN if what == HIDDEN else suffix] += len(paths)
    return dict(counts)


def is_image(path: Path) -> bool:
    """Whether a file counts as an image: by its suffix; by its start where it has none."""
    suffix = _suffix(path)
    if suffix and not DIGITS.match(suffix):
        return suffix in IMAGE_SUFFIXES or suffix in CONVERT_SUFFIXES
    return read_content(path) in IMAGES


def is_readable(path: Path) -> bool:
    """Whether an image is one of those that are not converted by other programs first."""
    return _suffix(path) not in CONVERT_SUFFIXES


def format_name(name: str | Path) -> str:
    """A file name as text: bytes of it that are not UTF-8 become \\xNN, as in caf\\xe9.jpg."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _suffix(path: Path) -> str:
    return path.suffix.lower().rstrip()


def _name_other(path: Path) -> str:
    content = "" if _suffix(path) in SIDECARS else read_content(path)
    if content in IMAGES:
        return f"holds an image ({content}) under a name that is not read: give it that suffix"
    return f"{content}, which is not read: convert it to PNG" if content in TO_CONVERT else NO_IMAGE


def _scan(root: Path) -> Iterator[tuple[Path, str]]:
    """Every file below a folder, with what stands against reading it; "" for nothing.

    Links to folders are followed, after all that is no link, and each folder is read once; but
    not those to a folder around the root, as that would bring in what lies beside it.
    """
    folders, links, seen = [root], [], set()
    while folders or links:
        folder = folders.pop() if folders else links.pop(0)
        try:
            identity = _identify(folder.stat())
            if identity in seen:
                continue
            if folder.is_symlink() and identity in _identify_around(root):
                yield folder, "link to a folder around this one, which is not followed"
                continue
            seen.add(identity)
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            if folder != root:
                yield folder, f"folder that cannot be opened ({error.strerror})"
            elif not isinstance(error, FileNotFoundError | NotADirectoryError):
                raise CineloraError(
                    f"The folder {root} cannot be opened ({error.strerror})."
                ) from error
            continue
        for entry in entries:
            path, what = folder / entry.name, _name_entry(entry)
            if what == "folder":
                (links if entry.is_symlink() else folders).append(path)
            else:
                yield path, what


def _identify(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _identify_around(root: Path) -> set[tuple[int, int]]:
    return {_identify(folder.stat()) for folder in root.resolve().parents}


def _name_entry(entry: os.DirEntry) -> str:
    if entry.name.startswith(".") or entry.name in LEFT_BY_SYSTEMS:
        return HIDDEN
    try:
        if entry.is_dir():
            return "folder"
        if entry.is_file():
            return ""
        is_broken_link = entry.is_symlink() and not Path(entry).exists()
    except OSError:  # a link to itself
        is_broken_link = True
    return "" if is_broken_link else "no file but a pipe or a device"


def _natural(path: Path) -> list[list[tuple[int, int, str]]]:
    """A key that compares runs of digits as numbers; a folder sorts by its own name first."""
    parts = [re.split(r"(\d+)", part.lower()) for part in path.parts]
    return [[(0, int(t), t) if t.isdecimal() else (1, 0, t) for t in part if t] for part in parts]


def list_training_images(folder: str | Path) -> list[Path]:
    """The images right in a folder that trainers read, in order of their names."""
    return [p for p in sorted(Path(folder).glob("*")) if p.suffix.lower() in TRAINER_SUFFIXES]
