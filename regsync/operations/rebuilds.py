"""Asking for the bases of what was built here, and since when they have moved on; see `bases`."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal

from regsync.errors import RegsyncError
from regsync.oci.annotations import SOURCE
from regsync.oci.digest import Digest
from regsync.oci.glob import Glob
from regsync.oci.imageconfig import FIRST_IMAGE, moment
from regsync.operations import basemoves, bases, questions
from regsync.operations.alone import Unforeseen, alone
from regsync.operations.basefit import Base
from regsync.operations.case import Case
from regsync.operations.compare import compare
from regsync.operations.ignore import is_ignored
from regsync.operations.oracle import Oracle
from regsync.operations.questions import Inquiry
from regsync.operations.report import Entry, MovedBase
from regsync.operations.rows import Row
from regsync.state.memory import Memory
from regsync.stores.base import LocalImage, Snapshot

Dated = tuple[datetime | None, Literal["first_seen", "created"] | None]


class Rebuilds:
    """What one run needs to tell `rebuild`.

    Args:
        every: All rows of the store, also those that were not asked for.
        configured: Registries that the user has set something for.
        ignored: Bases that are not asked for.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        memory: Memory,
        oracle: Oracle,
        every: Sequence[Row],
        configured: Collection[str],
        ignored: Sequence[Glob] = (),
    ) -> None:
        self._snapshot = snapshot
        self._memory = memory
        self._oracle = oracle
        self._ignored = ignored
        self._hosts = {row.reference.registry for row in every if row.reference is not None}
        self._hosts.update(configured)
        self._planned = {
            (row.reference, row.image.id): row
            for row in every
            if row.reference is not None and row.image is not None
        }

    async def judged(
        self, rows: Sequence[Row], entries: Sequence[Entry], made: frozenset[str], now: datetime
    ) -> list[Entry]:
        """The entries, as `rebuild` where an image was made here on a base that has moved on.

        Args:
            made: IDs of the images that were made here.
        """
        named = bases.named_images(self._snapshot, self._memory)
        built = [
            [
                base
                for base in bases.candidates(row, entry, made, named, self._hosts)
                if not is_ignored(base.reference, self._ignored)
            ]
            for row, entry in zip(rows, entries, strict=True)
        ]
        kinds = {
            (entry.reference, entry.id): entry.verdict.kind
            for entry in entries
            if entry.reference is not None and entry.id is not None
        }
        # What lies below the first base is hardly ever asked for, and then it can wait for a token.
        asked = (
            base
            for found in built
            for base in found
            if base.depth == found[0].depth and basemoves.is_asked(base, kinds, self._planned)
        )
        await self._oracle.prepare(base.reference.repository for base in asked)

        async def one(row: Row, entry: Entry, found: Sequence[Base]) -> Entry:
            if row.image is None or not found:
                return entry
            inquiry = basemoves.rebuilt(row.image, entry, found, kinds, self._planned)

            async def looked_at(image: LocalImage) -> Entry:
                return await self._complete(await self._oracle.settle(inquiry), image, now)

            try:
                return await alone(looked_at(row.image), "cannot look at its base")
            except Unforeseen as error:
                note = f"its base could not be looked at ({error.why})"
                return replace(entry, verdict=entry.verdict.noting(note))
            except RegsyncError:
                return entry

        return list(
            await asyncio.gather(*(one(*each) for each in zip(rows, entries, built, strict=True)))
        )

    async def _complete(self, entry: Entry, image: LocalImage, now: datetime) -> Entry:
        """The entry, with since when its base has moved and where its Dockerfile may be."""
        base = entry.base
        if base is None:
            return entry
        created = await self._oracle.settle(created_of(base, image))
        seen = self._memory.seen(str(base.reference))
        before = self._memory.seen_before(str(base.reference), str(base.now))
        first = seen.get(str(base.now))
        moved_at, dated_by = dated(first, before if first else seen, created, now)
        labels = image.config.labels if image.config is not None else {}
        told = replace(
            base,
            moved_at=moved_at,
            dated_by=dated_by,
            folder=self._folder(image),
            url=labels.get(SOURCE, ""),
        )
        return replace(entry, base=told)

    def _folder(self, image: LocalImage) -> str:
        folders = (
            container.starter.folder
            for container in self._snapshot.containers
            if container.image_id == image.id
        )
        return next((folder for folder in folders if folder), "")


def created_of(base: MovedBase, image: LocalImage) -> Inquiry[datetime | None]:
    """When what the base's tag holds now was built, by its config; None where nobody knows."""
    if not isinstance(base.now, Digest):
        return None
    try:
        found = yield from compare(Case(image, base.reference), base.now)
        if found.manifest is None:
            return None
        config = yield from questions.config(base.reference.repository, found.manifest.config)
    except RegsyncError:
        return None
    return moment(config.created)


def dated(
    first_seen: datetime | None,
    before: Collection[str],
    created: datetime | None,
    now: datetime,
) -> Dated:
    """Since when a tag holds what it holds, and what says so.

    A sight is worth something only where the tag was seen to hold another digest before: who looks
    for the first time sees nothing move.

    Args:
        first_seen: When it was first seen to hold it, if that was before this run.
        before: Digests that it was seen to hold before that.
        created: As the config of what it holds has it; not believed where it reads like an epoch or
            has not come yet.
    """
    if before:
        return (min(first_seen, now) if first_seen is not None else now), "first_seen"
    if created is not None and FIRST_IMAGE <= created <= now:
        return created, "created"
    return None, None
