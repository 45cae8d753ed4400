"""Engines on a unix socket: recorded ones, and ones that say whatever a test wants."""

from __future__ import annotations

import json
import shutil
import socketserver
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

RECORDINGS = Path(__file__).parent.parent / "recordings"
ENGINES = ("d20", "d26c", "d26s", "d28c", "d28s", "p43", "p54", "p58")

Answer = Callable[[str], tuple[int, bytes]]


def states(engine: str) -> list[str]:
    """The names of all recorded states of an engine."""
    names = {file.stem for file in (RECORDINGS / engine).glob("*.json")}
    return sorted(names - {"info", "version"})


def recording(engine: str, name: str) -> dict[str, Any]:
    """A recorded file as it is; a state's `remote` is what the registry held."""
    found: dict[str, Any] = json.loads((RECORDINGS / engine / f"{name}.json").read_bytes())
    return found


@contextmanager
def replay(engine: str, state: str, containers: Sequence[Mapping[str, Any]] = ()) -> Iterator[str]:
    """A recorded engine in a recorded state; gives the socket's URL, `unix:///…`.

    Args:
        containers: What `GET /containers/json` answers; none were recorded. What one has under
            `Config` is told by its inspect alone.
    """
    info, version = recording(engine, "info"), recording(engine, "version")
    recorded = recording(engine, state)

    def answer(target: str) -> tuple[int, bytes]:
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        if path.startswith("/v1."):
            path = "/" + path.partition("/v1.")[2].partition("/")[2]
        if path == "/_ping":
            return 200, b"OK"
        if path.startswith("/images/") and path.endswith("/json") and path != "/images/json":
            name = unquote(path.removeprefix("/images/").removesuffix("/json"))
            kind = "inspect_manifests" if "manifests" in query else "inspect"
            return _inspect(recorded.get(kind, recorded["inspect"]), name)
        known: dict[str, Any] = {
            "/version": version,
            "/info": info,
            "/images/json": recorded["list"],
            "/containers/json": [{**one, "Config": None} for one in containers],
        }
        known |= {f"/containers/{one['Id']}/json": one for one in containers if "Config" in one}
        if path not in known:
            return 404, b'{"message":"page not found"}'
        return 200, json.dumps(known[path]).encode()

    with listen(answer) as url:
        yield url


@contextmanager
def listen(answer: Answer) -> Iterator[str]:
    """An HTTP server on a unix socket that answers GETs; gives the socket's URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, body = answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        daemon_threads = True
        block_on_close = False
        # A unix socket refuses at once (EAGAIN) who comes when five wait; engines let 4096 wait.
        request_queue_size = 128

        def handle_error(self, request: object, client_address: object) -> None:
            pass  # a client that goes away is what some tests are about

    # A socket's path takes 107 characters, and pytest's folders are long.
    folder = tempfile.mkdtemp(prefix="engine-")
    path = f"{folder}/engine.sock"
    server = Server(path, Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"unix://{path}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        shutil.rmtree(folder)


def _inspect(inspected: Mapping[str, Mapping[str, Any]], name: str) -> tuple[int, bytes]:
    for known, found in inspected.items():
        # A recorded refusal has no ID.
        if "Id" in found and name in (known, found["Id"]):
            return 200, json.dumps(found).encode()
    return 404, json.dumps({"message": f"No such image: {name}"}).encode()
