"""Downloads: https with resuming, and a path on this machine."""

import hashlib
import http.client
import os
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path
from typing import IO, Any

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.own_files import open_own
from workflow_scripts.lib.phase import progress
from workflow_scripts.models.fetching.packages import copy_member, find_member
from workflow_scripts.models.fetching.sizes import (
    CHUNK,
    SLACK,
    check_space,
    exact_size,
    most_bytes,
)
from workflow_scripts.models.web import (
    Patience,
    Redirects,
    check_address,
    check_proxy,
    explain_failure,
    make_opener,
    plain,
    read_pause,
)

STALL_S = 60.0  # in which fewer bytes than STALL_BYTES come: the server has stopped sending
STALL_BYTES = 16 << 10  # a modem of 1995 sends more in that time
PAGES = ("text/html", "application/xhtml+xml")  # of a login, of an error: no weights


def fetch_https(row: dict[str, Any], target: Path) -> None:
    """Download from an address; an interrupted download goes on where it stopped.

    With a `member`, the download is a zip archive and the member is what is wanted.
    """
    check_address(row["url"])
    check_proxy(row["url"])
    key = row.get("sha256") or hashlib.sha256(row["url"].encode()).hexdigest()
    part = target.parent / f".{key[:16]}.part"
    download(row, part)
    if "member" not in row:  # whole or wrong: either way it is not resumed
        part.replace(target)
        return
    archive = part.rename(part.with_suffix(".zip"))
    try:
        copy_member(archive, find_member(archive, row["member"]), target, row.get("bytes"))
    finally:
        archive.unlink()


def download(row: dict[str, Any], part: Path) -> None:
    """Append to `part` what the server still has; on return it is whole."""
    number = open_own(part)
    if number is None:
        raise CineloraError(f"{part} is being downloaded by another process. Wait for it.")
    with os.fdopen(number, "r+b") as file:
        done, size = file.seek(0, os.SEEK_END), exact_size(row)
        if "sha256" not in row or (size is not None and done > size):
            done = 0  # of a file that nobody knows, two halves could be of two files
        if done and done == size:
            return
        try:
            receive(row, file, done)
        except WrongFile:
            file.truncate(0)
            raise


class WrongFile(CineloraError):
    """What the server sends cannot be what was asked for: nothing of it is kept."""


def receive(row: dict[str, Any], file: IO[bytes], done: int) -> None:
    """Ask for what follows on the first `done` bytes, and write it behind them."""
    most = most_bytes(row)
    wire = 1 << 62 if most is None else int(SLACK * most) + CHUNK  # heads and chunks come on top
    opener = make_opener(Patience(STALL_S, STALL_BYTES, wire), Redirects())
    rest = {"Range": f"bytes={done}-"} if done else {}
    try:
        answer = opener.open(urllib.request.Request(row["url"], headers=rest), timeout=STALL_S)
    except urllib.error.HTTPError as error:
        error.close()
        raise refuse(row["url"], error, done) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise CineloraError(
            f"{row['url']} could not be reached: {explain_failure(error)}."
        ) from error
    with answer:
        start, whole = check_head(answer, row, done)
        check_space(file, whole - start)
        file.seek(start)
        file.truncate()
        blocks = read_blocks(answer, row["url"], start, whole)
        for block in progress(blocks, "downloading", total=-(-(whole - start) // CHUNK) or 1):
            file.write(block)


def refuse(url: str, error: urllib.error.HTTPError, done: int) -> CineloraError:
    """The error of an answer that is no success."""
    pause = read_pause(error.headers)
    again = f", and wants to be asked again in {pause:.0f} s" if pause else ""
    kind = WrongFile if error.code == 416 and done else CineloraError  # nothing follows on `done`
    return kind(f"{url} answered {error.code} {plain(error.reason)}{again}.")


def check_head(answer: HTTPResponse, row: dict[str, Any], done: int) -> tuple[int, int]:
    """Return where the body begins in the file, and how long the whole file is."""
    url, headers = row["url"], answer.headers
    if answer.status not in (200, 206):
        raise CineloraError(f"{url} answered {answer.status} {plain(answer.reason)}.")
    if "Content-Type" in headers and headers.get_content_type() in PAGES:
        raise CineloraError(f"{url} answered with a web page, not with a file.")
    if (coding := headers.get("Content-Encoding", "identity")) != "identity":
        raise CineloraError(f"{url} answered in the coding {plain(coding)}, not asked for.")
    start = done if answer.status == 206 else 0  # 200: it sends everything from the beginning
    span = re.match(r"bytes (\d+)-", headers.get("Content-Range", ""))
    if answer.status == 206 and (not done or not span or int(span[1]) != done):
        raise WrongFile(f"{url} answered with another part than the one from byte {done}.")
    size, most = exact_size(row), most_bytes(row)
    whole = size if answer.length is None else start + answer.length
    if whole is None:
        raise CineloraError(f"{url} does not say how long it is, nor does its row.")
    if (size is not None and whole != size) or (most is not None and whole > most):
        limit = f"at most {most}" if size is None else size
        raise CineloraError(f"{url} is {whole} bytes long, expected {limit}.")
    return start, whole


def read_blocks(answer: HTTPResponse, url: str, start: int, whole: int) -> Iterator[bytes]:
    """The body in blocks of CHUNK bytes, from byte `start` of the file to its end at `whole`."""
    there = start
    while True:
        try:
            block = answer.read(CHUNK)
        except (OSError, http.client.HTTPException, ValueError) as error:
            why = explain_failure(error)
            raise CineloraError(f"{url} broke off at {there} of {whole} bytes: {why}.") from error
        there += len(block)
        if there > whole:
            raise WrongFile(f"{url} sends more than the {whole} bytes that were expected.")
        if not block:
            break
        yield block
    if there < whole:
        raise CineloraError(f"{url} broke off at {there} of {whole} bytes.")


def fetch_file(row: dict[str, Any], target: Path) -> None:
    """Copy from a path on this machine or its network drives."""
    path = Path(row["path"]).expanduser() / row.get("member", "")
    if not path.is_file():
        raise CineloraError(f"there is no file {path}.")
    shutil.copyfile(path, target)
