"""What `status --explain` shows to people: both images, what was changed, and what says so."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from regsync.cli import nextsteps, screens, words
from regsync.cli.order import natural
from regsync.cli.terminal import Terminal, safe, show_hints, wrapped, write
from regsync.cli.units import counted, size
from regsync.oci.annotations import BASE_DIGEST, BASE_NAME, CREATED, REVISION, VERSION
from regsync.operations.explanation import Cause, Change, Explanation, PlatformMove, Side, What
from regsync.operations.report import Entry, StatusReport
from regsync.operations.verdict import Kind

CHANGES, TAGS = 12, 8
"""Settings and tags that a screen has room for; JSON has all."""
_TEXT_LIMIT = 160
_WHAT = {
    What.BASE: "base image only",
    What.APPLICATION: "application only",
    What.BOTH: "base image and application",
    What.METADATA: "metadata only",
}
_MOVES = ("moved", "added", "removed", "same")
# Told already, above the settings.
_SHOWN = frozenset({VERSION, REVISION, BASE_NAME, BASE_DIGEST, CREATED})


def show_explanations(
    report: StatusReport, *, every: bool, quiet: bool, engine: str
) -> tuple[Entry, ...]:
    """Print what a status explains; gives the entries that it lists.

    Args:
        every: Whether all entries are shown, as where they were named, or what is stale alone.
        quiet: Leave out the summary and the hints.
        engine: See `nextsteps.of_status`.
    """
    now = datetime.now(UTC)
    width = Terminal.of(sys.stdout, os.environ).width
    chosen = [
        entry
        for entry in report.listed
        if every or entry.any_stale or entry.explanation is not None
    ]
    entries = tuple(chosen) if every else screens.ordered(chosen)
    blocks = [explained(entry, now, width) for entry in entries] or ["nothing is stale"]
    if quiet:
        if entries:
            write("\n\n".join(blocks))
        return entries
    summary = screens.summary(report, width)
    write("\n\n".join(part for part in (*blocks, summary) if part))
    show_hints(nextsteps.of_status(entries, report.store, engine))
    return entries


def explained(entry: Entry, now: datetime, width: int | None) -> str:
    """One image: a sentence and, where there are two images, what differs between them."""
    explanation = entry.explanation
    headline = wrapped(safe(_headline(entry, now)), width)
    if explanation is None:
        return headline
    found = [(title, safe(words.LONG_DIGEST.sub(r"\1", text))) for title, text in rows(entry)]
    indent = max(len(title) for title, _ in found) + 4
    lines, last = [], ""
    for title, text in found:
        lead = f"  {title if title != last else '':<{indent - 2}}"
        last = title
        body = wrapped(text, None if width is None else max(width - indent, 20))
        lines.append(lead + body.replace("\n", "\n" + " " * indent))
    return "\n".join((headline, "", *lines))


def _headline(entry: Entry, now: datetime) -> str:
    name = screens.name_of(entry)
    verdict = entry.verdict
    stands = "to be rebuilt" if verdict.kind is Kind.REBUILD else verdict.kind.words
    said = words.what_changed(entry, now)
    if entry.explanation is not None and verdict.cause is None:
        # What changed is told below, at length.
        parts = (words.SAYINGS[verdict.kind, verdict.reason], *verdict.notes)
        said = ", ".join(part for part in parts if part)
    return f"{name} is {stands}: {said}" if said else f"{name} is {stands}"


def rows(entry: Entry) -> Iterator[tuple[str, str]]:
    """What differs, as titles and texts of which registries wrote a part; a title may come again.

    Nothing where nothing was explained.
    """
    explanation = entry.explanation
    if explanation is None:
        return
    tag = entry.reference.tag if entry.reference is not None else None
    pusher = explanation.names_source
    yield "yours", _side(explanation.ours, pusher)
    if explanation.seen_at is None:
        yield "now", _side(explanation.theirs, pusher)
    else:
        first = f"first seen {explanation.seen_at:%Y-%m-%d}, not asked now"
        yield "last", f"{_side(explanation.theirs, pusher)}; {first}"
    if explanation.cause is not None:
        yield "changed", _cause(explanation.cause)
        if base := _base(explanation.cause):
            yield "base", base
    if explanation.compare_url:
        yield "source", explanation.compare_url
    shown = [one for one in explanation.changes if one.name not in _SHOWN]
    for change in shown[:CHANGES]:
        yield "config", _change(change)
    if len(shown) > CHANGES:
        yield "config", f"and {len(shown) - CHANGES} more (`--format json` has all)"
    if explanation.layers is not None:
        yield "layers", _layers(explanation)
    if explanation.platforms is not None:
        yield "platforms", _platforms(explanation.platforms)
    if also := _also(explanation, tag):
        yield "also", also
    if entry.containers:
        yield "used by", screens.used_by(entry)
    for note in explanation.notes:
        yield "note", note


def _side(side: Side, pusher: str) -> str:
    parts = [str(side.digest) if side.digest is not None else "digest unknown"]
    if side.platform_digest is not None:
        parts[0] += f" (this platform {side.platform_digest})"
    if side.version is not None:
        parts.append(f"version {_short(side.version.value)} ({side.version.source})")
    if side.revision is not None:
        parts.append(f"revision {_short(side.revision.value)} ({side.revision.source})")
    if side.built is not None:
        parts.append(f"built {side.built:%Y-%m-%d} (config)")
    elif side.reproducible:
        parts.append(f"reproducible build: its date, {side.created[:10]}, says nothing")
    if side.pushed_at is not None:
        parts.append(f"pushed {side.pushed_at:%Y-%m-%d} ({pusher})")
    return ", ".join(parts)


def _cause(cause: Cause) -> str:
    rests = f"a guess: {cause.source}" if cause.guess else cause.source
    return f"{_WHAT[cause.what]} ({rests})"


def _base(cause: Cause) -> str:
    base = cause.base
    if base is None or not base.old or base.old == base.new:
        return ""
    return f"{_short(base.name)} {base.old} → {base.new}".lstrip()


def _change(change: Change) -> str:
    name = f"{change.setting} {_short(change.name)}".rstrip()
    if change.old is None:
        return f"{name}: added" + (f", {_short(change.new)}" if change.new else "")
    if change.new is None:
        return f"{name}: removed" + (f", was {_short(change.old)}" if change.old else "")
    return f"{name}: {_short(change.old)} → {_short(change.new)}"


def _layers(explanation: Explanation) -> str:
    layers = explanation.layers
    if layers is None:
        return ""
    new = layers.total - layers.shared
    said = f"{layers.shared} of {layers.total} kept, {new} to fetch"
    count = explanation.download_bytes
    return said if count is None else f"{said}, {size(count)} to download"


def _platforms(moves: Sequence[PlatformMove]) -> str:
    found = []
    for what in _MOVES:
        names = [str(one.platform) for one in moves if one.what == what]
        if names:
            found.append(f"{_some(names)} {what if what != 'same' else 'stayed'}")
    return f"{'; '.join(found)} (both indexes)"


def _also(explanation: Explanation, own: str | None) -> str:
    found = []
    for side, whose in ((explanation.theirs, "the new digest"), (explanation.ours, "yours")):
        if side.tags is None:
            continue
        names = sorted((tag for tag in side.tags if tag != own), key=natural, reverse=True)
        verb = "carries" if len(names) == 1 else "carry"
        found.append(f"{_some(names)} {verb} {whose}" if names else f"no other tag carries {whose}")
    return f"{'; '.join(found)} ({explanation.names_source})" if found else ""


def _some(names: Sequence[str]) -> str:
    more = len(names) - TAGS
    shown = ", ".join(names[:TAGS])
    return f"{shown} and {counted(more, 'other')}" if more > 0 else shown


def _short(text: str | None) -> str:
    return safe(text or "", _TEXT_LIMIT)
