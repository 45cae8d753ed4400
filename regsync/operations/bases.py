"""`rebuild`: images built here on a base whose tag has moved on.

The base is known by the labels that a build may set (`org.opencontainers.image.base.name` and
`.digest`, image-spec `annotations.md`), else by its layers: an image here whose layers are the
lowest ones of the image that was built.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from regsync.errors import InvalidDigest, InvalidReference, RegsyncError
from regsync.oci.digest import Digest
from regsync.oci.manifest import Manifest
from regsync.oci.reference import Reference
from regsync.operations import questions
from regsync.operations.basefit import Base, fit, line_of
from regsync.operations.case import Case
from regsync.operations.compare import compare
from regsync.operations.judge import judge
from regsync.operations.questions import Inquiry
from regsync.operations.recall import former_names
from regsync.operations.report import Entry, MovedBase
from regsync.operations.rows import Row
from regsync.operations.verdict import Kind
from regsync.state.memory import Memory
from regsync.state.values import Known
from regsync.stores.base import LocalImage, Snapshot

_NAME = "org.opencontainers.image.base.name"
_DIGEST = "org.opencontainers.image.base.digest"
_REBUILDABLE = frozenset({Kind.UP_TO_DATE, Kind.UNPUSHED, Kind.LOCAL_ONLY, Kind.AHEAD})
# Who has one of these came from a registry, unless it was seen here before.
_CAME = frozenset({Kind.UP_TO_DATE, Kind.OUTDATED, Kind.GONE, Kind.PINNED, Kind.PINNED_GONE})

# What the verdict on a tag of the base says; the others say nothing of where it came from.
_MOVED = {Kind.OUTDATED: True, Kind.UP_TO_DATE: False}
# A base of which these are said was made here as well, and stands on a base of its own.
_MADE = _REBUILDABLE - {Kind.UP_TO_DATE}


def made_here(
    rows: Sequence[Row], entries: Sequence[Entry], known: Mapping[str, Known]
) -> frozenset[str]:
    """The IDs of images that were made on this machine, as far as anything tells.

    That is what no registry has, and what none had when an earlier status saw it first; an image
    that came by one of its names was not built here, whatever its other names are.
    """
    made: set[str] = set()
    came: set[str] = set()
    for row, entry in zip(rows, entries, strict=True):
        if row.image is None or row.name is None:
            continue
        before = known.get(str(row.reference))
        if before is not None and before.built_here and before.image_id == row.image.id:
            made.add(row.image.id)
        elif entry.verdict.kind in _CAME or row.image.origins:
            came.add(row.image.id)
        elif entry.verdict.kind in _REBUILDABLE:
            made.add(row.image.id)
    return frozenset(made - came)


def named_images(snapshot: Snapshot, memory: Memory) -> tuple[tuple[Reference, LocalImage], ...]:
    """Local images with the tags they have; those that lost theirs, with the tags they had."""
    found = [
        (reference, image)
        for image in snapshot.images
        for reference in image.names
        if reference.tag is not None
    ]
    untagged = {image.id: image for image in snapshot.images if image.untagged}
    lost = former_names(memory, snapshot.info.key, untagged)
    return (*found, *((one.reference, untagged[one.image_id]) for one in lost))


def candidates(
    row: Row, entry: Entry, made: frozenset[str], named: Sequence[tuple[Reference, LocalImage]]
) -> tuple[Base, ...]:
    """What an image was built on, under each tag that may be meant; nothing for what was pulled.

    The base with the most layers comes first; what follows are the bases below it.
    """
    image = row.image
    if image is None or row.name is None or image.id not in made:
        return ()
    if entry.verdict.kind not in _REBUILDABLE:
        return ()
    labelled = labelled_base(image)
    return (labelled,) if labelled is not None else layered_bases(image, named)


def rebuilt(
    image: LocalImage,
    entry: Entry,
    bases: Sequence[Base],
    kinds: Mapping[tuple[Reference, str], Kind],
    planned: Mapping[tuple[Reference, str], Row],
) -> Inquiry[Entry]:
    """The entry, as `rebuild` where its base has moved on.

    Args:
        bases: What `candidates` found.
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


def labelled_base(image: LocalImage) -> Base | None:
    """The base that the image's labels name, or None."""
    labels = image.config.labels if image.config is not None else {}
    name, digest = labels.get(_NAME, ""), labels.get(_DIGEST, "")
    try:
        reference, held = Reference.parse(name), Digest.parse(digest)
    except (InvalidReference, InvalidDigest):
        return None
    return Base(reference, held) if reference.tag is not None else None


def layered_bases(
    image: LocalImage, named: Sequence[tuple[Reference, LocalImage]]
) -> tuple[Base, ...]:
    """The local images whose layers are our lowest, under each tag they have, the highest first.

    Of those with the same layers the one that fits best comes first, then the order of names.

    Args:
        image: What was built.
        named: Local images with the tags they have, or had before they lost them.
    """
    ours = _layers(image)
    found = [
        Base(reference, None, candidate, len(theirs), fit(image.config, candidate.config))
        for reference, candidate in named
        if 0 < len(theirs := _layers(candidate)) < len(ours) and ours[: len(theirs)] == theirs
    ]
    found.sort(key=lambda base: str(base.reference))
    return tuple(sorted(found, key=lambda base: (base.depth, base.fit), reverse=True))


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
    return bool(theirs.diff_ids) and _layers(image)[: len(theirs.diff_ids)] == theirs.diff_ids


def _layers(image: LocalImage) -> tuple[str, ...]:
    return image.config.diff_ids if image.config is not None else ()
