"""Where the reference images of a film's characters lie: {folder}/{character}/*."""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from workflow_scripts.lib.suffixes import IMAGES


def list_images(folder: str | Path, characters: Iterable[str]) -> list[str]:
    """Paths of the images of these characters, in order; [] where there is no roster."""
    found = [path for name in sorted(characters) for path in (Path(folder) / name).rglob("*")]
    return sorted(str(path) for path in found if path.suffix.lower() in IMAGES)


def find_gaps(folder: str | Path, characters: Iterable[str]) -> list[str]:
    """Say which characters have no images, and which folders belong to no character."""
    names = sorted(characters)
    folders = sorted(path.name for path in Path(folder).glob("*") if path.is_dir())
    said = [
        f"no images of {name} in {Path(folder) / name}: nobody is called so without a review"
        for name in names
        if not list_images(folder, [name])
    ]
    for stranger in sorted(set(folders) - set(names)):
        hint = get_close_matches(stranger, names, n=1)
        guess = f"; did you mean {hint[0]!r}?" if hint else ""
        said.append(f"{Path(folder) / stranger} is not read: no character has this name{guess}")
    return said
