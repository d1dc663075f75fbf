"""Weights that cannot be opened are said to be damaged, whichever library noticed it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workflow_scripts.lib.errors import CineloraError, format_error
from workflow_scripts.models.web import plain


@contextmanager
def explain_damage(path: Path) -> Iterator[None]:
    """Turn what a library says while it opens `path` into what a user has to know and do.

    A GPU whose memory is full says so itself, and so does a package that is not installed.
    """
    try:
        yield
    except (CineloraError, ImportError):
        raise
    except Exception as error:
        told = format_error(error) and not isinstance(error, OSError)
        if told or is_out_of_memory(error):
            raise
        raise CineloraError(
            f"{path} cannot be opened: {type(error).__name__}: {plain(error)}\n"
            "  It is damaged, or not what the row of this model in the table of models names.\n"
            "  Delete it and run snakemake again, it fetches it."
        ) from error


def is_out_of_memory(error: Exception) -> bool:
    """Whether a GPU's memory was too small; onnxruntime says it in words only."""
    words = ("failed to allocate memory", "out of memory")
    from_onnx = type(error).__module__.startswith("onnxruntime")
    said = from_onnx and any(word in str(error).lower() for word in words)
    return said or type(error).__name__ == "OutOfMemoryError"  # torch's, not imported here
