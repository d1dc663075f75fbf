"""How a result of the workflow is made again: the command that a message ends with."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from workflow_scripts.lib.rules import read_rules
from workflow_scripts.lib.tables import RESULTS

# folders of results/{film}/ that bear another name than the phase that fills them
WRITERS = {
    "datasets": "pack_dataset",
    "adapters": "train_adapter",
    "comparison": "compare_adapters",
    "report": "build_report",
}
COMMAND = "snakemake --cores 4 --forcerun"
HOW = (
    "Make it again, and all that\n  depends on it (add the --configfile that you run with, if any):"
)


def find_phase(path: str | Path) -> str:
    """The phase whose folder results/{film}/{phase}/ a path lies in; "" where there is none."""
    parts = Path(path).parts
    below = zip(parts[:-3], parts[2:-1], strict=True)  # "results", and the phase's folder
    folders = [folder for results, folder in below if results == "results"]
    phases = [WRITERS.get(folder, folder) for folder in folders]
    return next((name for name in phases if name in read_rules()), "")


def find_output(path: str | Path) -> str:
    """The output of a rule that a file is or lies in, as a target; "" where there is none."""
    patterns = [
        PurePosixPath("results/*", r.pattern_of()) for r in RESULTS.values() if r.is_declared
    ]
    for target in _list_targets(path):
        alike = (p for p in patterns if len(p.parts) == len(target.parts))
        if any(target.match(str(pattern)) for pattern in alike):
            return str(target)
    return ""


def _list_targets(path: str | Path) -> Iterator[PurePosixPath]:
    """A path and the folders around it, as they are named from where Snakemake runs."""
    parts = Path(path).parts
    for start in (n for n, part in enumerate(parts) if part == "results"):
        for end in range(len(parts), start + 2, -1):
            yield PurePosixPath(*parts[start:end])


def format_renewal(target: str) -> str:
    """How an output, or all outputs of a rule, are made again: two lines."""
    return f"{HOW}\n    {COMMAND} {target}"


def say_gone(error: Exception) -> str:
    """Words of an error about a file of the workflow's that is gone; "" of any other error."""
    if not isinstance(error, FileNotFoundError) or not isinstance(error.filename, str | Path):
        return ""
    output = find_output(error.filename)
    return output and (
        f"{error.filename} is gone.\n  An earlier phase left it. {format_renewal(output)}"
    )


def say_damaged(path: str | Path, what: str) -> str:
    """Words of an error about an image that is none any more; `what` became of it."""
    output = find_output(path)
    if not output:
        return f"{path} is not a readable image: {what}. Put a whole one there."
    said = f"An earlier phase left this file, and {what}."
    return f"{path} is not a readable image.\n  {said} {format_renewal(output)}"
