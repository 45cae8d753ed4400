"""A host that wants to be left alone, or that is not there, is left alone by every request."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import timedelta

from regsync.clock import Clock
from regsync.errors import RateLimited, RegistryFailure
from regsync.registry.origin import Origin
from regsync.registry.retry import WAIT_BUDGET

# A host that is down is not knocked at again by each of a hundred references.
_DOWN_SECONDS = 15.0
# Time-outs in a row after which a host that has answered before is down.
_LATE = 2


@dataclass(slots=True)
class Patience:
    """Seconds that one request has waited, of those that it may wait in all."""

    waited: float = 0.0

    def allows(self, seconds: float) -> bool:
        """Whether another wait fits in."""
        return self.waited + seconds <= WAIT_BUDGET


class Gate:
    """Closed to methods after a 429, and to origins that take no connection or stay silent."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # A 429 for GET leaves HEAD free: Docker Hub counts the one and not the other.
        self._closed: dict[str, float] = {}
        self._down: dict[Origin, tuple[float, RegistryFailure]] = {}
        # Time-outs since the last answer, of origins that have answered.
        self._late: dict[Origin, int] = {}

    def close(self, method: str, seconds: float) -> None:
        """Let nobody through for a while; after a 429 for HEAD no GET either."""
        until = self._clock.monotonic() + seconds
        self._closed[method] = max(self._closed.get(method, 0.0), until)

    async def wait(self, method: str, patience: Patience, what: str) -> None:
        """Pass, or wait until that is allowed.

        Raises:
            RateLimited: it would be longer than one is ready to wait.
        """
        closed = max(self._closed.get("HEAD", 0.0), self._closed.get(method, 0.0))
        delay = closed - self._clock.monotonic()
        if delay <= 0:
            return
        if not patience.allows(delay):
            retry_at = self._clock.now() + timedelta(seconds=delay)
            raise RateLimited(
                what,
                f"it asked to be left alone; try again at {retry_at:%Y-%m-%d %H:%M:%S} UTC",
                retry_at=retry_at,
            )
        await self.sleep(delay, patience)

    async def sleep(self, seconds: float, patience: Patience) -> None:
        """Wait, on the patience of one request."""
        patience.waited += seconds
        await self._clock.sleep(seconds)

    def note_down(self, origin: Origin, failure: RegistryFailure) -> None:
        """Remember for a moment that an origin takes no connection."""
        self._down[origin] = (self._clock.monotonic() + _DOWN_SECONDS, failure)

    def note_late(self, origin: Origin, failure: RegistryFailure) -> None:
        """An answer did not come in time: down, unless others of this origin came before it."""
        late = self._late.get(origin, _LATE - 1) + 1
        if late >= _LATE:
            self.note_down(origin, failure)
        else:
            self._late[origin] = late

    def note_answer(self, origin: Origin) -> None:
        """An origin has answered: it is not down, whatever another request met."""
        self._late[origin] = 0
        self._down.pop(origin, None)

    def refuse_down(self, origin: Origin) -> None:
        """Fail as the last one failed, without knocking.

        Raises:
            RegistryFailure: the origin was down a moment ago.
        """
        until, failure = self._down.get(origin, (0.0, None))
        if failure is not None and self._clock.monotonic() < until:
            raise copy.copy(failure)
