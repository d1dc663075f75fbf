"""Tensors on disk under what they were made from: found again by any training, whatever its path.

A file is named after the sha256 of everything that decides on its content, and holds a sha256 of
its tensors: one that is damaged, cut short or foreign is found out and made again. Files appear
whole or not at all, so that several jobs may share a folder. Beyond `max_gb` the files that have
waited longest for a use go; what a job that still runs may be using never does.
"""

import fcntl
import hashlib
import json
import math
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open

from workflow_scripts.adapter.adapter_file import pack
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.manifest import replace_when_done
from workflow_scripts.lib.own_files import open_own
from workflow_scripts.lib.phase import log

SUFFIX, USERS, LOCK = ".safetensors", ".users", ".lock"
POLL_S = 0.02  # between two tries to be alone


class Kept(NamedTuple):
    """Tensors with what is known of them: in memory, or in a file from which they are read."""

    facts: dict[str, Any]
    tensors: dict[str, torch.Tensor]  # {}: in the file
    path: Path | None = None

    def read(self) -> dict[str, torch.Tensor]:
        """The tensors; those of a file are mapped, so that memory holds what is looked at."""
        if self.path is None:
            return self.tensors
        try:
            with safe_open(self.path, "pt") as file:
                return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no dict
        except (OSError, SafetensorError) as error:
            raise CineloraError(
                f"{self.path} cannot be read any more: {error}.\n"
                "  Something emptied adapter.cache_dir while a training was reading there.\n"
                "  Run snakemake again: the training goes on from its last checkpoint."
            ) from error


class ContentStore:
    """A folder of such files; without a folder everything stays in memory."""

    def __init__(self, folder: str | Path | None = None, max_gb: float = 0):
        self.folder = Path(folder) if folder and max_gb else None
        self.max_bytes = max_gb * 1e9

    @contextmanager
    def in_use(self) -> Iterator["ContentStore"]:
        """Within, nothing that is found or kept goes; at the end what is too much does."""
        if self.folder is None:
            yield self
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._alone():
            mark, file = self._enter()
        try:
            yield self
        finally:
            mark.unlink(missing_ok=True)
            os.close(file)
            self.evict()

    def find(self, kind: str, key: str) -> Kept | None:
        """What was kept under a key; None where there is nothing, or nothing whole."""
        path = self._place(kind, key)
        if path is None or not path.is_file():
            return None
        try:
            with self._undisturbed():
                os.utime(path)  # it is used now
            facts = check_file(path, f"{kind} {key}")
        except FileNotFoundError:
            return None
        except CineloraError as error:
            log.warning("%s is made again: %s", path, error)
            return None
        return Kept(facts, {}, path)

    def keep(
        self, kind: str, key: str, tensors: Mapping[str, torch.Tensor], facts: Mapping[str, Any]
    ) -> Kept:
        """Keep tensors, and facts that JSON can hold; the same key always means the same."""
        path, plain = self._place(kind, key), {k: t.contiguous() for k, t in tensors.items()}
        if path is None:
            return Kept(dict(facts), plain)
        data = pack_file(plain, facts, f"{kind} {key}")
        with self._undisturbed(), replace_when_done(path) as partial:
            partial.write_bytes(data)
        return Kept(dict(facts), {}, path)

    def evict(self) -> None:
        """Delete what has waited longest, until the rest is no more than `max_bytes`."""
        with self._alone():
            oldest_user = min(self._list_users(), default=math.inf)
            files = [path for path in self.folder.rglob("*") if _may_go(path, self.folder)]
            stated = sorted((s.st_mtime_ns, s.st_size, p) for p, s in _stat_all(files))
            total, gone = sum(size for _, size, _ in stated), 0
            for used, size, path in stated:
                is_left_over = path.suffix != SUFFIX  # by a run that was killed
                if used < oldest_user and (is_left_over or total > self.max_bytes):
                    path.unlink(missing_ok=True)
                    total, gone = total - size, gone + 1
        if gone:
            log.info("%s: %d files gone that waited longest for a use", self.folder, gone)
        if total > self.max_bytes:
            log.warning(
                "%s holds %.1f GB, more than adapter.cache_gb: all of it is in use",
                *(self.folder, total / 1e9),
            )

    def _place(self, kind: str, key: str) -> Path | None:
        return self.folder and self.folder / kind / key[:2] / f"{key}{SUFFIX}"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One at a time, of all jobs that use the folder."""
        while (file := open_own(self.folder / LOCK)) is None:
            time.sleep(POLL_S)
        try:
            yield
        finally:
            os.close(file)

    @contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """Beside others, but never while somebody tidies up: what goes was not just touched."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / LOCK).open("ab") as file:
            with suppress(OSError):  # a drive without locks
                fcntl.flock(file, fcntl.LOCK_SH)
            yield

    def _enter(self) -> tuple[Path, int]:
        """A mark that a job uses the folder from now on: locked as long as its process lives."""
        (self.folder / USERS).mkdir(exist_ok=True)
        for number in range(10**6):
            mark = self.folder / USERS / f"{os.getpid()}-{number}"
            if (file := open_own(mark)) is not None:
                os.utime(mark)
                return mark, file
        raise CineloraError(f"{self.folder / USERS} is full. Delete this folder.")

    def _list_users(self) -> Iterator[int]:
        """When each job began that uses the folder and still runs, in ns."""
        for mark in (self.folder / USERS).glob("*"):
            with mark.open("rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:  # held: it runs; or no locks here: better keep too much
                    yield mark.stat().st_mtime_ns
                else:
                    mark.unlink(missing_ok=True)


def _may_go(path: Path, folder: Path) -> bool:
    """Files of ours, whole or begun; not the marks of those at work."""
    is_ours = path.suffix in (SUFFIX, ".partial") and len(path.relative_to(folder).parts) == 3
    return is_ours and path.is_file()


def _stat_all(files: list[Path]) -> Iterator[tuple[Path, os.stat_result]]:
    for path in files:
        try:
            yield path, path.stat()
        except FileNotFoundError:  # renamed by its writer
            continue


def pack_file(tensors: Mapping[str, torch.Tensor], facts: Mapping[str, Any], name: str) -> bytes:
    """A safetensors file whose header has its key, its facts, and a sha256 of everything."""
    said = {"name": name, "facts": json.dumps(facts, sort_keys=True)}
    return pack(dict(tensors), said | {"sha256": _sum_up(pack(dict(tensors), said))})


def check_file(path: Path, name: str) -> dict[str, Any]:
    """The facts of a file; CineloraError where it is not what was written under this name."""
    data = path.read_bytes()
    try:
        said = _read_header(data)["__metadata__"]
        wanted = said["sha256"]
        is_whole = _sum_up(data) == wanted
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CineloraError("it is damaged, or was not written by this workflow") from error
    if not is_whole:
        raise CineloraError("it is damaged: its sha256 is not the one in its header")
    if said["name"] != name:
        raise CineloraError(f"it holds {said['name']}")
    return json.loads(said["facts"])


def _read_header(data: bytes) -> dict[str, Any]:
    return json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])


def _sum_up(data: bytes) -> str:
    """Sha256 of the header, but for the sum in it, and of all tensors."""
    header = _read_header(data)
    header["__metadata__"].pop("sha256", None)
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    digest.update(memoryview(data)[8 + int.from_bytes(data[:8], "little") :])
    return digest.hexdigest()
