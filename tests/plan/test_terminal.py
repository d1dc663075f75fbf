"""What the terminal shows: events as Snakemake sends them, and the lines that come of them."""

import json
import logging
from types import SimpleNamespace

import pytest
from snakemake.logging import LogEvent, logger

from workflow_scripts.plan import terminal


@pytest.fixture
def handler():
    """A handler of Snakemake's name; what is shown through it lies in its `shown`."""

    class Shown(logging.Handler):
        def emit(self, record):
            if text := self.format(record):
                self.shown.append(text)

    handler = Shown()
    handler.name, handler.shown = terminal.STREAM, []
    logger.addHandler(handler)
    level, logger.level = logger.level, logging.INFO
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)


def install(**changes):
    quiet = {"verbose": False, "debug_dag": False, "printshellcmds": False, "quiet": set()}
    terminal.install(SimpleNamespace(**{"dryrun": False} | quiet | changes), ["demo"])


def tell(text, event=None, level=logging.INFO, **facts):
    logger.log(level, text, extra={"event": event, **facts})


def start(number, rule, log=(), benchmark=None, **wildcards):
    facts = {"rule_name": rule, "wildcards": wildcards, "log": list(log), "benchmark": benchmark}
    tell("a job", LogEvent.JOB_INFO, jobid=number, **facts)


def leave_counts(folder, name, **counts):
    path = folder / "results/demo/progress" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {"phase": name, "part": "", "status": "done", "started": "2026-01-01T10:00:00"}
    path.write_text(json.dumps(told | counts), encoding="utf-8")


def test_a_job_is_one_line_with_what_it_counted(handler, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = {"shots": 34, "problems": 0}
    leave_counts(
        tmp_path, "x.01of02", unit="frames", read=1286, kept=219, found=found, seconds=12.3
    )
    install()
    tell("plan", LogEvent.RUN_INFO, stats={"total": 13, "all": 1})
    start(3, "x", film="demo", shard="01of02")
    tell("Select jobs to execute...")
    tell("Finished", LogEvent.JOB_FINISHED, job_id=3)
    tell(None, LogEvent.PROGRESS, done=1, total=13)
    start(0, "all")
    tell("Finished", LogEvent.JOB_FINISHED, job_id=0)
    line = f"[ 1/12] {'x demo 01of02':44} 219 of 1,286 frames, 34 shots; 12 s"
    assert handler.shown == ["12 jobs", line]


@pytest.mark.parametrize("left", [None, "", "[]", "[" * 100_000, '{"unit": "x"}'])
def test_a_job_without_counts_is_a_line_too(handler, tmp_path, monkeypatch, left):
    monkeypatch.chdir(tmp_path)
    if left is not None:
        leave_counts(tmp_path, "x")
        (tmp_path / "results/demo/progress/x.json").write_text(left, encoding="utf-8")
    install()
    start(3, "x", film="demo")
    tell("Finished", LogEvent.JOB_FINISHED, job_id=3)
    assert handler.shown == ["[1/0] x demo"]


def test_a_failure_is_told_once_in_the_words_of_its_log(handler, tmp_path):
    log = tmp_path / "x.log"
    log.write_text(
        "12:00:00 an ERROR of old\n12:00:01 ERROR no film.\n  Look for it.\n", encoding="utf-8"
    )
    install()
    start(3, "x", log=[str(log)], film="demo")
    tell("RuleException:\nCalledProcessError in file x.smk", None, logging.ERROR)
    tell("Error", LogEvent.JOB_ERROR, logging.ERROR, jobid=3, log=[str(log)])
    tell("WorkflowError:\nAt least one job did not complete successfully.", None, logging.ERROR)
    words = f"FAILED x demo: no film.\n  Look for it.\n  All that it said: {log}"
    assert handler.shown == [words]


def test_a_run_that_stopped_says_what_to_do_and_how_long_it_took(handler, tmp_path):
    log = tmp_path / "x.log"
    log.write_text("12:00:01 ERROR no film.\n", encoding="utf-8")
    install()
    tell("plan", LogEvent.RUN_INFO, stats={"total": 13, "all": 1})
    tell("Building DAG of jobs...")
    tell("Error", LogEvent.JOB_ERROR, logging.ERROR, jobid=3, rule_name="x", log=[str(log)])
    tell("Exiting because a job execution failed. Look above for error messages", None, 40)
    tell("Elapsed time: 0:12:39.014341")
    assert handler.shown[-2].splitlines()[0] == "Stopped: 1 of 12 jobs failed, 0 are done."
    assert handler.shown[-1] == "It took 13 min."
    assert "DAG" not in "".join(handler.shown)


@pytest.mark.parametrize("color", ["", "1"], ids=["colors", "NO_COLOR"])
def test_the_terminal_is_plain_where_its_user_wants_that(handler, monkeypatch, color):
    monkeypatch.setenv("NO_COLOR", color)
    install()
    assert handler.nocolor is bool(color)


def test_a_run_of_days_says_how_long_it_took(handler):
    install()
    tell("Elapsed time: 1 day, 2:12:39.014341")
    assert handler.shown == ["It took 26.2 h."]


def test_one_file_is_one_file():
    counts = {"unit": "files", "read": 1, "kept": 1, "seconds": 1.4}
    assert terminal.describe_counts(counts) == "1 file; 1.4 s"


def test_errors_and_warnings_of_snakemake_stay(handler):
    install()
    tell("WorkflowError: no rule makes it", None, logging.ERROR)
    tell("Nothing to be done (all requested files are present and up to date).")
    tell("Assuming the worst", None, logging.WARNING)
    assert [text.split()[0] for text in handler.shown] == ["WorkflowError:", "Nothing", "Assuming"]


def test_where_nothing_is_to_be_done_the_report_is_told(handler, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = tmp_path / "results/demo/report/index.html"
    page.parent.mkdir(parents=True)
    install()
    tell("Nothing to be done (all is there).")
    page.touch()
    tell("Nothing to be done (all is there).")
    words = "Nothing to be done (all is there)."
    assert handler.shown == [words, f"{words}\nThe report of demo: {page}"]


def test_a_dry_run_ends_with_its_jobs_and_what_they_took_before(handler, tmp_path):
    took = tmp_path / "took.tsv"
    took.write_text("s\th:m:s\n90.0\t0:01:30\n", encoding="utf-8")
    (tmp_path / "broken_off.tsv").write_text("s\th:m:s\n", encoding="utf-8")
    install(dryrun=True)
    tell("plan", LogEvent.RUN_INFO, stats={"total": 3})
    start(1, "x", benchmark=str(took))
    start(2, "x", benchmark=str(tmp_path / "never.tsv"))
    start(3, "y", benchmark=str(tmp_path / "broken_off.tsv"))
    start(0, "all")  # names what is wanted; no job
    tell("This was a dry-run (flag -n).")
    rows = [line.split(maxsplit=2) for line in handler.shown[-1].splitlines()]
    assert rows[0] == ["Job", "stats:"]
    assert rows[3:] == [
        ["x", "2", "90 s (1 of 2)"],
        ["y", "1", "never run"],
        ["total", "3", "90 s (1 of 3)"],
    ]
    assert len(handler.shown) == 1


@pytest.mark.parametrize("asked", ["verbose", "debug_dag", "printshellcmds", "quiet"])
def test_who_asks_for_other_lines_gets_those_of_snakemake(handler, asked):
    install(**{asked: {"rules"} if asked == "quiet" else True})
    tell("Select jobs to execute...")
    assert handler.shown == ["Select jobs to execute..."]
