"""results/{film}/progress.json: what every phase of one film read, kept and set aside, in one file.

Each job leaves results/{film}/progress/<phase>[.<part>].json (lib/phase.py), with size and sha256
of its outputs; here they are summed, by phase. The sum is renewed when a job starts and when it
ends, so a script can watch the file.
"""

import json
import os
import re
import socket
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workflow_scripts.lib.image_folders import TRAINER_SUFFIXES
from workflow_scripts.lib.logs import log
from workflow_scripts.lib.rules import read_rules
from workflow_scripts.lib.value_files import parse_json
from workflow_scripts.lib.written_files import Written, sum_file

NEEDED = ("phase", "part", "status", "started")
TABLES = ("set_aside", "found")  # counts by name; read, kept and errors are plain numbers
PARTS = ("dataset", "kind", "shard", "file", "folder")  # wildcards, in the order of a file's name
STALE_S = 60.0
KNOWN_BY_TABLES = (*TRAINER_SUFFIXES, ".txt")  # images and captions: lib/written_files.py
SUM = "progress.json"
SHARD_COUNT = re.compile(r"of\d+$")


def find_progress(phase: str, wildcards: Mapping[str, Any]) -> Path:
    """Where a job of a phase leaves its counts."""
    film = Path("results") / str(wildcards.get("film", "shared"))
    return film / "progress" / ".".join([phase, *list_parts(wildcards), "json"])


def list_parts(wildcards: Mapping[str, Any]) -> list[str]:
    """What tells a job from others of its phase and film: its dataset, shard or file."""
    return [str(wildcards[key]) for key in PARTS if key in wildcards]


def sum_outputs(outputs: Iterable[str]) -> list[Written]:
    """A job's outputs, and their sums; of folders, the files in them that no table has sums of."""
    files = []
    for output in map(Path, outputs):
        inside = (path for path in output.rglob("*") if path.suffix.lower() not in KNOWN_BY_TABLES)
        files += [output] if output.is_file() else sorted(path for path in inside if path.is_file())
    # the sum of all progress is renewed by every job
    return [sum_file(file) for file in files if file.name != SUM]


def sum_progress(film: str | Path) -> dict[str, Any]:
    """Write {film}/progress.json and return it; `film` is the folder results/{film}."""
    film = Path(film)
    _sweep(film)
    while True:
        before = _state(film)
        summary = {
            "film": film.name,
            "updated": datetime.now(UTC).isoformat(timespec="seconds"),
            "phases": sum_parts(part for part in read_parts(film) if part["phase"] in read_rules()),
        }
        _write_whole(film / SUM, json.dumps(summary, indent=1))
        if _state(film) == before:  # else another job ended meanwhile: our sum is already old
            return summary


def read_parts(film: Path) -> list[dict[str, Any]]:
    """One dict a job, in the order in which the jobs started."""
    parts = [part for path in sorted((film / "progress").glob("*.json")) if (part := _read(path))]
    return sorted(parts, key=lambda part: (part["started"], part["phase"], part["part"]))


def _read(path: Path) -> dict[str, Any]:
    """What one job has left; {} with a warning where the file is of somebody else, or damaged."""
    try:
        part = parse_json(path.read_text(encoding="utf-8"))
    except ValueError:  # also of letters that are not UTF-8
        part = None
    if isinstance(part, dict) and all(isinstance(part.get(key), str) for key in NEEDED):
        return part
    log.warning("%s is no file of counts: progress.json is without it", path)
    return {}


def sum_parts(parts: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Sum the jobs of each phase: {phase: {status, parts, done, read, kept, set_aside, ...}}."""
    jobs: dict[str, list[dict]] = {}
    for part in parts:
        jobs.setdefault(part["phase"], []).append(part)
    return {phase: _sum_phase(_drop_former_shards(rows)) for phase, rows in jobs.items()}


def _drop_former_shards(jobs: list[dict]) -> list[dict]:
    """A film cut into 4 shards after it was cut into 2 must not be counted twice."""
    counts = [found.group() if (found := SHARD_COUNT.search(job["part"])) else "" for job in jobs]
    newest = max(zip((job["started"] for job in jobs), counts, strict=True))[1]
    return [job for job, count in zip(jobs, counts, strict=True) if count == newest]


def _sum_phase(jobs: list[dict]) -> dict[str, Any]:
    states = [job["status"] for job in jobs]
    ends = [job["finished"] for job in jobs if job.get("finished")]
    tables = {name: Counter() for name in TABLES}
    for job in jobs:
        for name, table in tables.items():
            table.update(job.get(name, {}))
    return {
        "status": next((s for s in ("failed", "running") if s in states), "done"),
        "parts": len(jobs),
        "done": states.count("done"),
        "unit": next((job["unit"] for job in jobs if "unit" in job), ""),
        **{name: sum(job.get(name, 0) for job in jobs) for name in ("read", "kept", "errors")},
        **{name: dict(table.most_common()) for name, table in tables.items()},
        "started": min(job["started"] for job in jobs),
        "finished": max(ends) if len(ends) == len(jobs) else None,
        "seconds": round(sum(job.get("seconds", 0.0) for job in jobs), 2),
    }


def _state(film: Path) -> list[tuple[str, int]]:
    return sorted((p.name, p.stat().st_mtime_ns) for p in (film / "progress").glob("*.json"))


def _write_whole(path: Path, text: str) -> None:
    """Two jobs may write at the same moment, on two machines: each has a file of its own."""
    partial = path.with_name(f".{path.name}.{socket.gethostname()}.{os.getpid()}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _sweep(film: Path) -> None:
    """Delete what killed jobs have left; a living one needs its file for less than a second."""
    for partial in film.glob(".progress.json.*.partial"):
        try:
            if time.time() - partial.stat().st_mtime > STALE_S:
                partial.unlink()
        except FileNotFoundError:
            continue  # it was alive, and is done
