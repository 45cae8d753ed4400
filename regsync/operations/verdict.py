"""Verdicts: what can be said of one local name beside its registry. One definition for all.

The table, the JSON, the exit code and the documentation read this module; nothing else decides what
counts as stale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from regsync.errors import RegsyncError
from regsync.oci.digest import Digest


class Kind(StrEnum):
    """The verdicts; `MEANINGS` says each in one sentence."""

    UP_TO_DATE = "up_to_date"
    OUTDATED = "outdated"
    AHEAD = "ahead"
    DIVERGED = "diverged"
    UNPUSHED = "unpushed"
    UNRELATED = "unrelated"
    REBUILD = "rebuild"
    LOCAL_ONLY = "local_only"
    GONE = "gone"
    PINNED = "pinned"
    PINNED_GONE = "pinned_gone"
    NOT_LOCAL = "not_local"
    UNKNOWN = "unknown"

    @property
    def stale(self) -> bool | None:
        """The question of the exit code; None where it could not be decided."""
        return None if self is Kind.UNKNOWN else self in STALE

    @property
    def words(self) -> str:
        """As a table writes it: `up to date`."""
        return self.value.replace("_", " ")


MOVED = frozenset({Kind.OUTDATED, Kind.DIVERGED, Kind.UNRELATED})
"""The tag holds other content: what a pull would bring is of interest."""
GONE = frozenset({Kind.GONE, Kind.PINNED_GONE})
"""It is no longer where it was."""
STALE = frozenset({Kind.OUTDATED, Kind.DIVERGED, Kind.REBUILD}) | GONE

MEANINGS: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.UP_TO_DATE: "the same content for this platform",
        Kind.OUTDATED: "it came by this very tag, and the tag has moved on",
        Kind.AHEAD: "rebuilt or retagged here on top of what the tag still holds",
        Kind.DIVERGED: "both sides changed since the last sync",
        Kind.UNPUSHED: "the tag is not there, and nothing says it ever was",
        Kind.UNRELATED: "the tag holds other content, and nothing says this image came by it",
        Kind.REBUILD: "built here on a base whose tag has moved on",
        Kind.LOCAL_ONLY: "no registry holds it, as far as anybody can tell",
        Kind.GONE: "it came by this very tag, and the tag or repository is no longer there",
        Kind.PINNED: "named by digest, and still there",
        Kind.PINNED_GONE: "named by digest, and no longer there",
        Kind.NOT_LOCAL: "named by you, and not present here",
        Kind.UNKNOWN: "could not be decided",
    }
)
"""What each verdict says, in one sentence."""

REASONS: Mapping[Kind, tuple[str, ...]] = MappingProxyType(
    {
        Kind.UP_TO_DATE: (
            "exact",
            "index_changed",
            "repackaged",
            "platform_manifest",
            "same_content",
        ),
        Kind.OUTDATED: ("moved", "rolled_back"),
        Kind.UNPUSHED: ("new_tag", "new_repository", "never_seen"),
        Kind.UNRELATED: ("retagged",),
        Kind.REBUILD: ("up_to_date", "unpushed", "local_only", "ahead"),
        Kind.LOCAL_ONLY: ("untagged", "no_registry", "not_found_or_private"),
        Kind.GONE: ("tag", "repository"),
    }
)
"""The reasons that a verdict may carry; a kind that is not named here carries none."""


class Cause(StrEnum):
    """Why a verdict is `unknown`."""

    UNAUTHORIZED = "unauthorized"
    LOGIN_FAILED = "login_failed"
    CREDENTIALS = "credentials"
    RATE_LIMITED = "rate_limited"
    UNREACHABLE = "unreachable"
    TLS = "tls"
    INSECURE_REGISTRY = "insecure_registry"
    SERVER_ERROR = "server_error"
    NOT_A_REGISTRY = "not_a_registry"
    UNVERIFIED = "unverified"
    PLATFORM_MISSING = "platform_missing"
    UNSUPPORTED = "unsupported"
    OFFLINE = "offline"

    @classmethod
    def of(cls, error: RegsyncError) -> Cause:
        """The cause that an error stands for; what makes no sense counts as the server's."""
        if error.code in ("invalid_digest", "invalid_manifest"):
            return cls.UNVERIFIED
        try:
            return cls(error.code)
        except ValueError:
            return cls.SERVER_ERROR


@dataclass(frozen=True, slots=True)
class LastKnown:
    """What was last said of a name whose registry cannot be asked now."""

    kind: Kind
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Layers:
    """Layers of the remote image, and how many of them are here already."""

    total: int
    shared: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of one local name.

    Attributes:
        reason: One of `REASONS` of its kind, or None.
        cause: For `unknown` alone.
        error: The failure behind `unknown`, or behind a `not_local` whose registry cannot be asked.
        local_digest: The manifest or index digest that this image has here, where one is known.
        remote_digest: What the tag holds now.
        platform_digest: The manifest of this platform that it leads to, where it was looked up.
        download_bytes: What a pull would transfer, manifests left out; None where it was not asked.
        changed: What changed, in a few words a person reads: `22.11.0 → 24.1.0`.
        notes: What else is worth saying: `was repo@sha256:…`, `tag latest has moved`.
    """

    kind: Kind
    reason: str | None = None
    cause: Cause | None = None
    error: RegsyncError | None = None
    local_digest: Digest | None = None
    remote_digest: Digest | None = None
    platform_digest: Digest | None = None
    download_bytes: int | None = None
    layers: Layers | None = None
    changed: str = ""
    notes: tuple[str, ...] = ()
    last_known: LastKnown | None = None

    def __post_init__(self) -> None:
        if self.reason is not None and self.reason not in REASONS.get(self.kind, ()):
            raise AssertionError(f"{self.kind} does not carry the reason {self.reason}")
        if (self.kind is Kind.UNKNOWN) != (self.cause is not None):
            raise AssertionError("unknown has a cause, and nothing else has")

    @property
    def stale(self) -> bool | None:
        """See `Kind.stale`."""
        return self.kind.stale

    def noting(self, *notes: str) -> Verdict:
        """The same verdict with more notes."""
        return replace(self, notes=self.notes + notes)


def unknown(error: RegsyncError, last_known: LastKnown | None = None) -> Verdict:
    """The verdict where an answer is missing: never `up_to_date`."""
    return Verdict(Kind.UNKNOWN, cause=Cause.of(error), error=error, last_known=last_known)
