"""All that is known of a row, as terms and texts: what a table has no room for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from regsync.cli.explanation import rows
from regsync.cli.infiles import last_words
from regsync.cli.terminal import safe
from regsync.cli.units import age, size
from regsync.operations.advice import next_step
from regsync.operations.report import Entry, UsedBy
from regsync.operations.verdict import MEANINGS, Kind

Fact = tuple[str, str]
"""A term and what is known: `("platform", "linux/amd64")`, safe to show anywhere."""


def facts(entry: Entry, now: datetime) -> list[Fact]:
    """What is known of a row beside its verdict, in the order people ask for it; never empty."""
    return [(term, safe(text)) for term, text in _facts(entry, now)]


def moment(when: datetime) -> str:
    """`2026-01-10 12:00 UTC`."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _facts(entry: Entry, now: datetime) -> Iterator[Fact]:
    verdict = entry.verdict
    if entry.in_files is None:
        yield "means", MEANINGS[verdict.kind]
    if verdict.reason is not None:
        # The reason of a `rebuild` is the verdict that it stands in for.
        term = "otherwise" if verdict.kind is Kind.REBUILD else "reason"
        yield term, _words(verdict.reason)
    if verdict.changed and entry.explanation is None:
        yield "changed", verdict.changed
    if verdict.error is not None:
        yield "cause", str(verdict.error)
    elif verdict.cause is not None:
        yield "cause", _words(verdict.cause.value)
    if (step := next_step(entry)) is not None:
        yield "hint", step
    if verdict.last_known is not None:
        known = verdict.last_known
        said = last_words(entry, known) + (f" ({_words(known.reason)})" if known.reason else "")
        yield "last known", f"{said}, {age(known.at, now)}, {moment(known.at)}"
    if entry.held_until is not None:
        yield "held until", moment(entry.held_until)
    if entry.reference is not None:
        yield "reference", str(entry.reference)
    if entry.id is not None:
        yield "ID", entry.id
    if entry.platform is not None:
        yield "platform", str(entry.platform)
    if entry.explanation is not None:
        # Containers are told below, one by one.
        yield from (row for row in rows(entry) if row[0] != "used by")
    if verdict.local_digest is not None:
        yield "digest here", str(verdict.local_digest)
    if verdict.remote_digest is not None:
        yield "digest there", str(verdict.remote_digest)
    if verdict.layers is not None and entry.explanation is None:
        yield "layers", f"{verdict.layers.shared} of {verdict.layers.total} are here already"
    if verdict.download_bytes is not None:
        yield "download", f"{size(verdict.download_bytes)} ({verdict.download_bytes} bytes)"
    for use in entry.containers:
        yield "used by", _use(use)
    for place in entry.in_files.places if entry.in_files is not None else ():
        yield "named in", f"{place} {place.name}"
    for note in verdict.notes:
        yield "note", note
    if entry.checked_at is not None:
        yield "checked", moment(entry.checked_at)
    elif verdict.kind is not Kind.UNKNOWN:
        yield "checked", "no registry was asked"


def _use(use: UsedBy) -> str:
    runs = ", which runs an older image: recreate it" if use.stale else ""
    return f"container {use.name} ({use.id[:12]}){runs}"


def _words(name: str) -> str:
    return name.replace("_", " ")
