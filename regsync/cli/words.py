"""What a verdict says to a person: the one place with these words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from regsync.cli.infiles import last_words, saying, word
from regsync.cli.terminal import safe
from regsync.cli.units import age
from regsync.errors import InvalidConfig, KeptBack, RateLimited, Unauthorized
from regsync.operations.report import Entry
from regsync.operations.verdict import Cause, Kind
from regsync.registry.budget import span
from regsync.registry.ratelimit import RateLimit

SAYINGS: Mapping[tuple[Kind, str | None], str] = MappingProxyType(
    {
        (Kind.UP_TO_DATE, None): "",
        (Kind.UP_TO_DATE, "exact"): "",
        (Kind.UP_TO_DATE, "index_changed"): "the tag moved for other platforms only",
        (Kind.UP_TO_DATE, "repackaged"): "packed anew, same content",
        (Kind.UP_TO_DATE, "platform_manifest"): "",
        (Kind.UP_TO_DATE, "same_content"): "never synced, same content",
        (Kind.OUTDATED, None): "the tag has moved on",
        (Kind.OUTDATED, "moved"): "the tag has moved on",
        (Kind.OUTDATED, "rolled_back"): "the tag went back to an older image",
        (Kind.AHEAD, None): "changed here, not pushed",
        (Kind.DIVERGED, None): "changed both here and at the registry",
        (Kind.UNPUSHED, None): "not at the registry",
        (Kind.UNPUSHED, "new_tag"): "the repository has no such tag",
        (Kind.UNPUSHED, "new_repository"): "the registry has no such repository",
        (
            Kind.UNPUSHED,
            "never_seen",
        ): "not at the registry, or deleted before regsync first looked",
        (Kind.UNRELATED, None): "the registry has another image by this name",
        (Kind.UNRELATED, "retagged"): "tagged here; the registry has another image",
        (Kind.REBUILD, None): "its base image has moved on",
        (Kind.REBUILD, "up_to_date"): "its base image has moved on",
        (Kind.REBUILD, "unpushed"): "its base image has moved on; not pushed",
        (Kind.REBUILD, "local_only"): "its base image has moved on; never pushed",
        (Kind.REBUILD, "ahead"): "its base image has moved on; changed here, not pushed",
        (Kind.LOCAL_ONLY, None): "never pushed",
        (Kind.LOCAL_ONLY, "untagged"): "untagged",
        (Kind.LOCAL_ONLY, "no_registry"): "never pushed",
        (
            Kind.LOCAL_ONLY,
            "not_found_or_private",
        ): "not found, or private",
        (Kind.GONE, None): "no longer at the registry",
        (Kind.GONE, "tag"): "the tag is no longer there",
        (Kind.GONE, "repository"): "the repository is no longer there",
        (Kind.PINNED, None): "",
        (Kind.PINNED_GONE, None): "this digest is no longer there",
        (Kind.NOT_LOCAL, None): "not here; the registry has it",
    }
)
"""What changed, by kind and reason; empty where nothing did."""

NOT_HERE = "not here"
"""For `not_local` where nothing says that the registry has it."""

CAUSES: Mapping[Cause, str] = MappingProxyType(
    {
        Cause.UNAUTHORIZED: "{host} wants other credentials",
        Cause.LOGIN_FAILED: "{host} refused the login",
        Cause.CREDENTIALS: "the credentials for {host} cannot be read",
        Cause.RATE_LIMITED: "{host} takes no more requests for now",
        Cause.UNREACHABLE: "{host} does not answer",
        Cause.TLS: "TLS with {host} failed",
        Cause.INSECURE_REGISTRY: "{host} speaks plain HTTP, not TLS",
        Cause.SERVER_ERROR: "{host} failed",
        Cause.NOT_A_REGISTRY: "{host} is not a registry",
        Cause.UNVERIFIED: "{host} sent content that does not verify",
        Cause.PLATFORM_MISSING: "not there for this platform",
        Cause.UNSUPPORTED: "there it is something that cannot be compared",
        Cause.OFFLINE: "not asked (offline)",
    }
)
"""Why a verdict is unknown; `{host}` is the registry."""

COUNTED: Mapping[Kind, str] = MappingProxyType(
    {kind: kind.words for kind in Kind} | {Kind.REBUILD: "to rebuild"}
)
"""As a summary counts them: `1 to rebuild`."""

LONG_DIGEST = re.compile(r"(sha(?:256|512):[0-9a-f]{12})[0-9a-f]+")
"""A digest that people need not read to its end; the first group is what they know it by."""


def what_changed(entry: Entry, now: datetime) -> str:
    """The cell beside a verdict: what changed, or why it is not known."""
    verdict = entry.verdict
    if verdict.cause is not None:
        said = _why_unknown(entry, verdict.cause, now)
        if verdict.last_known is not None:
            known = verdict.last_known
            said += f"; was {last_words(entry, known)} {age(known.at, now)}"
    elif entry.in_files is not None:
        return LONG_DIGEST.sub(r"\1", saying(entry, SAYINGS[verdict.kind, verdict.reason]))
    elif verdict.kind is Kind.NOT_LOCAL and verdict.remote_digest is None:
        said = NOT_HERE
    else:
        said = SAYINGS[verdict.kind, verdict.reason]
        if verdict.changed:
            # Versions alone would read as an update where it is none.
            keeps = verdict.kind not in (Kind.OUTDATED, Kind.REBUILD)
            said = f"{said}, {verdict.changed}" if keeps else verdict.changed
        if verdict.layers is not None and not verdict.changed and entry.stale:
            new = verdict.layers.total - verdict.layers.shared
            said += f", {new} of {verdict.layers.total} layers new"
    if entry.base is not None and entry.base.moved_at is not None:
        when = age(entry.base.moved_at, now)
        # What was seen just now moved at any time before.
        if entry.base.dated_by == "created":
            said += f", built {when}"
        elif when != "just now":
            said += f", first seen {when}"
    if entry.held_until is not None:
        said += f", held back until {entry.held_until:%Y-%m-%d}"
    return LONG_DIGEST.sub(r"\1", ", ".join(part for part in (said, *verdict.notes) if part))


def status(entry: Entry) -> str:
    """The cell of a verdict."""
    return entry.verdict.kind.words if entry.in_files is None else word(entry)


def quota(limit: RateLimit) -> str:
    """What is left of a limit, and whose it is: `97 of 100 pulls left at docker.io (for …)`."""
    about = []
    if limit.source_kind == "address":
        about.append(f"for {safe(limit.source or '')}")
    elif limit.source_kind == "account":
        about.append("for your account")
    if limit.window_s:
        about.append(f"per {span(limit.window_s)}")
    if limit.resets_at is not None:
        about.append(f"anew at {limit.resets_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC")
    told = f" ({', '.join(about)})" if about else ""
    return f"{limit.remaining} of {limit.limit} pulls left at {safe(limit.registry)}{told}"


def missing(entry: Entry) -> bool:
    """Whether what the user named is not here, nor at its registry as far as anything tells."""
    verdict = entry.verdict
    return verdict.kind is Kind.NOT_LOCAL and verdict.remote_digest is None and not verdict.error


def _why_unknown(entry: Entry, cause: Cause, now: datetime) -> str:
    host = entry.reference.registry if entry.reference is not None else "the registry"
    said = CAUSES[cause].format(host=host)
    error = entry.verdict.error
    if isinstance(error, KeptBack):
        return error.why
    if isinstance(error, Unauthorized) and error.login is None:
        # Some registries hide what is missing behind the same answer.
        return f"not found at {host}, or private"
    if isinstance(error, RateLimited) and error.retry_at is not None:
        return f"{said}, try again at {_clock(error.retry_at, now)}"
    if error is None or not error.why:
        return said
    if cause is Cause.UNVERIFIED and not error.what.startswith(_ASKED):
        # A fault of an image here names it, as the row does already.
        return error.why if error.what.startswith("`") else str(error)
    if cause is Cause.TLS and error.why.startswith(_IT):
        return f"{host} {error.why.removeprefix(_IT)}"
    if isinstance(error, InvalidConfig):
        said = f"the configuration of {host} has no meaning"
    return f"{said} ({error.why})" if cause in _EXPLAINED else said


_ASKED = "cannot "
"""How every failure of something asked begins; what is wrong here is told as a fact."""

_IT = "it "

_EXPLAINED = frozenset(
    {Cause.CREDENTIALS, Cause.UNREACHABLE, Cause.TLS, Cause.SERVER_ERROR, Cause.UNVERIFIED}
)
"""Causes that say too little without the failure's own reason."""


def _clock(when: datetime, now: datetime) -> str:
    """`16:08 UTC`, and the date where it is another day; a minute that has begun is over."""
    ready = (when + timedelta(seconds=59)).astimezone(UTC)
    today = ready.date() == now.astimezone(UTC).date()
    return f"{ready:%H:%M} UTC" if today else f"{ready:%Y-%m-%d %H:%M} UTC"
