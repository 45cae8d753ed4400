"""Which containers use an image, and whether they still run what its name means here."""

from __future__ import annotations

from collections.abc import Sequence

from regsync.errors import InvalidReference
from regsync.oci.reference import Reference
from regsync.operations.report import UsedBy
from regsync.operations.rows import Row
from regsync.stores.base import Container, LocalImage


def used_by(row: Row, containers: Sequence[Container]) -> tuple[UsedBy, ...]:
    """The running containers that were started by this name, or by this image without one."""
    image = row.image
    if image is None:
        return ()
    found = []
    for container in containers:
        if not container.running:
            continue
        if row.reference is None:
            if row.name is not None or container.image_id != image.id:
                continue
            stale = False
        elif _names(container.image, row.reference):
            stale = not _runs(container, image)
        else:
            continue
        found.append(UsedBy(container.id, container.name, container.running, stale))
    return tuple(found)


def _names(text: str, reference: Reference) -> bool:
    try:
        named = Reference.parse(text)
    except InvalidReference:
        return False
    if named.digest is not None and reference.digest is not None:
        return (named.repository, named.digest) == (reference.repository, reference.digest)
    return named == reference


def _runs(container: Container, image: LocalImage) -> bool:
    if container.manifest is not None:
        held = image.digests | {child.digest for child in image.children}
        return container.manifest in held or container.image_id == image.id
    return container.image_id == image.id
