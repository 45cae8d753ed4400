"""What went wrong, in the user's words: exceptions and statuses become errors of ours."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from datetime import datetime

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

_PLAIN_TEXTS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "PACKET_LENGTH")
_TLS_PORT_TEXTS = (b"HTTP request to an HTTPS server", b"plain HTTP request was sent to HTTPS port")


def from_exception(error: httpx.HTTPError, registry: str, *, tls: bool) -> RegistryFailure:
    """What a connection that failed means."""
    what = f"cannot reach `{registry}`"
    for cause in _chain(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return TlsFailed(
                what,
                f"its certificate is not trusted: {cause.verify_message}",
                f'name its authority in regsync.toml: [registry."{registry}"] ca_file = "…"',
            )
        if isinstance(cause, ssl.SSLError):
            if any(text in str(cause).upper().replace(" ", "_") for text in _PLAIN_TEXTS):
                return InsecureRegistry(
                    what,
                    "it speaks plain HTTP, and TLS was expected",
                    f'if that is meant, set it in regsync.toml: [registry."{registry}"] '
                    'tls = "off"',
                )
            return TlsFailed(what, f"TLS failed: {cause.reason or cause}")
        if isinstance(cause, socket.gaierror):
            return Unreachable(what, "no such host", "check the name, or the network")
        if isinstance(cause, ConnectionRefusedError):
            return Unreachable(what, "connection refused: nothing listens there")
    if isinstance(error, httpx.ConnectTimeout):
        return Unreachable(what, "connect timed out")
    if isinstance(error, httpx.TimeoutException):
        return Unreachable(what, "it stopped answering")
    if isinstance(error, httpx.RemoteProtocolError) and not tls and "\\x15\\x03" in repr(error):
        return speaks_tls(registry)
    return Unreachable(what, f"the connection broke: {error or type(error).__name__}")


def speaks_tls(registry: str) -> TlsFailed:
    """Plain HTTP was spoken to a TLS port."""
    return TlsFailed(
        f"cannot reach `{registry}`",
        "it speaks TLS, and plain HTTP was expected",
        f'set it in regsync.toml: [registry."{registry}"] tls = "on"',
    )


def is_tls_port(status: int, body: bytes) -> bool:
    """Whether a 400 is a TLS server's answer to plain HTTP (Go's and nginx's words)."""
    return status == 400 and any(text in body for text in _TLS_PORT_TEXTS)


def from_status(
    status: int, body: bytes, *, what: str, scope: str = "", retry_at: datetime | None = None
) -> RegsyncError:
    """What a status other than success means.

    Args:
        status: The HTTP status.
        body: The error body; empty for HEAD.
        what: What could not be done.
        scope: The scope that was asked for, to name in an answer about credentials.
        retry_at: For 429: when it may work again.
    """
    errors = errorcode.parse(body)
    why = _reason(status, errors)
    if status == 401:
        wanted = f"; wanted: `{scope}`" if scope else ""
        return Unauthorized(what, f"{why}{wanted}")
    if status == 403:
        return Unauthorized(what, why)
    if status == 404:
        if not errors and body.lstrip()[:1] == b"<":
            return NotARegistry(what, "it answers with a web page")
        return NotFound(what, why)
    if status == 429:
        when = f"; try again at {retry_at:%Y-%m-%d %H:%M:%S} UTC" if retry_at else ""
        return RateLimited(what, why + when, retry_at=retry_at)
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
