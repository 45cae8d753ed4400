"""How a row counts for a reader that wants one word of it: a colour, a test result, a state."""

from __future__ import annotations

from enum import StrEnum

from regsync.cli.words import missing
from regsync.operations.report import Entry
from regsync.operations.verdict import STALE, Kind


class Standing(StrEnum):
    """The worst first."""

    STALE = "stale"
    UNDECIDED = "undecided"
    HELD = "held"
    FINE = "fine"


def standing(entry: Entry) -> Standing:
    """What a row counts as, with the containers that run on it.

    `UNDECIDED` is also what the user named and nobody has, or cannot be asked about. `HELD` would
    be stale, and was not to count yet, or at all.
    """
    verdict = entry.verdict
    if entry.any_stale:
        return Standing.STALE
    if entry.stale is None or verdict.error is not None or missing(entry):
        return Standing.UNDECIDED
    if verdict.kind in STALE:
        return Standing.HELD
    return Standing.FINE


def cause_of(entry: Entry) -> str:
    """The stable name of why a row is undecided: a cause, or an error's code."""
    verdict = entry.verdict
    if verdict.cause is not None:
        return verdict.cause.value
    if verdict.error is not None:
        return verdict.error.code
    return "not_found" if verdict.kind is Kind.NOT_LOCAL else verdict.kind.value
