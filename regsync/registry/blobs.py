"""Blobs as verified streams that survive broken connections.

A connection that breaks is opened again where it broke (RFC 9110 § 14, distribution-spec "Pulling
blobs"); every answer to that is checked, since servers ignore ranges, answer another range, or
refuse. What was handed out is never taken back: where a server starts from the beginning, what is
known already is read over.
"""

from __future__ import annotations

import random
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from regsync.clock import Clock
from regsync.errors import RegsyncError, ServerFailed, Unreachable, Unverified
from regsync.oci import errorcode
from regsync.oci.descriptor import Descriptor
from regsync.oci.scope import Scope
from regsync.registry import failures
from regsync.registry.auth import Authenticator
from regsync.registry.message import Answer, Request
from regsync.registry.retry import ATTEMPTS, backoff
from regsync.registry.transport import Transport

if TYPE_CHECKING:
    from hashlib import _Hash

RESUMES = 50
"""How often one blob is continued in all."""
_PROGRESS = 1024 * 1024
# Statuses with which stores of blobs refuse an address whose signature has expired.
_EXPIRED = frozenset({400, 401, 403, 404, 410})
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,19})-([0-9]{1,19})/(?:([0-9]{1,19})|\*)")


@dataclass(frozen=True, slots=True)
class Pace:
    """How slow a stream may be: fewer bytes on average over a window, and it is given up.

    A byte now and then passes every read time-out and holds a connection for ever.
    """

    bytes_per_second: float = 1024.0
    window_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Source:
    """Where one blob is, as whom it is asked for, and what cannot be done if that fails."""

    transport: Transport
    auth: Authenticator
    url: str
    scope: Scope
    what: str

    @asynccontextmanager
    async def open(self, offset: int, *, again: bool = False) -> AsyncIterator[Answer]:
        """Ask the registry, with `Range` if `offset` is above 0.

        A host that is down fails at once, unless it is asked again for what broke on the way: it is
        perhaps being restarted.

        The answer may have any status; it has a stream if that is 200 or 206.

        Raises:
            RegsyncError: the registry cannot be asked.
        """
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        request = Request(
            self.url, "GET", errorcode.BODY_LIMIT, headers, what=self.what, knocks=again
        )
        request = self.auth.sign(request, await self.auth.authorization(self.scope))
        async with self.transport.open(request) as answer:
            if answer.status != 401 or answer.url != self.url:
                yield answer
                return
        renewed = await self.auth.renew(self.scope, request.authorization, answer)
        if renewed is None:
            yield answer
            return
        async with self.transport.open(self.auth.sign(request, renewed)) as answer:
            yield answer


def start(answer: Answer, asked: int, size: int) -> int | None:
    """Where the bytes of an answer begin; None where it is none that can be used.

    Args:
        answer: Its status is 200 or 206.
        asked: The offset that was asked for.
        size: Bytes of the blob.
    """
    if answer.status == 200:
        return 0
    match = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", "").strip())
    if match is None:
        return None
    first, last, total = match.groups()
    exact = int(first) == asked and int(last) == size - 1
    return asked if exact and total in (None, str(size)) else None


class Reader:
    """Reads one blob to its end, over as many connections as that takes.

    Args:
        source: Where it is.
        descriptor: What it has to be.
        clock: Time.
        offset: Bytes that the caller has already.
        seen: A hasher that was fed these bytes; without it, a stream that begins after 0 is checked
            for its size alone, and the caller has to verify the whole.
        on_bytes: Told how many bytes came; a negative number where what came is read again.
        pace: How slow it may be.
    """

    def __init__(
        self,
        source: Source,
        descriptor: Descriptor,
        *,
        clock: Clock,
        offset: int = 0,
        seen: _Hash | None = None,
        on_bytes: Callable[[int], None] | None = None,
        pace: Pace | None = None,
    ) -> None:
        self._source, self._what, self._clock = source, source.what, clock
        self._digest, self._size = descriptor.digest, descriptor.size
        self._hasher = seen.copy() if seen else descriptor.digest.hasher()
        self._verifies = offset == 0 or seen is not None
        self._on_bytes, self._pace = on_bytes, pace or Pace()
        self._position = self._counted = offset
        self._ranges = True
        self._asked_again = False
        self._begun = False

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The bytes from the offset on; it ends without an error only if all of them are right.

        Raises:
            Unverified: other bytes, more or fewer than the descriptor says.
            Unreachable: it broke too often, or came too slowly.
            RegsyncError: the registry refuses.
        """
        broken, mark = 0, self._position
        for _ in range(RESUMES + 1):
            if self._position == self._size and (self._begun or self._position > 0):
                break
            try:
                async with aclosing(self._once()) as fresh:
                    async for chunk in fresh:
                        self._begun = True
                        yield chunk
            except (httpx.HTTPError, Unreachable) as error:
                # A registry that was there a moment ago is perhaps being restarted.
                if isinstance(error, Unreachable) and not self._begun:
                    raise
                broken = 1 if self._position - mark >= _PROGRESS else broken + 1
                mark = self._position
                if broken >= ATTEMPTS:
                    raise self._broken(error) from error
                delay = backoff(broken, random.random())  # noqa: S311 - jitter, not a secret
                await self._clock.sleep(delay)
            else:
                if self._position == self._size:
                    break
        else:
            raise Unreachable(self._what, f"the connection broke {RESUMES} times")
        if self._verifies and self._hasher.hexdigest() != self._digest.encoded:
            raise Unverified(self._what, f"the bytes are not those of {self._digest.short}…")

    async def _once(self) -> AsyncGenerator[bytes, None]:
        """Chunks that are new, over one connection; returns where another one may help."""
        before = self._position
        asked = before if self._ranges else 0
        async with self._source.open(asked, again=self._begun) as answer:
            if answer.stream is None:
                self._judge(answer)
                return
            at = start(answer, asked, self._size)
            if at is None:
                self._restart("it answers with another range than was asked for")
                return
            length = answer.headers.get("Content-Length", "")
            if length.isascii() and length.isdigit():
                self._refuse_larger(at + int(length))
            self._count(at)
            watch = Watch(self._pace)
            stream = aiter(answer.stream)
            while True:
                since = self._clock.monotonic()
                chunk = await anext(stream, b"")
                if not chunk:
                    break
                if watch.too_slow(self._clock.monotonic() - since, len(chunk)):
                    raise Unreachable(self._what, "it sends too slowly")
                at += len(chunk)
                self._refuse_larger(at)
                self._count(at)
                if at > self._position:
                    fresh = chunk[self._position - at :]
                    self._hasher.update(fresh)
                    self._position = at
                    yield fresh
        # The end of a body that looked whole: a connection that was cut, or a blob that is shorter
        # than its descriptor says. The second time around tells.
        if self._position == before < self._size:
            self._restart(f"it ends after {at} of {self._size} bytes")

    def _judge(self, answer: Answer) -> None:
        """An answer without a blob: raise, or return where asking again may help."""
        if answer.status == 416 and self._position > 0:
            self._restart("it refuses to continue where the connection broke")
            return
        # A signed address expires; the registry is asked for a fresh one, the old one never again.
        elsewhere = answer.url != self._source.url
        if elsewhere and answer.status in _EXPIRED and not self._asked_again:
            self._asked_again = True
            return
        if elsewhere and answer.status in _EXPIRED:
            raise ServerFailed(
                self._what, f"the store that the registry leads to refuses ({answer.status})"
            )
        raise failures.from_status(
            answer.status,
            answer.body,
            what=self._what,
            refusal=self._source.auth.refusal(self._source.scope),
            retry_at=answer.retry_at,
        )

    def _restart(self, why: str) -> None:
        """Read over from the beginning, once."""
        if not self._ranges:
            raise Unverified(self._what, why)
        self._ranges = False

    def _refuse_larger(self, end: int) -> None:
        if end > self._size:
            raise Unverified(self._what, f"it is larger than the {self._size} bytes it should have")

    def _count(self, at: int) -> None:
        if self._on_bytes is not None and at != self._counted:
            self._on_bytes(at - self._counted)
        self._counted = at

    def _broken(self, error: Exception) -> RegsyncError:
        if isinstance(error, RegsyncError):
            return error
        assert isinstance(error, httpx.HTTPError)  # noqa: S101 - the only other one
        return self._source.transport.failed(error, self._source.url)


class Watch:
    """Measures how long a stream keeps its reader waiting; the reader's own time is free."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._waited, self._count = 0.0, 0

    def too_slow(self, waited: float, count: int) -> bool:
        """Note a chunk of `count` bytes that was waited for; whether to give up."""
        self._waited += waited
        self._count += count
        if self._waited < self._pace.window_s:
            return False
        slow = self._count < self._pace.bytes_per_second * self._waited
        self._waited, self._count = 0.0, 0
        return slow
