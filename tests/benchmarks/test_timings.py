"""The page of timings: figures of a run, a section per film."""

import pandas as pd
import pytest

from benchmarks import timings
from workflow_scripts.lib.errors import CineloraError

JOBS = pd.DataFrame(
    [
        ("train_adapter", 8, 200.0, 300.0, 1500.0),
        ("extract_frames", 1, 4.0, 6.0, 200.0),
        ("embed_references", 1, 8.0, 8.0, 900.0),
        ("caption_everything", 1, 8.0, 8.0, 900.0),
    ],
    columns=["phase", "jobs", "s", "cpu_time", "max_rss"],
)


def phase(started, finished, read=0):
    """A phase of a minute and second of 2026-01-01, 10 o'clock."""
    day = "2026-01-01T10:{}+00:00"
    ended = day.format(finished) if finished else None
    return {"started": day.format(started), "finished": ended, "read": read}


PHASES = {
    "extract_frames": phase("00:00", "00:04", 286),
    "embed_references": phase("00:05", "00:13"),
    "train_adapter": phase("01:00", "12:30"),
}


def test_a_section_holds_totals_and_a_row_per_phase_in_running_order():
    text = timings.describe_film("luca", JOBS, PHASES, "2 cores (made up)")
    assert text.startswith("## luca\n\n286 frames, version ")
    assert "on 2 cores (made up): 12 min 30 s from" in text
    assert "5 minutes of processor time, 1.5 GB" in text
    assert [line for line in text.splitlines() if line.startswith("| `")] == [
        "| `extract_frames` | 1 | 4 | 71.5 | 200 |",
        "| `embed_references` | 1 | 8 |  | 900 |",
        "| `train_adapter` | 8 | 200 |  | 1500 |",
    ]


def test_a_section_takes_the_place_of_its_former_one():
    page = timings.replace_section("", "a", "## a\n\none\n")
    page = timings.replace_section(page, "b", "## b\n\ntwo\n")
    page = timings.replace_section(page, "a", "## a\n\nthree\n")
    assert page == f"{timings.HEAD}\n## a\n\nthree\n\n## b\n\ntwo\n"


def test_a_film_that_is_not_finished_has_no_timings():
    with pytest.raises(CineloraError, match="not finished"):
        timings.say_wall(PHASES | {"build_report": phase("13:00", None)})


def test_a_film_that_was_never_run_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert timings.main("luca") == 1
    assert "results/luca/progress.json" in capsys.readouterr().err
