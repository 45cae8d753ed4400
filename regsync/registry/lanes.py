"""Connections to one registry and to wherever it leads, each used by one request at a time.

httpx's pool looks at all of its connections for each request: 100 HEADs over 32 connections took
0.45 s of CPU in one pool, and 0.1 s in lanes. A lane is a pool that never has two requests, so its
cost stays that of one connection; what bounds the requests to a host is the number of lanes.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from regsync.errors import InvalidConfig
from regsync.registry.hosts import Endpoint
from regsync.registry.trust import Trust

# A registry, its token server and its store of blobs: a lane keeps a connection to each.
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=4)


class Lane:
    """One request at a time, to any origin; connections stay open between them."""

    def __init__(self, endpoint: Endpoint, trust: Trust) -> None:
        self._endpoint = endpoint
        self._trust = trust
        # Plain ones, those of the registry's own origin, and those of any other.
        self._clients: dict[tuple[bool, bool], httpx.AsyncClient] = {}

    def client(self, url: str) -> httpx.AsyncClient:
        """The httpx client for an address.

        Raises:
            TlsFailed: see `trust.context`.
            InvalidConfig: a proxy in the environment has no meaning.
        """
        tls = url.startswith("https:")
        key = tls, tls and self._trust.is_own(url)
        if key not in self._clients:
            context = self._trust.context(own=key[1]) if tls else _plain()
            self._clients[key] = _open(self._endpoint, context)
        return self._clients[key]

    async def aclose(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            await client.aclose()


class Lanes:
    """At most `count` requests at once; the lane used last is taken first, it is still warm."""

    def __init__(self, endpoint: Endpoint, trust: Trust, count: int) -> None:
        self._endpoint = endpoint
        self._trust = trust
        self._slots = asyncio.Semaphore(count)
        self._free: list[Lane] = []

    @asynccontextmanager
    async def lane(self) -> AsyncIterator[Lane]:
        """A lane of one's own for a while."""
        async with self._slots:
            lane = self._free.pop() if self._free else Lane(self._endpoint, self._trust)
            try:
                yield lane
            finally:
                self._free.append(lane)

    async def aclose(self) -> None:
        """Close all connections."""
        while self._free:
            await self._free.pop().aclose()


def _open(endpoint: Endpoint, context: ssl.SSLContext) -> httpx.AsyncClient:
    try:
        return httpx.AsyncClient(
            verify=context,
            follow_redirects=False,
            limits=_LIMITS,
            # The environment's proxies, and nothing else of it: netrc is never read. As in Go, this
            # machine is never asked through a proxy, which would show it what goes in the clear.
            trust_env=not endpoint.origin.is_loopback,
        )
    except (ValueError, ImportError, httpx.InvalidURL) as error:
        # The text is not shown: a proxy's address may hold a password.
        raise InvalidConfig(
            f"cannot ask `{endpoint.registry}`",
            "a proxy named by the environment cannot be used",
            "HTTPS_PROXY, HTTP_PROXY and ALL_PROXY should be http://HOST:PORT",
        ) from error


def _plain() -> ssl.SSLContext:
    """What httpx asks for and never uses: these clients are given http:// addresses alone."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
