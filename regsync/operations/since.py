"""`--changed`: what differs from what was last reported.

Compared is the state of each name as a text, which memory keeps; the mark is moved on only once
the report is out, so news is told twice rather than never.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from regsync.operations.report import Entry, News
from regsync.operations.rows import Row
from regsync.operations.verdict import Kind


def news(entries: Sequence[Entry], before: Mapping[str, str], names: frozenset[str] | None) -> News:
    """What of a report is new.

    Args:
        before: What was last reported, as `states` has it; empty before the first report, which
            so tells everything.
        names: All names that are here now, also those that are not asked; None where only some
            were asked for, so that nothing can be missed.
    """
    now = states(entries)
    new = {name for name, state in now.items() if before.get(name) != state}
    # What was never here, and only named once, has not vanished.
    here = [name for name, state in before.items() if not state.startswith(Kind.NOT_LOCAL)]
    return News(
        entries=tuple(entry for entry in entries if name_of(entry) in new),
        unchanged=sum(name_of(entry) not in new for entry in entries),
        vanished=tuple(sorted(set(here) - names)) if names is not None else (),
        states=now,
    )


def reported(news: News, listed: Sequence[Entry]) -> dict[str, str]:
    """The states to remember once `listed` is out, which may be less than all news."""
    told = {id(entry) for entry in listed}
    untold = {name_of(entry) for entry in news.entries if id(entry) not in told}
    return {name: state for name, state in news.states.items() if name not in untold}


def states(entries: Sequence[Entry]) -> dict[str, str]:
    """The state of each name: all that makes it news when it changes."""
    found: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        found[name_of(entry)].append(_state(entry))
    # A layout may give one name to several images, in no order that means anything.
    return {name: "; ".join(sorted(each)) for name, each in found.items()}


def name_of(one: Entry | Row) -> str:
    """What a row is known by from run to run."""
    if one.reference is not None:
        return str(one.reference)
    if one.name is not None:
        return one.name
    return (one.id if isinstance(one, Entry) else one.image.id if one.image else None) or ""


def _state(entry: Entry) -> str:
    verdict = entry.verdict
    # The cause, and nothing of the failure: its words differ from run to run.
    told = (verdict.kind, verdict.reason, verdict.cause, verdict.remote_digest, entry.stale)
    stale = sorted(container.name for container in entry.containers if container.stale)
    return " ".join([*("-" if one is None else str(one) for one in told), *stale])
