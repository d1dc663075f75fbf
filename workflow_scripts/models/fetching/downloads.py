"""Downloads: https with resuming, the Hugging Face hub, a path on this machine."""

import hashlib
import http.client
import os
import shutil
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.phase import progress
from workflow_scripts.models.fetching.packages import CHUNK, find_member, open_member

TIMEOUT_S = 60
THIS_MACHINE = ("127.0.0.1", "localhost")


def fetch_https(row: dict[str, Any], target: Path) -> None:
    """Download from an address; an interrupted download goes on where it stopped.

    With a `member`, the download is a zip archive and the member is what is wanted.
    """
    address = urlsplit(row["url"])
    if address.scheme != "https" and address.hostname not in THIS_MACHINE:
        raise CineloraError(f"the address {row['url']} does not begin with https://.")
    key = row.get("sha256") or hashlib.sha256(row["url"].encode()).hexdigest()
    part = target.parent / f".{key[:16]}.part"
    expected = download(row, part)
    size = part.stat().st_size
    if size < expected:
        raise CineloraError(f"{row['url']} broke off at {size} of {expected} bytes.")
    if "member" not in row:  # whole or wrong: either way it is not resumed
        part.replace(target)
        return
    archive = part.rename(part.with_suffix(".zip"))
    try:
        name = find_member(archive, row["member"])
        with open_member(archive, name) as source, target.open("wb") as file:
            shutil.copyfileobj(source, file, CHUNK)
    finally:
        archive.unlink()


def download(row: dict[str, Any], part: Path) -> int:
    """Append to `part` what the server still has; return how many bytes there should be in all."""
    done = part.stat().st_size if part.exists() else 0
    rest = {"Range": f"bytes={done}-"} if done else {}
    expected = row.get("bytes") if "member" not in row else None
    try:
        with urllib.request.urlopen(
            urllib.request.Request(row["url"], headers=rest), timeout=TIMEOUT_S
        ) as answer:
            resumed = answer.status == 206  # 200: the server sends everything from the beginning
            done = done if resumed else 0
            length = dict(getattr(answer, "headers", {}) or {}).get("Content-Length")
            expected = expected or (done + int(length) if length else None)
            if expected is None:
                raise CineloraError(f"{row['url']} does not say how long it is, nor does its row.")
            with part.open("ab" if resumed else "wb") as file:
                copy_with_progress(answer, file, max(0, expected - done))
    except urllib.error.HTTPError as error:
        if error.code != 416:  # 416: nothing is left to send
            raise CineloraError(f"{row['url']} answered {error.code} {error.reason}.") from error
    except (OSError, http.client.HTTPException) as error:
        raise CineloraError(f"{row['url']} could not be reached: {error}.") from error
    return expected or done


def copy_with_progress(source: IO[bytes], file: IO[bytes], size: int) -> None:
    """Copy to the end with a progress bar that counts MiB; `size` bytes are expected."""
    total = max(1, -(-size // CHUNK))
    for block in progress(iter(lambda: source.read(CHUNK), b""), "downloading", total=total):
        file.write(block)


def fetch_hf(row: dict[str, Any], target: Path) -> str:
    """Download from the Hugging Face hub; returns the commit that the revision stood for.

    HF_HOME, HF_TOKEN, HF_HUB_OFFLINE and proxies are respected, and broken downloads resumed, by
    the hub's own client.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        cached = Path(hf_hub_download(row["repo"], row["member"], revision=row["revision"]))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        cause = str(error).strip().splitlines()[0]
        offline = " (HF_HUB_OFFLINE is set)" if os.environ.get("HF_HUB_OFFLINE") else ""
        raise CineloraError(
            f"{row['repo']}/{row['member']} could not be had{offline}: {cause}"
        ) from error
    link_or_copy(cached.resolve(), target)
    return cached.parts[cached.parts.index("snapshots") + 1]


def fetch_file(row: dict[str, Any], target: Path) -> None:
    """Copy from a path on this machine or its network drives."""
    path = Path(row["path"]).expanduser() / row.get("member", "")
    if not path.is_file():
        raise CineloraError(f"there is no file {path}.")
    shutil.copyfile(path, target)


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file a second name; across file systems, copy it."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
