"""What the user does not want to hear of: not asked, not listed, and counted alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from regsync.oci.glob import Glob
from regsync.oci.reference import Reference
from regsync.operations.rows import Row


@dataclass(frozen=True, slots=True)
class Muted:
    """The rows of a status without the ignored ones.

    Attributes:
        rows: What is asked and listed.
        count: How many rows are ignored.
        idle: Patterns that matched nothing.
    """

    rows: tuple[Row, ...]
    count: int = 0
    idle: tuple[str, ...] = ()


def mute(rows: Sequence[Row], patterns: Sequence[Glob]) -> Muted:
    """Take out the rows that one of the patterns matches."""
    used: set[str] = set()
    kept = []
    for row in rows:
        matching = [glob.pattern for glob in patterns if _matches(glob, row)]
        used.update(matching)
        if not matching:
            kept.append(row)
    idle = dict.fromkeys(glob.pattern for glob in patterns if glob.pattern not in used)
    return Muted(tuple(kept), len(rows) - len(kept), tuple(idle))


def is_ignored(reference: Reference, patterns: Sequence[Glob]) -> bool:
    """Whether one of the patterns matches, so that no registry is to be asked for it."""
    return any(glob.matches_reference(reference) for glob in patterns)


def idle(references: Sequence[Reference], patterns: Sequence[Glob]) -> tuple[str, ...]:
    """Patterns that match none of some references."""
    matching = (one for one in patterns if any(map(one.matches_reference, references)))
    used = {glob.pattern for glob in matching}
    return tuple(dict.fromkeys(glob.pattern for glob in patterns if glob.pattern not in used))


def _matches(glob: Glob, row: Row) -> bool:
    if row.reference is not None:
        return glob.matches_reference(row.reference)
    if row.name is None:
        return False
    # A name of no registry, e.g. Podman's `localhost/app:1`.
    repository, colon, tag = row.name.rpartition(":")
    bare = repository if colon and "/" not in tag else row.name
    return glob.matches(row.name) or glob.matches(bare)
