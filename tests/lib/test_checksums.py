"""Sums of files and folders; their value is part of settings.yaml and must never change."""

import hashlib
import tracemalloc

import pytest

from workflow_scripts.lib.checksums import hash_file, hash_folder, join_checksums, list_files


@pytest.fixture
def folder(tmp_path):
    for name, data in {"b/x.bin": b"12", "a.json": b"{}", "b.txt": b"", ".hidden": b"?"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    return tmp_path


def test_a_folder_is_the_sum_of_names_and_contents_in_order(folder):
    assert list(list_files(folder)) == ["a.json", "b/x.bin", "b.txt"]
    parts = [(b"a.json", b"{}"), (b"b/x.bin", b"12"), (b"b.txt", b"")]
    whole = b"".join(name + hashlib.sha256(data).digest() for name, data in parts)
    assert hash_folder(folder) == hashlib.sha256(whole).hexdigest()
    sums = {name.decode(): hashlib.sha256(data).hexdigest() for name, data in parts}
    assert join_checksums(sums) == hash_folder(folder)


@pytest.mark.parametrize("change", ["name", "content", "another"])
def test_every_change_shows(folder, change):
    before = hash_folder(folder)
    if change == "name":
        (folder / "b.txt").rename(folder / "c.txt")
    else:
        (folder / ("b.txt" if change == "content" else "d.txt")).write_bytes(b"new")
    assert hash_folder(folder) != before


def test_a_large_file_is_never_held_whole(tmp_path):
    size = 32 << 20
    (tmp_path / "weights.bin").write_bytes(bytes(size))
    expected = hashlib.sha256(bytes(size)).hexdigest()
    tracemalloc.start()
    found = hash_file(tmp_path / "weights.bin")
    hash_folder(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == expected
    assert peak < size / 8
