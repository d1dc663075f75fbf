"""Files whose size and sha256 stand in a table: each way in which they may have changed."""

import hashlib
import os

import pandas as pd
import pytest

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.written_files import Written, iter_written, sum_bytes, write_bytes

DATA = b"what was written"


def change_one_byte(path):
    path.write_bytes(b"W" + DATA[1:])


def keep_time_and_size(path):
    status = path.stat()
    change_one_byte(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def become_a_folder(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: None, ""),
        (lambda path: path.touch(), ""),
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: path.write_bytes(DATA[:3]), "has 3 bytes, 16 were written"),
        (lambda path: path.write_bytes(DATA + b"!"), "has 17 bytes, 16 were written"),
        (change_one_byte, "has other content than was written"),
        (keep_time_and_size, "has other content than was written"),
        (lambda path: path.unlink(), "is gone"),
        (become_a_folder, "is no file any more"),
    ],
    ids=["as it was", "touched", "empty", "cut off", "longer", "a byte", "its time too"]
    + ["gone", "a folder"],
)
def test_what_became_of_a_file_is_said(tmp_path, damage, said):
    path = tmp_path / "a.jpg"
    file = Written(path, **write_bytes(path, DATA))
    damage(path)
    assert file.find_change() == said


def test_sums_are_those_that_others_compute():
    assert sum_bytes(DATA) == {"size_bytes": 16, "sha256": hashlib.sha256(DATA).hexdigest()}


def test_a_table_names_its_files_and_leaves_out_rows_without_one(tmp_path):
    rows = pd.DataFrame([("a.jpg", 1, "x"), ("", 0, ""), ("b.jpg", 2, "y")])
    rows.set_axis(["file", "size_bytes", "sha256"], axis=1).to_parquet(tmp_path / "t.parquet")
    files = list(iter_written(tmp_path / "t.parquet", "images"))
    assert [(str(f.path), f.size_bytes, f.sha256) for f in files] == [
        ("images/a.jpg", 1, "x"), ("images/b.jpg", 2, "y")
    ]  # fmt: skip


def test_a_table_of_an_earlier_version_is_refused_with_the_command_that_renews_it(tmp_path):
    path = tmp_path / "results/demo/extract_frames/frames.parquet"
    path.parent.mkdir(parents=True)
    pd.DataFrame({"file": ["a.jpg"]}).to_parquet(path)
    with pytest.raises(CineloraError, match=r"(?s)no column size_bytes, sha256.*extract_frames"):
        list(iter_written(path, tmp_path))
