"""What `status` found: values for `cli/` to show, and the exit code they mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from regsync.errors import RegsyncError
from regsync.oci.platform import Platform
from regsync.oci.reference import Reference
from regsync.operations.explanation import Explanation
from regsync.operations.verdict import Kind, Verdict
from regsync.registry.ratelimit import RateLimit
from regsync.stores.base import StoreInfo


@dataclass(frozen=True, slots=True)
class UsedBy:
    """A container that was started by a name.

    Attributes:
        stale: Whether it runs an older image than the name means here by now.
    """

    id: str
    name: str
    running: bool
    stale: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One local name, and the verdict on it.

    Attributes:
        reference: The full name; None for an untagged image and for a name of no registry.
        name: As engines print it; None for an untagged image.
        id: The store's ID; None where the image is not here.
        checked_at: When the registry answered; None where it was not asked.
        explanation: What differs, where that was asked and there are two images to compare.
        held_until: When what the tag holds now will be old enough to count as an update.
    """

    reference: Reference | None
    name: str | None
    id: str | None
    platform: Platform | None
    verdict: Verdict
    containers: tuple[UsedBy, ...] = ()
    checked_at: datetime | None = None
    held_until: datetime | None = None
    explanation: Explanation | None = None

    @property
    def stale(self) -> bool | None:
        """Whether the image is stale; None where it could not be decided.

        What is held back is not: it is outdated, and nothing is to be done about it yet.
        """
        return False if self.held_until is not None else self.verdict.stale

    @property
    def any_stale(self) -> bool:
        """Whether the image or a container on it is stale."""
        return bool(self.stale) or any(container.stale for container in self.containers)


@dataclass(frozen=True, slots=True)
class News:
    """What of a report differs from what was last reported.

    Attributes:
        entries: Those that differ.
        unchanged: How many do not.
        vanished: Names that were here then, in full.
        states: What to remember once this has been reported; see `since`.
        scope: Which question it answers; see `Wish.scope`.
    """

    entries: tuple[Entry, ...]
    unchanged: int
    vanished: tuple[str, ...]
    states: Mapping[str, str]
    scope: str = ""


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The answer to `status`.

    Attributes:
        store: Which store was looked at.
        entries: In the store's order of names.
        requests: Requests really sent: `head`, `get`, `token`, `ping`, `counted_pulls`.
        ignored: How many rows the user's patterns took out.
        idle_patterns: Patterns that matched nothing.
        news: What has changed, if that was the question.
    """

    store: StoreInfo
    entries: tuple[Entry, ...]
    requests: Mapping[str, int]
    rate_limits: tuple[RateLimit, ...] = ()
    ignored: int = 0
    idle_patterns: tuple[str, ...] = ()
    news: News | None = None

    @property
    def listed(self) -> tuple[Entry, ...]:
        """The entries that answer the question: all, or what has changed."""
        return self.entries if self.news is None else self.news.entries

    @property
    def summary(self) -> dict[str, int]:
        """How many entries have each verdict, in the order of `Kind`; absent ones left out."""
        counted = Counter(entry.verdict.kind for entry in self.entries)
        return {kind.value: counted[kind] for kind in Kind if counted[kind]}

    @property
    def errors(self) -> tuple[tuple[Entry, RegsyncError], ...]:
        """The failures behind `unknown`, with the entries they left undecided."""
        return tuple(
            (entry, entry.verdict.error)
            for entry in self.entries
            if entry.verdict.error is not None and entry.verdict.kind is Kind.UNKNOWN
        )

    def exit_code(self, *, ask_stale: bool) -> int:
        """10 if anything is stale and that was the question, else 3 if anything is unknown.

        Of what is listed: where the question is what has changed, nothing new is no news.
        """
        if ask_stale and any(entry.any_stale for entry in self.listed):
            return 10
        if any(entry.verdict.kind is Kind.UNKNOWN for entry in self.listed):
            return 3
        return 0
