"""Where the reference images of a film's characters lie: {folder}/{character}/*."""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from workflow_scripts.lib import image_folders


def list_images(folder: str | Path, characters: Iterable[str]) -> list[str]:
    """Paths of the images of these characters, in order; [] where there is no roster."""
    folders = [Path(folder) / name for name in sorted(characters)]
    return [str(path) for place in folders for path in image_folders.list_images(place)]


def find_gaps(folder: str | Path, characters: Iterable[str]) -> list[str]:
    """Say which characters have no images, and which files and folders are not read."""
    names = sorted(characters)
    folders = sorted(path.name for path in Path(folder).glob("*") if path.is_dir())
    said = [
        f"no images of {name} in {Path(folder) / name}: nobody is called so without a review"
        for name in names
        if not list_images(folder, [name])
    ]
    for name in names:
        if others := image_folders.count_others(Path(folder) / name):
            kinds = ", ".join(f"{count} {suffix}" for suffix, count in others.items())
            read = ", ".join(image_folders.IMAGE_SUFFIXES)
            said.append(
                f"{Path(folder) / name} holds files that are not read: {kinds} (read: {read})"
            )
    for stranger in sorted(set(folders) - set(names)):
        hint = get_close_matches(stranger, names, n=1)
        guess = f"; did you mean {hint[0]!r}?" if hint else ""
        said.append(f"{Path(folder) / stranger} is not read: no character has this name{guess}")
    return said
