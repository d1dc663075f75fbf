"""Measure what the phases found against a film whose every pixel is known.

Reads all tables of the film and the files of its ground truth; leaves accuracy.json:
{metric: {value, goal, n}}.
"""

import json
from dataclasses import asdict
from pathlib import Path

from workflow_scripts.lib.manifest import replace_when_done
from workflow_scripts.lib.phase import Counts, log, run_phase
from workflow_scripts.report.accuracy import (
    crops,
    datasets,
    frames,
    identity,
    overlays,
    people,
    scenes,
)
from workflow_scripts.report.accuracy.truth import Metric, Truth

AREAS = (frames, people, identity, scenes, datasets, crops, overlays)


def measure_all(results: Path, truth: Truth) -> dict[str, Metric]:
    """Every figure of every area; a figure without a table or without truth is left out."""
    return {name: metric for area in AREAS for name, metric in area.measure(results, truth).items()}


def reaches(metric: Metric) -> bool | None:
    """Whether a figure reaches its goal; None where it has none."""
    if metric.goal is None:
        return None
    return metric.value >= metric.goal if metric.at_least else metric.value <= metric.goal


def main(tables: list[str], truth: list[str], accuracy: str) -> Counts:
    results = Path(accuracy).parent
    folder = next(Path(file).parent for file in truth if Path(file).name == "frames.csv")
    metrics = measure_all(results, Truth(folder))
    rows = {
        name: {**asdict(metric), "reached": reaches(metric)} for name, metric in metrics.items()
    }
    missed = [name for name, row in rows.items() if row["reached"] is False]
    log.info("%d figures, %d miss their goal: %s", len(rows), len(missed), ", ".join(missed))
    with replace_when_done(accuracy) as partial:
        partial.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return Counts("figures", len(rows), len(rows), found={"missed": len(missed)})


if __name__ == "__main__":
    run_phase(main, snakemake)
