"""What a person sees of a run: one line a job, then where the report is.

Snakemake's own lines (inputs, outputs, reason and resources of each job) go to its log as before,
and to the terminal with `--verbose`; so does what a phase says, to its log.
"""

import logging
import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from snakemake.logging import DefaultFormatter, LogEvent, get_event
from snakemake.logging import logger as snakemake_logger

from workflow_scripts.lib.benchmarks import read_benchmark
from workflow_scripts.lib.progress_file import find_progress, format_job, read_part
from workflow_scripts.lib.version import VERSION

STREAM = "DefaultStreamHandler"  # as Snakemake names what writes to the terminal
NOISE = re.compile(
    r"Select jobs|Execute \d|Using shell|Assuming|Conda env|Singularity|Rules claiming|Provided"
    r"|Building DAG|Job \d+ has been submitted"
    r"|SLURM run ID|Reasons:|Some jobs were triggered|Would remove"
)
REPEATS = re.compile(r"WorkflowError:\s+At least one job|Shutting down")
STOPPED = "Exiting because a job execution failed"
ELAPSED = re.compile(r"Elapsed time: (?:(\d+) days?, )?(\d+):(\d+):([\d.]+)")
ERROR = re.compile(r"^\d\d:\d\d:\d\d ERROR ", re.MULTILINE)  # as lib/phase.py writes it
NOTHING_TO_DO = "Nothing to be done"
SCRIPT_FAILED = re.compile(r"RuleException:\s+CalledProcessError")  # what the job's error tells
DRY_RUN = "This was a dry-run"
TARGETS = "all"  # the rule that only names what is wanted
MOST_COUNTS = 2  # of what a phase found, in its line


def install(output_settings: Any, films: Collection[str]) -> None:
    """Let the terminal show one line a job, unless its user asked for other lines."""
    ours = [handler for handler in snakemake_logger.handlers if handler.name == STREAM]
    for handler in ours:
        handler.nocolor = bool(os.environ.get("NO_COLOR")) or getattr(handler, "nocolor", False)
    asked = ("verbose", "debug_dag", "printshellcmds", "quiet")
    if any(getattr(output_settings, name, None) for name in asked):
        return
    for handler in ours:
        lines = JobLines(films, is_dry_run=output_settings.dryrun)
        handler.setFormatter(lines)
        handler.addFilter(lines)


class JobLines(logging.Formatter):
    """Turns Snakemake's events into the lines of a person; "" is shown as nothing."""

    def __init__(self, films: Collection[str], *, is_dry_run: bool = False):
        super().__init__()
        self.films, self.is_dry_run = films, is_dry_run
        self.jobs: dict[int, dict[str, Any]] = {}  # by their number: what JOB_INFO told
        self.done, self.total, self.failed = 0, 0, 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep in mind what a job is; the handler would begin a new paragraph for it."""
        if get_event(record) is LogEvent.JOB_INFO:
            self.jobs[record.jobid] = record.__dict__
        return get_event(record) is not LogEvent.JOB_INFO

    def format(self, record: logging.LogRecord) -> str:
        tellers = {
            LogEvent.WORKFLOW_STARTED: lambda _: f"cinelora {VERSION}",
            LogEvent.RUN_INFO: self._plan,
            LogEvent.JOB_FINISHED: self._finish,
            LogEvent.JOB_ERROR: self._fail,
            LogEvent.ERROR: self._say,
            None: self._say,
        }
        teller = tellers.get(get_event(record))
        return teller(record) if teller else ""

    def _plan(self, record: logging.LogRecord) -> str:
        self.total = int(record.stats.get("total", 0)) - int(record.stats.get(TARGETS, 0))
        return "" if self.is_dry_run else name_count(self.total)

    def _finish(self, record: logging.LogRecord) -> str:
        job = self.jobs.pop(record.job_id, None)
        if job is None or job["rule_name"] == TARGETS:
            return ""
        self.done += 1
        place = f"[{self.done:{len(str(self.total))}d}/{self.total}]"
        return f"{place} {name_job(job):44} {describe_counts(read_counts(job))}".rstrip()

    def _fail(self, record: logging.LogRecord) -> str:
        self.failed += 1
        job = self.jobs.get(record.jobid, record.__dict__ | {"wildcards": {}})
        text = find_error(record.log)
        if not text:
            return DefaultFormatter(show_failed_logs=True).format(record)
        logs = ", ".join(record.log)
        return f"FAILED {name_job(job)}: {text}\n  All that it said: {logs}"

    def _say(self, record: logging.LogRecord) -> str:
        text = record.getMessage() if record.msg else ""
        if self.is_dry_run and text.startswith(DRY_RUN):
            return format_plan(self.jobs.values())
        if text.startswith(NOTHING_TO_DO):
            return "\n".join([text, *list_reports(self.films)])
        if text.startswith(STOPPED):
            return (
                f"Stopped: {self.failed} of {name_count(self.total)} failed,"
                f" {self.done} are done.\n"
                "  Mend what stands above, then run the same command: it goes on from there."
            )
        if elapsed := ELAPSED.match(text):
            days, hours, minutes, seconds = map(float, elapsed.groups(0))
            seconds += 60 * (minutes + 60 * (hours + 24 * days))
            return f"It took {format_seconds(seconds)}."
        told = SCRIPT_FAILED.match(text) or (self.failed and REPEATS.match(text))
        noise = record.levelno < logging.WARNING and NOISE.match(text)
        return "" if told or noise else text.strip()


def list_reports(films: Collection[str]) -> list[str]:
    """Where the reports of these films are, one line each, as far as there are any."""
    pages = {film: Path(f"results/{film}/report/index.html").resolve() for film in films}
    return [f"The report of {film}: {page}" for film, page in pages.items() if page.is_file()]


def name_count(jobs: int) -> str:
    return f"{jobs} job{'s' * (jobs != 1)}"


def name_job(job: Mapping[str, Any]) -> str:
    """Phase, film and part of a job: "segment_instances demo 01of02"."""
    return format_job(job["rule_name"], job["wildcards"] or {})


def read_counts(job: Mapping[str, Any]) -> dict[str, Any]:
    """What a finished job has counted; {} where it left nothing to read."""
    return read_part(find_progress(job["rule_name"], job["wildcards"] or {}))


def describe_counts(counts: Mapping[str, Any]) -> str:
    """ "219 of 286 frames; 12 shots, 4 s" of what a phase counted; "" of nothing."""
    if "unit" not in counts:
        return ""
    read, kept = counts.get("read", 0), counts.get("kept", 0)
    amount = f"{kept:,}" if kept == read else f"{kept:,} of {read:,}"
    found = [f"{n:,} {name.replace('_', ' ')}" for name, n in counts.get("found", {}).items() if n]
    unit = counts["unit"].removesuffix("s") if read == 1 else counts["unit"]
    parts = [f"{amount} {unit}", *found[:MOST_COUNTS]]
    return f"{', '.join(parts)}; {format_seconds(counts.get('seconds', 0))}"


def format_seconds(seconds: float) -> str:
    """A duration as a person says it: 0.4 s, 12 s, 3 min, 2.5 h."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def find_error(logs: Collection[str]) -> str:
    """The error that ends a phase's log, without its time; "" where none stands there."""
    for log in logs:
        try:
            text = Path(log).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        if errors := list(ERROR.finditer(text)):
            return text[errors[-1].end() :].strip()
    return ""


def format_plan(jobs: Collection[Mapping[str, Any]]) -> str:
    """A table of the jobs that would run by phase, with the time that they took before."""
    rows = pd.DataFrame(
        [
            (job["rule_name"], 1, *_read_seconds(job.get("benchmark")))
            for job in jobs
            if job["rule_name"] != TARGETS
        ],
        columns=["job", "count", "seconds", "known"],
    )
    lines = [f"{'job':24} {'count':>6}  took before", "-" * 45]
    for name, part in rows.groupby("job", sort=False):
        lines.append(_format_row(name, part))
    return "\n".join(["Job stats:", *lines, _format_row("total", rows)])


def _format_row(name: str, part: pd.DataFrame) -> str:
    known = int(part["known"].sum())
    took = format_seconds(part["seconds"].sum()) if known else "never run"
    if 0 < known < len(part):
        took += f" ({known} of {len(part)})"
    return f"{name:24} {len(part):6d}  {took}"


def _read_seconds(benchmark: str | None) -> tuple[float, bool]:
    seconds = read_benchmark(benchmark or "")["s"]
    return (float(seconds.iloc[-1]), True) if len(seconds) else (0.0, False)
