"""The full tier as other machines serve it, from this one: its files at their published sizes.

Homes, alternatives, archives, members, folders, revisions, licenses, and which sums are known are
those of resources/models.yaml. Not theirs are the bodies, which are zeros behind a name, and so the
sums. A body is a file with a hole in place of the zeros: it takes no room, until it was fetched.
"""

import hashlib
import mmap
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from tests.factories.hub_on_loopback import Place
from workflow_scripts.models.fetching.listing import choose_rows
from workflow_scripts.models.registry import list_sources, read_registry

LEAST = 2000  # bytes of a weight file, whatever its share: the hub's storage holds no smaller ones
SMALL = b"{}"  # of a config, a tokenizer: their sizes are not published, and small
WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n"
Row = dict[str, Any]


class FullTier:
    """Serves files of the tier, all or those of `names`, at their sizes divided by `share`."""

    def __init__(self, folder: Path, hub: str, share: int, names: Collection[str] = ()):
        self.folder, self.hub, self.share = folder, hub, share
        self.sizes: dict[str, int] = {}  # of what must lie in resources/models afterwards, by name
        self.unsummed: set[str] = set()  # of these the table has no sum, or one source's alone
        folder.mkdir()
        ours = read_registry()
        wanted = names or choose_rows(ours, [], "full")
        files = {name: row for name, row in ours["files"].items() if name in wanted}
        folders = {name: row for name, row in ours["folders"].items() if name in wanted}
        table = {
            "files": self._serve_packages(files)
            | {n: self._serve_file(n, row) for n, row in files.items() if row["source"] == "https"},
            "folders": {name: self._serve_folder(name, row) for name, row in folders.items()},
        }
        self.table = folder / "own.yaml"
        self.table.write_text(yaml.safe_dump(table), encoding="utf-8")

    def _scale(self, size: float) -> int:
        return max(LEAST, int(size) // self.share)

    def _make_body(self, name: str, size: int) -> Path:
        path = self.folder / hashlib.sha256(name.encode()).hexdigest()
        with path.open("wb") as file:
            file.write(name.encode()[:size])
            file.truncate(size)
        return path

    def _serve(self, address: str, file: Path) -> str:
        """Serve a file at an address of this machine; return its sha256."""
        with file.open("rb") as opened:
            data = memoryview(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ))
        Place.files[address] = data
        Place.sums[address] = hashlib.sha256(data).hexdigest()
        return Place.sums[address]

    def _serve_file(self, name: str, row: Row) -> Row:
        """The row of a file that is downloaded by its address, and those of its other homes."""
        first, *others = [self._serve_home(name, source) for source in list_sources(row)]
        self.sizes[name] = first["bytes"]
        if "one_source" in row:
            self.unsummed.add(name)
        same = ("source", "url", "bytes", "sha256")
        return first | (
            {"alternatives": [{k: o[k] for k in same} for o in others]} if others else {}
        )

    def _serve_home(self, name: str, row: Row) -> Row:
        url = urlsplit(row["url"])
        size = self._scale(row.get("bytes") or row["approx_mb"] * 1e6)
        body = self._make_body(row["url"], size)
        digest, address = hash_body(body), f"/{url.netloc}{url.path}"
        if "member" in row:
            archive = body.with_suffix(".zip")
            with zipfile.ZipFile(archive, "w") as opened:
                opened.write(body, "20230831/end2end.onnx")
            body = archive
        self._serve(address, body)
        kept = {key: value for key, value in row.items() if key != "approx_mb"}
        return kept | {"url": self.hub + address, "bytes": size, "sha256": digest}

    def _serve_folder(self, name: str, row: Row) -> Row:
        """The row of a folder of the hub; members without a published size share the folder's."""
        known = row.get("sums", {})
        heavy = [m for m in row["members"] if m.endswith(".safetensors") and m not in known]
        sums = {}
        for member in row["members"]:
            size = (
                known[member]["bytes"]
                if member in known
                else row["approx_mb"] * 1e6 / len(heavy or "1")
            )
            address = f"/{row['repo']}/resolve/{row['revision']}/{member}"
            if member not in (*known, *heavy):
                Place.files[address], size = SMALL, len(SMALL)
            else:
                size = self._scale(size)
                digest = self._serve(address, self._make_body(address, size))
                if member in known:
                    sums[member] = {"bytes": size, "sha256": digest}
            self.sizes[f"{name}/{member}"] = size
            if member not in known:
                self.unsummed.add(f"{name}/{member}")
        return row | {"sums": sums} if known else row

    def _serve_packages(self, files: dict[str, Row]) -> dict[str, Row]:
        """Rows of files out of wheels, and the index of packages that pip finds these in."""
        rows = {name: row for name, row in files.items() if row["source"] == "pypi"}
        made: dict[str, Row] = {}
        for package in {row["package"] for row in rows.values()}:
            members = {name: row for name, row in rows.items() if row["package"] == package}
            wheel = self._make_wheel(package, members)
            digest = self._serve(f"/wheels/{wheel.name}", wheel)
            link = f'<a href="/wheels/{wheel.name}#sha256={digest}">{wheel.name}</a>'
            Place.files[f"/simple/{package.split('==')[0]}/"] = f"<html>{link}</html>".encode()
            for name, row in members.items():
                body = self.folder / hashlib.sha256(row["member"].encode()).hexdigest()
                self.sizes[name] = body.stat().st_size
                own = {"archive_sha256": digest, "bytes": self.sizes[name]}
                made[name] = row | own | {"sha256": hash_body(body)}
        return made

    def _make_wheel(self, package: str, members: dict[str, Row]) -> Path:
        """The archive of a package, with its members and what pip wants to read of any wheel."""
        name, number = package.replace("-", "_").split("==")
        platforms = {row.get("platform") for row in members.values()} - {None}
        tag = f"cp311-cp311-{platforms.pop()}" if platforms else "py3-none-any"
        wheel, info = self.folder / f"{name}-{number}-{tag}.whl", f"{name}-{number}.dist-info"
        with zipfile.ZipFile(wheel, "w") as opened:
            for row in members.values():
                opened.write(
                    self._make_body(row["member"], self._scale(row["bytes"])), row["member"]
                )
            said = f"Metadata-Version: 2.1\nName: {name}\nVersion: {number}\n"
            opened.writestr(f"{info}/METADATA", said)
            opened.writestr(f"{info}/WHEEL", WHEEL.format(tag=tag))
            opened.writestr(f"{info}/RECORD", "")
        return wheel

    def withdraw(self, name: str) -> str:
        """Take a file from its first home; returns the address, where nothing is from now on."""
        row = yaml.safe_load(self.table.read_text(encoding="utf-8"))["files"][name]
        Place.files.pop(row["url"].removeprefix(self.hub))
        return row["url"]


def hash_body(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
