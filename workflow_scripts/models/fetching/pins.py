"""config/models.lock.yaml: what the first fetch of a file without a known sum found."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock

from workflow_scripts.lib.checksums import hash_file, is_sum
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.manifest import replace_when_done
from workflow_scripts.lib.phase import log
from workflow_scripts.lib.strict_yaml import read_yaml

LOCK = Path("config/models.lock.yaml")
PINNED = "the sum of the first fetch"  # among the sums of a model, for a source without one
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
    if not os.path.lexists(LOCK):
        return {}
    pins, problems = read_yaml(LOCK)
    problems = problems or [f"{LOCK}: {name} {said}" for name, said in _check_pins(pins)]
    if problems:
        raise CineloraError(
            f"{LOCK} is damaged ({problems[0]})\n"
            "  It holds the sums of weights that were fetched: take it from a copy, or delete it,\n"
            "  and the weights are pinned as they lie there."
        )
    return pins


def _check_pins(pins: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Names of pins that are none, and what is wrong with them."""
    for name, row in pins.items():
        if not isinstance(row, dict):
            yield name, "must hold source, sha256 and bytes."
        elif not is_sum(row.get("sha256")):
            yield name, "has a sha256 that is not 64 hexadecimal digits."
        elif not isinstance(row.get("bytes", 0), int):
            yield name, "has bytes that are no number."
        elif not all(isinstance(row.get(key, ""), str) for key in ("source", "revision")):
            yield name, "has a source or a revision that is no text."


def read_pinned_sums() -> dict[str, str]:
    """The sha256 of every pinned file, by its name; `folder/member` in a folder."""
    return {name: row["sha256"] for name, row in read_lock().items()}


def resolve_sums(sums: Mapping[str, str | list[str]]) -> dict[str, str | list[str]]:
    """The sha256 of every pinned file, and over them those of a model, by its name.

    Where these say PINNED, the sum of the pin counts beside them.
    """
    pins = read_pinned_sums()
    known = {
        name: said
        if isinstance(said, str)
        else [pins.get(name, s) if s == PINNED else s for s in said]
        for name, said in sums.items()
    }
    return pins | known


def pin(name: str, row: dict[str, Any], path: Path, commit: str | None = None) -> None:
    """Write down what was fetched, unless the row says it all itself, and for certain."""
    floats = commit is not None and row.get("revision") != commit
    if "sha256" in row and not floats and not row.get("one_source"):
        return
    found = {"source": name_source(row), "sha256": hash_file(path), "bytes": path.stat().st_size}
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(LOCK.with_name(f".{LOCK.name}.lock")):
        pins = read_lock() | {name: found | ({"revision": commit} if commit else {})}
        with replace_when_done(LOCK) as partial:
            partial.write_text(HEADER + yaml.safe_dump(pins, sort_keys=True), encoding="utf-8")
    known = "one third party knew its sum, which fits" if "sha256" in row else "no sum was known"
    log.info("%s: %s; pinned sha256 %s in %s", name, known, found["sha256"][:16], LOCK)


def check_file(path: Path, row: dict[str, Any]) -> None:
    """Compare size and sha256 of a file with its row, as far as it has them."""
    doubt = ""
    if row.get("one_source"):
        doubt = (
            "\n  One third party alone published that. If you trust this source more, add the row\n"
            "  without sha256 and bytes to a table of your own (models.table): it is pinned then."
        )
    size = path.stat().st_size
    if size != row.get("bytes", size):
        raise CineloraError(f"what came is {size} bytes long, expected {row['bytes']}.{doubt}")
    if "sha256" in row and (digest := hash_file(path)) != row["sha256"]:
        raise CineloraError(f"what came has sha256 {digest},\n  expected {row['sha256']}.{doubt}")
