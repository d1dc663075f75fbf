"""Folders of images: what counts as one, and in which order."""

import pytest

from workflow_scripts.lib.image_folders import count_others, find_images, is_image, list_images


@pytest.fixture
def folder(tmp_path):
    names = ["10.jpg", "2.jpg", "b/1.png", "b/01.webp", "B2/x.JPG", "x²3.jpg", "c.tiff", "c.bmp"]
    others = [".x/1.jpg", ".y.jpg", "n.txt", "b/m.TXT", "z.heic", "README"]
    for name in [*names, *others]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.jpg").mkdir()
    return tmp_path


def test_natural_order_without_hidden_files(folder):
    found = [path.relative_to(folder).as_posix() for path in list_images(folder)]
    wanted = ["2.jpg", "10.jpg", "b/1.png", "b/01.webp", "B2/x.JPG", "x²3.jpg", "c.tiff", "c.bmp"]
    assert found[:2] == ["2.jpg", "10.jpg"]
    assert sorted(found) == sorted(wanted)
    assert set(find_images(folder)) == set(list_images(folder))


def test_what_is_not_read_is_counted(folder):
    assert count_others(folder) == {".heic": 1, ".txt": 2, "README": 1}


def test_a_folder_that_is_not_there_is_empty(tmp_path):
    assert list_images(tmp_path / "nowhere") == []
    assert count_others(tmp_path / "nowhere") == {}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.JPEG", True), ("a.webp", True), ("a.jpg.txt", False), ("jpg", False), ("a.gif", False)],
)
def test_an_image_is_one_by_its_name(tmp_path, name, expected):
    assert is_image(tmp_path / name) == expected
