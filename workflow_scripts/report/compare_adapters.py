"""Show all judged adapters of a film side by side, and say what of their scores is significant.

Reads what evaluate_adapter left of every dataset and variant, and what their training cost; leaves
index.html, which is one file and asks the network for nothing. It stands in this area since it is
written as the report is; `python -m workflow_scripts.report.comparison` writes one of any runs.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workflow_scripts.lib.phase import Counts, run_phase
from workflow_scripts.report.comparison.page import write_comparison


def main(
    judged: Sequence[str],
    look: Sequence[str],
    page: str,
    *,
    names: Mapping[str, str],
    options: Mapping[str, Any],
) -> Counts:
    """`judged`: all files of evaluations and trainings; `names`: what variants are called."""
    folders = [Path(path).parent for path in judged if Path(path).name == "scores.parquet"]
    return write_comparison(folders, look, page, names, options)


if __name__ == "__main__":
    run_phase(main, snakemake)
