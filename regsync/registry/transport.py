"""One request, whole: redirects by the origin policy, bounded bodies, retries, the host's gate.

httpx follows no redirect here (a PUT answered by 302 would turn into a GET), decodes no body (gzip
inflates without bound) and reads no netrc.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta

import httpx

from regsync import __version__
from regsync.clock import Clock
from regsync.errors import RegistryFailure, ServerFailed, Unreachable
from regsync.oci.strictjson import amount
from regsync.registry import failures
from regsync.registry.budget import Budget
from regsync.registry.gate import Gate, Patience
from regsync.registry.hosts import Endpoint
from regsync.registry.lanes import Lane, Lanes
from regsync.registry.ledger import Ledger
from regsync.registry.message import Answer, Request
from regsync.registry.origin import Origin, RefusedAddress, redirect
from regsync.registry.retry import RETRIED_STATUSES, Waits, backoff, retry_after
from regsync.registry.trust import Trust

USER_AGENT = f"regsync-containers/{__version__}"
HOPS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


Witness = Callable[[Request, Answer], None]
"""Sees each answer that is not streamed as it comes, before anything is made of it."""


class Transport:
    """Sends requests to one registry and to wherever it leads."""

    def __init__(
        self,
        endpoint: Endpoint,
        clock: Clock,
        waits: Waits | None = None,
        witness: Witness | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._witness = witness
        self.ledger = Ledger(endpoint, clock, budget)
        self._clock = clock
        self._waits = waits or Waits()
        trust = Trust(endpoint)
        self._lanes = Lanes(endpoint, trust, endpoint.jobs)
        # Apart, since a stream stays open while its reader sends what it reads elsewhere, perhaps
        # to this very host: sharing would let streams and the requests they wait for lock up.
        self._streams = Lanes(endpoint, trust, endpoint.jobs)
        self._gate = Gate(clock)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._lanes.aclose()
        await self._streams.aclose()

    async def send(self, request: Request) -> Answer:
        """Send one request, repeat it where that may help, and return the last answer.

        Raises:
            RegistryFailure: no answer, or one that cannot be used.
            RateLimited: the host asked earlier to be left alone for longer than we wait.
        """

        try:
            Origin.of(request.url)
        except RefusedAddress as error:
            # A realm may just fit, and be too long with its scopes.
            raise ServerFailed(request.what, f"its address was refused: {error}") from error

        async def once(patience: Patience) -> Answer:
            async with self._lanes.lane() as lane:
                # Asked here: while this one waited for a lane, another may have been refused.
                await self._gate.wait(request.method, patience, request.what)
                until = self._deadline(request)
                response, url = await self._follow(lane, request, until)
                try:
                    answer = await self._whole(response, url, request, until)
                finally:
                    await response.aclose()
                if self._witness is not None:
                    self._witness(request, answer)
                return answer

        return await self._repeat(request, once)

    @asynccontextmanager
    async def open(self, request: Request) -> AsyncIterator[Answer]:
        """Send one request and hand out its body as it comes, if the status is 200 or 206.

        What breaks while the stream is read is raised as `httpx.HTTPError` and not repeated.

        Raises:
            RegistryFailure: as `send`.
            RateLimited: as `send`.
        """
        async with self._streams.lane() as lane:
            opened: list[httpx.Response] = []

            async def once(patience: Patience) -> Answer:
                await self._gate.wait(request.method, patience, request.what)
                until = self._deadline(request)
                response, url = await self._follow(lane, request, until)
                if response.status_code in (200, 206):
                    opened.append(response)
                    self._refuse_encoded(response, request)
                    status, headers = response.status_code, response.headers
                    return Answer(status, headers, b"", url, stream=_chunks(response))
                try:
                    return await self._whole(response, url, request, until)
                finally:
                    await response.aclose()

            try:
                yield await self._repeat(request, once)
            finally:
                for response in opened:
                    await response.aclose()

    async def _repeat(
        self, request: Request, once: Callable[[Patience], Awaitable[Answer]]
    ) -> Answer:
        patience = Patience()
        attempts = self._waits.attempts
        for attempt in range(1, attempts + 1):
            delay = backoff(attempt, random.random())  # noqa: S311 - jitter, not a secret
            try:
                answer = await once(patience)
            except httpx.HTTPError as error:
                failure = self.failed(error, request.url)
                late = request.is_quick and isinstance(error, httpx.TimeoutException)
                if late and not isinstance(error, httpx.ConnectTimeout):
                    self._gate.note_late(_origin_of(error, request.url), failure)
                if attempt == attempts or late or not _may_pass(error, failure):
                    raise failure from error
            else:
                if answer.status not in RETRIED_STATUSES:
                    return answer
                asked = _asked_delay(answer, self._clock.now())
                delay = delay if asked is None else asked
                if answer.status == 429:
                    self._gate.close(request.method, delay)
                if attempt == attempts or not patience.allows(delay):
                    return self._final(answer, asked)
            await self._gate.sleep(delay, patience)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _deadline(self, request: Request) -> float:
        waits = self._waits
        seconds = waits.quick_in_all if request.is_quick else waits.in_all
        return asyncio.get_running_loop().time() + seconds

    def _timeout(self, request: Request) -> httpx.Timeout:
        waits = self._waits
        silence = waits.quick if request.is_quick else waits.silence
        return httpx.Timeout(silence, connect=waits.connect)

    async def _follow(
        self, lane: Lane, request: Request, until: float
    ) -> tuple[httpx.Response, str]:
        """The first answer that is no redirect, its body unread, and the URL that gave it."""
        url, authorization = request.url, request.authorization
        for _ in range(HOPS + 1):
            origin = Origin.of(url)
            if not request.knocks:
                self._gate.refuse_down(origin)
            headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **request.headers}
            if authorization:
                headers["Authorization"] = authorization
            if request.form is not None:
                headers["Content-Type"] = "application/x-www-form-urlencoded"
            http = lane.client(url)
            timeout = self._timeout(request)
            with _named(url):
                sent = http.build_request(
                    request.method, url, content=request.form, headers=headers, timeout=timeout
                )
                async with asyncio.timeout_at(until):
                    response = await self.ledger.send(http, sent, request)
            self._gate.note_answer(origin)
            if response.status_code not in _REDIRECTS:
                return response, url
            await response.aclose()
            if request.form is not None:
                raise ServerFailed(request.what, "a redirect was refused: it asks for a secret")
            try:
                target = redirect(self.endpoint.origin, url, response.headers.get("Location", ""))
            except RefusedAddress as error:
                raise ServerFailed(request.what, f"a redirect was refused: {error}") from error
            url = target.url
            if not target.credentials:
                known = Origin.of(url) == request.issuer
                authorization = request.authorization if known else None
        raise ServerFailed(request.what, f"more than {HOPS} redirects")

    async def _whole(
        self, response: httpx.Response, url: str, request: Request, until: float
    ) -> Answer:
        self._refuse_encoded(response, request)
        body = bytearray()
        with _named(url):
            async with asyncio.timeout_at(until):
                async for chunk in _chunks(response):
                    body += chunk
                    if len(body) > request.limit:
                        raise ServerFailed(
                            request.what, f"the answer is larger than {amount(request.limit)}"
                        )
        data = bytes(body)
        if failures.is_tls_port(response.status_code, data):
            raise failures.speaks_tls(self.endpoint.registry)
        return Answer(response.status_code, response.headers, data, url)

    def _refuse_encoded(self, response: httpx.Response, request: Request) -> None:
        encoding = response.headers.get("Content-Encoding", "identity").lower()
        if encoding != "identity" and response.request.method != "HEAD":
            raise ServerFailed(
                request.what,
                f"it compresses ({encoding[:40]}) what it must send as it is",
            )

    def failed(self, error: httpx.HTTPError, url: str) -> RegistryFailure:
        """What a connection that failed means; one that never came up closes the address."""
        where = _origin_of(error, url)
        failure = failures.from_exception(error, self.endpoint, where)
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            self._gate.note_down(where, failure)
        return failure

    def _final(self, answer: Answer, asked: float | None) -> Answer:
        retry_at = None if asked is None else self._clock.now() + timedelta(seconds=asked)
        return Answer(answer.status, answer.headers, answer.body, answer.url, retry_at)


async def _chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    with _named(str(response.request.url)):
        async for chunk in response.aiter_raw():
            yield chunk


@contextmanager
def _named(url: str) -> Iterator[None]:
    """Raise as `httpx.HTTPError` a deadline, and what httpx 0.28 lets through as it comes.

    TLS that fails after the handshake (a client certificate that TLS 1.3 misses) is a bare
    `ssl.SSLError`; a host that IDNA refuses is `httpx.InvalidURL`.
    """
    try:
        yield
    except ssl.SSLError as error:
        raise httpx.ReadError(str(error), request=httpx.Request("GET", url)) from error
    except TimeoutError as error:
        raise failures.TooSlow("", request=httpx.Request("GET", url)) from error
    except httpx.InvalidURL as error:
        raise httpx.UnsupportedProtocol(f"{error}") from error


def _origin_of(error: httpx.HTTPError, url: str) -> Origin:
    """Where a request really went, which redirects may have changed."""
    try:
        return Origin.of(str(error.request.url))
    except (RuntimeError, RefusedAddress):
        return Origin.of(url)


def _may_pass(error: httpx.HTTPError, failure: Exception) -> bool:
    """Whether a broken connection is worth another try; one that never came up is not."""
    never = (
        httpx.ConnectError
        | httpx.ConnectTimeout
        | httpx.ProxyError
        | httpx.UnsupportedProtocol
        | failures.TooSlow
    )
    return not isinstance(error, never) and isinstance(failure, Unreachable)


def _asked_delay(answer: Answer, now: datetime) -> float | None:
    for name in ("Retry-After", "X-Retry-After"):
        found = retry_after(answer.headers.get(name), now=now, date=answer.headers.get("Date"))
        if found is not None:
            return found
    return None
