"""`make models TIER=full` as a user types it, against a hub on this machine.

`pytest -s tests/models/test_make_models.py` shows what the user sees.
"""

import hashlib
from pathlib import Path

import pytest
import yaml

from tests.factories.hub_on_loopback import Place, open_place
from tests.factories.make_models import finish, make_folder, start
from workflow_scripts.models.registry import read_registry

WEIGHTS = bytes(range(256)) * 400
SUM = hashlib.sha256(WEIGHTS).hexdigest()
RESEARCH = {"license": "Research License", "commercial": False, "training_data": "not said"}


@pytest.fixture
def hub():
    with open_place() as address:
        yield address


def write_table(folder: Path, hub: str) -> Path:
    """The full tier's rows with their sources on this machine; LaMa's license is a strict one."""
    table = {"files": {}, "folders": {}}
    ours = read_registry()
    wanted = [row for row in ours["models"].values() if "full" in row["tier"]]
    for name in {name for row in wanted for name in row["files"]}:
        Place.files[f"/{name}"] = WEIGHTS
        source = {"source": "https", "url": f"{hub}/{name}", "sha256": SUM, "bytes": len(WEIGHTS)}
        table["files"][name] = source | {"license": ours["files"][name]["license"]}
    table["files"]["big-lama.pt"] |= RESEARCH
    for name in {name for row in wanted for name in row.get("folders", [])}:
        row = ours["folders"][name] | {"revision": "main", "sums": {}}
        for member in row["members"]:
            data = WEIGHTS if member.endswith(".safetensors") else b"{}"
            Place.files[f"/{row['repo']}/resolve/main/{member}"] = data
        table["folders"][name] = row
    (folder / "own.yaml").write_text(yaml.safe_dump(table), encoding="utf-8")
    return folder / "own.yaml"


@pytest.fixture
def folder(tmp_path, hub) -> Path:
    """A folder with a table whose sources are on this machine."""
    write_table(make_folder(tmp_path), hub)
    return tmp_path


def fetched(folder: Path) -> set[str]:
    places = folder / "resources/models"
    return {str(p.relative_to(places)) for p in places.rglob("*") if p.suffix in (".pt", ".onnx")}


def test_licenses_come_first_and_two_at_once_take_turns(folder, hub):
    both = [start(folder, hub) for _ in range(2)]
    (status, said), (other_status, other) = (
        finish(one, f"two at once, number {number}") for number, one in enumerate(both, 1)
    )
    assert status == other_status == 0
    lines = said.splitlines()
    first = next(n for n, line in enumerate(lines) if "from http" in line or "is there" in line)
    assert lines[0] == "NOT FOR COMMERCIAL USE:" and lines[1].startswith("big-lama.pt")
    assert first > next(n for n, line in enumerate(lines) if line.startswith("in all about"))
    served = [path for path, _ in Place.asked]
    assert len(served) == len(set(served))  # each file once, whoever asked
    assert {"big-lama.pt", "retinaface.onnx"} <= fetched(folder)
    assert (
        "qwen2.5-vl-7b"
        in yaml.safe_load((folder / "own.yaml").read_text(encoding="utf-8"))["folders"]
    )
    assert "no sum was known; pinned sha256" in said + other


def test_a_cut_is_resumed_and_a_wrong_sum_refused(folder, hub):
    Place.cuts = [30_000]
    status, said = finish(start(folder, hub), "the connection breaks")
    assert status != 0
    assert "broke off at 30000 of 102400 bytes" in said
    status, said = finish(start(folder, hub), "once more")
    assert status == 0
    name = Place.asked[0][0]
    assert [span for path, span in Place.asked if path == name] == [None, "bytes=30000-"]
    path = folder / "resources/models" / name[1:]
    Place.files[name] = WEIGHTS[::-1]
    path.unlink()
    status, said = finish(start(folder, hub), "the server holds another file")
    assert status != 0
    assert "what came has sha256" in said and f"expected {SUM}" in said
    assert not path.exists()


def test_offline_only_what_is_there(folder, hub):
    status, said = finish(start(folder, hub, HF_HUB_OFFLINE="1"), "offline, nothing there")
    assert status != 0
    assert "could not be had (HF_HUB_OFFLINE is set)" in said
    assert ".json, and name that folder as models.models_dir" in said
    assert finish(start(folder, hub), "the hub is there")[0] == 0
    Place.files.clear()
    status, said = finish(start(folder, hub, HF_HUB_OFFLINE="1"), "offline, all there")
    assert status == 0
    assert "sha256 as expected" in said
