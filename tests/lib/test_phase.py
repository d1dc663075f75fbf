import errno
import hashlib
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.logs import log
from workflow_scripts.lib.phase import Counts, run_phase


def job(tmp_path, monkeypatch, **wildcards):
    """What Snakemake hands to a script, as plain objects."""
    monkeypatch.chdir(tmp_path)
    return SimpleNamespace(
        rule="filter_frames",
        wildcards={"film": "demo", **wildcards},
        input={"frames": "a"},
        output={"decisions": "b"},
        params={"name": "x", "block": {"minimum": 3}, "code": "hash"},
        log=["logs/x.log"],
    )


def read_progress(tmp_path, name):
    return json.loads((tmp_path / "results/demo/progress" / name).read_text(encoding="utf-8"))


def test_main_gets_names_and_leaves_counts(tmp_path, monkeypatch):
    def main(frames, decisions, *, name, minimum):
        assert (frames, decisions, name, minimum) == ("a", "b", "x", 3)
        return Counts("frames", 5, 3, {"dark": 2})

    run_phase(main, job(tmp_path, monkeypatch))
    state = read_progress(tmp_path, "filter_frames.json")
    assert (state["status"], state["kept"], state["set_aside"]) == ("done", 3, {"dark": 2})


def test_a_job_tells_what_it_left_but_for_what_tables_know(tmp_path, monkeypatch):
    def main(frames, decisions, folder, **_):
        Path(decisions).write_bytes(b"table")
        (Path(folder) / "train").mkdir(parents=True)
        for name in ("train/1.jpg", "train/1.txt", "train/metadata.jsonl", "progress.json"):
            (Path(folder) / name).write_bytes(b"{}")
        return Counts("frames", 1, 1)

    snakemake = job(tmp_path, monkeypatch)
    snakemake.output["folder"] = "results/demo/datasets/pose"
    run_phase(main, snakemake)
    told = read_progress(tmp_path, "filter_frames.json")["outputs"]
    assert told == [
        ["b", 5, hashlib.sha256(b"table").hexdigest()],
        [
            f"{snakemake.output['folder']}/train/metadata.jsonl",
            2,
            hashlib.sha256(b"{}").hexdigest(),
        ],
    ]


def test_a_phase_that_keeps_nothing_says_why_and_is_done(tmp_path, monkeypatch):
    run_phase(lambda **_: Counts("frames", 5, 0, {"dark": 5}), job(tmp_path, monkeypatch))
    said = (tmp_path / "logs/x.log").read_text(encoding="utf-8")
    assert "filter_frames kept none of 5 frames" in said and "'dark': 5" in said
    state = read_progress(tmp_path, "filter_frames.json")
    assert (state["status"], state["kept"]) == ("done", 0)


def test_one_shard_may_keep_nothing(tmp_path, monkeypatch):
    snakemake = job(tmp_path, monkeypatch, shard="01of02")
    run_phase(lambda **_: Counts("frames", 5, 0, {"dark": 5}), snakemake)
    assert read_progress(tmp_path, "filter_frames.01of02.json")["status"] == "done"


@pytest.mark.parametrize(
    ("error", "traceback"),
    [
        (CineloraError("no film"), False),
        (OSError(errno.ENOSPC, "No space left on device"), False),
        (IsADirectoryError(errno.EISDIR, "Is a directory", "x"), False),
        (OSError(errno.EIO, "Input/output error", "x"), False),
        (ZeroDivisionError("oops"), True),
    ],
    ids=[
        "for the user: plain words",
        "of the disk: plain words",
        "of a folder",
        "of a drive",
        "a bug: with traceback",
    ],
)
def test_errors_stand_in_the_log(tmp_path, monkeypatch, error, traceback):
    def main(**_):
        raise error

    with pytest.raises(SystemExit):
        run_phase(main, job(tmp_path, monkeypatch))
    text = (tmp_path / "logs/x.log").read_text(encoding="utf-8")
    assert str(error) in text
    assert ("Traceback" in text) == traceback


def test_a_name_that_is_not_utf8_stands_in_the_log(tmp_path, monkeypatch):
    def main(**_):
        raise CineloraError("caf\udce9.jpg and über.jpg")

    monkeypatch.setattr(log, "propagate", False)  # pytest's own capture does not bear such a name
    with pytest.raises(SystemExit):
        run_phase(main, job(tmp_path, monkeypatch))
    text = (tmp_path / "logs/x.log").read_text("utf-8")
    assert "caf\\udce9.jpg and über.jpg" in text


def test_counts_that_do_not_add_up_are_refused():
    with pytest.raises(ValueError, match="do not add up"):
        Counts("frames", 5, 3, {"dark": 1})


def test_counts_of_reasons():
    counts = Counts.of("frames", pd.Series(["", "dark", "", "dark", "held"]))
    assert (counts.read, counts.kept, counts.set_aside) == (5, 2, {"dark": 2, "held": 1})


def test_the_gpu_memory_that_torch_held_is_logged(tmp_path, monkeypatch, caplog):
    gpu = SimpleNamespace(is_initialized=lambda: True, max_memory_reserved=lambda: 3 << 30)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=gpu))
    run_phase(lambda **_: Counts("frames", 1, 1), job(tmp_path, monkeypatch))
    assert "GPU memory: 3072 MiB at most" in caplog.text
