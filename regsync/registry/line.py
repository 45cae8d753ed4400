"""The line to a registry below HTTP: which proxy, which addresses, TCP, TLS; each by itself.

Requests need none of this, since httpx does it all in one; it is for telling where a line breaks.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from regsync.errors import Unreachable
from regsync.registry import failures
from regsync.registry.hosts import Endpoint
from regsync.registry.origin import Origin
from regsync.registry.trust import context

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that the environment names; a password in its address is not kept.

    Attributes:
        variable: Which variable names it.
        scheme: `http`, `https` or `socks5`; empty where the address cannot be read.
        host: Empty where the address cannot be read.
        port: The scheme's own where none is named.
        unused: Why it is not used for this address; empty where it is.
    """

    variable: str
    scheme: str = ""
    host: str = ""
    port: int = 0
    unused: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}" if host else "an address that cannot be read"


def proxies() -> tuple[Proxy, ...]:
    """The proxies that the environment names, by scheme."""
    named: Mapping[str, str] = getproxies()
    return tuple(
        _proxy(scheme, named[scheme]) for scheme in ("https", "http", "all") if named.get(scheme)
    )


def proxy_of(origin: Origin) -> Proxy | None:
    """The proxy that requests to an origin would go through, or why it is left out.

    As httpx reads the environment, and as `lanes` hands it over: this machine is never asked
    through a proxy.
    """
    named: Mapping[str, str] = getproxies()
    scheme = next((name for name in (origin.scheme, "all") if named.get(name)), None)
    if scheme is None:
        return None
    unused = ""
    if origin.is_loopback:
        unused = "this machine is never asked through a proxy"
    elif proxy_bypass(origin.host):
        unused = "NO_PROXY names this host"
    return _proxy(scheme, named[scheme], unused)


def _proxy(scheme: str, address: str, unused: str = "") -> Proxy:
    variable = f"{scheme.upper()}_PROXY"
    try:
        # As httpx: an address without a scheme is that of an HTTP proxy.
        parts = urlsplit(address if "://" in address else f"http://{address}")
        port = parts.port or _PORTS.get(parts.scheme, 1080)
    except ValueError:
        return Proxy(variable, unused=unused)
    return Proxy(variable, parts.scheme, parts.hostname or "", port, unused)


@dataclass(frozen=True, slots=True)
class Session:
    """A TLS session that stood.

    Attributes:
        version: As OpenSSL names it, e.g. `TLSv1.3`.
        until: When the server's certificate expires; None where it was not checked.
    """

    version: str
    until: datetime | None


class Line:
    """The way to one registry, as far as its proxy where there is one.

    Args:
        endpoint: How it is reached.
        proxy: The proxy on the way, or None.
        seconds: How long a name, a connection and a handshake may take, each.
    """

    def __init__(self, endpoint: Endpoint, proxy: Proxy | None, seconds: float) -> None:
        self._endpoint = endpoint
        self._origin = endpoint.origin
        self._seconds = seconds
        self._own = proxy is None
        near = self._origin if proxy is None else proxy
        self.host, self.port = near.host, near.port

    async def addresses(self) -> tuple[str, ...]:
        """The addresses of the name, in the system's order.

        Raises:
            Unreachable: it has none, or nobody answers in time.
        """
        loop = asyncio.get_running_loop()
        async with self._named("the name server does not answer"):
            found = await loop.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))

    async def connect(self) -> str:
        """The address that takes a connection.

        Raises:
            Unreachable: none does.
        """
        async with self._named("connect timed out"):
            _, writer = await asyncio.open_connection(self.host, self.port)
        # None where the other side has hung up meanwhile.
        peer = writer.get_extra_info("peername")
        writer.close()
        return str(peer[0]) if peer else self.host

    async def secure(self) -> Session:
        """Shake hands over TLS.

        Raises:
            TlsFailed: no trust, or no TLS that both speak.
            InsecureRegistry: plain HTTP is spoken there.
            Unreachable: the connection breaks, or nothing comes in time.
        """
        trust = context(self._endpoint)
        async with self._named("the TLS handshake does not come to an end"):
            _, writer = await asyncio.open_connection(
                self.host, self.port, ssl=trust, server_hostname=self.host
            )
        tls: ssl.SSLObject = writer.get_extra_info("ssl_object")
        session = Session(tls.version() or "TLS", _expiry(tls))
        # Not waited for: a server that keeps its end open is none of our business any more.
        transport = writer.transport
        transport.abort()
        return session

    @asynccontextmanager
    async def _named(self, late: str) -> AsyncIterator[None]:
        what = f"cannot reach `{self._endpoint.registry}`"
        try:
            async with asyncio.timeout(self._seconds):
                yield
        except (TimeoutError, ConnectionAbortedError) as error:
            raise Unreachable(what, f"{late} ({self._seconds:g} s)") from error
        except (OSError, UnicodeError) as error:
            if not self._own:
                why = _strerror(error)
                raise Unreachable(what, f"its proxy cannot be reached: {why}") from error
            told = httpx.ConnectError(_strerror(error))
            told.__cause__ = error
            raise failures.from_exception(told, self._endpoint, self._origin) from error


def _strerror(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()


def _expiry(tls: ssl.SSLObject) -> datetime | None:
    with contextlib.suppress(KeyError, ValueError, TypeError):
        certificate = tls.getpeercert() or {}
        return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    return None
