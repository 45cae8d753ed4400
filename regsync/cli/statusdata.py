"""A status as JSON tells it: values as they are, keys as `docs/reference/json.md` lists them."""

from __future__ import annotations

from dataclasses import replace

from regsync.cli.envelope import Failure, moment
from regsync.cli.infiles import in_files
from regsync.cli.words import CAUSES, missing
from regsync.operations.advice import next_step
from regsync.operations.report import Entry, StatusReport, UsedBy
from regsync.operations.verdict import LastKnown, Verdict
from regsync.registry.ratelimit import RateLimit


def status_data(report: StatusReport, entries: tuple[Entry, ...]) -> dict[str, object]:
    """The envelope's `data`.

    Args:
        report: What was found; `summary` counts all of it.
        entries: Those to list under `images`.
    """
    store = report.store
    return {
        "engine": {"name": store.name, "version": store.version, "store": store.kind},
        "images": [image_data(entry) for entry in entries],
        "summary": report.summary,
        "requests": dict(report.requests),
        "rate_limits": [_rate_limit(limit) for limit in report.rate_limits],
        "ignored": report.ignored,
        "unchanged": report.news.unchanged if report.news is not None else None,
        "vanished": list(report.news.vanished) if report.news is not None else None,
    }


def image_data(entry: Entry) -> dict[str, object]:
    """One image: an element of `images`, and a line of `jsonl`."""
    verdict = entry.verdict
    return {
        "reference": _text(entry.reference),
        "name": entry.name,
        "id": entry.id,
        "platform": _text(entry.platform),
        "verdict": verdict.kind.value,
        "reason": verdict.reason,
        "stale": entry.stale,
        "cause": verdict.cause.value if verdict.cause is not None else None,
        "held_until": moment(entry.held_until),
        "last_known": _last_known(verdict.last_known),
        "local_digest": _text(verdict.local_digest),
        "remote_digest": _text(verdict.remote_digest),
        "download_bytes": verdict.download_bytes,
        "layers": _layers(verdict),
        "containers": [_container(container) for container in entry.containers],
        "checked_at": moment(entry.checked_at),
        "changed": verdict.changed or None,
        "notes": list(verdict.notes),
        **in_files(entry),
    }


def status_failures(entries: tuple[Entry, ...]) -> list[Failure]:
    """What goes into `errors`: one for each entry that is undecided, or missing everywhere."""
    return [failure for entry in entries if (failure := _failure(entry)) is not None]


def _failure(entry: Entry) -> Failure | None:
    verdict = entry.verdict
    reference = _text(entry.reference) or entry.name
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


def _text(value: object) -> str | None:
    return str(value) if value is not None else None


def _last_known(known: LastKnown | None) -> dict[str, object] | None:
    if known is None:
        return None
    return {"verdict": known.kind.value, "reason": known.reason, "at": moment(known.at)}


def _layers(verdict: Verdict) -> dict[str, object] | None:
    if verdict.layers is None:
        return None
    return {"total": verdict.layers.total, "shared": verdict.layers.shared}


def _container(container: UsedBy) -> dict[str, object]:
    return {
        "id": container.id,
        "name": container.name,
        "running": container.running,
        "stale": container.stale,
    }


def _rate_limit(limit: RateLimit) -> dict[str, object]:
    return {
        "registry": limit.registry,
        "limit": limit.limit,
        "remaining": limit.remaining,
        "window_s": limit.window_s,
        "source": limit.source or None,
        "source_kind": limit.source_kind,
        "resets_at": moment(limit.resets_at),
    }
