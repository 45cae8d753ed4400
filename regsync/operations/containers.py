"""Which containers use an image, whether they run what its name means here, and what cures that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from enum import StrEnum

from regsync.errors import InvalidReference
from regsync.oci.reference import Reference
from regsync.operations.report import Entry, UsedBy
from regsync.operations.rows import Row
from regsync.operations.verdict import Kind
from regsync.stores.base import Container, LocalImage


class Cure(StrEnum):
    """What brings a container to what its tag holds."""

    RECREATE = "recreate"
    PULL_AND_RECREATE = "pull_and_recreate"


class Uses:
    """Containers by what they were started with, so that no name is read twice."""

    def __init__(self, containers: Iterable[Container]) -> None:
        self._by_name: dict[Hashable, list[Container]] = defaultdict(list)
        self._by_image: dict[str, list[Container]] = defaultdict(list)
        self._nameless: set[str] = set()
        for container in containers:
            self._by_image[container.image_id].append(container)
            if by_id(container):
                self._nameless.add(container.image_id)
            else:
                self._by_name[meaning(container.image)].append(container)

    def of(self, row: Row) -> tuple[UsedBy, ...]:
        """The containers that were started by a row's name, or by its image where it has none."""
        if row.image is None:
            return ()
        if row.reference is None and row.name is None:
            return tuple(used(container, None) for container in self._by_image[row.image.id])
        return tuple(used(container, row.image) for container in self._named(row))

    def concern(self, row: Row) -> bool:
        """Whether a container was started by the row's name, or by the ID of its image."""
        if row.image is None:
            return False
        return row.image.id in self._nameless or bool(self._named(row))

    def _named(self, row: Row) -> list[Container]:
        if row.reference is not None:
            return self._by_name.get(key(row.reference), [])
        return self._by_name.get(meaning(row.name), []) if row.name is not None else []


def used(container: Container, image: LocalImage | None) -> UsedBy:
    """A container as a report tells it.

    Args:
        image: What the name that it was started with means here; None where it has no name.
    """
    stale = image is not None and not runs(container, image)
    return UsedBy(container.id, container.name, container.running, stale, container.starter)


def by_id(container: Container) -> bool:
    """Whether a container was started by its image's ID, or nobody knows by what."""
    given = container.image.removeprefix("sha256:")
    return container.image_id.removeprefix("sha256:").startswith(given)


def meaning(name: str) -> Hashable:
    """What a name means: equal for two that mean the same; the text itself where none can."""
    try:
        return key(Reference.parse(name))
    except InvalidReference:
        return name


def key(reference: Reference) -> Hashable:
    """What a reference points to; a tag beside a digest only tells people where it came from."""
    if reference.digest is not None:
        return (reference.repository, reference.digest)
    return reference


def runs(container: Container, image: LocalImage) -> bool:
    """Whether a container runs this very image."""
    if container.manifest is not None:
        held = image.digests | {child.digest for child in image.children}
        return container.manifest in held or container.image_id == image.id
    return container.image_id == image.id


def cure(entry: Entry, container: UsedBy) -> Cure | None:
    """What brings a container of an entry up to date; None where neither of both does.

    A new image that is held back is not pulled for now, and what is diverged or wants a build is
    not cured by a pull.
    """
    if entry.verdict.kind is Kind.OUTDATED and entry.stale:
        return Cure.PULL_AND_RECREATE
    return Cure.RECREATE if container.stale else None
