"""A `ps` as JSON tells it: keys as `docs/reference/json.md` lists them."""

from __future__ import annotations

from regsync.cli import cures
from regsync.cli.envelope import Failure, moment
from regsync.cli.statusdata import engine_data, last_known_data, rate_limit_data, status_failures
from regsync.operations.ps import PsReport, Use
from regsync.operations.verdict import Kind


def ps_data(report: PsReport, uses: tuple[Use, ...], options: str) -> dict[str, object]:
    """The envelope's `data`.

    Args:
        uses: The rows, in the order to list them.
        options: See `cures.pulling`.
    """
    return {
        "engine": engine_data(report.store),
        "containers": [container_data(use, report, options) for use in uses],
        "summary": report.summary,
        "requests": dict(report.requests),
        "rate_limits": [rate_limit_data(limit) for limit in report.rate_limits],
    }


def container_data(use: Use, report: PsReport, options: str) -> dict[str, object]:
    """One container: an element of `containers`, and a line of `jsonl`."""
    container, entry = use.container, use.entry
    verdict = entry.verdict
    return {
        "id": container.id,
        "name": container.name,
        "running": container.running,
        "project": container.starter.project or None,
        "service": container.starter.service or None,
        "unit": container.starter.unit or None,
        "image": use.image,
        "image_id": use.image_id,
        "reference": str(entry.reference) if entry.reference is not None else None,
        "state": use.state,
        "stale": use.stale,
        "older_image": container.stale,
        "cure": use.cure.value if use.cure is not None else None,
        "command": cures.command(use, report.store, options),
        "verdict": verdict.kind.value,
        "reason": verdict.reason,
        "cause": verdict.cause.value if verdict.cause is not None else None,
        "last_known": last_known_data(verdict.last_known),
        "held_until": moment(entry.held_until),
        "checked_at": moment(entry.checked_at),
    }


def ps_failures(report: PsReport) -> list[Failure]:
    """What goes into `errors`: one for each name that is undecided."""
    undecided = (one for one in report.entries if one.verdict.kind is Kind.UNKNOWN)
    return status_failures(tuple(undecided))
