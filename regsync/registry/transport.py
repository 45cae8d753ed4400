"""One request, whole: redirects by the origin policy, bounded bodies, retries, the host's gate.

httpx follows no redirect here (a PUT answered by 302 would turn into a GET), decodes no body (gzip
inflates without bound) and reads no netrc.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx

from regsync import __version__
from regsync.clock import Clock
from regsync.errors import RateLimited, ServerFailed, TlsFailed, Unreachable
from regsync.registry import failures
from regsync.registry.hosts import Endpoint
from regsync.registry.origin import Origin, RefusedAddress, redirect
from regsync.registry.ratelimit import RateLimit
from regsync.registry.ratelimit import parse as parse_limit
from regsync.registry.retry import ATTEMPTS, RETRIED_STATUSES, WAIT_BUDGET, backoff, retry_after

USER_AGENT = f"regsync-containers/{__version__}"
HOPS = 5
KINDS = ("head", "get", "token", "ping", "counted_pulls")
"""What is counted: requests by kind, and manifests served, as Docker Hub counts pulls."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TIMEOUT = httpx.Timeout(30.0, connect=5.0)
# A body of a few megabytes at one byte now and then defeats every read time-out.
_BODY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: never a redirect, the body whole and within its limit."""

    status: int
    headers: httpx.Headers
    body: bytes
    url: str
    retry_at: datetime | None = None


@dataclass(slots=True)
class Tally:
    """Requests really sent, by kind (see `KINDS`): what `requests` in the JSON says."""

    sent: Counter[str] = field(default_factory=Counter)


class Transport:
    """Sends requests to one registry and to wherever it leads."""

    def __init__(self, endpoint: Endpoint, http: httpx.AsyncClient, clock: Clock) -> None:
        self.endpoint = endpoint
        self.tally = Tally()
        self.rate_limit: RateLimit | None = None
        self._http = http
        self._clock = clock
        self._slots = asyncio.Semaphore(endpoint.jobs)
        # A 429 for GET leaves HEAD free: Docker Hub counts the one and not the other.
        self._gates: dict[str, float] = {}

    async def send(
        self,
        method: str,
        url: str,
        *,
        limit: int,
        headers: Mapping[str, str] | None = None,
        authorization: str | None = None,
        kind: str | None = None,
    ) -> Answer:
        """Send one request, repeat it where that may help, and return the last answer.

        Args:
            method: GET or HEAD: what may be repeated without harm.
            url: Absolute, on the registry's origin or judged by the origin policy.
            limit: Bytes of the body that are accepted.
            headers: Further headers, without `Authorization`.
            authorization: Goes to the origin of `url` and not beyond it.
            kind: One of `KINDS`, or `manifest` for a GET that a registry may count as a pull; the
                method if None.

        Raises:
            RegistryFailure: no answer, or one that cannot be used.
            RateLimited: the host asked earlier to be left alone for longer than we wait.
        """
        waited = 0.0
        for attempt in range(1, ATTEMPTS + 1):
            waited += await self._pass_gate(method, WAIT_BUDGET - waited)
            try:
                async with self._slots:
                    answer = await self._follow(
                        method, url, limit, headers or {}, authorization, kind or method.lower()
                    )
            except httpx.HTTPError as error:
                failure = failures.from_exception(
                    error, self.endpoint.registry, tls=url.startswith("https:")
                )
                if attempt == ATTEMPTS or not _may_pass(error, failure):
                    raise failure from error
                delay = backoff(attempt, random.random())  # noqa: S311 - jitter, not a secret
            else:
                if answer.status not in RETRIED_STATUSES:
                    return answer
                asked = _asked_delay(answer, self._clock.now())
                delay = (
                    backoff(attempt, random.random())  # noqa: S311 - jitter, not a secret
                    if asked is None
                    else asked
                )
                if answer.status == 429:
                    self._close_gate(method, delay)
                if attempt == ATTEMPTS or waited + delay > WAIT_BUDGET:
                    return self._final(answer, asked)
            await self._clock.sleep(delay)
            waited += delay
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _follow(
        self,
        method: str,
        url: str,
        limit: int,
        headers: Mapping[str, str],
        authorization: str | None,
        kind: str,
    ) -> Answer:
        registry, what = self.endpoint.origin, f"cannot read `{self.endpoint.registry}`"
        for _ in range(HOPS + 1):
            sent = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **headers}
            if authorization:
                sent["Authorization"] = authorization
            self.tally.sent["get" if kind == "manifest" else kind] += 1
            request = self._http.build_request(method, url, headers=sent)
            response = await self._http.send(request, stream=True)
            self._note(response, kind)
            try:
                if response.status_code not in _REDIRECTS:
                    body = await self._read(response, limit, what)
                    return Answer(response.status_code, response.headers, body, url)
            finally:
                await response.aclose()
            try:
                target = redirect(registry, url, response.headers.get("Location", ""))
            except RefusedAddress as error:
                raise ServerFailed(what, f"a redirect was refused: {error}") from error
            url = target.url
            authorization = authorization if target.credentials else None
        raise ServerFailed(what, f"more than {HOPS} redirects")

    def _note(self, response: httpx.Response, kind: str) -> None:
        if kind == "manifest" and response.status_code == 200:
            self.tally.sent["counted_pulls"] += 1
        # Limits told elsewhere, e.g. by a store of blobs, are not the registry's.
        if Origin.of(str(response.request.url)) == self.endpoint.origin:
            told = parse_limit(response.headers, self.endpoint.registry)
            self.rate_limit = told or self.rate_limit

    async def _read(self, response: httpx.Response, limit: int, what: str) -> bytes:
        encoding = response.headers.get("Content-Encoding", "identity").lower()
        if encoding != "identity" and response.request.method != "HEAD":
            raise ServerFailed(what, f"it compresses ({encoding[:40]}) what it must send as it is")
        body = bytearray()
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) > limit:
                        raise ServerFailed(what, f"the answer is larger than {limit} bytes")
        except TimeoutError as error:
            raise Unreachable(what, "the answer came too slowly") from error
        data = bytes(body)
        if failures.is_tls_port(response.status_code, data):
            raise failures.speaks_tls(self.endpoint.registry)
        return data

    async def _pass_gate(self, method: str, budget: float) -> float:
        closed = max(self._gates.get("HEAD", 0.0), self._gates.get(method, 0.0))
        delay = closed - self._clock.monotonic()
        if delay <= 0:
            return 0.0
        if delay > budget:
            retry_at = self._clock.now() + timedelta(seconds=delay)
            raise RateLimited(
                f"cannot read `{self.endpoint.registry}`",
                f"it asked to be left alone; try again at {retry_at:%Y-%m-%d %H:%M:%S} UTC",
                retry_at=retry_at,
            )
        await self._clock.sleep(delay)
        return delay

    def _close_gate(self, method: str, delay: float) -> None:
        until = self._clock.monotonic() + delay
        self._gates[method] = max(self._gates.get(method, 0.0), until)

    def _final(self, answer: Answer, asked: float | None) -> Answer:
        retry_at = None if asked is None else self._clock.now() + timedelta(seconds=asked)
        return Answer(answer.status, answer.headers, answer.body, answer.url, retry_at)


def open_http(endpoint: Endpoint) -> httpx.AsyncClient:
    """An httpx client for one registry: its trust, its proxies, nothing implicit besides.

    Raises:
        TlsFailed: a configured authority cannot be read.
    """
    return httpx.AsyncClient(
        verify=_trust(endpoint) if endpoint.base.startswith("https:") else False,
        timeout=_TIMEOUT,
        follow_redirects=False,
        limits=httpx.Limits(max_connections=endpoint.jobs, max_keepalive_connections=endpoint.jobs),
    )


def _trust(endpoint: Endpoint) -> ssl.SSLContext:
    if not endpoint.verify:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    context = ssl.create_default_context()
    for file in endpoint.ca_files:
        try:
            context.load_verify_locations(file)
        except (OSError, ssl.SSLError) as error:
            raise TlsFailed(
                f"cannot read the certificates of `{endpoint.registry}`", f"{file}: {error}"
            ) from error
    return context


def _may_pass(error: httpx.HTTPError, failure: Exception) -> bool:
    """Whether a broken connection is worth another try; one that never came up is not."""
    connected = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
    return connected and isinstance(failure, Unreachable)


def _asked_delay(answer: Answer, now: datetime) -> float | None:
    for name in ("Retry-After", "X-Retry-After"):
        found = retry_after(answer.headers.get(name), now=now, date=answer.headers.get("Date"))
        if found is not None:
            return found
    return None
