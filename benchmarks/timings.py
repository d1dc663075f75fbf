"""Write timings.md from the last run of a film: `make timings NAME=demo`, after that run.

Reads benchmarks/<film>/*.tsv and results/<film>/progress.json. The page has a section per film;
this one's is replaced, the others stay as they are.
"""

import json
import os
import re
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.tables import table
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.rules import RULES
from workflow_scripts.lib.version import VERSION
from workflow_scripts.report.page.workings import read_benchmarks

LEAVES = Path("benchmarks/timings.md")
HEAD = """# How long it takes

Written by `make timings NAME=<film>` after a run, not by hand. *s* is wall time summed over the
jobs of a phase (those that ran side by side count twice), *MB* the memory of the largest job; a
frame counts as often as it is sampled. What more films cost:
[capacity](../resources/capacity/README.md); the full tier on a GPU: [gpu.md](gpu.md); beside other
tools: [results.md](results.md).
"""
PER_FRAME = ("film", "dataset")  # areas whose work grows with the frames
ONCE = {"embed_references"}  # of them, what looks at people's reference images only


def describe_film(film: str, jobs: pd.DataFrame, phases: dict[str, Any], machine: str) -> str:
    """The section of one film: totals, then a row per phase in the order in which they began."""
    frames = phases["extract_frames"]["read"]
    per_frame = {path.stem for area in PER_FRAME for path in (RULES / area).glob("*.smk")} - ONCE
    jobs = jobs[jobs["phase"].isin(phases)].copy()
    jobs["began"] = [phases[phase]["started"] for phase in jobs["phase"]]
    rows = [
        [
            f"`{row.phase}`",
            row.jobs,
            f"{row.s:.0f}",
            f"{frames / row.s:.1f}" if row.phase in per_frame and row.s else "",
            f"{row.max_rss:.0f}",
        ]
        for row in jobs.sort_values("began", kind="stable").itertuples()
    ]
    lines = [
        f"## {film}",
        "",
        f"{frames} frames, version {VERSION}, on {machine}: {say_wall(phases)} from the first job",
        f"to the last, {jobs['cpu_time'].sum() / 60:.0f} minutes of processor time, "
        f"{jobs['max_rss'].max() / 1000:.1f} GB in the largest job.",
        "",
        table(["phase", "jobs", "s", "frames/s", "MB"], rows),
    ]
    return "\n".join(lines)


def say_wall(phases: dict[str, Any]) -> str:
    """Time from the first start to the last end; an interruption between them counts too."""
    starts = [datetime.fromisoformat(row["started"]) for row in phases.values()]
    ends = [datetime.fromisoformat(row["finished"]) for row in phases.values() if row["finished"]]
    if len(ends) < len(starts):
        raise CineloraError(
            "The film is not finished: progress.json names phases that still run or failed.\n"
            "  Run snakemake to its end first."
        )
    seconds = int((max(ends) - min(starts)).total_seconds())
    return f"{seconds // 60} min {seconds % 60} s"


def replace_section(page: str, film: str, section: str) -> str:
    """The page with this film's section in place of its former one, or at the end."""
    parts = re.split(r"^(?=## )", page, flags=re.MULTILINE)
    kept = {part.split("\n", 1)[0]: part for part in parts[1:]}
    kept[f"## {film}"] = section
    return HEAD + "".join(f"\n{part.strip()}\n" for part in kept.values())


def name_machine() -> str:
    """How many processors of which kind."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{os.cpu_count()} virtual cores ({names[0] if names else 'of an unknown kind'})"


def main(film: str) -> int:
    progress, folder = Path(f"results/{film}/progress.json"), Path(f"benchmarks/{film}")
    if not progress.is_file() or not folder.is_dir():
        print(f"ERROR there is no {progress} or no {folder}: run the film first.", file=sys.stderr)
        return 1
    phases = json.loads(progress.read_text(encoding="utf-8"))["phases"]
    section = describe_film(film, read_benchmarks(folder), phases, name_machine())
    before = LEAVES.read_text(encoding="utf-8") if LEAVES.is_file() else ""
    LEAVES.write_text(replace_section(before, film, section), encoding="utf-8")
    print(f"{LEAVES}: the section of {film} is new")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "demo"))
