"""Errors that a user is meant to read.

They say what was found, where, what was expected, and what to do.
"""

import errno
import json
from typing import Any

CURES = {  # what the system says of a file -> what to do
    errno.ENOSPC: "The disk is full. Make room (resources/ and results/ are the large folders)",
    errno.EDQUOT: "Your share of the disk is used up. Make room, or ask for more",
    errno.EROFS: "This folder can only be read. Run where you may write, or mount it for writing",
    errno.EACCES: "You may not write here. Run where you may, or have the rights changed",
    errno.ENOENT: "It was there, or ought to be. Put it back",  # of results: lib/renewal.py
    errno.EISDIR: "A folder lies where a file belongs. Move it away",
    errno.ENOTDIR: "A file lies where a folder belongs. Move it away",
    errno.EEXIST: "Something lies where a file or folder is to be made. Move it away",
    errno.ELOOP: "A link leads to itself. Delete it",
    errno.ENAMETOOLONG: "Give it a shorter name, or run in a folder with a shorter path",
    errno.EIO: "The drive cannot be read or written. Look at its cables, or use another one",
}

SHOWN = 80  # characters of a value in a message
GPU_CURE = (
    "Close what else runs on the GPU, choose a smaller model in the config, or set models.device "
    "to cpu."
)


RAM_CURE = (
    "Close what else runs, or give the job more memory: snakemake --set-resources"
    " RULE:mem_mb=16000; large films and images can be made smaller first."
)
OPENCV_NO_MEMORY = -4  # the code of its error, whose class this file does not import


class CineloraError(Exception):
    """A problem that the user can mend; shown without a traceback."""


def format_error(error: Exception) -> str:
    """What a user reads instead of a traceback; "" where only the traceback tells anything."""
    if isinstance(error, CineloraError):
        return str(error)
    if type(error).__name__ == "OutOfMemoryError":  # torch's, which this file does not import
        return f"the GPU's memory is full: {str(error).splitlines()[0][:200]}\n  {GPU_CURE}"
    if isinstance(error, MemoryError) or getattr(error, "code", 0) == OPENCV_NO_MEMORY:
        return f"there is not enough memory: {str(error)[:200]}\n  {RAM_CURE}"
    if isinstance(error, OSError) and error.errno in CURES:
        cure = f"{CURES[error.errno]}. Then run snakemake again: it goes on where it was."
        return f"{error}\n  {cure}"
    return ""


def show_value(value: Any) -> str:
    """A value as it is written in YAML, of a long one its beginning."""
    if value is None:
        return "nothing"
    text = repr(value) if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}... ({len(text):,} characters)"
