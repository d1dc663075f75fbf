"""How a phase runs: log file, progress bar, counts beside its tables, errors in plain words."""

import json
import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from workflow_scripts.lib.errors import format_error
from workflow_scripts.lib.logs import log
from workflow_scripts.lib.manifest import replace_when_done
from workflow_scripts.lib.progress_file import (
    find_progress,
    format_job,
    list_parts,
    sum_outputs,
    sum_progress,
)
from workflow_scripts.lib.renewal import say_gone

T = TypeVar("T")
SHOWN = "is_shown"  # on a record of the log: whether the terminal shows it too


@dataclass(frozen=True)
class Counts:
    """What a phase did with its rows. Nothing vanishes: read = kept + all that was set aside."""

    unit: str  # what is counted: "frames", "instances", ...
    read: int
    kept: int
    set_aside: dict[str, int] = field(default_factory=dict)  # reason -> rows
    found: dict[str, int] = field(default_factory=dict)  # what was made of them: {"instances": 12}
    errors: int = 0  # rows set aside because something broke, not because of a threshold

    def __post_init__(self) -> None:
        if self.read != self.kept + sum(self.set_aside.values()):
            raise ValueError(f"counts do not add up: {self}")

    @classmethod
    def of(cls, unit: str, reasons: pd.Series, errors: int = 0, **found: int) -> "Counts":
        """Count a column of reasons, where "" means kept."""
        aside = reasons[reasons != ""].value_counts().to_dict()
        kept = int((reasons == "").sum())
        return cls(
            unit, len(reasons), kept, {str(k): int(v) for k, v in aside.items()}, found, errors
        )


def run_phase(main: Callable[..., Counts], snakemake: Any) -> None:
    """Call `main` as the rule says; leave a log, and the counts for progress.json.

    `main` gets the options in the rule's `block` one by one. Snakemake compares values of params
    without their names: two options that swap theirs would go unseen outside of a block.
    """
    params = dict(snakemake.params.items())
    params.pop("code", None)
    params |= params.pop("block", {})
    name = format_job(snakemake.rule, dict(snakemake.wildcards.items()))
    with phase_log(snakemake.log[0], name), _progress_file(snakemake) as done:
        counts = main(**snakemake.input, **snakemake.output, **params)
        _log_gpu_memory()
        whole = "shard" not in dict(snakemake.wildcards.items())
        if whole and counts.read and not counts.kept:  # what a film does not show is no failure
            log.warning("%s kept none of %d %s", snakemake.rule, counts.read, counts.unit)
            log.warning("  set aside: %s", counts.set_aside)
        done.update(asdict(counts))
        if "film" in dict(snakemake.wildcards.items()):
            outputs = sum_outputs(_list_paths(value for _, value in snakemake.output.items()))
            done["outputs"] = [(str(path), *sums) for path, *sums in outputs]


def _list_paths(outputs: Iterable[Any]) -> Iterator[str]:
    """The paths of a rule's outputs, of which one may be a list of files."""
    for value in outputs:
        yield from [value] if isinstance(value, str) else value


def _log_gpu_memory() -> None:
    """Log the most GPU memory that torch held; phases without torch do not import it for that."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        most = torch.cuda.max_memory_reserved() / 2**20
        log.info("GPU memory: %.0f MiB at most, without onnxruntime's", most)


@contextmanager
def phase_log(path: str | Path, name: str = "") -> Iterator[None]:
    """Send the log to `path` and the terminal; an error is exit status 1.

    The terminal of a job (`name`) shows only what cannot wait: who started it tells of its end.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    file = logging.FileHandler(path, "w", "utf-8", errors="backslashreplace")
    terminal = logging.StreamHandler()
    handlers = [file, terminal]
    for handler in handlers:
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
        log.addHandler(handler)
    if name:
        terminal.setFormatter(logging.Formatter(f"  {name}: %(message)s"))
        terminal.addFilter(lambda record: getattr(record, SHOWN, record.levelno == logging.WARNING))
    log.setLevel(logging.INFO)
    try:
        yield
    except Exception as error:
        if plainly := say_gone(error) or format_error(error):
            log.error("ERROR %s", plainly)
        else:
            log.exception("ERROR that cinelora did not expect; please report it with this log")
        sys.exit(1)
    finally:
        for handler in handlers:
            log.removeHandler(handler)
            handler.close()


@contextmanager
def _progress_file(snakemake: Any) -> Iterator[dict]:
    """Write {status, started, finished, counts} beside the results, also while running."""
    wildcards = dict(snakemake.wildcards.items())
    path = find_progress(snakemake.rule, wildcards)
    film = path.parents[1]
    state = {
        "phase": snakemake.rule,
        "part": " ".join(list_parts(wildcards)),
        "status": "running",
        "started": _now(),
    }
    started = time.monotonic()
    _write_json(path, state)
    sum_progress(film)
    try:
        yield state
        state["status"] = "done"
    except BaseException as error:
        state.update(status="failed", error=str(error))
        raise
    finally:
        state.update(finished=_now(), seconds=round(time.monotonic() - started, 2))
        _write_json(path, state)
        sum_progress(film)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _write_json(path: Path, value: dict) -> None:
    with replace_when_done(path) as partial:
        partial.write_text(json.dumps(value, indent=1), encoding="utf-8")


def progress(items: Iterable[T], label: str, *, total: int, every_s: float = 30.0) -> Iterator[T]:
    """Log one line per `every_s` seconds; those of a long job are shown on the terminal too."""
    started = last = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last >= every_s or done == total:
            rate = done / max(now - started, 1e-3)
            text = "%s: %d/%d (%.1f/s, %.0f s left)"
            shown = {SHOWN: done < total}
            log.info(text, label, done, total, rate, (total - done) / rate, extra=shown)
            last = now
