"""`--format nagios`: a state and numbers in one line, as Nagios, Icinga and Checkmk read them.

The monitoring plugins' convention (nagios-plugins.org/doc/guidelines.html): the exit code is the
state, `|` begins the numbers, further lines are details.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import IntEnum

from regsync.cli import screens, words
from regsync.cli.formats.standing import Standing, standing
from regsync.cli.terminal import safe
from regsync.cli.units import size
from regsync.errors import RegsyncError
from regsync.operations.report import Entry, StatusReport
from regsync.operations.verdict import GONE, Kind

_LINE_LIMIT = 500
"""Characters of one image's line."""


class State(IntEnum):
    """The states of the convention; the value is the exit code."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


def state(report: StatusReport) -> State:
    """CRITICAL where something stale is gone and cannot be pulled again, WARNING where something
    is stale, UNKNOWN where nothing is known to be and something is undecided, else OK.
    """
    found = {standing(entry) for entry in report.entries}
    if any(entry.stale and entry.verdict.kind in GONE for entry in report.entries):
        return State.CRITICAL
    if Standing.STALE in found:
        return State.WARNING
    undecided = Standing.UNDECIDED in found or report.failures
    return State.UNKNOWN if undecided else State.OK


def answer(report: StatusReport, entries: Sequence[Entry], now: datetime) -> str:
    """The state and its numbers, then a line for each image that is stale or undecided.

    Args:
        entries: Those that may get a line; state and numbers are of the whole report.
    """
    told = ", ".join(screens.counts(report)) or "no images"
    numbers = " ".join(_numbers(report))
    first = f"REGSYNC {state(report).name} - {told} | {numbers}"
    listed = (one for one in entries if standing(one) in (Standing.STALE, Standing.UNDECIDED))
    details = [*(_line(entry, now) for entry in listed), *map(str, report.failures)]
    return "\n".join([first, *map(_text, details)])


def failed(error: RegsyncError) -> str:
    """What a monitor is told where there is no answer at all."""
    told = f"{error}; {error.hint}" if error.hint else str(error)
    return f"REGSYNC {State.UNKNOWN.name} - {_text(told)}"


def _numbers(report: StatusReport) -> Iterator[str]:
    """Every verdict, also those that no image has: a curve must not break off at zero."""
    for kind in Kind:
        yield f"{kind.value}={report.summary.get(kind.value, 0)};;;0"
    stale = {use.id for entry in report.entries for use in entry.containers if use.stale}
    yield f"stale_containers={len(stale)};;;0"
    for limit in report.rate_limits:
        if limit.remaining is not None:
            host = limit.registry.replace("'", "").replace("=", "")
            yield f"'pulls_left {_text(host)}'={limit.remaining};;;0;{limit.limit}"


def _line(entry: Entry, now: datetime) -> str:
    verdict = entry.verdict
    parts = [words.status(entry), words.what_changed(entry, now)]
    if verdict.download_bytes is not None:
        parts.append(f"{size(verdict.download_bytes)} to download")
    if entry.containers:
        parts.append(f"used by {screens.used_by(entry)}")
    return f"{screens.name_of(entry)}: {', '.join(part for part in parts if part)}"


def _text(text: str) -> str:
    """Safe, and without what begins the numbers; the convention has no way to escape it."""
    return safe(text, _LINE_LIMIT).replace("|", "/")
