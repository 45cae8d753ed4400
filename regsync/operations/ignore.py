"""What the user does not want to hear of: not asked, not listed, and counted alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from regsync.errors import InvalidReference, RegsyncError, Unresolved
from regsync.files.found import Place
from regsync.oci.glob import Glob
from regsync.oci.reference import Reference
from regsync.operations.rows import Row

# What a compose file, a Dockerfile, a template or Tekton fills in.
_FILLED_IN = re.compile(r"\$|\{\{")


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


def repository_of(written: str) -> Reference | None:
    """The repository of a name that cannot be told whole: `team/app` of `team/app:${TAG:?}`.

    None where that part is not literal either.
    """
    literal = _FILLED_IN.split(written, 1)[0]
    head, slash, last = literal.strip("\"'").partition("@")[0].rpartition("/")
    name, colon, _ = last.partition(":")
    open_end = literal != written and not colon and "@" not in literal
    # `localhost:${PORT}/app` has a colon that begins no tag.
    if open_end or (not slash and "/" in written):
        return None
    try:
        return Reference.parse_bare(f"{head}{slash}{name}")
    except InvalidReference:
        return None


def mute_failures(
    failures: Sequence[RegsyncError], patterns: Sequence[Glob]
) -> tuple[tuple[RegsyncError, ...], tuple[Reference, ...]]:
    """Take out the unresolved names that a pattern matches by their repository.

    Returns:
        The other failures, and the repositories of what was taken out.
    """
    kept, muted = [], []
    for failure in failures:
        name = failure.name if isinstance(failure, Unresolved) else ""
        repository = repository_of(name) if name else None
        if repository is not None and is_ignored(repository, patterns):
            muted.append(repository)
        else:
            kept.append(failure)
    return tuple(kept), tuple(muted)


def mute_places(places: Sequence[Place], patterns: Sequence[Glob]) -> tuple[Place, ...]:
    """The places that name nothing a pattern matches."""
    named = ((place, repository_of(place.text)) for place in places)
    return tuple(place for place, name in named if not (name and is_ignored(name, patterns)))


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
