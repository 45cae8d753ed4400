"""What `status` shows to people: the answer first, then what it rests on, then what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from regsync.cli import infiles, tables, words
from regsync.cli.order import natural
from regsync.cli.tables import Column
from regsync.cli.terminal import Terminal, safe, wrapped
from regsync.cli.units import counted, size
from regsync.operations.report import Entry, StatusReport
from regsync.operations.verdict import Kind
from regsync.registry.ratelimit import RateLimit
from regsync.stores.base import StoreInfo

_GREEN, _YELLOW, _RED, _RESET = "\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[0m"
_COLOURS = {
    Kind.UP_TO_DATE: _GREEN,
    Kind.OUTDATED: _YELLOW,
    Kind.REBUILD: _YELLOW,
    Kind.DIVERGED: _YELLOW,
    Kind.UNRELATED: _YELLOW,
    Kind.GONE: _RED,
    Kind.PINNED_GONE: _RED,
    Kind.UNKNOWN: _RED,
}
CELL_LIMIT = 200
"""Characters of a cell that a registry has a say in."""
_COLOUR_OF_WORDS = {kind.words: colour for kind, colour in _COLOURS.items()} | {
    "current": _GREEN,
    "recreate": _YELLOW,
    "pull, then recreate": _YELLOW,
}

_STORES = {
    "classic": "classic store",
    "containerd": "containerd store",
    "containers-storage": "containers-storage",
    "oci-layout": "OCI layout",
}


class Costly(Protocol):
    """A report that says what it cost."""

    @property
    def requests(self) -> Mapping[str, int]:
        """Requests really sent, by kind."""

    @property
    def rate_limits(self) -> tuple[RateLimit, ...]:
        """What registries said of their limits."""


def ordered(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Stale first, then unknown, then the rest; by name in natural order, the untagged last."""

    def key(entry: Entry) -> tuple[object, ...]:
        rank = 0 if entry.any_stale else 1 if entry.verdict.kind is Kind.UNKNOWN else 2
        return (rank, entry.name is None, natural(entry.name or entry.id or ""))

    return tuple(sorted(entries, key=key))


def header(report: StatusReport) -> str:
    """Which store answered, and what it holds: `docker 28.5 · containerd store · 6 images`."""
    if report.files is not None:
        return infiles.header(report)
    registries = {entry.reference.registry for entry in report.entries if entry.reference}
    # As the summary counts: an image is listed, and can differ, under each of its names.
    holds = counted(sum(entry.id is not None for entry in report.entries), "image")
    if registries:
        holds += ", " + counted(len(registries), "registry", "registries")
    return headline(report.store, holds)


def headline(store: StoreInfo, holds: str) -> str:
    """Which store answered, and what it holds."""
    return " · ".join(safe(part) for part in (*_store(store), holds) if part)


def table(entries: Sequence[Entry], now: datetime, terminal: Terminal) -> str:
    """The rows, as wide as the terminal at most; empty text where there are none."""
    if not entries:
        return ""
    columns = tables.fit(_columns(entries, now), terminal.width)
    return tables.render(columns, paint if terminal.colour else None)


def with_vanished(rows: str, vanished: Sequence[str], width: int | None = None) -> str:
    """The rows, and below them which names are no longer here."""
    if not vanished:
        return rows
    names = ", ".join(safe(words.LONG_DIGEST.sub(r"\1", name)) for name in vanished)
    gone = wrapped(f"no longer here: {names}", width)
    return f"{rows}\n\n{gone}" if rows else gone


def markdown(entries: Sequence[Entry], now: datetime) -> str:
    """The rows as a GitHub table, in full."""
    return tables.markdown(_columns(entries, now))


TSV_TITLES = (
    "name",
    "reference",
    "id",
    "platform",
    "verdict",
    "reason",
    "cause",
    "stale",
    "local_digest",
    "remote_digest",
    "download_bytes",
    "changed",
    "containers",
    "files",
    "behind",
)


def tsv(entries: Sequence[Entry]) -> str:
    """The rows as raw values; what is not known is empty."""
    return tables.tsv([_raw(entry) for entry in entries], TSV_TITLES)


def counts(report: StatusReport) -> list[str]:
    """How many of each, the stale first: `2 outdated`, `1 up to date`."""
    kinds = (Kind(name) for name in report.summary)
    ranked = sorted(kinds, key=lambda kind: (not kind.stale, kind is not Kind.UNKNOWN))
    said = infiles.counts(report, words.COUNTED)
    parts = [f"{report.summary[kind]} {said[kind]}" for kind in ranked]
    parts += infiles.behind(report)
    held = sum(entry.held_until is not None for entry in report.entries)
    parts += [f"{held} of them held back"] if held else []
    parts += [f"{report.ignored} ignored"] if report.ignored else []
    return parts


def summary(report: StatusReport, width: int | None) -> str:
    """How many of each, and what it cost: `2 outdated, 1 up to date    4 requests, …`."""
    found = ", ".join(counts(report))
    if report.news is not None:
        changed = len(report.news.entries) + len(report.news.vanished)
        found = f"{changed} changed, {report.news.unchanged} unchanged; now {found}"
    return counts_and_cost(found, report, width)


def counts_and_cost(found: str, report: Costly, width: int | None) -> str:
    """What was found and what that cost, on one line where it fits."""
    cost = _cost(report)
    if not found:
        return cost
    line = f"{found}    {cost}" if cost else found
    if width is None or len(line) <= width:
        return line
    return "\n".join(wrapped(part, width) for part in (found, cost) if part)


def _columns(entries: Sequence[Entry], now: datetime) -> tuple[Column, ...]:
    def cells(*texts: str) -> tuple[str, ...]:
        return tuple(safe(text) for text in texts)

    bytes_to_load = (entry.verdict.download_bytes for entry in entries)
    return (
        Column("IMAGE", cells(*map(name_of, entries)), least=20, keep_end=True, firm=True),
        Column("STATUS", cells(*map(words.status, entries)), firm=True),
        Column(
            "WHAT CHANGED",
            tuple(safe(words.what_changed(entry, now), CELL_LIMIT) for entry in entries),
            least=24,
        ),
        *infiles.columns(entries),
        Column(
            "DOWNLOAD",
            cells(*(size(count) if count is not None else "" for count in bytes_to_load)),
            numbers=True,
        ),
        Column("USED BY", cells(*map(used_by, entries)), least=14),
    )


def name_of(entry: Entry) -> str:
    """An image as people call it; `<none>` and its ID where it has no name."""
    if entry.name is not None:
        return words.LONG_DIGEST.sub(r"\1", entry.name)
    return f"<none> {(entry.id or '').rpartition(':')[2][:12]}".rstrip()


def used_by(entry: Entry) -> str:
    """The containers that run on it: `web, worker (older image)`."""
    return ", ".join(
        f"{use.name} (older image)" if use.stale else use.name for use in entry.containers
    )


def _raw(entry: Entry) -> dict[str, str]:
    verdict = entry.verdict
    values: tuple[object, ...] = (
        entry.name,
        entry.reference,
        entry.id,
        entry.platform,
        verdict.kind,
        verdict.reason,
        verdict.cause,
        {True: "true", False: "false", None: None}[entry.stale],
        verdict.local_digest,
        verdict.remote_digest,
        verdict.download_bytes,
        verdict.changed,
        ",".join(use.name for use in entry.containers),
        *infiles.raw(entry),
    )
    texts = ("" if value is None else safe(str(value)) for value in values)
    return dict(zip(TSV_TITLES, texts, strict=True))


def _store(store: StoreInfo) -> tuple[str, ...]:
    if store.kind == "oci-layout":
        return ("OCI layout", store.address)
    # The first two numbers are what people know an engine by.
    version = ".".join(store.version.split(".")[:2])
    return (f"{store.name} {version}".rstrip(), _STORES.get(store.kind, store.kind))


def requests_sent(report: Costly) -> str:
    """What was asked of registries: `4 requests, no pulls spent`; empty where nothing was."""
    sent = report.requests
    total = sum(count for kind, count in sent.items() if kind != "counted_pulls")
    if not total:
        return ""
    pulls = sent.get("counted_pulls", 0)
    spent = f"{counted(pulls, 'pull')} spent" if pulls else "no pulls spent"
    return f"{counted(total, 'request')}, {spent}"


def _cost(report: Costly) -> str:
    sent = requests_sent(report)
    if not sent:
        return ""
    parts = [sent]
    parts += [words.quota(limit) for limit in report.rate_limits if limit.remaining is not None]
    return ", ".join(parts)


def paint(title: str, cell: str) -> str:
    """A cell of STATUS in the colour of its words."""
    colour = _COLOUR_OF_WORDS.get(cell) if title == "STATUS" else None
    return f"{colour}{cell}{_RESET}" if colour else cell
