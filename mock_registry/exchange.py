"""One request and its answer, without the web framework."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mock_registry.errors import RegistryError


@dataclass
class Call:
    """A request as the handlers see it.

    Attributes:
        path: The decoded path. Nothing in it is trusted before it met its grammar.
        query: Decoded pairs in their order.
        raw_path: Path and query as they came.
        headers: Any mapping that ignores case.
        remote: The client's address.
        base_url: Scheme and authority under which the client reached this server.
        realm: Where tokens are fetched.
        body: Yields the body; raises `Disconnected` when the client goes away.
    """

    method: str
    path: str
    query: Sequence[tuple[str, str]]
    raw_path: str
    headers: Mapping[str, str]
    remote: str
    base_url: str
    realm: str
    body: Callable[[], AsyncIterator[bytes]]

    def param(self, name: str) -> str | None:
        """The first value of a query parameter, or None."""
        return next((value for key, value in self.query if key == name), None)

    def params(self, name: str) -> list[str]:
        """All values of a query parameter."""
        return [value for key, value in self.query if key == name]

    async def read(self, limit: int, code: str) -> bytes:
        """The whole body.

        Raises:
            RegistryError: 413 with `code` when it is longer than `limit` bytes.
        """
        data = bytearray()
        async for chunk in self.body():
            data += chunk
            if len(data) > limit:
                raise RegistryError(code, f"the body is larger than {limit} bytes", status=413)
        return bytes(data)


@dataclass
class Reply:
    """An answer before it is sent.

    Attributes:
        headers: A line break in a value begins one more header of that name.
        body: Bytes, or a function that opens the content and yields `length` bytes.
        length: Content-Length of a streamed body; None sends it in chunks.
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | Callable[[], Iterator[bytes]] = b""
    length: int | None = None


def url_of(host: str, port: int, *, tls: bool) -> str:
    """An address as a URL without a path."""
    name = f"[{host}]" if ":" in host else host
    return f"{'https' if tls else 'http'}://{name}:{port}"


def json_reply(document: object, content_type: str = "application/json") -> Reply:
    """A 200 answer with a JSON body."""
    body = json.dumps(document).encode() + b"\n"
    return Reply(200, {"Content-Type": content_type}, body)


def error_reply(error: RegistryError) -> Reply:
    """The answer that tells a client about `error`."""
    return Reply(error.status, {"Content-Type": "application/json", **error.headers}, error.body)
