"""What must come out: the demo tells only what it has seen, and so is a test of the whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from regsync.errors import RegsyncError
from regsync.operations.report import Entry, StatusReport
from regsync.operations.verdict import Kind

Line = tuple[str | None, Kind, str | None, str]
"""Name, verdict, reason, and what changed."""

_ALIKE: tuple[Line, ...] = (
    ("postgres:13", Kind.UP_TO_DATE, "exact", ""),
    ("quay.io/minio/minio:latest", Kind.OUTDATED, "moved", ""),
    ("goals:latest", Kind.REBUILD, "local_only", "base node:latest has moved on"),
    ("extending_airflow:latest", Kind.LOCAL_ONLY, "not_found_or_private", ""),
    (None, Kind.LOCAL_ONLY, "untagged", ""),
)
BEFORE: tuple[Line, ...] = (
    ("node:latest", Kind.OUTDATED, "moved", "22.11.0 → 24.1.0"),
    *_ALIKE,
)
"""After the tags have moved."""
AFTER: tuple[Line, ...] = (
    ("node:latest", Kind.UP_TO_DATE, "exact", ""),
    # The node that `goals` is built on has lost its name.
    (None, Kind.LOCAL_ONLY, "untagged", ""),
    *_ALIKE,
)
"""After the pull."""


class StoryFailed(RegsyncError):
    """Something else came out than what is told."""

    code = "demo"


def demand(report: StatusReport, expected: Sequence[Line], *, spent: bool) -> None:
    """Demand that a status says what is told of it.

    Args:
        spent: Whether manifests had to be fetched, which Docker Hub counts as pulls.

    Raises:
        StoryFailed: it says something else.
    """
    found, wanted = Counter(map(_line, report.entries)), Counter(expected)
    wrong = [*(found - wanted), *(wanted - found)]
    if wrong:
        said = "; ".join(_text(line) for line in found - wanted) or "nothing"
        told = "; ".join(_text(line) for line in wanted - found) or "nothing"
        raise _failed(f"status says {said}, and not {told}")
    pulls = report.requests["counted_pulls"]
    if spent != bool(pulls):
        raise _failed(f"status spent {pulls} pulls")
    lost = ["".join(entry.verdict.notes) for entry in report.entries if entry.name is None]
    if not all(notes.startswith("was node@") for notes in lost):
        raise _failed("an image without a name does not tell that it was node")


def _line(entry: Entry) -> Line:
    verdict = entry.verdict
    return entry.name, verdict.kind, verdict.reason, verdict.changed


def _text(line: Line) -> str:
    name, *rest = line
    return " ".join([name or "<none>", *(str(part) for part in rest if part)])


def _failed(why: str) -> StoryFailed:
    return StoryFailed(
        "the demo did not come out as told",
        why,
        "this is a fault of regsync: please report it",
    )
