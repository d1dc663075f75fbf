"""Snakemake's benchmark files: how long each job took, and how much memory."""

from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.lib.rules import read_rules

COLUMNS = ["s", "cpu_time", "max_rss"]  # seconds, seconds, MB


def list_benchmarks(folder: Path) -> list[Path]:
    """Benchmark files <rule>[.<part>].tsv of a film, without those of rules that are no more."""
    paths = sorted(path for path in folder.glob("*.tsv") if path.is_file())
    return [path for path in paths if path.name.partition(".")[0] in read_rules()]


def read_benchmark(path: str | Path) -> pd.DataFrame:
    """Rows of COLUMNS, one a repetition; none of a file that is not there, was broken off, or is
    of somebody else."""
    try:
        whole = Path(path).is_file()  # reading a pipe might never end
        table = pd.read_csv(path, sep="\t", encoding="utf-8") if whole else pd.DataFrame()
    except (OSError, ValueError):  # ValueError also of what is no table, or empty
        table = pd.DataFrame()
    numbers = table.reindex(columns=COLUMNS).apply(pd.to_numeric, errors="coerce")  # also of "-"
    rows = numbers.astype(float)  # of none it would be any type
    return rows[np.isfinite(rows["s"])]
