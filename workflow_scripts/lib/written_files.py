"""Files as they were written: their size and sha256 stand in a table, and are looked at again.

Whoever writes an image keeps both beside its name, from the bytes in memory. Hard links, editors
and disks may change a file later: whether it still is what was written, its table can tell.
"""

import hashlib
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from workflow_scripts.lib.checksums import hash_file
from workflow_scripts.lib.manifest import iter_rows

Sums = dict[str, Any]  # size_bytes, sha256
SUMS = [
    ("size_bytes", pa.int64()),  # of the file as it was written; 0 where there is none
    ("sha256", pa.string()),  # as `sha256sum` prints it; "" where there is none
]
NO_FILE: Sums = {"size_bytes": 0, "sha256": ""}


def sum_bytes(data: bytes | memoryview) -> Sums:
    """What a table says of a file of these bytes."""
    return {"size_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def write_bytes(path: Path, data: bytes) -> Sums:
    """Write a file; return what its table says of it."""
    path.write_bytes(data)
    return sum_bytes(data)


class Written(NamedTuple):
    """A file, and what it was when it was written."""

    path: Path
    size_bytes: int
    sha256: str

    @property
    def sums(self) -> Sums:
        return {"size_bytes": self.size_bytes, "sha256": self.sha256}

    def find_change(self) -> str:
        """What became of the file, in words that follow its name; "" where it is as written."""
        try:
            status = self.path.stat()
            if not stat.S_ISREG(status.st_mode):
                return "is no file any more"
            size = status.st_size
            if size == self.size_bytes and hash_file(self.path) == self.sha256:
                return ""
        except FileNotFoundError:
            return "is gone"
        except OSError as error:
            return f"cannot be read ({error.strerror})"
        if size == self.size_bytes:
            return "has other content than was written"
        return f"has {size:,} bytes, {self.size_bytes:,} were written" if size else "is empty"


def sum_file(path: Path) -> Written:
    """A file as it is now."""
    return Written(path, path.stat().st_size, hash_file(path))


def iter_written(table: str | Path, folder: str | Path) -> Iterator[Written]:
    """The files that a table names (relative to `folder`), a part of it at a time in memory."""
    columns = ["file", *(column for column, _ in SUMS)]
    for file, size_bytes, sha256 in iter_rows(table, columns):
        if file:
            yield Written(Path(folder) / file, size_bytes, sha256)
