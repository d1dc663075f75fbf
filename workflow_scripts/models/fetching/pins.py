"""config/models.lock.yaml: what the first fetch of a file without a known sum found."""

from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock

from workflow_scripts.lib.checksums import hash_file
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.manifest import replace_when_done
from workflow_scripts.lib.phase import log

LOCK = Path("config/models.lock.yaml")
HEADER = "# Written by fetch_model: sums of files whose row in the table has none. Keep it.\n"


def name_source(row: dict[str, Any]) -> str:
    """Where a file comes from, in one line; a pin holds for this source only."""
    place = row.get("package") or row.get("url") or row.get("repo") or row.get("path", "")
    return " ".join(str(part) for part in (place, row.get("revision"), row.get("member")) if part)


def add_pins(row: dict[str, Any], name: str) -> dict[str, Any]:
    """The row with what the lock knows of it: sha256, bytes and the commit of its revision."""
    pin = read_lock().get(name, {})
    if pin.get("source") != name_source(row):
        return row
    known = {key: value for key, value in pin.items() if key in ("sha256", "bytes", "revision")}
    return {**known, **row, **({"revision": pin["revision"]} if "revision" in pin else {})}


def read_lock() -> dict[str, dict[str, Any]]:
    """Pins by name of the file; {} when nothing was pinned."""
    if not LOCK.is_file():
        return {}
    try:
        pins = yaml.safe_load(LOCK.read_text(encoding="utf-8")) or {}
        if all(isinstance(row["sha256"], str) for row in pins.values()):
            return pins
        problem = "a sha256 that is no text"
    except (ValueError, yaml.YAMLError, AttributeError, TypeError, KeyError) as error:
        problem = str(error).splitlines()[0]
    raise CineloraError(
        f"{LOCK} is damaged ({problem}).\n"
        "  It holds the sums of weights that were fetched: take it from a copy, or delete it, and\n"
        "  the weights are pinned as they lie there."
    )


def read_pinned_sums() -> dict[str, str]:
    """The sha256 of every pinned file, by its name; `folder/member` in a folder."""
    return {name: row["sha256"] for name, row in read_lock().items()}


def pin(name: str, row: dict[str, Any], path: Path, commit: str | None = None) -> None:
    """Write down what was fetched, unless the row says it all itself."""
    floats = commit is not None and row.get("revision") != commit
    if "sha256" in row and not floats:
        return
    found = {"source": name_source(row), "sha256": hash_file(path), "bytes": path.stat().st_size}
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(LOCK.with_name(f".{LOCK.name}.lock")):
        pins = read_lock() | {name: found | ({"revision": commit} if commit else {})}
        with replace_when_done(LOCK) as partial:
            partial.write_text(HEADER + yaml.safe_dump(pins, sort_keys=True), encoding="utf-8")
    log.info("%s: no sum was known; pinned sha256 %s in %s", name, found["sha256"][:16], LOCK)


def check_file(path: Path, row: dict[str, Any]) -> None:
    """Compare size and sha256 of a file with its row, as far as it has them."""
    size = path.stat().st_size
    if size != row.get("bytes", size):
        raise CineloraError(f"what came is {size} bytes long, expected {row['bytes']}.")
    digest = hash_file(path)
    if digest != row.get("sha256", digest):
        raise CineloraError(f"what came has sha256 {digest},\n  expected {row['sha256']}.")
