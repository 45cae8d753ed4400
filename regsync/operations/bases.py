"""What was built here, and on what; whether that has moved on is the question of `basemoves`.

The base is known by the labels that a build may set (`org.opencontainers.image.base.name` and
`.digest`, image-spec `annotations.md`), else by its layers: an image here whose layers are the
lowest ones of the image that was built.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from regsync.errors import InvalidDigest, InvalidReference
from regsync.oci.annotations import BASE_DIGEST, BASE_NAME
from regsync.oci.digest import Digest
from regsync.oci.reference import Reference
from regsync.operations.basefit import Base, fit
from regsync.operations.recall import former_names
from regsync.operations.report import Entry
from regsync.operations.rows import Row
from regsync.operations.verdict import Kind
from regsync.registry.origin import is_internal
from regsync.state.memory import Memory
from regsync.state.values import Known
from regsync.stores.base import LocalImage, Snapshot

REBUILDABLE = frozenset({Kind.UP_TO_DATE, Kind.UNPUSHED, Kind.LOCAL_ONLY, Kind.AHEAD})
# Who has one of these came from a registry, unless it was seen here before.
_CAME = frozenset({Kind.UP_TO_DATE, Kind.OUTDATED, Kind.GONE, Kind.PINNED, Kind.PINNED_GONE})


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
        elif entry.verdict.kind in REBUILDABLE:
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
    row: Row,
    entry: Entry,
    made: frozenset[str],
    named: Sequence[tuple[Reference, LocalImage]],
    hosts: Collection[str],
) -> tuple[Base, ...]:
    """What an image was built on, under each tag that may be meant; nothing for what was pulled.

    The base with the most layers comes first; what follows are the bases below it.

    Args:
        hosts: The registries that the user has to do with. A label is an address that somebody else
            may have written: an internal one is asked only where it is one of these.
    """
    image = row.image
    if image is None or row.name is None or image.id not in made:
        return ()
    if entry.verdict.kind not in REBUILDABLE:
        return ()
    layered, labelled = layered_bases(image, named), labelled_base(image)
    if labelled is None:
        return layered
    registry = labelled.reference.registry
    asked = registry in hosts or not is_internal(registry)
    told = (labelled,) if asked else ()
    # Labels are inherited: those that the base has too are the base's own, or come from below it.
    same = [base for base in layered if base.image and labelled_base(base.image) == labelled]
    if same and same[0].depth == layered[0].depth:
        return (*(base for base in layered if base.depth >= same[-1].depth), *told)
    return told or layered


def labelled_base(image: LocalImage) -> Base | None:
    """The base that the image's labels name, or None."""
    labels = image.config.labels if image.config is not None else {}
    name, digest = labels.get(BASE_NAME, ""), labels.get(BASE_DIGEST, "")
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
    ours = layers(image)
    found = [
        Base(reference, None, candidate, len(theirs), fit(image.config, candidate.config))
        for reference, candidate in named
        if 0 < len(theirs := layers(candidate)) < len(ours) and ours[: len(theirs)] == theirs
    ]
    found.sort(key=lambda base: str(base.reference))
    return tuple(sorted(found, key=lambda base: (base.depth, base.fit), reverse=True))


def layers(image: LocalImage) -> tuple[str, ...]:
    """The diff IDs of an image, lowest first; none where the store does not tell."""
    return image.config.diff_ids if image.config is not None else ()
