"""What `status` found: values for `cli/` to show, and the exit code they mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from regsync.errors import RegsyncError
from regsync.files.found import Place
from regsync.oci.digest import Digest
from regsync.oci.platform import Platform
from regsync.oci.reference import Reference
from regsync.operations.explanation import Explanation
from regsync.operations.tagshape import Newer
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
        others: What the line may name as well: images with the same layers that fit no worse.
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
    others: tuple[Reference, ...] = ()
    moved_at: datetime | None = None
    dated_by: Literal["first_seen", "created"] | None = None
    folder: str = ""
    url: str = ""

    @property
    def line(self) -> str:
        """The line of a Dockerfile to look for: `FROM node:latest`."""
        return f"FROM {(self.through or self.reference).familiar}"

    @property
    def other_lines(self) -> tuple[str, ...]:
        """The lines that may be meant in its place; nothing tells which."""
        return tuple(f"FROM {other.familiar}" for other in self.others)


@dataclass(frozen=True, slots=True)
class InFiles:
    """What files say of an image, for `status --from`.

    Attributes:
        places: Where it is named.
        untagged: Whether a file names it without tag and digest, which means `latest`.
        moved: Whether the tag beside a digest holds something else by now.
        newer: Newer versions of its tag; None where none was asked for, or the tag is no version.
    """

    places: tuple[Place, ...]
    untagged: bool = False
    moved: bool = False
    newer: Newer | None = None

    @property
    def behind(self) -> str | None:
        """How far it is behind: `major`, `minor`, `patch`, else `digest`; the greatest step."""
        step = self.newer.widest if self.newer is not None else None
        return step or ("digest" if self.moved else None)


@dataclass(frozen=True, slots=True)
class Entry:
    """One local name, and the verdict on it.

    Attributes:
        reference: The full name; None for an untagged image and for a name of no registry.
        name: As engines print it; None for an untagged image.
        id: The store's ID; None where the image is not here.
        checked_at: When the registry answered; None where it was not asked.
        in_files: What files say of it; None where a store was asked.
        explanation: What differs, where that was asked and there are two images to compare.
        held_until: When what the tag holds now will be old enough to count as an update.
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
    in_files: InFiles | None = None
    base: MovedBase | None = None
    explanation: Explanation | None = None

    @property
    def stale(self) -> bool | None:
        """Whether the image is stale; None where it could not be decided.

        What is held back is not: it is outdated, and nothing is to be done about it yet.
        """
        return False if self.held_until is not None else self.verdict.stale

    @property
    def any_stale(self) -> bool:
        """Whether the image or a container on it is stale, or a file that names it behind."""
        behind = self.in_files is not None and self.in_files.behind is not None
        return bool(self.stale) or behind or any(used.stale for used in self.containers)


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
        failures: What went wrong beside the entries: a file that cannot be read.
        files: How many files were read, where no store was asked.
        ignored: How many rows the user's patterns took out.
        idle_patterns: Patterns that matched nothing.
        idle_excludes: Patterns of files that matched none.
        passed: What may name an image in a file, and was not asked for: it may be anything.
        news: What has changed, if that was the question.
    """

    store: StoreInfo
    entries: tuple[Entry, ...]
    requests: Mapping[str, int]
    rate_limits: tuple[RateLimit, ...] = ()
    failures: tuple[RegsyncError, ...] = ()
    files: int | None = None
    ignored: int = 0
    idle_patterns: tuple[str, ...] = ()
    idle_excludes: tuple[str, ...] = ()
    passed: tuple[Place, ...] = ()
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
        """10 if anything is stale and that was asked, else 3 if anything is unknown or failed.

        Of what is listed: where the question is what has changed, nothing new is no news.
        """
        if ask_stale and any(entry.any_stale for entry in self.listed):
            return 10
        unknown = any(entry.verdict.kind is Kind.UNKNOWN for entry in self.listed)
        return 3 if unknown or self.failures else 0
