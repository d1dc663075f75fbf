"""The checksum of a base: made once, and anew when a file has changed."""

import hashlib
import json
import os

import pytest

from workflow_scripts.lib.checksums import hash_file, hash_folder
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models import checksums


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "base" / "unet").mkdir(parents=True)
    (tmp_path / "base" / "unet" / "weights.bin").write_bytes(b"12345")
    (tmp_path / "base" / "model_index.json").write_bytes(b"{}")
    return tmp_path / "base"


@pytest.fixture
def reads(monkeypatch):
    """Names of the files that were read."""
    read = []

    def count(path):
        read.append(path.name)
        return hash_file(path)

    monkeypatch.setattr(checksums, "hash_file", count)
    return read


def test_a_base_is_read_once(folder, reads):
    expected = hash_folder(folder)
    assert [checksums.folder_checksum(folder) for _ in range(3)] == [expected] * 3
    assert sorted(reads) == ["model_index.json", "weights.bin"]
    assert [path.name for path in folder.iterdir()].count(".checksums") == 0


@pytest.mark.parametrize("change", ["content", "time", "another file", "a file less"])
def test_a_changed_base_is_read_again(folder, reads, change):
    checksums.folder_checksum(folder)
    reads.clear()
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
    assert reads == {"another file": ["more.json"], "a file less": []}.get(change, ["weights.bin"])


def test_what_is_hidden_does_not_count(folder, reads):
    checksums.folder_checksum(folder)
    (folder / ".snakemake_timestamp").touch()
    checksums.folder_checksum(folder)
    assert len(reads) == 2


def test_a_drive_that_can_only_be_read_is_hashed_each_time(folder, reads, caplog):
    (folder.parent / ".checksums").touch()  # no folder can be made there
    assert [checksums.folder_checksum(folder) for _ in range(2)] == [hash_folder(folder)] * 2
    assert len(reads) == 4
    assert "will be hashed again next time" in caplog.text


def test_a_damaged_note_is_written_anew(folder, reads, caplog):
    checksums.folder_checksum(folder)
    (folder.parent / ".checksums" / "base.json").write_text("{", encoding="utf-8")
    assert checksums.folder_checksum(folder) == hash_folder(folder)
    assert "base.json is damaged" in caplog.text
    checksums.folder_checksum(folder)
    assert len(reads) == 4


SUMS = {
    "base/unet/weights.bin": hashlib.sha256(b"12345").hexdigest(),
    "net.onnx": hashlib.sha256(b"12345").hexdigest(),
    "elsewhere.onnx": "0" * 64,
}


def test_weights_that_are_expected_pass_and_are_read_once(folder, reads):
    (folder.parent / "net.onnx").write_bytes(b"12345")
    (folder.parent / "of_nobody.onnx").write_bytes(b"1")
    for _ in range(2):
        for name in ("base", "net.onnx", "of_nobody.onnx"):
            checksums.check_weights(folder.parent / name, SUMS)
    assert sorted(reads) == ["model_index.json", "net.onnx", "weights.bin"]


@pytest.mark.parametrize("name", ["base/unet/weights.bin", "net.onnx"])
@pytest.mark.parametrize("seen", [False, True], ids=["never seen", "seen before"])
def test_one_bit_that_flipped_is_refused(folder, name, seen):
    path, whole = folder.parent / name, folder.parent / name.split("/")[0]
    path.write_bytes(b"12345")
    if seen:
        checksums.check_weights(whole, SUMS)
    path.unlink()  # another file, with the time of the former
    path.write_bytes(b"12344")
    with pytest.raises(CineloraError, match=rf"(?s){name} is not what .* expected.*Delete {whole}"):
        checksums.check_weights(whole, SUMS)


def test_a_file_whose_time_was_set_back_is_read_again(folder):
    path = folder.parent / "net.onnx"
    path.write_bytes(b"12345")
    checksums.check_weights(path, SUMS)
    before = path.stat()
    with path.open("r+b") as file:  # the same file, as long as before
        file.write(b"54321")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(CineloraError, match="net.onnx is not what"):
        checksums.check_weights(path, SUMS)


@pytest.mark.parametrize("text", ["[1]", '{"files": {"net.onnx": "abcdef"}}', "[" * 100_000, None])
def test_a_note_that_says_nothing_counts_for_nothing(folder, reads, text):
    path = folder.parent / "net.onnx"
    path.write_bytes(b"12345")
    checksums.check_weights(path, SUMS)
    note = folder.parent / ".checksums" / "net.onnx.json"
    stamp = checksums.read_stamps(path)["net.onnx"]
    damaged = json.dumps({"files": {"net.onnx": [*stamp, 7]}}) if text is None else text
    note.write_text(damaged, encoding="utf-8")
    checksums.check_weights(path, SUMS)
    assert reads == ["net.onnx"] * 2


def test_one_of_several_sums_is_enough(folder):
    path = folder.parent / "net.onnx"
    path.write_bytes(b"12345")
    checksums.check_weights(path, {"net.onnx": ["0" * 64, SUMS["net.onnx"]]})
    with pytest.raises(CineloraError, match=f"expected\n  {'0' * 64} or {'1' * 64}"):
        checksums.check_weights(path, {"net.onnx": ["0" * 64, "1" * 64]})
