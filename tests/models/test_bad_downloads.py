"""Downloads from servers that lie, stall, break off or send us on: bounded, plain, nothing half."""

import hashlib
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.factories.raw_servers import RawServer, head
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models import fetch_model
from workflow_scripts.models.fetching import downloads, pins, sizes

DATA = bytes(range(256)) * 28
SIZE = len(DATA)
SUM = hashlib.sha256(DATA).hexdigest()
HALF = 3000


@pytest.fixture(autouse=True)
def quick(tmp_path, monkeypatch, no_proxies):
    """Pins of this test alone; a server that is silent for a moment has stalled."""
    monkeypatch.setattr(pins, "LOCK", tmp_path / "config" / "models.lock.yaml")
    monkeypatch.setattr(downloads, "STALL_S", 0.2)


def fetch(server: RawServer, folder: Path, **more) -> None:
    row = {"source": "https", "url": server.url, "license": "MIT", "bytes": SIZE, "sha256": SUM}
    fetch_model.fetch({**row, **more}, folder / "m" / "a.bin")


def left(folder: Path) -> dict[str, int]:
    """Names and sizes of what lies there, the locks of those who take turns aside."""
    found = (folder / "m").rglob("*")
    return {p.name: p.stat().st_size for p in found if p.is_file() and p.parent.name != ".locks"}


def reset(connection: socket.socket) -> None:
    """Send half, and reset the connection."""
    connection.sendall(head(Content_Length=SIZE) + DATA[:HALF])
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


CHUNK = b"1c00\r\n" + DATA + b"\r\n"
OK = b"HTTP/1.1 200 OK\r\n"


def without_end(first: bytes, again: bytes) -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        connection.sendall(first)
        for _ in range(1 << 20):
            connection.sendall(again)

    return answer


CASES = {  # name: (answer, what is said, bytes that are kept for the next try)
    "longer than its row": (head(Content_Length=SIZE + 1), f"is {SIZE + 1} bytes long", 0),
    "shorter than its row": (head(Content_Length=SIZE - 1), f"is {SIZE - 1} bytes long", 0),
    "a length that no disk holds": (head(Content_Length=1 << 60), f"is {1 << 60} bytes long", 0),
    "more than it says, no length": (head() + DATA + b"x", f"more than the {SIZE} bytes", 0),
    "chunks without end": (
        without_end(head(Transfer_Encoding="chunked"), CHUNK),
        f"more than the {SIZE} bytes",
        0,
    ),
    "trailers without end": (
        without_end(
            head(Transfer_Encoding="chunked") + CHUNK + b"0\r\n", b"X: " + b"y" * 60000 + b"\r\n"
        ),
        f"broke off at 0 of {SIZE} bytes: it sends more than",
        0,
    ),
    "a web page": (head(Content_Type="text/html", Content_Length=SIZE) + DATA, "a web page", 0),
    "gzip": (head(Content_Encoding="gzip", Content_Length=SIZE) + DATA, "in the coding gzip", 0),
    "nothing at all": (head("204 No Content"), "answered 204 No Content", 0),
    "a part unasked for": (
        head("206 Partial", Content_Length=SIZE, Content_Range=f"bytes 0-{SIZE - 1}/{SIZE}") + DATA,
        "another part than the one from byte 0",
        0,
    ),
    "asked too often": (
        head("429 Too Many Requests", Retry_After=30, Content_Length=0),
        "answered 429 Too Many Requests, and wants to be asked again in 30 s",
        0,
    ),
    "busy, with an odd date": (
        head("503 Busy \x1b[31m", Retry_After="²soon²", Content_Length=0),
        r"answered 503 Busy \?\[31m\.",
        0,
    ),
    "hangs up midway": (
        head(Content_Length=SIZE) + DATA[:HALF],
        f"broke off at {HALF} of {SIZE} bytes",
        HALF,
    ),
    "resets midway": (reset, f"broke off at 0 of {SIZE} bytes: .*reset", 0),
    "no head": (b"\x00\xff\r\n\r\n" + DATA, "could not be reached", 0),
    "a head without end": (without_end(OK, b"X: " + b"x" * 60000 + b"\r\n"), "reached", 0),
    "a redirect to a file": (
        head("302 Found", Location="file:///etc/passwd", Content_Length=0),
        "answered 302",
        0,
    ),
    "a redirect to http": (
        head("302 Found", Location="http://example.org/a", Content_Length=0),
        "sends on to http://example.org/a, which does not begin with https",
        0,
    ),
    "a redirect to no address": (
        head("302 Found", Location="https://[::1", Content_Length=0),
        "is no address|could not be reached",
        0,
    ),
    "a redirect to itself": (head("302 Found", Location="/a.bin", Content_Length=0), "302", 0),
}


@pytest.mark.parametrize("case", CASES)
def test_a_bad_answer_is_said_plainly(tmp_path, server, case):
    answer, words, kept = CASES[case]
    server.answers = [answer]
    with pytest.raises(CineloraError, match=words) as error:
        fetch(server, tmp_path)
    assert "copy the file to" in str(error.value)
    assert sum(left(tmp_path).values()) == kept
    assert not (tmp_path / "m" / "a.bin").exists()


def trickle(server: RawServer, connection: socket.socket, first: bytes) -> None:
    """Send a byte at a time, each in time for a timeout that begins anew with every byte."""
    connection.sendall(first)
    for _ in range(100):
        connection.sendall(b"x")
        if server.over.wait(0.05):
            return


@pytest.mark.parametrize(
    "first",
    [b"", b"HTTP/1.1 200 OK\r\nX-Pad: ", head(Content_Length=SIZE)],
    ids=["at once", "in its head", "in its body"],
)
@pytest.mark.parametrize("how", ["silent", "a byte at a time"])
def test_a_server_that_stops_sending_is_left(tmp_path, server, first, how):
    def answer(connection: socket.socket) -> None:
        if how == "silent":
            connection.sendall(first)
            server.silence(connection)
        else:
            trickle(server, connection, first)

    server.answers = [answer]
    started = time.monotonic()
    with pytest.raises(CineloraError, match=r"nothing, or too little, came for 0\.2 s|timed out"):
        fetch(server, tmp_path)
    assert time.monotonic() - started < 2


def test_a_download_goes_on_where_it_stopped(tmp_path, server):
    span = f"bytes {HALF}-{SIZE - 1}/{SIZE}"
    rest = head("206 Partial", Content_Length=SIZE - HALF, Content_Range=span) + DATA[HALF:]
    server.answers = [head(Content_Length=SIZE) + DATA[:HALF], rest]
    with pytest.raises(CineloraError, match=f"broke off at {HALF} of {SIZE} bytes"):
        fetch(server, tmp_path)
    fetch(server, tmp_path)
    assert ["Range: " in asked for asked in server.asked] == [False, True]
    assert f"Range: bytes={HALF}-" in server.asked[1]
    assert left(tmp_path) == {"a.bin": SIZE}


@pytest.mark.parametrize(
    "second",
    [
        head("206 Partial", Content_Length=SIZE - HALF, Content_Range=f"bytes 9-{SIZE}/{SIZE}"),
        head("206 Partial", Content_Length=SIZE - HALF),
        head("416 Range Not Satisfiable", Content_Length=0),
    ],
    ids=["another part", "a part of who knows what", "no such part"],
)
def test_a_part_that_does_not_fit_is_dropped_and_asked_for_anew(tmp_path, server, second):
    whole = head(Content_Length=SIZE) + DATA
    server.answers = [whole[: -SIZE + HALF], second + DATA[HALF:], whole]
    for words in ("broke off", "another part|answered 416"):
        with pytest.raises(CineloraError, match=words):
            fetch(server, tmp_path)
    fetch(server, tmp_path)
    assert "Range: " not in server.asked[2]
    assert left(tmp_path) == {"a.bin": SIZE}


def test_a_server_that_cannot_resume_sends_everything_again(tmp_path, server):
    whole = head(Content_Length=SIZE) + DATA
    server.answers = [whole[: -SIZE + HALF], whole]
    with pytest.raises(CineloraError, match="broke off"):
        fetch(server, tmp_path)
    fetch(server, tmp_path)
    assert left(tmp_path) == {"a.bin": SIZE}


def test_two_halves_of_a_file_that_nobody_knows_are_not_joined(tmp_path, server):
    other = bytes(SIZE)
    row = {"source": "https", "url": server.url, "license": "MIT"}
    server.answers = [
        head(Content_Length=SIZE) + DATA[:HALF],
        head(Content_Length=SIZE) + other,
    ]
    with pytest.raises(CineloraError, match="broke off"):
        fetch_model.fetch(row, tmp_path / "m" / "a.bin")
    fetch_model.fetch(row, tmp_path / "m" / "a.bin")
    assert (tmp_path / "m" / "a.bin").read_bytes() == other
    assert "Range: " not in server.asked[1]


def test_a_leftover_that_is_too_long_is_not_built_upon(tmp_path, server):
    server.answers = [head(Content_Length=SIZE) + DATA]
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / f".{SUM[:16]}.part").write_bytes(bytes(SIZE + 1))
    fetch(server, tmp_path)
    assert left(tmp_path) == {"a.bin": SIZE}


def test_a_link_at_the_place_of_the_part_is_not_followed(tmp_path, server):
    server.answers = [head(Content_Length=SIZE) + DATA]
    (tmp_path / "m").mkdir()
    (tmp_path / "precious").write_bytes(b"precious")
    (tmp_path / "m" / f".{SUM[:16]}.part").symlink_to(tmp_path / "precious")
    fetch(server, tmp_path)
    assert (tmp_path / "precious").read_bytes() == b"precious"
    assert not (tmp_path / "m" / "a.bin").is_symlink()


def test_about_so_many_megabytes_are_a_limit_too(tmp_path, server):
    server.answers = [head(Content_Length=10**9)]
    row = {"source": "https", "url": server.url, "license": "MIT", "approx_mb": 2}
    with pytest.raises(CineloraError, match="is 1000000000 bytes long, expected at most 4048576"):
        fetch_model.fetch(row, tmp_path / "m" / "a.bin")


def test_a_disk_that_is_too_small_is_said_before_the_download(tmp_path, server, monkeypatch):
    server.answers = [head(Content_Length=1 << 60)]
    row = {"source": "https", "url": server.url, "license": "MIT"}
    with pytest.raises(CineloraError, match=r"1152921504607 MB are to come; the disk has \d+ MB"):
        fetch_model.fetch(row, tmp_path / "m" / "a.bin")
    assert sizes.most_bytes(row) is None
