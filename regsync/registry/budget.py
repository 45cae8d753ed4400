"""Pulls that are kept: a manifest is not asked for where that would spend one of the last.

A pull is reserved before it is sent and settled by its answer, so requests at once cannot spend
more together than each may alone. Every attempt counts: a registry may have counted one whose
answer never came.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

from regsync.errors import KeptBack
from regsync.registry.ratelimit import RateLimit


class Budget:
    """What one registry lets us spend in this run.

    Within a run the rest only falls: answers overtake each other, and an older one tells more than
    is left. A window that starts anew is seen by the next run.

    Args:
        keep: Pulls that are never spent; 0 for no bound.

    Attributes:
        first: Held by the one pull that goes ahead while it is `unsure`, of all who spend from it.
    """

    def __init__(self, keep: int) -> None:
        self.first = asyncio.Lock()
        self._keep = keep
        self._told: RateLimit | None = None
        self._remaining: int | None = None
        self._reserved = 0
        self._heard = self._pulled = False
        self._used_up = False

    @property
    def keeps(self) -> bool:
        """Whether there is anything to keep."""
        return self._keep > 0

    @property
    def blind(self) -> bool:
        """Whether pulls are to be kept, and the registry has not yet told how many there are."""
        return self.keeps and not self._heard

    @property
    def unsure(self) -> bool:
        """Whether no HEAD told a limit, and no pull has been made that could have told one."""
        return self.keeps and self._remaining is None and not self._pulled

    @property
    def tight(self) -> bool:
        """Whether pulls are to be kept of a limit, so that it matters who spends the others."""
        return self.keeps and self._remaining is not None

    def reserve(self, what: str) -> None:
        """Take one pull, before it is sent.

        Raises:
            KeptBack: it would be one of those to keep, or there is none left.
        """
        left = self._remaining
        if self._used_up and not self.keeps:
            raise self._empty(what)
        if self.keeps and left is not None and left - self._reserved <= self._keep:
            raise self._refusal(what, left)
        self._reserved += 1

    def settle(self, told: RateLimit | None = None, *, counted: bool = True) -> None:
        """A pull that was reserved is over.

        Args:
            told: What its answer told. Whether that has this pull in it already, nobody says, so
                there is one less than before in any case.
            counted: False where the registry served no manifest, and said so.
        """
        self._reserved -= 1
        self._pulled = True
        if counted and self._remaining is not None:
            self._remaining = max(0, self._remaining - 1)
        self._take(told)

    def note(self, told: RateLimit | None) -> None:
        """What the answer to a HEAD told, which is not counted; None where it told no limit.

        Where it told that nothing is left, whatever is asked for would be refused.
        """
        self._heard = True
        if told is not None and told.remaining is not None:
            self._used_up = told.remaining == 0
        self._take(told)

    def _take(self, told: RateLimit | None) -> None:
        if told is None or told.remaining is None:
            return
        self._told = told
        before = self._remaining
        self._remaining = told.remaining if before is None else min(before, told.remaining)

    def _empty(self, what: str) -> KeptBack:
        told = self._told
        assert told is not None  # noqa: S101 - that none is left was told with a limit
        why = f"no pulls left at {told.registry} (0 of {told.limit})"
        account = told.source_kind == "account"
        hint = "the pull limit of this login is used up: wait for it to fill again"
        error = KeptBack(what, why, hint if account else None, retry_at=told.resets_at)
        error.counted = True
        return error

    def _refusal(self, what: str, remaining: int) -> KeptBack:
        told = self._told
        assert told is not None  # noqa: S101 - what remains was told with a limit
        return KeptBack(
            what,
            f"kept back: {remaining} of {told.limit} pulls left at {told.registry}, "
            f"--keep-pulls {self._keep}",
            _when(told.resets_at, told.window_s),
            retry_at=told.resets_at,
        )


def _when(resets_at: datetime | None, window_s: int | None) -> str:
    if resets_at is not None:
        return f"try again at {resets_at:%Y-%m-%d %H:%M} UTC, when the limit starts anew"
    if window_s:
        return f"try again later: it counts over {span(window_s)}, and does not say from when"
    return "try again later: the registry does not say when there will be more"


def span(seconds: int) -> str:
    """A window as people read it: `6 h`, `15 min`, `90 s`."""
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
