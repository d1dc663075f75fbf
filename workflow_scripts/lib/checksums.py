"""Sha256 of files and folders, as 64 hexadecimal digits; files are streamed, never held whole."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def hash_file(path: str | Path) -> str:
    """Sha256 of a file's contents."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_sum(value: Any) -> bool:
    """Whether a value that was read is a sha256 as it is written here."""
    return isinstance(value, str) and re.fullmatch(r"[0-9a-f]{64}", value) is not None


def hash_folder(folder: str | Path) -> str:
    """Sha256 over names and contents of all files below a folder, hidden ones aside."""
    return join_checksums({name: hash_file(path) for name, path in list_files(folder).items()})


def list_files(folder: str | Path) -> dict[str, Path]:
    """All files below a folder by their name in it, in the order in which they are hashed."""
    return {
        path.relative_to(folder).as_posix(): path
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def join_checksums(checksums: Mapping[str, str]) -> str:
    """One sha256 of a whole folder, from those of its files by name, in order."""
    digest = hashlib.sha256()
    for name, checksum in checksums.items():
        digest.update(name.encode())
        digest.update(bytes.fromhex(checksum))
    return digest.hexdigest()
