"""What is known of all blobs on their way: the numbers and rows that bars and lines are made of."""

from __future__ import annotations

from collections import deque

from regsync.cli.units import size
from regsync.progress import Transfer

_FINISHED = frozenset({"done", "exists"})
_WORDS = {
    "waiting": "waiting",
    "verifying": "verifying",
    "retrying": "retrying",
    "exists": "already here",
}
_RATE_WINDOW_S = 5.0


class Board:
    """The latest word on each blob, in the order in which they were first heard of."""

    def __init__(self) -> None:
        self._blobs: dict[str, Transfer] = {}
        self._samples: deque[tuple[float, int]] = deque()

    def take(self, event: Transfer) -> bool:
        """Note an event; whether it brought its blob to an end."""
        before = self._blobs.get(event.id)
        self._blobs[event.id] = event
        return event.state in _FINISHED and (before is None or before.state not in _FINISHED)

    @property
    def count(self) -> int:
        """Blobs in all."""
        return len(self._blobs)

    @property
    def finished(self) -> int:
        """Blobs that are here."""
        return sum(blob.state in _FINISHED for blob in self._blobs.values())

    @property
    def current(self) -> int:
        """Bytes that were fetched, what was here before left out."""
        return sum(blob.current for blob in self._blobs.values() if blob.state != "exists")

    @property
    def total(self) -> int:
        """Bytes to fetch in all."""
        return sum(blob.total for blob in self._blobs.values() if blob.state != "exists")

    def rows(self, room: int) -> list[Transfer]:
        """The blobs to show in `room` rows: all, or those on which something happens now."""
        blobs = list(self._blobs.values())
        if len(blobs) <= room:
            return blobs
        active = [blob for blob in blobs if blob.state not in _FINISHED | {"waiting"}]
        return active[: max(room, 0)]

    def rate(self, now: float) -> float:
        """Bytes per second over the last few seconds; 0 where nothing can be said yet.

        Args:
            now: Seconds of a clock that never jumps.
        """
        self._samples.append((now, self.current))
        while now - self._samples[0][0] > _RATE_WINDOW_S and len(self._samples) > 1:
            self._samples.popleft()
        (then, before), elapsed = self._samples[0], now - self._samples[0][0]
        return max(0.0, (self.current - before) / elapsed) if then < now else 0.0

    def pace(self, now: float) -> str:
        """Rate and time left, e.g. `12 MB/s  9 s`; empty where nothing moves."""
        rate = self.rate(now)
        if rate < 1:
            return ""
        left = (self.total - self.current) / rate
        return f"{size(round(rate))}/s  {duration(left)}"


def amount(blob: Transfer) -> str:
    """How far a blob is, in a few characters."""
    if blob.state == "done":
        return size(blob.total)
    return _WORDS.get(blob.state) or part(blob.current, blob.total)


def part(current: int, total: int) -> str:
    """`31/41 MB`; the unit once where both share it."""
    whole, some = size(total), size(current)
    number, _, unit = some.partition(" ")
    return f"{number if whole.endswith(f' {unit}') else some}/{whole}"


def duration(seconds: float) -> str:
    """`9 s`, `4 min`, `3 h`: how long something will take."""
    if seconds < 99:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.0f} h"
