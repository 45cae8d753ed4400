"""What went wrong, in the user's words: exceptions and statuses become errors of ours."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.request import getproxies, proxy_bypass

import httpx

from regsync.errors import (
    InsecureRegistry,
    NotARegistry,
    NotFound,
    RateLimited,
    RegistryFailure,
    RegsyncError,
    ServerFailed,
    TlsFailed,
    Unauthorized,
    Unreachable,
)
from regsync.oci import errorcode
from regsync.oci.errorcode import RegistryError
from regsync.registry.hosts import Endpoint
from regsync.registry.origin import Origin

PAGE_HINT = "check the host; behind a captive portal or a proxy, log in there first"
# X509_V_ERR_HOSTNAME_MISMATCH and _IP_ADDRESS_MISMATCH; _CERT_NOT_YET_VALID and _HAS_EXPIRED.
_NAME_CODES = frozenset({62, 64})
_DATE_CODES = frozenset({9, 10})
# Docker Hub's words for its pull limit; its abuse limit says "Too Many Requests" and no more.
_PULL_LIMIT = "pull rate limit"
_WAITING = (ssl.SSLWantReadError, ssl.SSLWantWriteError)
_PLAIN_TEXTS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "PACKET_LENGTH")
_TLS_PORT_TEXTS = (b"HTTP request to an HTTPS server", b"plain HTTP request was sent to HTTPS port")


class TooSlow(httpx.TimeoutException):
    """An answer that was coming, and not to its end in the time that it had."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What to say where a registry refuses: as whom it was asked, for what, and what may help.

    Attributes:
        login: Where the login that was shown came from; None where none was.
    """

    why: str
    hint: str | None = None
    limit_hint: str | None = None
    login: str | None = None


def from_exception(error: httpx.HTTPError, endpoint: Endpoint, where: Origin) -> RegistryFailure:
    """What a connection that failed means.

    Args:
        error: What httpx says.
        endpoint: The registry that was asked.
        where: The origin that was connected to: the registry's own, or one it led to.
    """
    registry = endpoint.registry
    own = where == endpoint.origin
    # A configured endpoint, a token server or a store of blobs is named beside the registry.
    named = own and where.host == Origin.of(f"https://{registry}").host
    what = f"cannot reach `{registry}`" + ("" if named else f" at {where}")
    for cause in _chain(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _untrusted(cause, what, registry)
        # What a TLS stream says to itself while it waits is no failure.
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, _WAITING):
            if any(text in str(cause).upper().replace(" ", "_") for text in _PLAIN_TEXTS):
                return _speaks_plain(what, registry, own=own)
            return TlsFailed(what, f"TLS failed: {cause.reason or cause}")
        if isinstance(cause, socket.gaierror):
            return Unreachable(
                what, "no such host", _proxy_hint(where) or "check the name, or the network"
            )
        if isinstance(cause, ConnectionRefusedError):
            return Unreachable(
                what, "connection refused: nothing listens there", _proxy_hint(where)
            )
    if isinstance(error, httpx.ProxyError):
        return Unreachable(what, f"the proxy of the environment refuses: {error}")
    if isinstance(error, httpx.ConnectTimeout):
        return Unreachable(what, "connect timed out", _proxy_hint(where))
    if isinstance(error, TooSlow):
        return Unreachable(what, "the answer came too slowly")
    if isinstance(error, httpx.TimeoutException):
        return Unreachable(what, "it stopped answering")
    plain = where.scheme == "http"
    if plain and isinstance(error, httpx.RemoteProtocolError) and _is_alert(error):
        return speaks_tls(registry)
    # OpenSSL hangs up on plain HTTP without a word.
    hint = f"if it speaks TLS: {_setting(registry, 'on')}" if own and plain else None
    told = f": {error}" if str(error) else ""
    return Unreachable(what, f"the connection broke{told}", hint)


def _is_alert(error: httpx.RemoteProtocolError) -> bool:
    """Whether an answer began with control characters, as a TLS alert does (h11's words)."""
    return "illegal request line" in str(error) or "\\x15\\x03" in repr(error)


def _untrusted(cause: ssl.SSLCertVerificationError, what: str, registry: str) -> TlsFailed:
    why = f"its certificate is not trusted: {cause.verify_message}"
    if cause.verify_code in _NAME_CODES:
        return TlsFailed(what, why, "ask for it by a name that its certificate holds")
    if cause.verify_code in _DATE_CODES:
        return TlsFailed(what, why, "it has to be renewed there, or this machine's clock is wrong")
    return TlsFailed(
        what, why, f'name its authority in regsync.toml: [registry."{registry}"] ca_file = "…"'
    )


def _speaks_plain(what: str, registry: str, *, own: bool) -> InsecureRegistry:
    hint = f"if that is meant, {_setting(registry, 'off')}" if own else None
    return InsecureRegistry(what, "it speaks plain HTTP, and TLS was expected", hint)


def _setting(registry: str, tls: str) -> str:
    return f'set it in regsync.toml: [registry."{registry}"] tls = "{tls}"'


def _proxy_hint(where: Origin) -> str | None:
    """A connection that failed was perhaps one to a proxy; its address may hold a password."""
    if where.is_loopback or proxy_bypass(where.host):
        return None
    named = {where.scheme, "all"} & getproxies().keys()
    if not named:
        return None
    return f"it is asked through the proxy of the environment ({min(named).upper()}_PROXY)"


def speaks_tls(registry: str) -> TlsFailed:
    """Plain HTTP was spoken to a TLS port."""
    return TlsFailed(
        f"cannot reach `{registry}`",
        "it speaks TLS, and plain HTTP was expected",
        _setting(registry, "on"),
    )


def no_registry(what: str, body: bytes) -> NotARegistry:
    """An answer that shows no registry: of a captive portal, or a router whose registry is away."""
    if body.lstrip()[:1] == b"<":
        return NotARegistry(what, "it answers with a web page", PAGE_HINT)
    return NotARegistry(
        what,
        "it answers 404 Not Found, and not as a registry does",
        "check the host; or a proxy answers there, and the registry behind it is away",
    )


def is_tls_port(status: int, body: bytes) -> bool:
    """Whether a 400 is a TLS server's answer to plain HTTP (Go's and nginx's words)."""
    return status == 400 and any(text in body for text in _TLS_PORT_TEXTS)


def from_status(
    status: int,
    body: bytes,
    *,
    what: str,
    refusal: Refusal | None = None,
    absent: str | None = None,
    retry_at: datetime | None = None,
    used_up: bool = False,
) -> RegsyncError:
    """What a status other than success means.

    Args:
        status: The HTTP status.
        body: The error body; empty for HEAD.
        what: What could not be done.
        refusal: What to say of credentials where they are missing or not enough.
        absent: What a 404 means that says nothing itself; that to a HEAD, which most questions are,
            has no body to say more in.
        retry_at: For 429: when it may work again.
        used_up: For 429: whether the answer says that no counted pull is left.
    """
    errors = errorcode.parse(body)
    why = _reason(status, errors)
    if status in (401, 403):
        if refusal is None:
            return Unauthorized(what, why)
        unauthorized = Unauthorized(what, f"{why}: {refusal.why}", refusal.hint)
        unauthorized.login = refusal.login
        return unauthorized
    if status == 404:
        if not errors and body.lstrip()[:1] == b"<":
            return no_registry(what, body)
        return NotFound(what, why if errors or absent is None else absent)
    if status == 429:
        when = f"; try again at {retry_at:%Y-%m-%d %H:%M:%S} UTC" if retry_at else ""
        limited = RateLimited(
            what, why + when, refusal.limit_hint if refusal else None, retry_at=retry_at
        )
        limited.counted = used_up or _PULL_LIMIT in why.lower()
        return limited
    return ServerFailed(what, why)


def _reason(status: int, errors: tuple[RegistryError, ...]) -> str:
    try:
        phrase = httpx.codes(status).name.replace("_", " ").title()
    except ValueError:
        phrase = "unknown status"
    told = "; ".join(str(error) for error in errors[:3])
    return f"{status} {phrase}" + (f": {told}" if told else "")


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
