"""Folders of images that people bring: which files count as images, and in which order."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")


def find_images(folder: str | Path) -> Iterator[Path]:
    """All images below a folder, in no order; hidden ones left out."""
    return (path for path in _find_files(folder) if is_image(path))


def list_images(folder: str | Path) -> list[Path]:
    """All images below a folder, in natural order: 2.jpg before 10.jpg; hidden ones left out."""
    root = Path(folder)
    return sorted(find_images(root), key=lambda path: _natural(path.relative_to(root)))


def count_others(folder: str | Path) -> dict[str, int]:
    """How many files below a folder are not read as images, by suffix; hidden ones left out."""
    others = (path for path in _find_files(folder) if not is_image(path))
    return dict(sorted(Counter(path.suffix.lower() or path.name for path in others).items()))


def is_image(path: Path) -> bool:
    """Whether a file counts as an image: by its name, as what is in it is only known later."""
    return path.suffix.lower() in IMAGE_SUFFIXES


def _find_files(folder: str | Path) -> Iterator[Path]:
    root = Path(folder)
    for path in root.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
        if not hidden and path.is_file():
            yield path


def _natural(path: Path) -> list[list[tuple[int, int, str]]]:
    """A key that compares runs of digits as numbers; a folder sorts by its own name first."""
    parts = [re.split(r"(\d+)", part.lower()) for part in path.parts]
    return [[(0, int(t), t) if t.isdecimal() else (1, 0, t) for t in part if t] for part in parts]
