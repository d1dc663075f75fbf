"""A web server and a model hub on this machine, for downloads as they go wrong.

It answers as huggingface.co does for files that are not in its new storage (Xet): HEAD of a large
file is a redirect to another host (here another port), with the commit, the size and the sha256 of
the file; a small file comes from the hub itself, with git's name of it as its tag.
"""

import hashlib
import http.server
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

COMMIT = "c" * 40
LARGE = 1000  # bytes from which the hub hands a file over to its storage


class Place(http.server.BaseHTTPRequestHandler):
    """Both hosts; `cuts` are bytes sent before it hangs up, `storage` the other's address."""

    protocol_version = "HTTP/1.1"
    files: dict[str, bytes | memoryview] = {}
    sums: dict[str, str] = {}  # sha256 of those that are too long to be read for every question
    cuts: list[int] = []
    asked: list[tuple[str, str | None]] = []  # path and range of each GET that was served
    keys: list[tuple[str, str]] = []  # path, and the key that came with it
    storage = ""
    xet = False  # whether large files are said to be in Xet, which nobody here serves

    def do_HEAD(self):
        self._answer(body=False)

    def do_GET(self):
        self._answer(body=True)

    def _answer(self, body: bool):
        self.keys.append((self.path, self.headers.get("Authorization", "")))
        stored = self.path.removeprefix("/storage")
        data = self.files.get(stored)
        if data is None:
            self._refuse()
        elif "/resolve/" in self.path and self.path == stored and len(data) >= LARGE:
            self._hand_over(data)
        else:
            self._send(data, body)

    def _refuse(self):
        self.send_response(404)
        if "/resolve/" in self.path:
            self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("X-Error-Message", "Entry not found")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _hand_over(self, data: bytes | memoryview):
        self.send_response(302)
        self.send_header("Location", f"{self.storage}/storage{self.path}")
        self.send_header("X-Repo-Commit", name_commit(self.path))
        if self.xet:
            self.send_header("X-Xet-Hash", "e" * 64)
            self.send_header("X-Xet-Refresh-Route", f"{self.storage}/xet-read-token")
        self.send_header("X-Linked-Size", str(len(data)))
        digest = self.sums.get(self.path) or hashlib.sha256(data).hexdigest()
        self.send_header("X-Linked-Etag", f'"{digest}"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, data: bytes | memoryview, body: bool):
        span = self.headers.get("Range")
        if body:
            self.asked.append((self.path, span))
        start = int(span[6:].split("-")[0]) if span else 0
        if start >= len(data) and span:
            self.send_error(416)
            return
        rest = data[start:]
        self.send_response(206 if span else 200)
        self.send_header("Content-Length", str(len(rest)))
        if self.path.startswith("/simple/"):  # a page of a package index
            self.send_header("Content-Type", "text/html")
        self.send_header("Accept-Ranges", "bytes")
        if "/resolve/" in self.path and not self.path.startswith("/storage"):
            self.send_header("ETag", f'"{name_by_git(data)}"')
            self.send_header("X-Repo-Commit", name_commit(self.path))
        if span:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        if body:
            cut = self.cuts.pop(0) if self.cuts else len(rest)
            self.wfile.write(rest[:cut])
            self.close_connection = cut < len(rest)

    def log_message(self, *words):
        pass


def name_by_git(data: bytes | memoryview) -> str:
    """What git calls a file of this content."""
    name = hashlib.sha1(b"blob %d\0" % len(data), usedforsecurity=False)
    name.update(data)
    return name.hexdigest()


def name_commit(path: str) -> str:
    """The commit that the revision in an address of the hub stands for."""
    asked = re.search(r"/resolve/([0-9a-f]{40})/", path)
    return asked[1] if asked else COMMIT


@contextmanager
def open_place() -> Iterator[str]:
    """Address of the hub; its files, cuts and questions are those of `Place`."""
    Place.files, Place.sums, Place.cuts, Place.asked, Place.keys = {}, {}, [], [], []
    servers = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), Place) for _ in range(2)]
    threads = [threading.Thread(target=server.serve_forever) for server in servers]
    for thread in threads:
        thread.start()
    hub, Place.storage = (f"http://127.0.0.1:{server.server_port}" for server in servers)
    try:
        yield hub
    finally:
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()
