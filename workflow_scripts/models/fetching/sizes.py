"""How large a download may be, by its row in the table."""

import os
from typing import IO, Any

from workflow_scripts.lib.errors import CineloraError

CHUNK = 1 << 20  # bytes
SLACK = 1.5  # of a size that its row says about, or of what an archive is about


def exact_size(row: dict[str, Any]) -> int | None:
    """Bytes of the download, where its row knows them; an archive's size no row knows."""
    packed = row["source"] == "https" and "member" in row
    return None if packed else row.get("bytes")


def most_bytes(row: dict[str, Any]) -> int | None:
    """Bytes that a download may have at most; None where its row says nothing of its size."""
    if (size := exact_size(row)) is not None:
        return size
    about = row.get("bytes") or row.get("approx_mb", 0) * 1e6
    return int(SLACK * about) + CHUNK if about else None


def check_space(file: IO[bytes], wanted: int) -> None:
    """Refuse what the disk does not hold, before hours are spent on it."""
    disk = os.fstatvfs(file.fileno())
    free = disk.f_bavail * disk.f_frsize
    if wanted > free:
        raise CineloraError(f"{wanted / 1e6:.0f} MB are to come; the disk has {free / 1e6:.0f} MB.")
