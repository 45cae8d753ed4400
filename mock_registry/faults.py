"""Misbehaviour on demand: rules that spoil the answers to chosen requests."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from mock_registry.errors import CODES, document
from mock_registry.exchange import Reply

HTML = b"<!DOCTYPE html><html><body><h1>Welcome to the hotel network</h1></body></html>\n"
_FILL = b"x" * 65536


@dataclass
class Fault:
    """What to do to the answers of matching requests.

    With `close`, `reset`, `raw`, `status` or `html` nothing happens on the server; otherwise the
    request is really handled and its answer is then changed or, with `lose`, thrown away.

    Attributes:
        path: Regular expression searched in the decoded path.
        method: Regular expression for the whole method.
        times: How many requests are spoiled before the rule is spent; None for all.
        skip: How many matching requests are left alone first.
        delay: Seconds before the answer.
        close: Close the connection without any answer.
        reset: Reset the connection (RST) without any answer.
        lose: Handle the request, then close the connection without an answer.
        raw: Send exactly these bytes, whatever they are, and close the connection.
        status: Answer with this status and, without `body`, with `code` as a JSON error.
        code: The error code for `status`; UNKNOWN when None.
        headers: Set in the answer; a value of None removes the header, and without
            `Content-Length` a body goes out in chunks.
        body: Sent in place of the body; a str is encoded, other than bytes becomes JSON.
        html: Answer 200 (or `status`) with a web page, as captive portals do.
        drop_digest: Remove Docker-Content-Digest.
        wrong_digest: Send a Docker-Content-Digest that fits nothing.
        corrupt: Flip the first byte of the body, whose length and headers stay right.
        size: Replace the body by this many bytes; -1 never ends (chunked).
        cut: Close the connection after this many bytes of the body.
        stall: Send this many bytes of the body, then nothing until the client goes away.
        drip: Seconds between single bytes of the body.
        used: How many requests were spoiled so far.
    """

    path: str = ""
    method: str = ".*"
    times: int | None = 1
    skip: int = 0
    delay: float = 0.0
    close: bool = False
    reset: bool = False
    lose: bool = False
    raw: bytes | None = None
    status: int | None = None
    code: str | None = None
    headers: Mapping[str, str | None] = field(default_factory=dict)
    body: object = None
    html: bool = False
    drop_digest: bool = False
    wrong_digest: bool = False
    corrupt: bool = False
    size: int | None = None
    cut: int | None = None
    stall: int | None = None
    drip: float = 0.0
    used: int = 0

    def matches(self, method: str, path: str) -> bool:
        """Whether this rule is about such a request."""
        return (
            re.fullmatch(self.method, method) is not None and re.search(self.path, path) is not None
        )

    @property
    def unanswered(self) -> bool:
        """Whether the request is neither handled nor answered in HTTP."""
        return self.close or self.reset or self.raw is not None

    def reply(self) -> Reply | None:
        """The answer in place of the real one, or None when the request is to be handled."""
        if self.html:
            return Reply(self.status or 200, {"Content-Type": "text/html; charset=utf-8"}, HTML)
        if self.status is None:
            return None
        code = self.code or "UNKNOWN"
        message = None if code in CODES else "injected"
        body = b"" if self.status in (204, 304) else document(code, message)
        return Reply(self.status, {"Content-Type": "application/json"}, body)

    def spoil(self, reply: Reply) -> Reply:
        """The answer as it will be sent."""
        headers = dict(reply.headers)
        body, length = reply.body, reply.length
        if self.body is not None:
            body, length = _bytes(self.body), None
        if self.size is not None:
            body, length = _filler(self.size)
        if self.corrupt:
            body = _corrupted(body)
        if self.drop_digest:
            _set(headers, "Docker-Content-Digest", None)
        if self.wrong_digest:
            _set(headers, "Docker-Content-Digest", "sha256:" + "0" * 64)
        for name, value in self.headers.items():
            _set(headers, name, value)
            if name.lower() == "content-length" and value is None:
                body, length = _streamed(body), None
        return Reply(reply.status, headers, body, length)


class Faults:
    """The rules of a registry, tried in the order they were added."""

    def __init__(self) -> None:
        self.rules: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        """Add a rule and return it, so that `used` can be read later."""
        self.rules.append(fault)
        return fault

    def clear(self) -> None:
        """Behave well again."""
        self.rules.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The first rule for a request that is not spent, counted as used.

        A rule that still skips counts the request down and leaves it to the next rule.
        """
        for rule in list(self.rules):
            if not rule.matches(method, path) or (
                rule.times is not None and rule.used >= rule.times
            ):
                continue
            if rule.skip > 0:
                rule.skip -= 1
                continue
            rule.used += 1
            return rule
        return None


def _set(headers: dict[str, str], name: str, value: str | None) -> None:
    for each in [each for each in headers if each.lower() == name.lower()]:
        del headers[each]
    if value is not None:
        headers[name] = value


def _bytes(body: object) -> bytes:
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode()
    return json.dumps(body).encode()


def _streamed(body: bytes | Callable[[], Iterator[bytes]]) -> Callable[[], Iterator[bytes]]:
    return (lambda: iter([body])) if isinstance(body, bytes) else body


def _filler(size: int) -> tuple[Callable[[], Iterator[bytes]], int | None]:
    def endless() -> Iterator[bytes]:
        while True:
            yield _FILL

    def sized() -> Iterator[bytes]:
        for at in range(0, size, len(_FILL)):
            yield _FILL[: size - at]

    return (endless, None) if size < 0 else (sized, size)


def _corrupted(
    body: bytes | Callable[[], Iterator[bytes]],
) -> bytes | Callable[[], Iterator[bytes]]:
    if isinstance(body, bytes):
        return _flipped(body)

    def read() -> Iterator[bytes]:
        chunks = body()
        yield _flipped(next(chunks, b""))
        yield from chunks

    return read


def _flipped(data: bytes) -> bytes:
    return bytes([data[0] ^ 0xFF]) + data[1:] if data else data
