"""What `status` found: values for `cli/` to show, and the exit code they mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from regsync.errors import RegsyncError
from regsync.oci.digest import Digest
from regsync.oci.platform import Platform
from regsync.oci.reference import Reference
from regsync.operations.verdict import Kind, Verdict
from regsync.registry.ratelimit import RateLimit
from regsync.stores.base import NOBODY, Starter, StoreInfo


@dataclass(frozen=True, slots=True)
class UsedBy:
    """A container that was started by a name.

    Attributes:
        stale: Whether it runs an older image than the name means here by now.
        starter: Who started it, and can start it anew.
    """

    id: str
    name: str
    running: bool
    stale: bool
    starter: Starter = NOBODY


@dataclass(frozen=True, slots=True)
class MovedBase:
    """The base that an image was built on here, now that its tag has moved on.

    Attributes:
        reference: The tag that has moved.
        digest: What it held at the build, where that is known.
        now: What it holds now.
        source: How the base is known: the image's `labels`, or equal `layers`.
        through: The image in between, which was built here on the base, where there is one.
        moved_at: Since when, as far as anything tells.
        dated_by: `first_seen`, when a regsync saw the tag hold it that had seen it hold another;
            `created`, when the new base was built, which is no later than the tag moved.
        folder: Where a container of the image was started from by compose, or empty.
        url: Where the image's source is, by its label `org.opencontainers.image.source`, or empty.
    """

    reference: Reference
    digest: Digest | None
    now: Digest | None
    source: Literal["labels", "layers"]
    through: Reference | None = None
    moved_at: datetime | None = None
    dated_by: Literal["first_seen", "created"] | None = None
    folder: str = ""
    url: str = ""

    @property
    def line(self) -> str:
        """The line of a Dockerfile to look for: `FROM node:latest`."""
        return f"FROM {(self.through or self.reference).familiar}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One local name, and the verdict on it.

    Attributes:
        reference: The full name; None for an untagged image and for a name of no registry.
        name: As engines print it; None for an untagged image.
        id: The store's ID; None where the image is not here.
        checked_at: When the registry answered; None where it was not asked.
        base: For `rebuild` alone.
    """

    reference: Reference | None
    name: str | None
    id: str | None
    platform: Platform | None
    verdict: Verdict
    containers: tuple[UsedBy, ...] = ()
    checked_at: datetime | None = None
    held_until: datetime | None = None
    base: MovedBase | None = None

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
