"""The Docker Engine API through the docker SDK: one connection, questions, and clear failures.

The SDK's high-level calls do not know `manifests=1`, and its list of images is one request an
image; so its low-level client carries paths of our own. Everything here blocks.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from regsync.errors import EngineUnreachable, InvalidConfig, StoreFailure, UsageError
from regsync.oci.strictjson import amount
from regsync.stores.endpoint import Endpoint, Tls
from regsync.stores.enginefailures import SSH_HINT, explain, nobody_listens

if TYPE_CHECKING:
    from docker import APIClient

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 60.0
ANSWER_LIMIT = 256 * 1024 * 1024
"""Bytes that one answer may have: far above any list of images, far below the memory there is."""

OLDEST_API = (1, 24)
"""What the SDK can speak; engines since Docker 1.12 know it."""
NEWEST_API = (1, 53)
"""The newest that is understood here. An engine is asked in this or its own, the older of both."""


class Refused(StoreFailure):
    """The engine answered a question with an error.

    Args:
        status: HTTP's.
    """

    def __init__(self, what: str, why: str, status: int) -> None:
        super().__init__(what, why)
        self.status = status


class NobodyListens(EngineUnreachable):
    """No engine runs there, as against one that refuses or keeps silent."""


class EngineClient:
    """One engine, after its version has been agreed on.

    Attributes:
        endpoint: Where it answers.
        version: Its `GET /version`.
        api: The API version that is spoken, e.g. `(1, 51)`.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        """Connect.

        Raises:
            EngineUnreachable: nothing answers, it may not be asked, or it is no engine.
            InvalidConfig: a certificate cannot be read.
            UsageError: the address has no meaning here.
        """
        self.endpoint = endpoint
        self._begun = False
        self._closed = False
        self._asking = 0
        self._lock = threading.Lock()
        self._dialer: Any = None
        self._client = self._open()
        try:
            self.version = self._greet()
            self.api = self._agree()
        except BaseException:
            self.close()
            raise
        self._begun = True

    def get(self, path: str, *names: str, **parameters: object) -> Any:
        """The JSON that the engine answers.

        Args:
            path: With `{0}` for each of `names`, which are quoted.

        Raises:
            Refused: an HTTP error; says which.
            EngineUnreachable: it went away.
            StoreFailure: the answer is no JSON, or endless.
        """
        status, body = self._fetch(self._client._url(path, *names), parameters)
        asked = path.format(*names)
        try:
            value = json.loads(body) if body else None
        except (ValueError, RecursionError):
            value = None
            if status < 400:
                raise StoreFailure(
                    f"the engine at {self.endpoint} gave an answer that cannot be read",
                    f"{asked} is not JSON: {_excerpt(body)}",
                ) from None
        if status >= 300:
            raise Refused(
                f"the engine at {self.endpoint} refused {asked}", _message(value, body), status
            )
        return value

    def close(self) -> None:
        """Give every connection back, at once or when the last question under way has ended.

        Nobody waits here: the thread that asks a silent engine may be stuck for a minute, and a
        connection that is torn from under it would be opened again and never closed.
        """
        with self._lock:
            self._closed = True
            idle = self._asking == 0
        if idle:
            self._client.close()

    def _open(self) -> APIClient:
        """The SDK's client; nothing is sent yet."""
        from docker import errors

        from regsync.stores.sdk import BareClient

        scheme = self.endpoint.scheme
        # Both have adapters of their own: the SDK insists on paramiko for `ssh`.
        own = scheme in ("ssh", "unix")
        address = "tcp://127.0.0.1:1" if own else self.endpoint.address
        try:
            tls = _tls(self.endpoint.tls)
            client = BareClient(address, _dotted(OLDEST_API), READ_TIMEOUT, tls)
        except errors.TLSParameterError as error:
            raise InvalidConfig(
                f"cannot use TLS for {self.endpoint}",
                str(error).partition(" TLS configurations")[0],
                "see DOCKER_CERT_PATH, or the context's certificates",
            ) from error
        except errors.DockerException as error:
            raise UsageError(f"cannot use the engine at {self.endpoint}", str(error)) from error
        if scheme == "ssh":
            from regsync.stores.dial import DialAdapter

            self._dialer = DialAdapter(self.endpoint)
            client.mount("http+docker://", self._dialer)
        elif scheme == "unix":
            from regsync.stores.unixsocket import UnixAdapter

            client.mount("http+docker://", UnixAdapter(self.endpoint.path))
        if own:
            client.base_url = f"http+docker://{'ssh' if scheme == 'ssh' else 'localhost'}"
        # An engine is asked directly, and no password of ~/.netrc is meant for it.
        client.trust_env = False
        return client

    def _greet(self) -> Mapping[str, Any]:
        status, body = self._fetch(self._client._url("/version", versioned_api=False), {})
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            value = None
        if status != 200 or not isinstance(value, dict) or "ApiVersion" not in value:
            why = f"it answered {status}: {_message(value, body)}"
            hint = "name the engine with `--host` or `--context`"
            if b"HTTPS server" in body:
                hint = "set DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH to the folder of certificates"
            raise EngineUnreachable(
                f"what answers at {self.endpoint} is no container engine", why, hint
            )
        return value

    def _agree(self) -> tuple[int, ...]:
        newest = _parse(self.version.get("ApiVersion"))
        oldest = _parse(self.version.get("MinAPIVersion")) or OLDEST_API
        if not newest or newest < OLDEST_API:
            raise EngineUnreachable(
                f"the engine at {self.endpoint} is too old",
                f"it speaks API {self.version.get('ApiVersion')!s:.20}, "
                f"and {_dotted(OLDEST_API)} is needed",
            )
        if oldest > NEWEST_API:
            raise EngineUnreachable(
                f"the engine at {self.endpoint} is too new",
                f"it wants API {_dotted(oldest)} or later, and {_dotted(NEWEST_API)} is the newest "
                "known here",
                "look for a newer version of regsync",
            )
        agreed = min(newest, NEWEST_API)
        self._client._version = _dotted(agreed)
        return agreed

    def _fetch(self, url: str, parameters: Mapping[str, object]) -> tuple[int, bytes]:
        with self._lock:
            if self._closed:
                raise StoreFailure(f"the engine at {self.endpoint} is asked no more")
            self._asking += 1
        try:
            return self._exchange(url, parameters)
        finally:
            with self._lock:
                self._asking -= 1
                last = self._closed and self._asking == 0
            if last:
                self._client.close()

    def _exchange(self, url: str, parameters: Mapping[str, object]) -> tuple[int, bytes]:
        from requests.exceptions import RequestException
        from urllib3.exceptions import HTTPError

        try:
            with self._client.get(
                url,
                params=parameters,
                timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
                allow_redirects=False,
                stream=True,
            ) as response:
                body = response.raw.read(ANSWER_LIMIT + 1, decode_content=True)
                status = int(response.status_code)
        except (RequestException, HTTPError, OSError) as error:
            raise self._unreachable(error) from error
        if len(body) > ANSWER_LIMIT:
            raise StoreFailure(
                f"the engine at {self.endpoint} gave an answer that cannot be read",
                f"it is longer than {amount(ANSWER_LIMIT)}",
            )
        return status, body

    def _unreachable(self, error: Exception) -> EngineUnreachable:
        what = f"no engine answers at {self.endpoint}"
        if self._begun:
            what = f"the engine at {self.endpoint} went away while it was asked"
        if self._dialer is not None and (complaint := self._dialer.complaint()):
            return EngineUnreachable(what, complaint, SSH_HINT)
        why, hint = explain(error, self.endpoint)
        if nobody_listens(error) and not self._begun:
            return NobodyListens(what, why, hint)
        return EngineUnreachable(what, why, hint)


def _tls(tls: Tls | None) -> Any:
    from docker.tls import TLSConfig

    if tls is None:
        return None
    return TLSConfig(client_cert=tls.pair, ca_cert=tls.ca, verify=tls.verify)


def _parse(text: object) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in str(text).split("."))
    except ValueError:
        return ()


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)


def _message(value: object, body: bytes) -> str:
    message = value.get("message") if isinstance(value, dict) else None
    return message[:300] if isinstance(message, str) and message else _excerpt(body)


def _excerpt(body: bytes) -> str:
    return " ".join(body[:120].decode("utf-8", "replace").split()) or "nothing"
