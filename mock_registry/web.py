"""The sockets: aiohttp requests become calls, replies go out right or, by a fault, wrong."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import ClientError, web
from aiohttp.http_exceptions import HttpProcessingError

from mock_registry import app
from mock_registry.core import Core
from mock_registry.errors import Disconnected, RegistryError
from mock_registry.exchange import Call, Reply, error_reply, url_of
from mock_registry.faults import Fault
from mock_registry.recording import Record

_Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_HOST = re.compile(r"[A-Za-z0-9._-]+(:[0-9]+)?|\[[0-9A-Fa-f:.]+\](:[0-9]+)?")
# Turns of the event loop from a client that is accepted to a connection that the server knows, and
# can close: the task for it begins, makes a transport, and that tells of itself.
_ACCEPTING = 3
# Seconds that answers under way are given at the end.
_GRACE = 0.1
# Bodies up to this size leave in one segment with their headers.
_SMALL = 64 * 1024

_log = logging.getLogger("mock_registry")
# aiohttp tells in tracebacks of every client that breaks HTTP, which is what tests do all day.
_quiet = logging.getLogger("mock_registry.aiohttp")
_quiet.addHandler(logging.NullHandler())
_quiet.propagate = False


@asynccontextmanager
async def listen(
    core: Core, host: str, port: int, tls: ssl.SSLContext | None
) -> AsyncIterator[tuple[str, int]]:
    """Serve `core` in the running event loop, and yield the address it listens on.

    Raises:
        OSError: the address cannot be listened on.
    """

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        return await _serve(core, request)

    server = _Server(
        handler,
        access_log=None,
        logger=_quiet,
        # A blob is stored as it was sent, whatever Content-Encoding says about it.
        auto_decompress=False,
        lingering_time=2.0,
    )
    loop = asyncio.get_running_loop()
    listeners = [await loop.create_server(server, host, port, ssl=tls)]
    try:
        if core.quirks.needs_second_port:
            listeners.append(await loop.create_server(server, host, 0, ssl=tls))
            core.second_url = url_of(
                *listeners[1].sockets[0].getsockname()[:2], tls=tls is not None
            )
        yield listeners[0].sockets[0].getsockname()[:2]
    finally:
        core.second_url = None
        await server.end(listeners)


class _Server(web.Server):
    """Knows each connection until it is lost: aiohttp forgets those that it only asks to close."""

    def __init__(self, handler: _Handler, **options: Any) -> None:
        super().__init__(handler, **options)
        self._open: dict[web.RequestHandler, asyncio.Transport] = {}
        self._ended = False

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        self._open[handler] = transport
        if self._ended:  # its TLS handshake was under way at the end
            transport.abort()

    def connection_lost(
        self, handler: web.RequestHandler, exc: BaseException | None = None
    ) -> None:
        self._open.pop(handler, None)
        super().connection_lost(handler, exc)

    async def end(self, listeners: Sequence[asyncio.Server]) -> None:
        """Take nobody any more, and close every connection, whether or not its client reads."""
        loop = asyncio.get_running_loop()
        for listener in listeners:
            for each in listener.sockets:
                loop.remove_reader(each)
        # Only then: a client that is accepted, and no connection yet when its listener closes, is
        # forgotten with its socket open (https://github.com/python/cpython/issues/109564).
        for _ in range(_ACCEPTING):
            await asyncio.sleep(0)
        for listener in listeners:
            listener.close()
        self.pre_shutdown()
        await self.shutdown(_GRACE)
        self._ended = True
        for transport in list(self._open.values()):
            transport.abort()
        while self._open:
            await asyncio.sleep(0)


async def _serve(core: Core, request: web.BaseRequest) -> web.StreamResponse:
    record = _record(request)
    core.log.records.append(record)
    methods = app.classify(core, record)
    fault = core.faults.take(record.method, record.path)
    wait = core.latency + (0.0 if fault is None else fault.delay)
    if wait:
        await asyncio.sleep(wait)
    try:
        if fault is not None and fault.unanswered:
            return await _break(request, fault)
        reply = None if fault is None else fault.reply()
        if reply is None:
            reply = await _handle(core, request, record, methods)
        if fault is not None:
            if fault.lose:
                return await _break(request, fault)
            reply = fault.spoil(reply)
        return await _send(core, request, record, reply, fault)
    except (Disconnected, ConnectionError):
        return await _break(request, Fault())


async def _handle(
    core: Core, request: web.BaseRequest, record: Record, methods: str | None
) -> Reply:
    base_url = _base_url(request)
    elsewhere = core.second_url if core.quirks.realm_elsewhere else None
    call = Call(
        method=record.method,
        path=record.path,
        query=record.query,
        headers=request.headers,
        remote=request.remote or "",
        raw_path=request.path_qs,
        base_url=base_url,
        realm=(elsewhere or base_url) + core.quirks.realm,
        body=lambda: _body(request, record),
    )
    try:
        return await app.answer(core, call, record, methods)
    except Disconnected:
        raise
    except Exception:
        _log.exception("%s %s", record.method, record.path)
        return error_reply(RegistryError("UNKNOWN"))


def _record(request: web.BaseRequest) -> Record:
    headers = {}
    for name, value in request.headers.items():
        key = name.lower()
        headers[key] = value.partition(" ")[0] if key == "authorization" else value
    query = parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True)
    return Record(request.method, request.rel_url.path, query, headers)


def _base_url(request: web.BaseRequest) -> str:
    host = request.headers.get("Host", "")
    if not _HOST.fullmatch(host):
        transport = request.transport
        host, port = transport.get_extra_info("sockname")[:2] if transport else ("", 0)
        host = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return f"{request.scheme}://{host}"


async def _body(request: web.BaseRequest, record: Record) -> AsyncIterator[bytes]:
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    try:
        async for chunk in request.content.iter_any():
            record.bytes_in += len(chunk)
            yield chunk
    except (ClientError, HttpProcessingError, OSError, EOFError) as error:
        raise Disconnected from error


async def _send(
    core: Core, request: web.BaseRequest, record: Record, reply: Reply, fault: Fault | None
) -> web.StreamResponse:
    values = {"Docker-Distribution-API-Version": "registry/2.0", **reply.headers}
    headers = [(name, each) for name in values for each in values[name].split("\n")]
    record.status = reply.status
    record.response_headers = {name.lower(): value for name, value in values.items()}
    broken = fault is not None and (
        fault.cut is not None or fault.stall is not None or fault.drip > 0
    )
    small = isinstance(reply.body, bytes) and len(reply.body) <= _SMALL
    if small and not broken:
        assert isinstance(reply.body, bytes)  # noqa: S101 - for the type checker
        response: web.StreamResponse = web.Response(
            status=reply.status, headers=headers, body=reply.body
        )
        _warn(core, response)
        if request.method != "HEAD":
            record.bytes_out = len(reply.body)
        return response
    length = len(reply.body) if isinstance(reply.body, bytes) else reply.length
    response = web.StreamResponse(status=reply.status, headers=headers)
    _warn(core, response)
    if length is not None:
        response.content_length = length
    else:
        response.enable_chunked_encoding()
    await response.prepare(request)
    if request.method != "HEAD":
        whole = await _send_body(request, response, record, _chunks(reply), fault)
        if not whole:
            return await _break(request, fault or Fault(), response)
    await response.write_eof()
    return response


def _warn(core: Core, response: web.StreamResponse) -> None:
    for text in core.quirks.warnings:
        quoted = text.replace("\\", "\\\\").replace('"', '\\"')
        response.headers.add("Warning", f'299 - "{quoted}"')


def _chunks(reply: Reply) -> Iterator[bytes]:
    return iter([reply.body]) if isinstance(reply.body, bytes) else reply.body()


async def _send_body(
    request: web.BaseRequest,
    response: web.StreamResponse,
    record: Record,
    chunks: Iterator[bytes],
    fault: Fault | None,
) -> bool:
    """Send a body as far as the fault allows. Returns whether that was to its end."""
    limits = () if fault is None else (fault.cut, fault.stall)
    left = min((each for each in limits if each is not None), default=None)
    for chunk in chunks:
        piece = chunk if left is None else chunk[:left]
        if fault is not None and fault.drip > 0:
            for at in range(len(piece)):
                await response.write(piece[at : at + 1])
                record.bytes_out += 1
                await asyncio.sleep(fault.drip)
        elif piece:
            await response.write(piece)
            record.bytes_out += len(piece)
        if left is None:
            continue
        left -= len(piece)
        if left == 0:
            if fault is not None and fault.cut is None:
                await _until_gone(request)
            return False
    return True


async def _until_gone(request: web.BaseRequest) -> None:
    while request.transport is not None and not request.transport.is_closing():
        await asyncio.sleep(0.02)


async def _break(
    request: web.BaseRequest, fault: Fault, response: web.StreamResponse | None = None
) -> web.StreamResponse:
    """End the connection without finishing an answer."""
    transport = request.transport
    if transport is not None:
        if fault.raw is not None:
            transport.write(fault.raw)
            transport.close()
        elif fault.reset:
            sock = transport.get_extra_info("socket")
            if sock is not None:
                # Linger on with a time of 0 is how a socket is told to send RST.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        else:
            transport.close()
    with suppress(ConnectionError):
        await _until_gone(request)
    # Nothing is written any more; the connection being closed, aiohttp drops it.
    return response or web.Response(status=500)
