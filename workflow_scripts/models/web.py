"""Answers of web servers, bounded in bytes and in time, and who may send us on to whom."""

import io
import re
import ssl
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from http.client import HTTPConnection, HTTPMessage, HTTPResponse, HTTPSConnection
from socket import socket
from types import SimpleNamespace
from urllib.parse import urlsplit

from workflow_scripts.lib.errors import CineloraError

THIS_MACHINE = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Patience:
    """How long is waited for an answer, its head included, and how much of it is read."""

    window_s: float
    least_bytes: int  # that come within each window, or it is a stall; the whole answer if fewer
    most_bytes: int  # of the whole answer as it is sent


class PatientReader(io.RawIOBase):
    """The bytes of a socket; a timeout of its own would wait anew after each single byte."""

    def __init__(self, sock: socket, patience: Patience):
        self.sock, self.raw = sock, sock.makefile("rb", buffering=0)
        self.patience, self.left = patience, patience.most_bytes
        self.until, self.missing = 0.0, 0
        self._open_window()

    def _open_window(self) -> None:
        self.until = time.monotonic() + self.patience.window_s
        self.missing = self.patience.least_bytes

    def _say_stall(self) -> str:
        return f"nothing, or too little, came for {self.patience.window_s:g} s"

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        wait_s = self.until - time.monotonic()
        if wait_s <= 0:
            raise TimeoutError(self._say_stall())
        self.sock.settimeout(wait_s)
        try:
            count = self.raw.readinto(buffer)
        except TimeoutError as error:
            raise TimeoutError(self._say_stall()) from error
        self.left, self.missing = self.left - count, self.missing - count
        if self.left < 0:
            raise OSError(f"it sends more than {self.patience.most_bytes} bytes")
        if self.missing <= 0:
            self._open_window()
        return count

    def close(self) -> None:
        self.raw.close()
        super().close()


class Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only to an address that `check_address` allows."""

    def redirect_request(self, request, answer, code, words, headers, address):
        answer.close()  # or all of its body would be read, however long
        check_address(address, came_from=request.full_url)
        return super().redirect_request(request, answer, code, words, headers, address)


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer like any other, and no success."""

    def redirect_request(self, *_) -> None:
        return None


def make_opener(
    patience: Patience, redirects: urllib.request.HTTPRedirectHandler
) -> urllib.request.OpenerDirector:
    """An opener of addresses; proxies are those of the environment."""

    class Http(urllib.request.HTTPHandler):
        def http_open(self, request):
            return self.do_open(partial(_connect, HTTPConnection, patience), request)

    class Https(urllib.request.HTTPSHandler):
        def https_open(self, request):
            connect = partial(_connect, HTTPSConnection, patience)
            return self.do_open(connect, request, context=ssl.create_default_context())

    return urllib.request.build_opener(Http, Https, redirects)


def _connect(
    kind: type[HTTPConnection], patience: Patience, host: str, **options
) -> HTTPConnection:
    connection = kind(host, **options | {"timeout": patience.window_s})
    connection.response_class = partial(_answer, patience)
    return connection


def _answer(patience: Patience, sock: socket, *rest, **more) -> HTTPResponse:
    def makefile(mode: str) -> io.BufferedReader:
        return io.BufferedReader(PatientReader(sock, patience))

    return HTTPResponse(SimpleNamespace(makefile=makefile), *rest, **more)


def check_address(address: str, came_from: str = "") -> None:
    """Refuse addresses that are not https; http is for this machine, and stays on it."""
    try:
        parts, origin = urlsplit(address), urlsplit(came_from or address)
        parts.port  # noqa: B018 - says so where it is no number
    except ValueError as error:
        raise CineloraError(f"{plain(address)} is no address ({error}).") from error
    here = [p.scheme == "http" and p.hostname in THIS_MACHINE for p in (parts, origin)]
    if (parts.scheme == "https" or all(here)) and parts.hostname and address.isprintable():
        return
    if came_from:
        raise CineloraError(
            f"{plain(came_from)} sends on to {plain(address)}, which does not begin with https://."
        )
    raise CineloraError(f"the address {plain(address)} does not begin with https://.")


def check_proxy(address: str) -> None:
    """Refuse a proxy that urllib cannot use; it would fail without saying why."""
    parts = urlsplit(address)
    proxy = urllib.request.getproxies().get(parts.scheme, "")
    if proxy.lower().startswith("socks") and not urllib.request.proxy_bypass(parts.netloc):
        raise CineloraError(
            f"{parts.scheme}_proxy names a SOCKS proxy, which is of no use here.\n"
            "  Export the address of an http proxy, or add the host to no_proxy."
        )


def plain(said: object) -> str:
    """What a server or a library said, as one line that no terminal takes for commands."""
    line = next((line for line in str(said).splitlines() if line.strip()), type(said).__name__)
    return "".join(letter if letter.isprintable() else "?" for letter in line)[:200]


def explain_failure(error: Exception) -> str:
    """Why a server could not be read, in words that need no knowledge of this code."""
    cause = getattr(error, "reason", None)
    cause = cause if isinstance(cause, Exception) else error
    words = plain(cause)
    if wants_password(words):
        words += ", the proxy wants a name and a password: http://name:password@host:port"
    return words


def wants_password(words: str) -> bool:
    """Whether a failure is the status 407 of a proxy, and no other number with these digits."""
    return (
        re.search(r"(^|failed: |(error|status|code):? '?)407\b(?! bytes)", words, re.I) is not None
    )


def read_pause(headers: HTTPMessage, now: Callable[[], datetime] = lambda: datetime.now(UTC)):
    """Seconds that Retry-After asks for, given as a number or as a date; 0.0 without one."""
    wanted = (headers.get("Retry-After") or "").strip()
    if wanted.isascii() and wanted.isdigit():
        return float(wanted[:12])
    try:
        until = parsedate_to_datetime(wanted)
    except (ValueError, TypeError, OverflowError):
        return 0.0
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - now()).total_seconds())
