"""Where the reference images of a film's characters lie: {folder}/{character}/*."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from workflow_scripts.lib import image_folders
from workflow_scripts.lib.image_folders import (
    HIDDEN,
    WHAT_IS_READ,
    Other,
    format_name,
    group_others,
    is_image,
)

NOT_AN_IMAGE, NO_CHARACTER = "not_an_image", "no_character"  # reasons in the table of references

# In a path that Snakemake is to take: braces, which it fills in; line breaks; bytes of no UTF-8
UNNAMEABLE = re.compile("[{}\x00-\x1f\x7f\ud800-\udfff]")


def list_images(folder: str | Path, characters: Iterable[str]) -> list[str]:
    """Paths of the images of these characters, in order; [] where there is no roster."""
    folders = [Path(folder) / name for name in sorted(characters)]
    return [str(path) for place in folders for path in image_folders.list_images(place)]


def list_watched(folder: str | Path, characters: Iterable[str]) -> list[str]:
    """Those of list_images that Snakemake can watch; the phase finds the others by itself."""
    return [path for path in list_images(folder, characters) if not UNNAMEABLE.search(path)]


def name_reference(folder: str | Path, path: str | Path) -> str:
    """Id of a file of a roster, nella/01.jpg; a folder's ends in a slash."""
    return format_name(Path(path).relative_to(folder).as_posix())


def list_unused(folder: str | Path, characters: Iterable[str]) -> list[tuple[str, str, str]]:
    """Id, character and reason of each file of a roster that is no reference image.

    Of folders that bear no character's name, one row each. Hidden files are left out.
    """
    root, names = Path(folder), sorted(characters)
    rows = [
        (name_reference(root, other.path), name, NOT_AN_IMAGE)
        for name in names
        for other in _list_others(root / name)
    ]
    folders, files = _list_strangers(root, names)
    rows += [(f"{format_name(path.name)}/", "", NO_CHARACTER) for path in folders]
    reasons = [(path, NO_CHARACTER if is_image(path) else NOT_AN_IMAGE) for path in files]
    return rows + [(format_name(path.name), "", reason) for path, reason in reasons]


def find_gaps(folder: str | Path, characters: Iterable[str]) -> list[str]:
    """Say which characters have no images, and which files and folders are not read."""
    root, names = Path(folder), sorted(characters)
    said = [
        f"no images of {name} in {root / name}: nobody is called so without a review"
        for name in names
        if not list_images(root, [name])
    ]
    for name in names:
        if others := _list_others(root / name):
            said.append(f"{root / name} holds {_count(others)} (read: {WHAT_IS_READ})")
    folders, files = _list_strangers(root, names)
    said += [_say_stranger(path, names) for path in folders]
    if loose := [path for path in files if is_image(path)]:
        said.append(
            f"{root} holds images outside of the characters' folders, which are not read:"
            f" {len(loose)}, such as {format_name(loose[0].name)}"
        )
    return said


def _list_others(folder: Path) -> list[Other]:
    return [other for other in image_folders.list_others(folder) if other.what != HIDDEN]


def _count(others: list[Other]) -> str:
    groups = group_others(others).items()
    kinds = [f"{len(paths)} {suffix} ({what})" for (suffix, what), paths in groups]
    return f"files that are not read: {', '.join(kinds)}"


def _list_strangers(root: Path, names: list[str]) -> tuple[list[Path], list[Path]]:
    """Folders without a character of their name, and files beside the folders."""
    entries = sorted(
        path
        for path in root.glob("*")
        if not path.name.startswith(".") and path.name not in image_folders.LEFT_BY_SYSTEMS
    )
    folders = [path for path in entries if path.is_dir() and path.name not in names]
    return folders, [path for path in entries if not path.is_dir()]


def _say_stranger(path: Path, names: list[str]) -> str:
    known = {name.casefold(): name for name in names}
    hint = get_close_matches(path.name.casefold().strip(), known, n=1)
    guess = f"; did you mean {known[hint[0]]!r}?" if hint else ""
    return f"{format_name(path)} is not read: no character has this name{guess}"
