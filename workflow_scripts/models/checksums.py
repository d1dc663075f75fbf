"""The checksum of a folder of weights, made once: gigabytes are not read anew for each training.

It lies beside the folder, in `.checksums/<folder>.json`, with the size and the time of every file;
a folder that changed, or was copied to its place by hand, is hashed again and remembered then. It
is not in the folder itself: to Snakemake that would be an input that changed.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from workflow_scripts.lib.checksums import hash_folder, join_checksums, list_files
from workflow_scripts.lib.manifest import replace_when_done
from workflow_scripts.lib.phase import log

Stamps = dict[str, list[int]]


def folder_checksum(folder: str | Path) -> str:
    """Sha256 of a folder, as `hash_folder` has it; its files are read only when one has changed."""
    folder = Path(folder)
    stamps = _read_stamps(folder)  # before the files: one that changes meanwhile shows next time
    known = _read(folder)
    if known.get("files") == stamps:
        return known["sha256"]
    checksum = hash_folder(folder)
    _write(folder, checksum, stamps)
    return checksum


def remember_checksum(folder: str | Path, checksums: Mapping[str, str]) -> None:
    """Remember a folder by the sha256 of its files, known to whoever fetched and checked them.

    Where other files lie in it too nothing is known of it as a whole: its first user hashes it.
    """
    folder = Path(folder)
    stamps = _read_stamps(folder)
    if set(stamps) == set(checksums):
        _write(folder, join_checksums({name: checksums[name] for name in stamps}), stamps)


def _read_stamps(folder: Path) -> Stamps:
    """Size and time of change (ns) of every file, in the order in which they are hashed."""
    files = {name: path.stat() for name, path in list_files(folder).items()}
    return {name: [file.st_size, file.st_mtime_ns] for name, file in files.items()}


def _place(folder: Path) -> Path:
    return folder.parent / ".checksums" / f"{folder.name}.json"


def _read(folder: Path) -> dict:
    path = _place(folder)
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError:
        log.warning("%s is damaged; %s is hashed anew", path, folder)
        return {}


def _write(folder: Path, checksum: str, stamps: Stamps) -> None:
    text = json.dumps({"sha256": checksum, "files": stamps}, indent=1)
    try:
        with replace_when_done(_place(folder)) as partial:
            partial.write_text(text, encoding="utf-8")
    except OSError as error:  # models on a drive that can only be read: right, but slower
        log.warning("%s will be hashed again next time: %s", folder, error)
