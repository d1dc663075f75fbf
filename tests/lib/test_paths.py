"""What stands against reading a path that somebody named."""

import os
import re

import pytest

from workflow_scripts.lib.paths import say_unreadable

WORDS = {
    "file": "",
    "folder": "",
    "gone": "there is no file or folder",
    "pipe": "is no file but a pipe or a device",
    "device": "is no file but a pipe or a device",
    "loop": "is a link that leads nowhere",
    "x" * 300: r"cannot be opened \(File name too long\)",
}


@pytest.mark.parametrize(("name", "words"), WORDS.items())
def test_a_path_says_why_it_cannot_be_read(tmp_path, name, words):
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to("loop")
    problem = say_unreadable(tmp_path / name)
    assert bool(problem) == bool(words)
    assert re.search(words, problem)


def test_a_file_that_may_not_be_read_says_so(tmp_path, monkeypatch):
    path = tmp_path / "film.mp4"
    path.write_bytes(b"x")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", refuse)
    assert say_unreadable(path) == f"{path} cannot be opened (Permission denied)"
