"""Time, handed in, so that waiting can be tested without waiting."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the rest of regsync knows of time."""

    def now(self) -> datetime:
        """The wall clock, in UTC: for dates that are shown or compared with a server's."""

    def monotonic(self) -> float:
        """Seconds that never jump: for durations and lifetimes."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """See `Clock`."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """See `Clock`."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """See `Clock`."""
        # 20 ms of import, which a help text need not wait for.
        import asyncio

        await asyncio.sleep(seconds)
