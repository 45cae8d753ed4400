"""A server that says exactly what a test wants on the wire, right or wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Reply = tuple[int, dict[str, str], bytes]


@dataclass
class Seen:
    method: str
    path: str
    authorization: str | None


@dataclass
class Wire:
    """The server's address, what it was asked, and how it answers."""

    answer: Callable[[Seen], Reply]
    host: str = ""
    seen: list[Seen] = field(default_factory=list)

    def count(self, method: str, part: str) -> int:
        return sum(one.method == method and part in one.path for one in self.seen)


@contextmanager
def serve(answer: Callable[[Seen], Reply]) -> Iterator[Wire]:
    wire = Wire(answer)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def reply(self) -> None:
            seen = Seen(self.command, self.path, self.headers.get("Authorization"))
            wire.seen.append(seen)
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, headers, body = wire.answer(seen)
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_POST = reply

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        # With five that may wait, the others of thirty at once come again only a second later.
        request_queue_size = 128

        def handle_error(self, request: object, client_address: object) -> None:
            pass  # a client that hangs up is what some tests are about

    server = Server(("127.0.0.1", 0), Handler)
    wire.host = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield wire
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class FakeClock:
    """A clock that moves only when somebody sleeps."""

    elapsed: float = 0.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        return self.elapsed

    async def sleep(self, seconds: float) -> None:
        self.elapsed += seconds
