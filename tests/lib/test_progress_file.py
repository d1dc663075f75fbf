"""Which phases kinds need, and the sum of what the jobs of a film report."""

import json
import os
from pathlib import Path

import pytest

from workflow_scripts.lib.kinds import KINDS
from workflow_scripts.lib.progress_file import find_progress, format_job, sum_parts, sum_progress
from workflow_scripts.plan.targets import list_phases, list_proofs


def test_a_film_of_places_needs_no_faces_and_no_poses():
    phases = list_phases(["background", "style", "lighting"])
    assert "inpaint_backgrounds" in phases
    assert not {"estimate_poses", "crop_faces", "classify_expressions"} & set(phases)


def test_every_phase_of_a_kind_is_listed_once_in_running_order():
    phases = list_phases(list(KINDS))
    assert len(phases) == len(set(phases))
    assert set(phases) == {phase for kind in KINDS.values() for phase in kind.phases}


def part(phase, status="done", *, name="", started="2026-01-01T10:00:00", **counts):
    ended = {"finished": "2026-01-01T10:00:05", "seconds": 5.0} if status != "running" else {}
    return {"phase": phase, "part": name, "status": status, "started": started, **ended, **counts}


def test_progress_sums_shards_by_phase():
    rows = [
        part("x", name="01of02", unit="frames", read=5, kept=4, set_aside={"dark": 1}, errors=0),
        part("x", name="02of02", unit="frames", read=3, kept=1, set_aside={"dark": 2}, errors=1),
    ]
    phase = sum_parts(rows)["x"]
    assert (phase["read"], phase["kept"], phase["errors"], phase["parts"]) == (8, 5, 1, 2)
    assert phase["set_aside"] == {"dark": 3}
    assert (phase["status"], phase["done"], phase["seconds"]) == ("done", 2, 10.0)


@pytest.mark.parametrize(
    ("states", "status"),
    [(["done", "running"], "running"), (["failed", "running"], "failed"), (["done"], "done")],
    ids=["one runs", "one failed", "all done"],
)
def test_status_of_a_phase(states, status):
    rows = [part("x", state, name=f"{i}of{len(states)}") for i, state in enumerate(states, 1)]
    phase = sum_parts(rows)["x"]
    assert phase["status"] == status
    assert (phase["finished"] is None) == ("running" in states)


def test_parts_of_a_former_number_of_shards_do_not_count():
    rows = [
        part("x", name="01of01", read=9, kept=9),
        part("x", name="01of02", started="2026-01-02T10:00:00", read=4, kept=4),
        part("x", name="02of02", started="2026-01-02T10:00:00", read=5, kept=5),
    ]
    assert sum_parts(rows)["x"]["read"] == 9


def test_progress_of_a_film_without_jobs_is_empty(tmp_path):
    assert sum_progress(tmp_path)["phases"] == {}
    assert (
        json.loads((tmp_path / "progress.json").read_text(encoding="utf-8"))["film"]
        == tmp_path.name
    )


def test_accuracy_is_waited_for_where_the_truth_is_known():
    assert list_proofs("demo", [], True) == ["results/demo/accuracy.json"]
    assert list_proofs("demo", [], False) == []


def test_the_sum_is_not_written_through_a_link_at_its_temporary_name(tmp_path):
    (tmp_path / "elsewhere").write_text("precious", encoding="utf-8")
    (tmp_path / ".progress.json.partial").symlink_to("elsewhere")
    sum_progress(tmp_path)
    assert (tmp_path / "elsewhere").read_text(encoding="utf-8") == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "progress.json"]


def test_a_phase_that_is_no_more_is_not_summed(tmp_path):
    (tmp_path / "progress").mkdir()
    for name, state in (("caption_everything", "failed"), ("dedup_frames", "done")):
        text = json.dumps(part(name, state, read=3, kept=3))
        (tmp_path / f"progress/{name}.json").write_text(text, encoding="utf-8")
    assert set(sum_progress(tmp_path)["phases"]) == {"dedup_frames"}


WRONG = [
    {"phase": 3},
    {"status": "strange"},
    {"unit": "\ud800"},
    {"finished": 5},
    {"read": "abc"},
    {"kept": -1},
    {"errors": 10**400},
    {"seconds": float("nan")},
    {"found": None},
    {"set_aside": [1]},
    {"set_aside": {"dark": "x"}},
    {"outputs": 5},
    {"outputs": None},
    {"outputs": [["a"]]},
    {"outputs": [["a\0", 1, ""]]},
]
WRONG_PARTS = [json.dumps(part("dedup_frames", name="2") | wrong).encode() for wrong in WRONG]


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"[" * 100_000, b"\xff", b'{"phase": "x"', *WRONG_PARTS]
)
def test_a_foreign_or_damaged_file_is_left_out_with_a_warning(tmp_path, content, caplog):
    folder = tmp_path / "progress"
    folder.mkdir()
    (folder / "dedup_frames.json").write_text(
        json.dumps(part("dedup_frames", read=3, kept=3)), encoding="utf-8"
    )
    (folder / "foreign.json").write_bytes(content)
    assert set(sum_progress(tmp_path)["phases"]) == {"dedup_frames"}
    assert "foreign.json is no file of counts" in caplog.text


@pytest.mark.parametrize(
    "plant",
    [Path.mkdir, lambda path: path.symlink_to("nowhere"), os.mkfifo],
    ids=["folder", "dangling link", "pipe"],
)
def test_what_is_no_file_among_the_counts_is_left_out(tmp_path, plant, caplog):
    (tmp_path / "progress").mkdir()
    plant(tmp_path / "progress/x.json")
    assert sum_progress(tmp_path)["phases"] == {}
    assert "x.json is no file of counts" in caplog.text


def test_jobs_side_by_side_have_files_of_their_own():
    """Two folders are fetched at once: each job counts in its own file."""
    names = [find_progress("fetch_folder", {"folder": name}).name for name in ("a", "b")]
    assert names == ["fetch_folder.a.json", "fetch_folder.b.json"]
    wildcards = {"film": "demo", "dataset": "pose", "shard": "01of02"}
    path = find_progress("x", wildcards)
    assert path.as_posix() == "results/demo/progress/x.pose.01of02.json"


@pytest.mark.parametrize(
    ("variant", "file", "name"),
    [
        ("", "train_adapter.pose.json", "train_adapter demo pose"),
        (".shuffled_captions", "train_adapter.pose.shuffled_captions.json",
         "train_adapter demo pose shuffled_captions"),
    ],
)  # fmt: skip
def test_a_control_is_told_from_the_adapter_and_an_empty_part_is_not_named(variant, file, name):
    wildcards = {"film": "demo", "dataset": "pose", "variant": variant}
    assert find_progress("train_adapter", wildcards).name == file
    assert format_job("train_adapter", wildcards) == name
