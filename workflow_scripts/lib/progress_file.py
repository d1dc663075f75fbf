"""results/{film}/progress.json: what every phase of one film read, kept and set aside, in one file.

Each job leaves results/{film}/progress/<phase>[.<part>].json (lib/phase.py), with size and sha256
of its outputs; here they are summed, by phase. The sum is renewed when a job starts and when it
ends, so a script can watch the file.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workflow_scripts.lib.image_folders import TRAINER_SUFFIXES
from workflow_scripts.lib.logs import log
from workflow_scripts.lib.manifest import replace_when_done
from workflow_scripts.lib.rules import read_rules
from workflow_scripts.lib.written_files import Written, sum_file

NEEDED = ("phase", "part", "status", "started")
STATES = ("running", "done", "failed")
NUMBERS = ("read", "kept", "errors", "seconds")
TABLES = ("set_aside", "found")  # numbers by name
TOO_MUCH = 2**63  # of anything that is counted
PARTS = (
    "dataset",
    "variant",
    "round",
    "kind",
    "shard",
    "file",
    "folder",
)  # wildcards, in the order of a file's name
KNOWN_BY_TABLES = (*TRAINER_SUFFIXES, ".txt")  # images and captions: lib/written_files.py
SUM = "progress.json"
SHARD_COUNT = re.compile(r"of\d+$")


def find_progress(phase: str, wildcards: Mapping[str, Any]) -> Path:
    """Where a job of a phase leaves its counts."""
    film = Path("results") / str(wildcards.get("film", "shared"))
    return film / "progress" / ".".join([phase, *list_parts(wildcards), "json"])


def list_parts(wildcards: Mapping[str, Any]) -> list[str]:
    """What tells a job from others of its phase and film: its dataset, variant, shard or file."""
    parts = [_name_part(wildcards[key]) for key in PARTS if key in wildcards]
    return [part for part in parts if part]


def format_job(phase: str, wildcards: Mapping[str, Any]) -> str:
    """A job as people read of it: its phase, film and parts."""
    return " ".join(filter(None, [phase, *map(_name_part, wildcards.values())]))


def _name_part(value: Any) -> str:
    """A wildcard's value without the dot that sets a variant off in file names."""
    return str(value).removeprefix(".")


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
    while True:
        before = _state(film)
        summary = {
            "film": film.name,
            "updated": datetime.now(UTC).isoformat(timespec="seconds"),
            "phases": sum_parts(part for part in read_parts(film) if part["phase"] in read_rules()),
        }
        with replace_when_done(film / SUM) as partial:
            partial.write_text(json.dumps(summary, indent=1), encoding="utf-8")
        if _state(film) == before:  # else another job ended meanwhile: our sum is already old
            return summary


def read_parts(film: Path) -> list[dict[str, Any]]:
    """One dict a job, in the order in which the jobs started; a warning of what is no such file."""
    parts = []
    for path in sorted((film / "progress").glob("*.json")):
        if part := read_part(path):
            parts.append(part)
        else:
            log.warning("%s is no file of counts: progress.json is without it", path)
    return sorted(parts, key=lambda part: (part["started"], part["phase"], part["part"]))


def read_part(path: Path) -> dict[str, Any]:
    """What one job has left; {} where there is nothing, something of somebody else, or damage."""
    try:
        if not path.is_file():  # reading a pipe might never end
            return {}
        part = json.loads(path.read_text(encoding="utf-8"))
        json.dumps(part, ensure_ascii=False).encode()  # halves of characters, which none can print
    except (OSError, ValueError, RecursionError):  # ValueError also of what is not UTF-8
        return {}
    return part if isinstance(part, dict) and _is_whole(part) else {}


def _is_whole(part: dict[str, Any]) -> bool:
    tables = [part.get(name, {}) for name in TABLES]
    outputs = part.get("outputs", [])
    return (
        all(isinstance(part.get(key), str) for key in NEEDED)
        and part["status"] in STATES
        and isinstance(part.get("unit", ""), str)
        and isinstance(part.get("finished"), str | None)
        and all(_is_number(part.get(name, 0)) for name in NUMBERS)
        and all(isinstance(each, dict) and all(map(_is_number, each.values())) for each in tables)
        and isinstance(outputs, list)
        and all(map(_is_output, outputs))
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value < TOO_MUCH  # which NaN is not


def _is_output(value: object) -> bool:
    """Whether it reads [path, bytes, sha256]."""
    if not isinstance(value, list) or [type(each) for each in value] != [str, int, str]:
        return False
    return "\0" not in value[0]


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
    paths = (film / "progress").glob("*.json")
    return sorted((path.name, path.lstat().st_mtime_ns) for path in paths)
