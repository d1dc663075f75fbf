"""Folders of images: what counts as one, in which order; nothing in a folder vanishes."""

import os

import numpy as np
import pytest

from tests.factories.encoded_images import encode
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.image_folders import (
    HIDDEN,
    NO_IMAGE,
    count_others,
    find_images,
    format_name,
    group_others,
    is_image,
    is_readable,
    list_images,
    list_others,
)

IMAGES = {kind: encode(np.zeros((4, 4, 3), np.uint8), kind) for kind in ("JPEG", "PNG", "BMP")}


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "root"
    names = ["10.jpg", "2.jpg", "b/1.png", "b/01.webp", "B2/x.JPG", "x²3.jpg", "c.tiff", "c.bmp"]
    names += ["d.heic", "d.jfif", "d.avif", "d.gif", "d.jp2"]
    others = [".x/1.jpg", ".y.jpg", "@eaDir/t.jpg", "n.txt", "b/m.TXT", "README"]
    for name in [*names, *others]:
        (root / name).parent.mkdir(exist_ok=True, parents=True)
        (root / name).touch()
    (root / "folder.jpg").mkdir()
    return root


def list_names(folder):
    return [path.relative_to(folder).as_posix() for path in list_images(folder)]


def test_natural_order_without_hidden_files(folder):
    wanted = ["2.jpg", "10.jpg", "B2/x.JPG", "b/01.webp", "b/1.png", "c.bmp", "c.tiff"]
    wanted += ["d.avif", "d.gif", "d.heic", "d.jfif", "d.jp2", "x²3.jpg"]
    found = list_names(folder)
    assert found[:2] == ["2.jpg", "10.jpg"]
    assert sorted(found) == sorted(wanted)
    assert set(find_images(folder)) == set(list_images(folder))


def test_what_is_not_read_is_counted(folder):
    others = list_others(folder)
    assert count_others(others) == {"hidden": 3, ".txt": 2, "README": 1}
    assert {other.what for other in others} == {HIDDEN, NO_IMAGE}
    assert len(others) + len(list_images(folder)) == 19


def test_a_folder_that_is_not_there_is_empty(tmp_path):
    assert list_images(tmp_path / "nowhere") == []
    assert list_others(tmp_path / "nowhere") == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *[(f"a{suffix}", True) for suffix in (".JPEG", ".webp", ".gif", ".jpe", ".jpg ", ".HEIC")],
        *[(name, False) for name in ("a.jpg.txt", "jpg", "a.mp4", "favicon.ico", "a.pdf")],
    ],
)
def test_an_image_is_one_by_its_name(tmp_path, name, expected):
    assert is_image(tmp_path / name) == expected


@pytest.mark.parametrize("name", ["photo", "frame.0001", "x.jpg.", "-rf"])
@pytest.mark.parametrize("kind", IMAGES)
def test_without_a_suffix_it_is_one_by_its_start(tmp_path, name, kind):
    (tmp_path / name).write_bytes(IMAGES[kind])
    assert list_names(tmp_path) == [name]
    (tmp_path / name).write_bytes(b"some text")
    assert list_names(tmp_path) == []


def test_an_image_under_a_suffix_that_is_not_read_is_told_apart(tmp_path):
    (tmp_path / "x.jpg_large").write_bytes(IMAGES["JPEG"])
    (tmp_path / "y.svg").write_bytes(b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    (tmp_path / "z.txt").write_text("1girl, solo", encoding="utf-8")
    said = {other.path.name: other.what for other in list_others(tmp_path)}
    assert "holds an image (JPEG)" in said["x.jpg_large"]
    assert "convert it" in said["y.svg"]
    assert said["z.txt"] == NO_IMAGE


def test_what_other_programs_convert_first(tmp_path):
    names = ["a.heic", "a.NEF", "a.gif", "a.jpg"]
    assert [is_readable(tmp_path / name) for name in names] == [False, False, True, True]


def test_links_to_folders_are_followed_and_loops_end(tmp_path):
    root, beside = tmp_path / "root", tmp_path / "beside"
    for path in (root / "a/1.jpg", beside / "2.jpg", tmp_path / "3.jpg"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (root / "linked").symlink_to(beside)
    (root / "again").symlink_to(root / "a")
    (root / "a" / "up").symlink_to(root)
    (beside / "back").symlink_to(root)
    (root / "out").symlink_to(tmp_path)
    assert list_names(root) == ["a/1.jpg", "linked/2.jpg"]
    assert [(other.path.name, other.what) for other in list_others(root)] == [
        ("out", "link to a folder around this one, which is not followed")
    ]


def test_what_is_no_file_is_named_and_a_broken_link_is_an_image_that_cannot_be_read(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere")
    (tmp_path / "self.png").symlink_to(tmp_path / "self.png")
    assert list_names(tmp_path) == ["gone.jpg", "self.png"]
    assert [(other.path.name, other.what) for other in list_others(tmp_path)] == [
        ("pipe.jpg", "no file but a pipe or a device")
    ]


def test_a_folder_that_cannot_be_opened_is_named(folder, monkeypatch):
    scan = os.scandir

    def refuse(path):
        if path.name in ("b", "root") and path.name == refused:
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    refused = "b"
    said = {other.path.name: other.what for other in list_others(folder)}
    assert said["b"] == "folder that cannot be opened (Permission denied)"
    refused = "root"
    with pytest.raises(CineloraError, match=r"root cannot be opened \(Permission denied\)"):
        list_images(folder)


def test_names_that_are_not_utf8_become_text(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.jpg")).touch()
    (image,) = list_images(tmp_path)
    assert image.is_file()
    assert format_name(image.name) == "caf\\xe9.jpg"
    assert format_name("über 千.jpg") == "über 千.jpg"


def test_others_are_grouped_by_suffix_and_kind(tmp_path):
    for name in ("1.txt", "2.txt", "LICENSE", ".a", ".b"):
        (tmp_path / name).touch()
    groups = group_others(list_others(tmp_path))
    assert {key: len(paths) for key, paths in groups.items()} == {
        (".*", HIDDEN): 2,
        (".txt", NO_IMAGE): 2,
        ("LICENSE", NO_IMAGE): 1,
    }
