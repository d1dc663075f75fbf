"""The checksum of a base: made once, and anew when a file has changed."""

import os

import pytest

from workflow_scripts.lib.checksums import hash_folder
from workflow_scripts.models import checksums


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "base" / "unet").mkdir(parents=True)
    (tmp_path / "base" / "unet" / "weights.bin").write_bytes(b"12345")
    (tmp_path / "base" / "model_index.json").write_bytes(b"{}")
    return tmp_path / "base"


@pytest.fixture
def reads(monkeypatch):
    """Every folder that was read as a whole."""
    read = []

    def count(folder):
        read.append(folder)
        return hash_folder(folder)

    monkeypatch.setattr(checksums, "hash_folder", count)
    return read


def test_a_base_is_read_once(folder, reads):
    expected = hash_folder(folder)
    assert [checksums.folder_checksum(folder) for _ in range(3)] == [expected] * 3
    assert len(reads) == 1
    assert [path.name for path in folder.iterdir()].count(".checksums") == 0


@pytest.mark.parametrize("change", ["content", "time", "another file", "a file less"])
def test_a_changed_base_is_read_again(folder, reads, change):
    checksums.folder_checksum(folder)
    weights = folder / "unet" / "weights.bin"
    if change == "content":
        weights.write_bytes(b"54321")  # as long as before
        os.utime(weights, ns=(1, 1))
    elif change == "time":
        os.utime(weights, ns=(1, 1))
    elif change == "another file":
        (folder / "more.json").write_bytes(b"{}")
    else:
        weights.unlink()
    assert checksums.folder_checksum(folder) == hash_folder(folder)
    assert len(reads) == 2


def test_what_is_hidden_does_not_count(folder, reads):
    checksums.folder_checksum(folder)
    (folder / ".snakemake_timestamp").touch()
    checksums.folder_checksum(folder)
    assert len(reads) == 1


def test_a_drive_that_can_only_be_read_is_hashed_each_time(folder, reads, caplog):
    (folder.parent / ".checksums").touch()  # no folder can be made there
    assert [checksums.folder_checksum(folder) for _ in range(2)] == [hash_folder(folder)] * 2
    assert len(reads) == 2
    assert "will be hashed again next time" in caplog.text


def test_a_damaged_note_is_written_anew(folder, reads, caplog):
    checksums.folder_checksum(folder)
    (folder.parent / ".checksums" / "base.json").write_text("{")
    assert checksums.folder_checksum(folder) == hash_folder(folder)
    assert "base.json is damaged" in caplog.text
    checksums.folder_checksum(folder)
    assert len(reads) == 2
