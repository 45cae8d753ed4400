"""`--min-age`: an update that is younger waits, so that others find its faults first.

An image is as old as the time since regsync first saw its tag hold it. The date in its config is
that of the build, or whatever the builder wrote; it can make an image younger and never older.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from regsync.errors import RegsyncError
from regsync.oci.imageconfig import FIRST_IMAGE, moment
from regsync.oci.manifest import Manifest
from regsync.operations import questions
from regsync.operations.alone import alone
from regsync.operations.oracle import Oracle
from regsync.operations.questions import Inquiry
from regsync.operations.report import Entry
from regsync.operations.verdict import Kind
from regsync.state.memory import Memory


async def hold_back(
    entries: Sequence[Entry], min_age: timedelta, oracle: Oracle, memory: Memory, now: datetime
) -> list[Entry]:
    """The entries, with what is too young held back."""

    async def judged(entry: Entry) -> Entry:
        if entry.verdict.kind is not Kind.OUTDATED:
            return entry
        seen = memory.first_seen(str(entry.reference), str(entry.verdict.remote_digest))
        try:
            return await alone(
                oracle.settle(hold(entry, min_age, seen, now)), "cannot tell its age"
            )
        except RegsyncError as error:
            # As where its config has no date.
            until = held_until(min_age, seen, None, now)
            verdict = entry.verdict.noting(f"its date could not be read ({error.why})")
            return replace(entry, held_until=until, verdict=verdict)

    return list(await asyncio.gather(*map(judged, entries)))


def hold(
    entry: Entry, min_age: timedelta, first_seen: datetime | None, now: datetime
) -> Inquiry[Entry]:
    """An outdated entry, with `held_until` where the image that the tag holds is too young.

    Args:
        first_seen: When the tag was first seen to hold what it holds, if that was before this run.
    """
    created = yield from _created(entry)
    until = held_until(min_age, first_seen, created, now)
    return entry if until is None else replace(entry, held_until=until)


def held_until(
    min_age: timedelta, first_seen: datetime | None, created: datetime | None, now: datetime
) -> datetime | None:
    """When an image will be old enough; None where it is.

    Args:
        created: As its config has it; not believed where it reads like an epoch, or has not come
            yet.
    """
    # A sight that has not come yet is that of a clock which was wrong.
    born = now if first_seen is None else min(first_seen, now)
    if created is not None and FIRST_IMAGE <= created <= now:
        born = max(born, created)
    until = born + min_age
    return until if until > now else None


def _created(entry: Entry) -> Inquiry[datetime | None]:
    """The date in the config, which the judge has mostly read already; None where it has none."""
    digest = entry.verdict.platform_digest
    if entry.reference is None or digest is None:
        return None
    repository = entry.reference.repository
    try:
        found = yield from questions.document(repository, digest)
        if not isinstance(found, Manifest):
            return None
        config = yield from questions.config(repository, found.config)
    except RegsyncError:
        return None
    return moment(config.created)
