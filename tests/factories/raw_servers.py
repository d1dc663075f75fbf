"""A server on this machine that answers with the very bytes it is told to, head and all."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Answer = bytes | Callable[[socket.socket], None]  # the bytes, or what writes them
HELD_S = 5.0  # at most; the server's end comes first


class RawServer:
    """Answers the requests in turn, the last answer for ever; `asked` are their heads."""

    def __init__(self):
        self.answers: list[Answer] = []
        self.asked: list[str] = []
        self.over = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/a.bin"

    def serve(self) -> None:
        while not self.over.is_set():
            connection, _ = self.listener.accept()
            with connection, suppress(OSError):  # who asked may have gone
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            if not (more := connection.recv(65536)):
                return
            head += more
        self.asked.append(head.decode("latin-1"))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(answer):
            answer(connection)
        else:
            connection.sendall(answer)

    def stop(self) -> None:
        self.over.set()
        with suppress(OSError):
            socket.create_connection(self.listener.getsockname()).close()

    def silence(self, connection: socket.socket) -> None:
        """Say no more, and do not hang up."""
        self.over.wait(HELD_S)


@contextmanager
def open_raw_server() -> Iterator[RawServer]:
    server = RawServer()
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()
        server.listener.close()


def head(status: str = "200 OK", **fields: str | int) -> bytes:
    """The head of an answer; Content_Length=3 becomes a field of that name."""
    lines = [f"HTTP/1.1 {status}", *(f"{k.replace('_', '-')}: {v}" for k, v in fields.items())]
    return ("\r\n".join([*lines, "", ""])).encode("latin-1")
