"""fetch_model for large models: pins, folders, models_dir, the hub, a server that breaks off."""

import hashlib
import io
import json
import logging
import os
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import yaml

from tests.factories.hub_on_loopback import COMMIT, Place, open_place
from workflow_scripts.lib.checksums import hash_folder
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models import checksums, fetch_model
from workflow_scripts.models.fetching import pins
from workflow_scripts.models.fetching.listing import choose_rows, list_copies, list_rows
from workflow_scripts.models.registry import read_registry

ROOT = Path(__file__).resolve().parents[2]
DATA = bytes(range(256)) * 400
DIGEST = hashlib.sha256(DATA).hexdigest()
MEMBERS = {"config.json": b"{}", "sub/weights.bin": DATA}


@pytest.fixture(autouse=True)
def lock(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(pins, "LOCK", tmp_path / "config" / "models.lock.yaml")
    return pins.LOCK


@pytest.fixture
def place():
    """Address of a server; its files, cuts and questions are those of `Place`."""
    with open_place() as address:
        yield address


def https_row(place: str, **more) -> dict:
    Place.files["/a.bin"] = DATA
    return {"source": "https", "url": f"{place}/a.bin", "license": "MIT", **more}


def test_a_cut_download_is_resumed(tmp_path, place):
    Place.cuts = [30_000]
    row = https_row(place, sha256=DIGEST)
    with pytest.raises(CineloraError, match="broke off at 30000 of 102400 bytes"):
        fetch_model.fetch(row, tmp_path / "m" / "a.bin")
    fetch_model.fetch(row, tmp_path / "m" / "a.bin")
    assert [span for _, span in Place.asked] == [None, "bytes=30000-"]
    assert (tmp_path / "m" / "a.bin").read_bytes() == DATA


def test_the_first_fetch_pins_and_later_ones_verify(tmp_path, place, lock, caplog):
    caplog.set_level(logging.INFO, "cinelora")
    row = https_row(place)
    fetch_model.fetch(row, tmp_path / "a.bin")
    assert yaml.safe_load(lock.read_text(encoding="utf-8"))["a.bin"]["sha256"] == DIGEST
    assert f"no sum was known; pinned sha256 {DIGEST[:16]}" in caplog.text
    Place.files["/a.bin"] = DATA[::-1]
    (tmp_path / "a.bin").unlink()
    with pytest.raises(CineloraError, match="what came has sha256"):
        fetch_model.fetch(row, tmp_path / "a.bin")
    assert not (tmp_path / "a.bin").exists()


def test_a_pin_holds_for_its_source_only(tmp_path, place):
    fetch_model.fetch(https_row(place), tmp_path / "a.bin")
    Place.files["/b.bin"] = DATA[::-1]
    (tmp_path / "a.bin").unlink()
    fetch_model.fetch(https_row(place) | {"url": f"{place}/b.bin"}, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == DATA[::-1]


def test_a_wrong_sum_is_refused(tmp_path, place):
    with pytest.raises(CineloraError, match="what came has sha256"):
        fetch_model.fetch(https_row(place, sha256="0" * 64), tmp_path / "a.bin")
    assert not (tmp_path / "a.bin").exists()


def test_two_at_once_take_turns(tmp_path, place):
    row = https_row(place, sha256=DIGEST)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(partial(fetch_model.fetch, row), [tmp_path / "a.bin"] * 2))
    assert len(Place.asked) == 1
    assert (tmp_path / "a.bin").read_bytes() == DATA


@pytest.mark.parametrize(
    ("names", "problem"),
    [(["20230831/end2end.onnx"], ""), (["a.onnx", "b.onnx"], "2 members"), ([], "0 members")],
    ids=["one", "two", "none"],
)
def test_the_only_onnx_of_an_archive(tmp_path, place, names, problem):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in [*names, "readme.txt"]:
            archive.writestr(name, DATA)
    Place.files["/net.zip"] = buffer.getvalue()
    row = {"source": "https", "url": f"{place}/net.zip", "member": "*.onnx", "license": "MIT"}
    if problem:
        with pytest.raises(CineloraError, match=problem):
            fetch_model.fetch(row, tmp_path / "m" / "net.onnx")
    else:
        fetch_model.fetch(row, tmp_path / "m" / "net.onnx")
        assert (tmp_path / "m" / "net.onnx").read_bytes() == DATA
    assert [path.name for path in (tmp_path / "m").glob(".*.zip")] == []


def folder_row(tmp_path: Path) -> dict:
    for name, data in MEMBERS.items():
        (tmp_path / "there" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "there" / name).write_bytes(data)
    row = {"source": "file", "path": str(tmp_path / "there"), "members": list(MEMBERS)}
    return {**row, "license": "research only", "commercial": False}


def test_a_folder_appears_whole_or_not_at_all(tmp_path, caplog):
    row, path = folder_row(tmp_path), tmp_path / "m" / "net"
    (tmp_path / "there/sub/weights.bin").rename(tmp_path / "kept")
    with pytest.raises(CineloraError, match="there is no file"):
        fetch_model.fetch(row, path)
    assert not path.exists()
    (tmp_path / "kept").rename(tmp_path / "there/sub/weights.bin")
    (tmp_path / "there/config.json").unlink()  # fetched before the failure: not asked for again
    fetch_model.fetch(row, path)
    assert {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*.*")} == MEMBERS
    assert "net may not be used commercially" in caplog.text


def test_a_fetched_folder_is_not_read_again_for_its_checksum(tmp_path, monkeypatch):
    row, path = folder_row(tmp_path), tmp_path / "m" / "net"
    fetch_model.fetch(row, path)
    expected = hash_folder(path)
    monkeypatch.setattr(checksums, "hash_file", forbid)
    assert checksums.folder_checksum(path) == expected


def test_files_of_others_in_a_folder_count_for_its_checksum(tmp_path):
    row, path = folder_row(tmp_path), tmp_path / "m" / "net"
    fetch_model.fetch(row, path)
    (path / "notes.txt").write_text("mine", encoding="utf-8")
    fetch_model.fetch(row, path)
    assert checksums.folder_checksum(path) == hash_folder(path)


def forbid(*_):
    raise AssertionError("the folder was read once more")


def test_a_changed_member_is_noticed(tmp_path):
    row, path = folder_row(tmp_path), tmp_path / "m" / "net"
    fetch_model.fetch(row, path)
    fetch_model.fetch(row, path)
    (path / "sub/weights.bin").write_bytes(b"other")
    with pytest.raises(CineloraError, match="Delete it and fetch it again"):
        fetch_model.fetch(row, path)


def test_models_dir_serves_machines_without_a_network(tmp_path):
    row = {"source": "hf", "repo": "nobody/net", "revision": "main", "members": list(MEMBERS)}
    folder_row(tmp_path)
    (tmp_path / "there").rename(tmp_path / "net")
    fetch_model.fetch(row | {"license": "MIT"}, tmp_path / "m" / "net", str(tmp_path))
    assert (tmp_path / "m/net/sub/weights.bin").read_bytes() == DATA


def test_a_wrong_file_in_models_dir_is_blamed_on_nobody_else(tmp_path, place):
    other = {"source": "https", "url": f"{place}/b.bin", "license": "MIT", "sha256": DIGEST}
    row = https_row(place, sha256="0" * 64, alternatives=[other])
    (tmp_path / "a.bin").write_bytes(b"other")
    with pytest.raises(CineloraError, match=rf"^{tmp_path}/a\.bin, in models_dir, is not") as told:
        fetch_model.fetch(row, tmp_path / "m" / "a.bin", str(tmp_path))
    assert "delete it there" in str(told.value) and "network" not in str(told.value)
    assert not (tmp_path / "m" / "a.bin").exists() and Place.asked == []
    (tmp_path / "a.bin").write_bytes(DATA)  # as the other source has it
    fetch_model.fetch(row, tmp_path / "m" / "a.bin", str(tmp_path))
    assert (tmp_path / "m" / "a.bin").read_bytes() == DATA


HUB = """
import sys
from pathlib import Path
from workflow_scripts.models.fetch_model import fetch
members = ["config.json", "sub/weights.bin"]
row = {"source": "hf", "repo": "own/net", "revision": "main", "members": members}
fetch(row | {"license": "MIT"}, Path("m/net"))
"""


def run_hub(tmp_path: Path, place: str, **more: str) -> subprocess.CompletedProcess:
    environment = os.environ | {
        "HF_ENDPOINT": place,
        "HF_HOME": str(tmp_path / "home"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "PYTHONPATH": str(ROOT),
        "NO_PROXY": "127.0.0.1",
        **more,
    }
    command = [sys.executable, "-c", HUB]
    return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)


def test_the_hub_at_a_commit_and_offline(tmp_path, place):
    for revision in ("main", COMMIT):
        for name, data in MEMBERS.items():
            Place.files[f"/own/net/resolve/{revision}/{name}"] = data
    run = run_hub(tmp_path, place, HF_TOKEN="hf_of_mine")
    assert run.returncode == 0, run.stderr[-3000:]
    keys = {path.startswith("/storage"): key for path, key in Place.keys}
    assert keys == {False: "Bearer hf_of_mine", True: ""}  # the storage is another's machine
    assert "hf_of_mine" not in run.stderr + run.stdout
    assert (tmp_path / "m/net/sub/weights.bin").read_bytes() == DATA
    pinned = yaml.safe_load((tmp_path / "config/models.lock.yaml").read_text(encoding="utf-8"))
    assert pinned["net/sub/weights.bin"]["revision"] == COMMIT
    assert pinned["net/sub/weights.bin"]["sha256"] == DIGEST
    asked = len(Place.asked)
    subprocess.run(["rm", "-r", "m"], cwd=tmp_path, check=True)
    assert run_hub(tmp_path, place, HF_HUB_OFFLINE="1").returncode == 0  # out of HF_HOME
    assert len(Place.asked) == asked
    subprocess.run(["rm", "-r", "m", "home"], cwd=tmp_path, check=True)
    refused = run_hub(tmp_path, place, HF_HUB_OFFLINE="1")
    assert refused.returncode != 0
    assert "could not be had (HF_HUB_OFFLINE is set)" in refused.stderr


def test_a_cut_from_the_hub_is_resumed(tmp_path, place):
    large = DATA * 240  # 25 MB: the hub's client writes, and so resumes, in blocks of ten
    for name, data in (MEMBERS | {"sub/weights.bin": large}).items():
        Place.files[f"/own/net/resolve/main/{name}"] = data
    Place.cuts = [len(MEMBERS["config.json"]), 15_000_000]
    run = run_hub(tmp_path, place)
    assert run.returncode == 0, run.stderr[-3000:]
    assert (tmp_path / "m/net/sub/weights.bin").read_bytes() == large
    first, second = (span for path, span in Place.asked if path.startswith("/storage"))
    assert first is None and 0 < int(second.removeprefix("bytes=").rstrip("-")) <= 15_000_000


def test_a_file_that_the_hub_has_not_is_named(tmp_path, place):
    run = run_hub(tmp_path, place)
    assert run.returncode != 0
    assert "own/net/config.json could not be had: " in run.stderr


def test_the_listing_begins_with_what_may_not_be_sold():
    table = read_registry()
    rows = choose_rows(table, ["qwen2.5-vl-3b", "big-lama"], "full")
    lines = list_rows(rows, table["models"])
    assert lines[0] == "NOT FOR COMMERCIAL USE:"
    assert lines[1].startswith("qwen2.5-vl-3b") and "Qwen Research License" in lines[1]
    assert any(line.startswith("big-lama.pt") and " 206 " in line for line in lines)


def test_the_full_tier_needs_no_research_license():
    rows = choose_rows(read_registry(), [], "full")
    assert all(row.get("commercial", True) for row in rows.values())
    assert {"sam2.1-hiera-large", "qwen2.5-vl-7b", "big-lama.pt"} <= set(rows)


def test_an_unknown_name_is_explained():
    with pytest.raises(CineloraError, match="Did you mean 'big-lama"):
        choose_rows(read_registry(), ["bigg-lama"], "full")


def test_what_to_copy():
    lines = list_copies(choose_rows(read_registry(), ["dinov2-base"], "full"))
    assert lines[1].split("\t")[0] == "dinov2-base/model.safetensors"
    assert "facebook/dinov2-base" in lines[1]


def test_by_hand_shows_and_fetches(tmp_path, monkeypatch, capsys, place):
    monkeypatch.chdir(tmp_path)
    row = https_row(place, sha256=DIGEST, bytes=len(DATA))
    Path("mine.yaml").write_text(json.dumps({"files": {"a.bin": row}}), encoding="utf-8")
    fetch_model.fetch_by_hand(["a.bin", "--table", "mine.yaml"])
    assert Path("resources/models/a.bin").read_bytes() == DATA
    assert "a.bin" in capsys.readouterr().out
    fetch_model.fetch_by_hand(["a.bin", "--table", "mine.yaml"])
    assert len(Place.asked) == 1
