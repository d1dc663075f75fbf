"""Chapters on how the results came about: accuracy, timings, models, corrections."""

import platform
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from workflow_scripts.lib.benchmarks import COLUMNS, list_benchmarks, read_benchmark
from workflow_scripts.lib.progress_file import read_parts
from workflow_scripts.lib.reviews import READERS, read_review
from workflow_scripts.lib.value_files import read_values
from workflow_scripts.report.accuracy.words import say_figure
from workflow_scripts.report.page.blocks import Bar, Bars, Note, Section, Table
from workflow_scripts.report.page.film import Film, format_time

PACKAGES = ("snakemake", "torch", "diffusers", "peft", "open_clip_torch", "opencv-python-headless")
PROBLEMS = ["at", "file", "what"]  # columns of a table
METRICS = {  # what measure_accuracy leaves: a row a figure
    "additionalProperties": {
        "type": "object",
        "required": ["value", "n", "reached"],
        "properties": {
            "value": {"type": "number"},
            "goal": {"type": ["number", "null"]},
            "reached": {"type": ["boolean", "null"]},
        },
    }
}


def show_accuracy(film: Film, proofs: Sequence[str]) -> Section | None:
    """Every measured figure beside its goal; None for a film whose truth nobody knows."""
    path = next((Path(proof) for proof in proofs if Path(proof).name == "accuracy.json"), None)
    if path is None:
        return None
    metrics = read_values(path, METRICS)
    rows = [_format_metric(name, row) for name, row in metrics.items()]
    goals = [row["reached"] for row in metrics.values() if row["reached"] is not None]
    lead = f"{sum(goals)} of {len(goals)} goals are reached, measured against exact ground truth."
    head = ["figure", "value", "goal", "", "cases"]
    table = Table("", head, rows)
    return Section("accuracy", "How accurate each phase is", lead, [table])


def _format_metric(name: str, row: Mapping[str, Any]) -> list:
    goal, sign = row.get("goal"), "at least" if row.get("at_least", True) else "at most"
    words = {True: "reached", False: "below the goal", None: ""}[row["reached"]]
    if row["reached"] is False and not row.get("at_least", True):
        words = "above the goal"
    said = "" if goal is None else f"{sign} {goal:g}"
    return [say_figure(name), float(f"{row['value']:.4g}"), said, words, row["n"]]


def show_timings(film: Film, benchmarks: str, phases: Mapping[str, Mapping]) -> Section:
    """Wall time, processor time and memory of every phase, summed over its jobs."""
    times = read_benchmarks(Path(benchmarks))
    if not len(times):
        return Section("timings", "How long it took", "No benchmark was found.")
    times = times.sort_values("s", ascending=False)
    longest, total = float(times["s"].max()), float(times["s"].sum())
    bars = [
        Bar(row.phase, row.s / longest, f"{format_duration(row.s)}, {row.s / total:.0%}")
        for row in times.head(8).itertuples()
    ]
    rows = [_format_timing(row, phases.get(row.phase, {})) for row in times.itertuples()]
    head = ["phase", "jobs", "wall", "processor", "peak memory", "read", "per second"]
    foot = ["all", int(times["jobs"].sum()), format_duration(total)]
    foot += [
        format_duration(float(times["cpu_time"].sum())),
        f"{times['max_rss'].max():.0f} MB",
        "",
        "",
    ]
    note = "Wall time is summed over jobs; those that ran side by side count twice."
    blocks = [Bars("The longest phases", bars), Table("Every phase", head, rows, foot, note)]
    lead = f"{format_duration(total)} of work in {int(times['jobs'].sum())} jobs."
    return Section("timings", "How long it took", lead, blocks)


def read_benchmarks(folder: Path) -> pd.DataFrame:
    """One row a phase: phase, jobs, s, cpu_time (summed), max_rss (MB, largest job)."""
    tables = [
        read_benchmark(path).assign(phase=path.name.split(".")[0])
        for path in keep_newest_shards(list_benchmarks(folder))
    ]
    if not any(map(len, tables)):
        return pd.DataFrame(columns=["phase", "jobs", *COLUMNS])
    rows = pd.concat(tables).fillna(0.0)
    sums = {"jobs": ("s", "size"), "s": ("s", "sum"), "cpu_time": ("cpu_time", "sum")}
    return rows.groupby("phase").agg(**sums, max_rss=("max_rss", "max")).reset_index()


def keep_newest_shards(paths: Sequence[Path]) -> list[Path]:
    """Leave out jobs of a former number of shards, which Snakemake does not delete."""
    newest: dict[str, tuple[int, str]] = {}
    for path in paths:
        phase, age = path.name.split(".")[0], path.stat().st_mtime_ns
        newest[phase] = max(newest.get(phase, (0, "")), (age, _shard_count(path)))
    return [path for path in paths if _shard_count(path) == newest[path.name.split(".")[0]][1]]


def _shard_count(path: Path) -> str:
    found = re.search(r"\.\d+(of\d+)\.tsv$", path.name)
    return found[1] if found else ""


def _format_timing(row: Any, counts: Mapping[str, Any]) -> list:
    read, seconds = counts.get("read", 0), counts.get("seconds", 0.0)
    rate = f"{read / seconds:.3g}" if read and seconds else ""
    words = f"{read} {counts['unit']}" if read else ""
    times = [format_duration(row.s), format_duration(row.cpu_time), f"{row.max_rss:.0f} MB"]
    return [row.phase, row.jobs, *times, words, rate]


def format_duration(seconds: float) -> str:
    """0.4 s, 12 s, 3 min 05 s, 1 h 02 min."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def show_models(
    models: Mapping[str, Mapping],
    files: Mapping[str, Mapping],
    uncalibrated: Mapping[str, Sequence[str]],
) -> Section:
    """Who played which role: name, license, training data, the exact files; and per role the
    options that nobody has calibrated for its model."""
    rows = []
    for role, model in models.items():
        parts = [files.get(name, {}) for name in model["files"]]
        rows.append(
            [
                role,
                model["name"],
                model.get("license") or _join(parts, "license") or "needs no file",
                model.get("training_data") or _join(parts, "training_data") or "none",
                "\n".join(
                    f"{name} {part.get('sha256', '')[:16]}"
                    for name, part in zip(model["files"], parts, strict=True)
                ),
            ]
        )
    versions = [[name, version(name)] for name in PACKAGES]
    blocks = [
        Table("", ["role", "model", "license", "trained on", "files, sha256"], rows),
        *list_uncalibrated(models, uncalibrated),
        Table(
            "Versions", ["package", "version"], [["python", platform.python_version()], *versions]
        ),
    ]
    lead = "Licenses bind what you may do with the results; so may the data a model was trained on."
    return Section("models", "Which models looked at it", lead, blocks)


def list_uncalibrated(
    models: Mapping[str, Mapping], uncalibrated: Mapping[str, Sequence[str]]
) -> list[Table]:
    """The options that have the value of no model in particular; no table where there are none."""
    rows = [
        [role, models[role]["name"], "\n".join(options)]
        for role, options in uncalibrated.items()
        if options
    ]
    title = (
        "Uncalibrated: options that were not set for these models, and should be "
        "(make calibrate tells those of embed and scene from this film)"
    )
    return [Table(title, ["role", "model", "options"], rows)] if rows else []


def _join(parts: Sequence[Mapping], key: str) -> str:
    """The different values of several files, once each."""
    return "; ".join(dict.fromkeys(str(part[key]) for part in parts if part.get(key)))


def show_problems(film: Film, reviews: Sequence[str]) -> Section:
    """What could not be read, and which corrections of people are in use."""
    problems = film.results.table("problems", ["time_s", "file", "problem"])
    blocks: list = []
    timed, others = problems[problems["time_s"].notna()], problems[problems["time_s"].isna()]
    if len(timed):
        rows = [[_at(row.time_s), row.file, row.problem] for row in timed.itertuples()]
        blocks.append(Table("Damage in the film, and what was not used", PROBLEMS, rows))
    else:
        blocks.append(Note("The film could be read from beginning to end.", "good"))
    if len(others):
        rows = [[row.file, row.problem] for row in others.itertuples()]
        blocks.append(Table("Files of the folder that are no images", PROBLEMS[1:], rows))
    if reviews:
        head = ["file", "corrections", "of what is not in this film"]
        blocks.append(Table("Corrections by people", head, count_corrections(film, reviews)))
    else:
        words = (
            f"No correction by a person is in use. They would lie in config/reviews/{film.name}/."
        )
        blocks.append(Note(words))
    return Section("problems", "Damage and corrections", "", blocks)


def count_corrections(film: Film, reviews: Sequence[str]) -> list[list]:
    """Rows of file, how many corrections it holds, and how many of them fitted nothing: as the
    phase counted that reads it; "" where none did."""
    unknown = _read_unknown(film)
    rows = []
    for path in reviews:
        name = Path(path).stem
        counts = unknown.get(READERS[name], {}).values()
        rows.append([path, len(read_review(path, name)), sum(counts) if counts else ""])
    return rows


def _read_unknown(film: Film) -> dict[str, dict[str, int]]:
    """Phase -> part -> corrections that fitted nothing. Each dataset of the kind character counts
    those of its whole kind: that is one part."""
    unknown: dict[str, dict[str, int]] = {}
    for job in read_parts(film.results.folder):
        kind, found = job["part"].partition("-")[0], job.get("found", {})
        if "review_unknown" in found and kind in ("", *film.kinds):
            unknown.setdefault(job["phase"], {})[kind] = found["review_unknown"]
    return unknown


def _at(time_s: float) -> str:
    return "" if pd.isna(time_s) else format_time(float(time_s))
