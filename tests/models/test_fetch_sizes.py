"""`make models TIER=full` against homes on this machine, with every file of the tier.

A file has a thousandth of its published size, but for two; `make test-fetch` gives each its own,
some 24 GB in all. Sizes that only a folder has are shared by its weights.
"""

import os
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.factories.full_tier_on_loopback import FullTier
from tests.factories.hub_on_loopback import Place, open_place
from tests.factories.make_models import finish, make_folder, start
from workflow_scripts.models.fetching.listing import choose_rows, size_mb
from workflow_scripts.models.registry import read_registry

SHARE = int(os.environ.get("SHARE", "1000"))
WITHIN_S = 3600
MODULE = "workflow_scripts.models.fetch_model"


@pytest.fixture(scope="module")
def hub():
    with open_place() as address:
        yield address


@pytest.fixture(scope="module")
def served(tmp_path_factory, hub) -> FullTier:
    return FullTier(tmp_path_factory.mktemp("served") / "homes", hub, SHARE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, served) -> Path:
    folder = make_folder(tmp_path_factory.mktemp("fetched"))
    (folder / "own.yaml").symlink_to(served.table)
    return folder


def list_fetched(folder: Path) -> dict[str, int]:
    """Names and sizes of what lies in resources/models; not the locks and sums beside it."""
    place = folder / "resources/models"
    files = ((p, str(p.relative_to(place))) for p in place.rglob("*") if p.is_file())
    return {name: path.stat().st_size for path, name in files if not name.startswith(".")}


def test_every_file_of_the_tier_comes_with_its_size_and_sum(folder, hub, served):
    started = time.monotonic()
    status, said = finish(start(folder, hub), "every file", WITHIN_S)
    took_s, total = time.monotonic() - started, sum(served.sizes.values())
    print(f"{len(served.sizes)} files, {total / 1e6:.0f} MB in {took_s:.0f} s")
    assert status == 0
    assert list_fetched(folder) == served.sizes
    pinned = yaml.safe_load((folder / "config/models.lock.yaml").read_text(encoding="utf-8"))
    assert set(pinned) == served.unsummed
    asked = [path for path, span in Place.asked if not path.startswith("/simple/")]
    assert len(asked) == len(set(asked))  # each body once
    for words in ("files are taken without Xet", "no sum was known; pinned", "in all about"):
        assert words in said


def test_the_tier_is_served_whole_and_as_large_as_published(served):
    table = read_registry()
    rows = choose_rows(table, [], "full")
    names = [f"{n}/{m}" if m else n for n, r in rows.items() for m in r.get("members", [None])]
    assert sorted(served.sizes) == sorted(names) and len(names) == 42
    weights = sum(size for size in served.sizes.values() if size >= 2000)
    published = sum(map(size_mb, rows.values())) * 1e6
    assert weights == pytest.approx(published / SHARE, rel=1e-3)
    lama = table["files"]["big-lama.pt"]["bytes"]
    assert served.sizes["big-lama.pt"] == lama // SHARE


def test_a_second_time_nothing_is_asked_for(folder, hub, served):
    asked = len(Place.asked)
    status, said = finish(start(folder, hub), "once more", WITHIN_S)
    assert status == 0
    assert said.count("is there, sha256 as expected") >= len(served.sizes)
    assert len(Place.asked) == asked


def test_the_second_home_serves_where_the_first_has_nothing(folder, hub, served):
    (folder / "resources/models/big-lama.pt").unlink()
    gone = served.withdraw("big-lama.pt")
    status, said = finish(start(folder, hub), "the first home of LaMa has nothing", WITHIN_S)
    assert status == 0
    assert f"{gone} answered 404 Not Found.\n  The next source of big-lama.pt is tried." in said
    other = read_registry()["files"]["big-lama.pt"]["alternatives"][0]["bytes"]
    assert list_fetched(folder)["big-lama.pt"] == max(2000, other // SHARE)


def test_two_large_files_come_at_their_published_sizes(tmp_path, hub):
    """Last: it serves other bodies at the addresses of those above."""
    names = ["big-lama.pt", "retinaface.onnx"]
    folder = make_folder(tmp_path)
    served = FullTier(folder / "homes", hub, 1, names)
    command = [sys.executable, "-m", MODULE, *names, "--table", str(served.table)]
    status, _ = finish(start(folder, hub, command=command), "two files whole", WITHIN_S)
    assert status == 0
    assert list_fetched(folder) == dict(zip(names, (205_803_670, 117_888_450), strict=True))
