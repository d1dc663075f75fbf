"""Weights that cannot be opened are said to be damaged, whichever library noticed it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workflow_scripts.lib.errors import CineloraError, format_error
from workflow_scripts.models.web import plain


@contextmanager
def explain_damage(path: Path) -> Iterator[None]:
    """Turn what a library says while it opens `path` into what a user has to know and do.

    A GPU whose memory is full says so itself.
    """
    try:
        yield
    except CineloraError:
        raise
    except Exception as error:
        if format_error(error) and not isinstance(error, OSError):
            raise
        raise CineloraError(
            f"{path} cannot be opened: {type(error).__name__}: {plain(error)}\n"
            "  It is damaged, or not what the row of this model in the table of models names.\n"
            "  Delete it and run snakemake again, it fetches it."
        ) from error
