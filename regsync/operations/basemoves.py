"""`rebuild`: whether the base of an image that was built here has moved on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from regsync.errors import RegsyncError
from regsync.oci.digest import Digest
from regsync.oci.manifest import Manifest
from regsync.oci.reference import Reference
from regsync.operations import questions
from regsync.operations.basefit import Base, line_of
from regsync.operations.bases import REBUILDABLE, layers
from regsync.operations.case import Case
from regsync.operations.compare import compare
from regsync.operations.judge import judge
from regsync.operations.questions import Inquiry
from regsync.operations.report import Entry, MovedBase
from regsync.operations.rows import Row
from regsync.operations.verdict import Kind
from regsync.stores.base import LocalImage

# What the verdict on a tag of the base says; the others say nothing of where it came from.
_MOVED = {Kind.OUTDATED: True, Kind.UP_TO_DATE: False}
# A base of which these are said was made here as well, and stands on a base of its own.
_MADE = REBUILDABLE - {Kind.UP_TO_DATE}


def rebuilt(
    image: LocalImage,
    entry: Entry,
    bases: Sequence[Base],
    kinds: Mapping[tuple[Reference, str], Kind],
    planned: Mapping[tuple[Reference, str], Row],
) -> Inquiry[Entry]:
    """The entry, as `rebuild` where its base has moved on.

    Args:
        bases: What `bases.candidates` found.
        kinds: The verdicts of this run, by full name and image ID.
        planned: All rows of the store, also those that were not asked for.
    """
    moved = yield from _moved_one(image, bases, kinds, planned)
    if moved is None:
        return entry
    base, through, others = moved
    between = " or ".join(one.familiar for one in (through, *others) if one is not None)
    verdict = replace(
        entry.verdict,
        kind=Kind.REBUILD,
        reason=entry.verdict.kind.value,
        changed=f"base {base.reference.familiar} has moved on"
        + (f", below {between}" if through is not None else ""),
    )
    told = MovedBase(
        reference=base.reference,
        digest=base.digest or _held_then(base),
        now=(yield from _held_now(base)),
        source="labels" if base.image is None else "layers",
        through=through,
        others=others,
    )
    return replace(entry, verdict=verdict, base=told)


def has_moved(image: LocalImage, base: Base) -> Inquiry[bool | None]:
    """Whether the base's tag leads to something else than what the image was built on.

    None where the tag says nothing: it cannot be asked, or is not there.
    """
    try:
        held = yield from questions.holds(base.reference)
        if not isinstance(held, Digest):
            return None
        if held == base.digest:
            return False
        if base.image is not None:
            found = yield from compare(Case(base.image, base.reference), held)
            return found.reason is None
        return not (yield from _still_lowest(image, base, held))
    except RegsyncError:
        return None


def is_asked(
    base: Base,
    kinds: Mapping[tuple[Reference, str], Kind],
    planned: Mapping[tuple[Reference, str], Row],
) -> bool:
    """Whether `rebuilt` asks a registry for this base; what none can hold is sent to none."""
    if base.image is None:
        return True
    key = (base.reference, base.image.id)
    return key not in kinds and (key not in planned or planned[key].case is not None)


def _moved_one(
    image: LocalImage,
    bases: Sequence[Base],
    kinds: Mapping[tuple[Reference, str], Kind],
    planned: Mapping[tuple[Reference, str], Row],
) -> Inquiry[tuple[Base, Reference | None, tuple[Reference, ...]] | None]:
    """A base that has moved on, the image made here that stands between, and what else may be
    meant by the line that names the one or the other; None if none has moved.

    By which of its tags a base came is not known where it has several: as long as one of them still
    holds it, that one may be meant. A base that was made here itself leads to the one below it.
    """
    through: Reference | None = None
    others: tuple[Reference, ...] = ()
    for _, same in groupby(bases, key=lambda base: base.depth):
        level = list(same)
        moved, made = [], []
        for base in level:
            kind = yield from _kind_of(base, kinds, planned)
            said = (yield from has_moved(image, base)) if kind is None else _MOVED.get(kind)
            if said is False:
                return None
            if said:
                moved.append(base)
            if kind in _MADE:
                made.append(base)
        if level[0] is bases[0]:
            through, others = line_of(level, moved, made)
        if moved:
            return moved[0], through, others
        if not made:
            return None
    return None


def _kind_of(
    base: Base,
    kinds: Mapping[tuple[Reference, str], Kind],
    planned: Mapping[tuple[Reference, str], Row],
) -> Inquiry[Kind | None]:
    """The verdict on the base's own row; None where it has none, `unknown` where it fails."""
    if base.image is None:
        return None
    key = (base.reference, base.image.id)
    if key in kinds:
        return kinds[key]
    row = planned.get(key)
    if row is None:
        return None
    if row.settled is not None:
        return row.settled.kind
    if row.case is None:
        return Kind.UNKNOWN
    try:
        verdict = yield from judge(row.case)
    except RegsyncError:
        return Kind.UNKNOWN
    return verdict.kind


def _held_then(base: Base) -> Digest | None:
    return Case(base.image, base.reference).local_digest if base.image is not None else None


def _held_now(base: Base) -> Inquiry[Digest | None]:
    """What the tag holds now; this has been asked before, and costs nothing."""
    try:
        held = yield from questions.holds(base.reference)
    except RegsyncError:
        return None
    return held if isinstance(held, Digest) else None


def _still_lowest(image: LocalImage, base: Base, held: Digest) -> Inquiry[bool]:
    """Whether what the tag holds now is, for this platform, still below the image's own layers."""
    found = yield from compare(Case(image, base.reference), held)
    if not isinstance(found.manifest, Manifest):
        return found.reason is not None
    theirs = yield from questions.config(base.reference.repository, found.manifest.config)
    return bool(theirs.diff_ids) and layers(image)[: len(theirs.diff_ids)] == theirs.diff_ids
