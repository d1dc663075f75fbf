"""The folders that a run touches, as Snakemake and the shell that it starts jobs with take them."""

import shlex
from collections.abc import Sequence

from workflow_scripts.film.people.roster import UNNAMEABLE
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.image_folders import format_name


def check_folders(folders: Sequence[str]) -> None:
    """Raise CineloraError where Snakemake could not work in one of these folders."""
    for folder in dict.fromkeys(map(str, folders)):
        if found := UNNAMEABLE.search(folder):
            raise CineloraError(
                f"The workflow cannot run in the folder {format_name(folder)!r}: Snakemake takes"
                f" braces in names for wildcards, and no line breaks or broken letters (here"
                f" {format_name(found[0])!r}).\n  Rename or move the folder; spaces, quotes and"
                " letters of any script may stand in its name."
            )


def quote_python(executable: str) -> str:
    """The path of Python for the command lines of jobs, in which Snakemake leaves it bare."""
    return executable if executable.startswith("'") else shlex.quote(executable)
