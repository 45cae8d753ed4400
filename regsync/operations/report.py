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
        """Whether the image is stale; None where it could not be decided."""
        return self.verdict.stale

    @property
    def any_stale(self) -> bool:
        """Whether the image or a container on it is stale."""
        return bool(self.stale) or any(container.stale for container in self.containers)


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The answer to `status`.

    Attributes:
        store: Which store was looked at.
        entries: In the store's order of names.
        requests: Requests really sent: `head`, `get`, `token`, `ping`, `counted_pulls`.
    """

    store: StoreInfo
    entries: tuple[Entry, ...]
    requests: Mapping[str, int]
    rate_limits: tuple[RateLimit, ...] = ()

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
        """10 if anything is stale and that was the question, else 3 if anything is unknown."""
        if ask_stale and any(entry.any_stale for entry in self.entries):
            return 10
        if any(entry.verdict.kind is Kind.UNKNOWN for entry in self.entries):
            return 3
        return 0
