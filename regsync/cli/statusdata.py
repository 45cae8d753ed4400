"""A status as JSON tells it: values as they are, keys as `docs/reference/json.md` lists them."""

from __future__ import annotations

from dataclasses import replace

from regsync.cli.envelope import Failure, moment, text
from regsync.cli.explaindata import explain_data, layers_data
from regsync.cli.infiles import in_files, place_data
from regsync.cli.words import CAUSES, missing
from regsync.operations.advice import next_step
from regsync.operations.containers import cure
from regsync.operations.report import Entry, MovedBase, StatusReport, UsedBy
from regsync.operations.verdict import LastKnown
from regsync.registry.ratelimit import RateLimit
from regsync.stores.base import StoreInfo


def status_data(report: StatusReport, entries: tuple[Entry, ...]) -> dict[str, object]:
    """The envelope's `data`.

    Args:
        report: What was found; `summary` counts all of it.
        entries: Those to list under `images`.
    """
    return {
        "engine": engine_data(report.store),
        "images": [image_data(entry) for entry in entries],
        "summary": report.summary,
        "requests": dict(report.requests),
        "rate_limits": [rate_limit_data(limit) for limit in report.rate_limits],
        "ignored": report.ignored,
        "not_understood": [place_data(place) for place in report.passed],
        "unchanged": report.news.unchanged if report.news is not None else None,
        "vanished": list(report.news.vanished) if report.news is not None else None,
    }


def image_data(entry: Entry) -> dict[str, object]:
    """One image: an element of `images`, and a line of `jsonl`."""
    verdict = entry.verdict
    return {
        "reference": text(entry.reference),
        "name": entry.name,
        "id": entry.id,
        "platform": text(entry.platform),
        "verdict": verdict.kind.value,
        "reason": verdict.reason,
        "stale": entry.stale,
        "cause": verdict.cause.value if verdict.cause is not None else None,
        "held_until": moment(entry.held_until),
        "last_known": last_known_data(verdict.last_known),
        "local_digest": text(verdict.local_digest),
        "remote_digest": text(verdict.remote_digest),
        "download_bytes": verdict.download_bytes,
        "layers": layers_data(verdict.layers),
        "containers": [_container(entry, container) for container in entry.containers],
        "checked_at": moment(entry.checked_at),
        "changed": verdict.changed or None,
        "notes": list(verdict.notes),
        **in_files(entry),
        "base": _base(entry.base),
        "explain": explain_data(entry.explanation),
    }


def engine_data(store: StoreInfo) -> dict[str, object]:
    """Which store answered: `engine`."""
    return {"name": store.name, "version": store.version, "store": store.kind}


def status_failures(entries: tuple[Entry, ...]) -> list[Failure]:
    """What goes into `errors`: one for each entry that is undecided, or missing everywhere."""
    return [failure for entry in entries if (failure := _failure(entry)) is not None]


def _failure(entry: Entry) -> Failure | None:
    verdict = entry.verdict
    reference = text(entry.reference) or entry.name
    host = entry.reference.registry if entry.reference is not None else "the registry"
    if verdict.cause is None and verdict.error is not None:
        told = Failure.of(verdict.error, reference)
        return replace(told, hint=next_step(entry))
    if verdict.cause is not None:
        if verdict.error is None:
            said = CAUSES[verdict.cause].format(host=host)
            return Failure(verdict.cause.value, said, next_step(entry), reference)
        told = Failure.of(verdict.error, reference)
        return replace(told, code=verdict.cause.value, hint=next_step(entry))
    if missing(entry):
        about = ", ".join(("not here", *verdict.notes))
        return Failure("not_found", f"`{entry.name}`: {about}", None, reference)
    return None


def last_known_data(known: LastKnown | None) -> dict[str, object] | None:
    """What was said before: `last_known`."""
    if known is None:
        return None
    return {"verdict": known.kind.value, "reason": known.reason, "at": moment(known.at)}


def _base(base: MovedBase | None) -> dict[str, object] | None:
    if base is None:
        return None
    return {
        "reference": str(base.reference),
        "digest": text(base.digest),
        "now": text(base.now),
        "moved_at": moment(base.moved_at),
        "dated_by": base.dated_by,
        "source": base.source,
        "line": base.line,
        "other_lines": list(base.other_lines),
        "folder": base.folder or None,
        "url": base.url or None,
    }


def _container(entry: Entry, container: UsedBy) -> dict[str, object]:
    return {
        "id": container.id,
        "name": container.name,
        "running": container.running,
        "stale": container.stale,
        "project": container.starter.project or None,
        "service": container.starter.service or None,
        "cure": found.value if (found := cure(entry, container)) is not None else None,
    }


def rate_limit_data(limit: RateLimit) -> dict[str, object]:
    """What a registry said of its limit: an element of `rate_limits`."""
    return {
        "registry": limit.registry,
        "limit": limit.limit,
        "remaining": limit.remaining,
        "window_s": limit.window_s,
        "source": limit.source or None,
        "source_kind": limit.source_kind,
        "resets_at": moment(limit.resets_at),
    }
