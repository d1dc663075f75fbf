"""The Hugging Face hub, by its own client.

HF_HOME, HF_TOKEN, HF_ENDPOINT, HF_HUB_OFFLINE and proxies are respected, and broken downloads
resumed, by that client.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from workflow_scripts.lib.checksums import hash_file
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.links import link_or_copy
from workflow_scripts.lib.phase import log
from workflow_scripts.models.fetching.sizes import most_bytes
from workflow_scripts.models.web import plain, wants_password

PASSWORD = "The proxy wants a name and a password: https_proxy=http://name:password@host:port."
HINTS = {  # what an error and its causes say -> what to do
    "socks": "Name an http proxy, or install the package that it names for SOCKS ones.",
    "xet": "Export HF_HUB_DISABLE_XET=1, and run again.",
}


def fetch_hf(row: dict[str, Any], target: Path) -> str:
    """Download from the hub; returns the commit that the revision stood for."""
    from huggingface_hub import constants, hf_hub_download

    avoid_xet(constants)
    try:
        cached = Path(
            hf_hub_download(
                row["repo"], row["member"], revision=row["revision"], tqdm_class=bound_bar(row)
            )
        )
    except Exception as error:  # noqa: BLE001 - the client's, its transport's, Xet's: no common base
        raise CineloraError(explain_hub(error, row)) from error
    check_blob(cached, row)
    link_or_copy(cached.resolve(), target)
    return cached.parts[-1 - len(PurePosixPath(row["member"]).parts)]


def avoid_xet(constants: Any) -> None:
    """Have files come by https from a mirror: the new storage of the hub is not behind it."""
    host = urlsplit(constants.ENDPOINT).hostname or ""
    if not host.endswith("huggingface.co") and not constants.HF_HUB_DISABLE_XET:
        log.info("HF_ENDPOINT is a mirror: files are taken without Xet, which mirrors do not have")
        constants.HF_HUB_DISABLE_XET = True


def bound_bar(row: dict[str, Any]) -> type:
    """A progress bar that ends a download which is longer than its row, or the hub itself, said."""
    from huggingface_hub.utils import tqdm

    class BoundBar(tqdm):
        def __init__(self, *args: Any, total: int | None = None, **options: Any):
            super().__init__(*args, total=total, **options)
            limits = [limit for limit in (most_bytes(row), total) if limit is not None]
            self.most, self.came = min(limits, default=None), 0
            self._check(total or 0)

        def update(self, count: int = 1) -> None:
            super().update(count)
            self.came += count
            self._check(self.came)

        def _check(self, count: int) -> None:
            if self.most is not None and count > self.most:
                raise OSError(f"it has more than the {self.most} bytes that were expected")

    return BoundBar


def check_blob(cached: Path, row: dict[str, Any]) -> None:
    """Refuse a large file that is not what the hub calls it: by its sha256, in its own cache."""
    blob = cached.resolve()
    named = re.fullmatch(r"[0-9a-f]{64}", blob.name)
    if named and "sha256" not in row and hash_file(blob) != blob.name:
        raise CineloraError(f"{blob} is damaged: its sha256 is not its name. Delete it.")


def explain_hub(error: Exception, row: dict[str, Any]) -> str:
    """What the client said, what lies behind it, and what helps."""
    said = list(dict.fromkeys(plain(cause) for cause in list_causes(error)))
    offline = " (HF_HUB_OFFLINE is set)" if os.environ.get("HF_HUB_OFFLINE") else ""
    lines = [f"{row['repo']}/{row['member']} could not be had{offline}: {'; '.join(said[:3])}"]
    words = " ".join([*said, *(type(cause).__name__ for cause in list_causes(error))]).lower()
    lines += [PASSWORD] if any(map(wants_password, said)) else []
    lines += [hint for word, hint in HINTS.items() if word in words]
    if any(isinstance(cause, OSError) and cause.filename for cause in list_causes(error)):
        lines.append(
            f"HF_HOME, where the hub keeps files, is {os.environ.get('HF_HOME', 'unset')}."
        )
    return "\n  ".join(lines)


def list_causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and those that led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
