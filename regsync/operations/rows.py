"""Which rows a status has, and which of them are asked at all: decided before any request.

What is not asked leaks nothing: a private name that no registry can hold is not sent to one.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from regsync.errors import InvalidReference, RegsyncError
from regsync.oci.platform import Platform
from regsync.oci.reference import DOCKER_HUB, Reference
from regsync.operations.case import Case
from regsync.operations.holdings import Holdings
from regsync.operations.recall import former_names
from regsync.operations.verdict import Kind, Verdict, unknown
from regsync.state.memory import Memory
from regsync.state.values import Sync
from regsync.stores.base import LocalImage, Snapshot

# Shorter ones are words as well: `cafe`, `dad`.
_ID = re.compile(r"[0-9a-f]{4,64}")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a status.

    Attributes:
        reference: The full name; None for what no registry can hold.
        name: As it is shown; None for an untagged image.
        image: None where the user named something that is not here.
        case: What is brought before the judge; None where nothing is asked.
        settled: The verdict, where it needs no registry.
    """

    reference: Reference | None
    name: str | None
    image: LocalImage | None
    case: Case | None = None
    settled: Verdict | None = None


def plan_rows(
    snapshot: Snapshot,
    memory: Memory,
    *,
    wanted: Sequence[str] = (),
    platform: Platform | None = None,
) -> tuple[Row, ...]:
    """One row for each local name and each untagged image.

    Args:
        wanted: What the user names: what is named by digest has a row by that digest.
        platform: The platform to compare in place of each image's own.
    """
    pinned = _pins(snapshot, wanted)
    planner = _Planner(
        snapshot,
        memory.syncs(snapshot.info.key),
        memory,
        platform,
        pinned,
        # Shared by all cases: one for every name would grow with the square of their number.
        untagged=tuple(image for image in snapshot.images if image.untagged),
        holdings=Holdings.of(snapshot.info.kind, snapshot.images),
    )
    return tuple(row for image in snapshot.images for row in planner.rows(image))


@dataclass(frozen=True, slots=True)
class _Planner:
    snapshot: Snapshot
    syncs: Mapping[str, Sync]
    memory: Memory
    platform: Platform | None
    pinned: Mapping[Reference, Reference]
    untagged: tuple[LocalImage, ...]
    holdings: Holdings

    def rows(self, image: LocalImage) -> list[Row]:
        """The rows of one image."""
        if image.fault is not None:
            return _faulty(image, image.fault)
        if image.untagged:
            return self._untagged(image)
        names = [self.pinned.get(name, name) for name in image.names]
        pins = (self.pinned.get(known) for known in (*image.origins, *image.claims))
        names += [pin for pin in dict.fromkeys(pins) if pin is not None and pin not in names]
        return [self._named(image, name) for name in names] + [
            Row(None, name, image, settled=Verdict(Kind.LOCAL_ONLY, "no_registry"))
            for name in image.local_names
        ]

    def _untagged(self, image: LocalImage) -> list[Row]:
        # The classic store keeps no name for what was pulled by digest; whoever names it so, a
        # container or the user, shows that the digest is meant.
        pins = [self.pinned[origin] for origin in image.origins if origin in self.pinned]
        if pins:
            return [self._named(image, pin) for pin in pins]
        origins = image.origins or self._lost(image)
        notes = tuple(f"was {origin.familiar}" for origin in origins)
        return [Row(None, None, image, settled=Verdict(Kind.LOCAL_ONLY, "untagged", notes=notes))]

    def _lost(self, image: LocalImage) -> list[Reference]:
        """What an image was pulled as, by our own memory: a layout has none."""
        found = former_names(self.memory, self.snapshot.info.key, [image.id])
        return list(
            dict.fromkeys(Reference(one.reference.repository, digest=one.digest) for one in found)
        )

    def _named(self, image: LocalImage, reference: Reference) -> Row:
        synced = self.syncs.get(str(reference))
        if synced is None and _private_to_docker(image, reference):
            verdict = Verdict(Kind.LOCAL_ONLY, "no_registry")
            return Row(reference, reference.familiar, image, settled=verdict)
        once: frozenset[str] = frozenset()
        seen_before: frozenset[str] = frozenset()
        if synced is not None:
            seen_before = self.memory.seen_before(str(reference), synced.digest)
            if synced.image_id != image.id:
                history = self.memory.history(self.snapshot.info.key, str(reference))
                once = frozenset(sync.image_id for sync in history)
        case = Case(
            image=image,
            reference=reference,
            synced=synced,
            once=once,
            seen_before=seen_before,
            siblings=tuple(
                other
                for other in image.names
                if other != reference and other.repository == reference.repository
            ),
            untagged=self.untagged,
            holdings=self.holdings,
            wanted=self.platform,
        )
        return Row(reference, reference.familiar, image, case)


def _faulty(image: LocalImage, fault: RegsyncError) -> list[Row]:
    """The rows of an image that cannot be read here: nothing can be compared with a registry."""
    told = copy.copy(fault)
    told.hint = told.hint or "it is damaged here: pull it again, or remove it"
    verdict = unknown(told)
    named = [Row(name, name.familiar, image, settled=verdict) for name in image.names]
    others = [Row(None, name, image, settled=verdict) for name in image.local_names]
    return named + others or [Row(None, None, image, settled=verdict)]


def _private_to_docker(image: LocalImage, reference: Reference) -> bool:
    """Whether the name reads as one of Docker's own images and the image is none.

    `docker build -t goals` makes `docker.io/library/goals`. In the classic store, which remembers
    where images came from, an image from nowhere with such a name is ours alone.
    """
    short = reference.registry == DOCKER_HUB and reference.repository.path.startswith("library/")
    return (
        short
        and image.remembers
        and not any(origin.registry == DOCKER_HUB for origin in image.origins)
    )


def _pins(snapshot: Snapshot, wanted: Sequence[str]) -> dict[Reference, Reference]:
    """What containers or the user name by digest: with the tag beside it, by the name without.

    Stores forget the tag of `app:1@sha256:…`, and whether it has moved is worth a note.
    """
    found = {}
    for text in (*(container.image for container in snapshot.containers), *wanted):
        try:
            reference = Reference.parse(text)
        except InvalidReference:
            continue
        if reference.digest is not None:
            found[Reference(reference.repository, digest=reference.digest)] = reference
    return found


def choose(rows: Sequence[Row], wanted: Sequence[str]) -> tuple[Row, ...]:
    """The rows that were asked for, each once, in the order of asking; all where none was.

    Args:
        wanted: References as docker reads them, or image IDs, whole or from their start on.

    Raises:
        InvalidReference: a wanted text is neither a reference nor the ID of an image here.
    """
    if not wanted:
        return tuple(rows)
    chosen: dict[int, Row] = {}
    for text in wanted:
        found = [row for row in rows if _is_named(row, text)]
        found = found or [row for row in rows if _has_id(row, text)]
        if not found:
            reference = Reference.parse(text)
            found = [Row(reference, reference.familiar, None)]
        chosen.update((id(row), row) for row in found)
    return tuple(chosen.values())


def _is_named(row: Row, text: str) -> bool:
    if row.name == text:
        return True
    try:
        reference = Reference.parse(text)
    except InvalidReference:
        return False
    if row.reference is None:
        return False
    if reference.digest is not None and row.reference.digest is not None:
        return (reference.repository, reference.digest) == (
            row.reference.repository,
            row.reference.digest,
        )
    return reference == row.reference


def _has_id(row: Row, text: str) -> bool:
    encoded = text.removeprefix("sha256:")
    return (
        row.image is not None
        and _ID.fullmatch(encoded) is not None
        and row.image.id.removeprefix("sha256:").startswith(encoded)
    )
