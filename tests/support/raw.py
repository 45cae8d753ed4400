"""A server that writes bytes as they are: cut, reset, dripped, endless; with TLS or without."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

RESET = b"<reset>"
"""In place of a chunk: the connection is reset and not merely closed."""


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]

    @property
    def offset(self) -> int:
        """Where the `Range` begins; 0 without one."""
        return int(self.headers.get("range", "bytes=0-").removeprefix("bytes=").rstrip("-"))


@dataclass
class RawServer:
    host: str
    seen: list[Asked] = field(default_factory=list)
    broken: list[BaseException] = field(default_factory=list)

    def count(self, part: str) -> int:
        return sum(part in one.path for one in self.seen)


def head(status: str, headers: dict[str, str] | None = None) -> bytes:
    """A status line and headers; the connection is closed afterwards, and that is told."""
    told = {"Connection": "close"} | (headers or {})
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in told.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def whole(status: str, body: bytes = b"", headers: dict[str, str] | None = None) -> list[bytes]:
    """An answer as it should be, after which the connection is closed."""
    return [head(status, {"Content-Length": str(len(body))} | (headers or {})), body]


@contextmanager
def serve_raw(
    answer: Callable[[Asked], Iterable[bytes]],
    *,
    tls: ssl.SSLContext | None = None,
    name: str = "127.0.0.1",
) -> Iterator[RawServer]:
    """Answer one request a connection: what `answer` yields is sent, then the connection closes."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = RawServer(f"{name}:{listener.getsockname()[1]}")
    ending = threading.Event()

    def one(connection: socket.socket) -> None:
        try:
            if tls is None and connection.recv(1, socket.MSG_PEEK) == b"\x16":
                # TLS was spoken to a plain server; waiting for a line could last for ever.
                connection.sendall(head("400 Bad Request"))
                connection.close()
                return
            if tls is not None:
                connection = tls.wrap_socket(
                    connection, server_side=True, do_handshake_on_connect=False
                )
                connection.do_handshake()
            with connection, connection.makefile("rb") as lines:
                asked = _read(lines)
                if asked is None:
                    return
                server.seen.append(asked)
                for chunk in answer(asked):
                    if chunk is RESET:
                        linger = struct.pack("ii", 1, 0)
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                        return
                    connection.sendall(chunk)
        except OSError as error:
            # The client hung up, or refused the certificate: what it does then is the test.
            server.broken.append(error)
            # Closed with bytes unread it would be reset, and the last alert lost on its way.
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
                connection.settimeout(1)
                while connection.recv(65536):
                    pass
            connection.close()

    def accept() -> None:
        while not ending.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield server
    finally:
        ending.set()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _read(lines: Iterable[bytes]) -> Asked | None:
    text = []
    for line in lines:
        if line in (b"\r\n", b"\n"):
            break
        text.append(line.decode("latin-1").strip())
    if not text:
        return None
    method, path, _ = (text[0] + "  ").split(" ", 2)
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in text[1:])
    }
    return Asked(method, path, headers)
