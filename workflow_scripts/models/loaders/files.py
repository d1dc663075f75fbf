"""Which of a model's files a loader opens: the only one, or one of a name."""

from pathlib import Path

from workflow_scripts.lib.errors import CineloraError

ROW = "Check files and folders of this model's row in the table of models."


def only_file(files: dict[str, Path]) -> Path:
    """The one file or folder of a model that has no other."""
    if len(files) != 1:
        raise CineloraError(
            f"this loader opens one file or folder, and was given {len(files)}: "
            f"{', '.join(files) or 'none'}.\n  {ROW}"
        )
    return next(iter(files.values()))


def named_file(files: dict[str, Path], name: str) -> Path:
    """The file of this name."""
    if name not in files:
        raise CineloraError(
            f"this loader opens {name}, and was given {', '.join(files) or 'no file'}.\n  {ROW}"
        )
    return files[name]
