"""Several sources of a file, sums that one third party published, and the full tier's own rows."""

import hashlib
import logging
from pathlib import Path

import pytest

from tests.factories.raw_servers import RawServer, head, open_raw_server
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models import fetch_model
from workflow_scripts.models.fetching import pins
from workflow_scripts.models.fetching.listing import choose_rows, group_rows
from workflow_scripts.models.registry import list_sources, read_registry

DATA, OTHER = bytes(range(256)) * 9, bytes(2000)
SUM, OTHER_SUM = (hashlib.sha256(data).hexdigest() for data in (DATA, OTHER))
README = Path(__file__).resolve().parents[2] / "resources" / "README.md"


@pytest.fixture(autouse=True)
def lock(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(pins, "LOCK", tmp_path / "config" / "models.lock.yaml")
    return pins.LOCK


@pytest.fixture
def server():
    with open_raw_server() as running:
        yield running


def two_homes(server: RawServer) -> dict:
    other = {"source": "https", "url": f"{server.url}?b", "bytes": len(OTHER), "sha256": OTHER_SUM}
    row = {"source": "https", "url": server.url, "bytes": len(DATA), "sha256": SUM}
    return {**row, "license": "MIT", "alternatives": [other]}


def whole(data: bytes) -> bytes:
    return head(Content_Length=len(data)) + data


@pytest.mark.parametrize(
    ("first", "why"),
    [
        (head("404 Not Found", Content_Length=0), "answered 404 Not Found"),
        (whole(OTHER), "is 2000 bytes long, expected 2304"),
        (whole(DATA[::-1]), "what came has sha256"),
    ],
    ids=["not there", "the other's size", "another file"],
)
def test_a_source_that_fails_is_named_and_the_next_one_tried(tmp_path, server, caplog, first, why):
    caplog.set_level(logging.INFO, "cinelora")  # as a run has it
    server.answers = [first, whole(OTHER)]
    fetch_model.fetch(two_homes(server), tmp_path / "m" / "a.bin")
    assert (tmp_path / "m" / "a.bin").read_bytes() == OTHER
    warned = [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]
    told = " ".join(warned).replace("\n", " ")
    assert told.count(server.url) == 1 and why in told
    assert "The next source of a.bin is tried" in told
    fetch_model.fetch(two_homes(server), tmp_path / "m" / "a.bin")
    assert len(server.asked) == 2  # the file of the second source is as good


def test_where_all_sources_fail_all_are_named(tmp_path, server):
    server.answers = [head("503 Busy", Content_Length=0), head("404 Not Found", Content_Length=0)]
    with pytest.raises(
        CineloraError, match=r"(?s)a\.bin answered 503 Busy\..*a\.bin\?b answered 404 Not"
    ):
        fetch_model.fetch(two_homes(server), tmp_path / "m" / "a.bin")


def test_a_copy_by_hand_may_be_of_any_source(tmp_path, server):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "a.bin").write_bytes(OTHER)
    fetch_model.fetch(two_homes(server), tmp_path / "m" / "a.bin", str(tmp_path / "there"))
    assert (tmp_path / "m" / "a.bin").read_bytes() == OTHER
    assert server.asked == []


def test_a_sum_of_one_source_is_pinned_where_it_fits(tmp_path, server, lock, caplog):
    caplog.set_level(logging.INFO, "cinelora")
    server.answers = [whole(DATA)]
    row = two_homes(server) | {"one_source": True, "alternatives": []}
    fetch_model.fetch(row, tmp_path / "m" / "a.bin")
    assert pins.read_pinned_sums() == {"a.bin": SUM}
    assert "one third party knew its sum, which fits; pinned" in caplog.text


def test_a_sum_of_one_source_that_does_not_fit_is_said_to_be_one(tmp_path, server, lock):
    server.answers = [whole(DATA[::-1])]
    row = two_homes(server) | {"one_source": True, "alternatives": []}
    with pytest.raises(CineloraError, match="One third party alone published that"):
        fetch_model.fetch(row, tmp_path / "m" / "a.bin")
    assert not lock.exists()


def test_members_of_a_folder_have_sums_of_their_own(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "a.bin").write_bytes(DATA)
    row = {"source": "file", "path": str(tmp_path / "there"), "license": "MIT"}
    row |= {"members": ["a.bin"], "sums": {"a.bin": {"sha256": OTHER_SUM, "bytes": len(DATA)}}}
    with pytest.raises(CineloraError, match=f"net/a.bin could not .*has sha256 {SUM}"):
        fetch_model.fetch(row, tmp_path / "m" / "net")


PUBLISHED = {  # https://github.com/<home>, size and sum as several projects that pin them have them
    "enesmsahin/simple-lama-inpainting": (
        205_803_670,
        "7ba7aa7ac37a4d41fdbbeba3a2af7ead18058552997e3a3cd1a3b2210c9e6b4c",
    ),
    "Sanster/models": (
        205_669_692,
        "344c77bbcb158f17dd143070d1e789f38a66c04202311ae3a258ef66667a9ea9",
    ),
}


def test_lama_has_two_homes_with_a_sum_each():
    sources = list_sources(read_registry()["files"]["big-lama.pt"])
    assert len(sources) == len(PUBLISHED)
    for source, (home, (size, digest)) in zip(sources, PUBLISHED.items(), strict=True):
        assert source["url"].startswith(f"https://github.com/{home}/releases/download/")
        assert (source["bytes"], source["sha256"]) == (size, digest)


def test_what_is_pinned_by_several_and_by_one():
    table = read_registry()
    clip = table["folders"]["clip-vit-l-14-laion2b"]
    assert clip["revision"] == "1627032197142fbe2a7cfec626f4ced3ae60d07a"
    assert clip["sums"]["open_clip_pytorch_model.safetensors"] == {
        "bytes": 1_710_517_748,
        "sha256": "7d129ed747e0ed53e82dfcc140382b51be66b56e6a9bdc3258afd2846e3bb019",
    }
    tiny = table["folders"]["sam2.1-hiera-tiny"]
    assert tiny["revision"] == "de431c4043854a71d8101e17995dfe596bf101a5"
    one = {name: row["bytes"] for name, row in table["files"].items() if "one_source" in row}
    assert one == {"rtmw-x-l_wholebody.onnx": 228_708_578, "retinaface.onnx": 117_888_450}


def test_what_comes_from_research_is_named_before_a_download_and_in_the_readme():
    table = read_registry()
    rows = choose_rows(table, [], "full")
    (_, bound), (heading, asked), (_, free) = group_rows(rows).items()
    assert heading.startswith("FROM DATA OR WEIGHTS FOR RESEARCH")
    assert {"retinaface.onnx", "yolox_m_humanart.onnx", "enet_b0_8_best_vgaf.onnx"} <= set(asked)
    assert sorted([*bound, *asked, *free]) == sorted(rows)
    text = README.read_text(encoding="utf-8")
    flagged = [name for name, row in table["files"].items() if "research" in row]
    assert len(flagged) == 9
    assert [name for name in flagged if f"| `{name}` |" not in text] == []
