"""What a status or a pull leaves behind for the next status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from regsync.oci.digest import Digest
from regsync.oci.reference import Reference
from regsync.operations.report import Entry
from regsync.operations.rows import Row
from regsync.operations.verdict import Kind
from regsync.state.memory import Memory
from regsync.state.values import Known, Sighting, Sync
from regsync.stores.base import LocalImage, Snapshot

if TYPE_CHECKING:
    from regsync.operations.pull import PullResult


@dataclass(frozen=True, slots=True)
class Found:
    """What a status found.

    Attributes:
        made_here: IDs of images that were made on this machine.
        greetings: See `Registries.greetings`.
        held: What tags were found to hold, those of bases too.
    """

    snapshot: Snapshot
    rows: Sequence[Row]
    entries: Sequence[Entry]
    made_here: frozenset[str]
    greetings: Mapping[str, str]
    held: Mapping[Reference, Digest]


def remember(memory: Memory, found: Found, now: datetime, *, own_platform: bool = True) -> None:
    """Write down what is in sync, what was said, which digests were seen, and who greeted how.

    Args:
        own_platform: Whether each image was compared for its own platform; what was said of
            another is not kept.
    """
    store = found.snapshot.info.key
    syncs, known = [], []
    seen = [Sighting(str(name), str(digest), now) for name, digest in found.held.items()]
    for row, entry in zip(found.rows, found.entries, strict=True):
        image, reference, verdict = row.image, row.reference, entry.verdict
        if image is None or reference is None or reference.digest is not None:
            continue
        text = str(reference)
        in_sync = verdict.kind is Kind.UP_TO_DATE or (
            verdict.kind is Kind.REBUILD and verdict.reason == Kind.UP_TO_DATE
        )
        if in_sync and verdict.remote_digest is not None:
            child = verdict.platform_digest or _only_child(image)
            syncs.append(
                Sync(
                    store=store,
                    reference=text,
                    image_id=image.id,
                    digest=str(verdict.remote_digest),
                    child=str(child) if child is not None else None,
                    config=str(image.config_digest) if image.config_digest else None,
                    by="observed",
                    at=now,
                )
            )
        if verdict.kind is not Kind.UNKNOWN:
            known.append(
                Known(
                    store=store,
                    reference=text,
                    image_id=image.id,
                    verdict=verdict.kind.value,
                    reason=verdict.reason,
                    stale=bool(verdict.stale),
                    at=now,
                    built_here=image.id in found.made_here,
                )
            )
    memory.keep(
        syncs=syncs if own_platform else (),
        verdicts=known if own_platform else (),
        sightings=seen,
        greetings=found.greetings,
    )


def remember_files(
    memory: Memory,
    store: str,
    entries: Sequence[Entry],
    greetings: Mapping[str, str],
    now: datetime,
) -> None:
    """Write down what was said of the names in files, which digests tags held, and who greeted how.

    Args:
        store: What stands in the place of a `StoreInfo.key`; no image is there, so none has an ID.
    """
    seen = [
        Sighting(str(entry.reference), str(entry.verdict.remote_digest), now)
        for entry in entries
        if entry.verdict.kind is Kind.NOT_LOCAL
    ]
    known = [
        Known(
            store=store,
            reference=str(entry.reference),
            image_id=None,
            verdict=entry.verdict.kind.value,
            reason=entry.verdict.reason,
            stale=bool(entry.verdict.stale),
            at=now,
            built_here=False,
        )
        for entry in entries
        if entry.verdict.kind is not Kind.UNKNOWN
    ]
    memory.keep(verdicts=known, sightings=seen, greetings=greetings)


def remember_pull(memory: Memory, store: str, result: PullResult, now: datetime) -> None:
    """Write down that a name came by its tag: a layout itself cannot tell that it was pulled.

    Args:
        store: The `StoreInfo.key` of the layout, whose ID of an image is its digest.
    """
    if result.reference.digest is not None:
        return
    text, digest = str(result.reference), str(result.new)
    child = str(result.manifest) if result.manifest != result.new else None
    sync = Sync(store, text, digest, digest, child, str(result.config), "pull", now)
    memory.keep(syncs=[sync], sightings=[Sighting(text, digest, now)])


def _only_child(image: LocalImage) -> object | None:
    return image.children[0].digest if len(image.children) == 1 else None
