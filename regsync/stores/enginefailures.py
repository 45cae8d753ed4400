"""Why an engine cannot be reached, in words, and what to do about it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

from regsync.stores.endpoint import Endpoint

SSH_HINT = "`ssh HOST docker version` has to work without any question: use a key and an agent"

_ABSENT = (FileNotFoundError, ConnectionRefusedError)
_START = "start the engine, or name another one with `--host` or `--context`"


def explain(error: BaseException, endpoint: Endpoint) -> tuple[str, str]:
    """The reason and a hint for a failure of `requests`, of urllib3 or of a socket."""
    from requests.exceptions import RequestException, Timeout
    from urllib3.exceptions import TimeoutError as PoolTimeout

    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            reason = getattr(cause, "verify_message", "") or cause.reason or str(cause)
            hint = "see DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, or the context's certificates"
            return f"TLS failed: {reason}", hint
        if isinstance(cause, socket.gaierror):
            return "no such host", "check the address"
        if isinstance(cause, PermissionError):
            return "this user may not use the socket", _permission_hint(endpoint)
        if isinstance(cause, FileNotFoundError):
            return "there is no such socket", _START
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused: nothing listens there", _START
    # Only now: urllib3 counts every failed connection as a time-out too.
    if any(isinstance(cause, (Timeout, PoolTimeout, TimeoutError)) for cause in causes):
        return "it did not answer in time", "see whether the engine is busy or stuck"
    for cause in causes:
        if isinstance(cause, OSError) and not isinstance(cause, RequestException):
            return (cause.strerror or str(cause)).lower(), _START
    return "it closed the connection, or does not speak HTTP", _START


def nobody_listens(error: BaseException) -> bool:
    """Whether no engine runs there, as against one that refuses or keeps silent."""
    return any(isinstance(cause, _ABSENT) for cause in _causes(error))


def _permission_hint(endpoint: Endpoint) -> str:
    if "podman" in endpoint.path:
        return "start your own with `systemctl --user start podman.socket`, or use sudo"
    return (
        "join the socket's group (`sudo usermod -aG docker $USER`, then log in again), or use sudo"
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and everything inside it: requests and urllib3 wrap in arguments and in causes."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        found = waiting.pop(0)
        if not isinstance(found, BaseException) or id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        waiting += [*found.args, getattr(found, "reason", None), found.__cause__, found.__context__]
