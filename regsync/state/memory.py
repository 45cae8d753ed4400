"""Three-way memory: what a name and its tag held when they last agreed, and what was said of them.

One SQLite file in the user's state folder, safe to delete at any time. Nothing secret is kept.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from regsync.clock import Clock, SystemClock
from regsync.state import reported
from regsync.state.database import BUSY_SECONDS, Database
from regsync.state.forgetting import prune, today
from regsync.state.records import known_of, micros, moment_of, store_key, sync_of, verdict_row
from regsync.state.schema import MIGRATIONS, SCHEMA, VERSION
from regsync.state.values import Known, Sighting, Sync

FILE = "memory.db"
HISTORY_LIMIT = 20
"""Syncs kept of one name."""
SIGHTINGS_LIMIT = 200
"""Digests kept of one tag."""
GREETINGS_LIMIT = 200
"""Registries whose greeting is kept; one that is forgotten costs a request."""
_HISTORY = """SELECT store, reference, image_id, digest, child, config, "by", at FROM sync
    WHERE store = ? AND reference = ? ORDER BY id DESC"""
_LAST_SYNCS = """SELECT store, reference, image_id, digest, child, config, "by", at FROM sync
    WHERE id IN (SELECT max(id) FROM sync WHERE store = ? GROUP BY reference)"""
# REPLACE gives the row a new id: it is the last one again.
_PUT_SYNC = """INSERT OR REPLACE INTO sync
    (store, reference, image_id, digest, child, config, "by", at, day)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_CUT_SYNCS = """DELETE FROM sync WHERE id IN (
    SELECT id FROM sync WHERE store = ? AND reference = ? ORDER BY id DESC LIMIT -1 OFFSET ?)"""
_SYNCS_OF = """SELECT store, reference, image_id, digest, child, config, "by", at FROM sync
    WHERE store = ? AND image_id IN (SELECT value FROM json_each(?)) ORDER BY id DESC"""
_VERDICTS = """SELECT store, reference, image_id, verdict, reason, stale, at, built_here
    FROM verdict WHERE store = ?"""
_PUT_VERDICT = """INSERT INTO verdict
    (store, reference, image_id, verdict, reason, stale, at, built_here, day)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (store, reference) DO UPDATE SET image_id = excluded.image_id,
    verdict = excluded.verdict, reason = excluded.reason, stale = excluded.stale,
    at = excluded.at, built_here = excluded.built_here, day = excluded.day
    WHERE excluded.stale IS NOT NULL OR verdict.stale IS NULL"""
_SEEN = "SELECT digest, first FROM sighting WHERE reference = ? ORDER BY last DESC, id DESC"
_SEEN_BEFORE = """SELECT digest FROM sighting WHERE reference = ?1 AND id < (
    SELECT id FROM sighting WHERE reference = ?1 AND digest = ?2)"""
# What was seen before keeps its id: the order is that of the first sight.
_PUT_SIGHTING = """INSERT INTO sighting (reference, digest, first, last, day)
    VALUES (?, ?, ?, ?, ?) ON CONFLICT (reference, digest) DO UPDATE SET
    first = min(first, excluded.first), last = max(last, excluded.last), day = excluded.day"""
_CUT_SIGHTINGS = """DELETE FROM sighting WHERE id IN (
    SELECT id FROM sighting WHERE reference = ? ORDER BY last DESC, id DESC LIMIT -1 OFFSET ?)"""

_GREETINGS = "SELECT endpoint, challenge FROM greeting"
_PUT_GREETING = "INSERT OR REPLACE INTO greeting (endpoint, challenge) VALUES (?, ?)"
_CUT_GREETINGS = """DELETE FROM greeting WHERE id IN (
    SELECT id FROM greeting ORDER BY id DESC LIMIT -1 OFFSET ?)"""


class Memory:
    """What regsync remembers between runs.

    No method fails for want of a disk: see `regsync.state.database`. Every write is one
    transaction, which waits for the disk: `keep` takes all that a run has found at once.

    Args:
        folder: Where the file is or will be; None for a run without memory.
        clock: For the day and for times that have not come yet; those in the values are the
            caller's.
        busy_seconds: How long to wait for another run that writes.
    """

    def __init__(
        self,
        folder: Path | None,
        clock: Clock | None = None,
        busy_seconds: float = BUSY_SECONDS,
    ) -> None:
        file = folder / FILE if folder else None
        self._database = Database(file, SCHEMA, VERSION, busy_seconds, MIGRATIONS)
        self._clock = clock or SystemClock()

    @property
    def note(self) -> str | None:
        """Why something will not be remembered, one line for people; None while all is well."""
        return self._database.note

    def last_sync(self, store: str, reference: str) -> Sync | None:
        """The last sync of a name."""
        return next(iter(self.history(store, reference)), None)

    def history(self, store: str, reference: str) -> tuple[Sync, ...]:
        """The syncs of a name, each image and digest once, the newest first."""
        return self._database.read(
            lambda connection: tuple(
                sync_of(row) for row in connection.execute(_HISTORY, (store_key(store), reference))
            )
        )

    def syncs(self, store: str) -> Mapping[str, Sync]:
        """The last sync of every name in a store, by reference."""
        return self._database.read(
            lambda connection: {
                row[1]: sync_of(row) for row in connection.execute(_LAST_SYNCS, (store_key(store),))
            }
        )

    def syncs_of(self, store: str, image_ids: Iterable[str]) -> tuple[Sync, ...]:
        """The syncs of some images under whatever names they had, the newest first."""
        wanted = json.dumps(sorted(image_ids))
        return self._database.read(
            lambda connection: tuple(
                sync_of(row) for row in connection.execute(_SYNCS_OF, (store_key(store), wanted))
            )
        )

    def keep(
        self,
        *,
        syncs: Iterable[Sync] = (),
        verdicts: Iterable[Known] = (),
        sightings: Iterable[Sighting] = (),
        greetings: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Remember what one run has found.

        Of a sync with the same image and digest as before only the time is new, and what came by
        `pull` or `push` stays so when it is merely observed later. A verdict of `unknown` (`stale`
        is None) never replaces one that was decided.

        Args:
            syncs: Names that hold what their tags hold.
            verdicts: What was said of names.
            sightings: What tags held.
            greetings: By endpoint, the challenge that its registry answers a ping with; empty for
                one that lets everybody in.
        """
        ours = tuple(syncs)
        said = [verdict_row(known) for known in verdicts]
        seen = [(one.reference, one.digest, micros(one.at), micros(one.at)) for one in sightings]
        cuts = {(row[0], SIGHTINGS_LIMIT) for row in seen}
        now = self._clock.now()

        def change(connection: sqlite3.Connection) -> None:
            day = today(connection, now)
            for sync in ours:
                _record_sync(connection, sync, micros(now), day)
            connection.executemany(_PUT_VERDICT, [(*row, day) for row in said])
            connection.executemany(_PUT_SIGHTING, [(*row, day) for row in seen])
            connection.executemany(_CUT_SIGHTINGS, cuts)
            connection.executemany(_PUT_GREETING, greetings.items())
            connection.execute(_CUT_GREETINGS, (GREETINGS_LIMIT,))
            if ours or said:
                prune(connection, day)

        if ours or said or seen or greetings:
            self._database.write(change)

    def last_verdicts(self, store: str) -> Mapping[str, Known]:
        """The last verdict on every name in a store, by reference."""
        return self._database.read(
            lambda connection: {
                row[1]: known_of(row) for row in connection.execute(_VERDICTS, (store_key(store),))
            }
        )

    def first_seen(self, reference: str, digest: str) -> datetime | None:
        """When regsync first saw a tag hold a digest."""
        return self.seen(reference).get(digest)

    def seen(self, reference: str) -> Mapping[str, datetime]:
        """Every digest that a tag was seen to hold, and when first; the last seen comes first."""
        return self._database.read(
            lambda connection: {
                digest: moment_of(first)
                for digest, first in connection.execute(_SEEN, (reference,))
            }
        )

    def seen_before(self, reference: str, digest: str) -> frozenset[str]:
        """The digests that a tag was first seen to hold before it was first seen to hold this one.

        By the order of recording, so a clock that jumps changes nothing. Empty where the tag was
        never seen to hold `digest`.
        """
        return self._database.read(
            lambda connection: frozenset(
                before for (before,) in connection.execute(_SEEN_BEFORE, (reference, digest))
            )
        )

    def greetings(self) -> Mapping[str, str]:
        """How registries greet, by endpoint; see `keep`."""
        return self._database.read(lambda connection: dict(connection.execute(_GREETINGS)))

    def reported(self, store: str, scope: str = "") -> Mapping[str, str]:
        """The state of each name of a store as it was last reported; see `keep_reported`."""
        return self._database.read(
            lambda connection: reported.read(connection, store_key(store), scope)
        )

    def keep_reported(
        self,
        store: str,
        states: Mapping[str, str],
        vanished: Iterable[str] = (),
        scope: str = "",
    ) -> None:
        """Note what was reported, once it has been.

        Args:
            states: A text for each name; what it means is the caller's.
            vanished: Names that were reported to be no longer there.
            scope: Which of several questions about a store was answered.
        """
        now, gone = self._clock.now(), tuple(vanished)

        def change(connection: sqlite3.Connection) -> None:
            day = today(connection, now)
            reported.write(connection, store_key(store), scope, states, gone, day)

        if states or gone:
            self._database.write(change)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _record_sync(connection: sqlite3.Connection, sync: Sync, now: int, day: int) -> None:
    name, at = (store_key(sync.store), sync.reference), micros(sync.at)
    rows = connection.execute(_HISTORY, name).fetchall()
    if sync.by == "observed" and rows and at < rows[0][-1] <= now:
        # While we looked, another run pulled or pushed this name, and its word is the later one. A
        # time that has not come yet proves nothing but a clock that was wrong.
        return
    before = next((row for row in rows if row[2:4] == (sync.image_id, sync.digest)), None)
    if before is not None:
        child, config, by = before[4:7]
        sync = replace(
            sync,
            child=sync.child or child,
            config=sync.config or config,
            by=by if sync.by == "observed" else sync.by,
        )
    connection.execute(
        _PUT_SYNC, (*name, sync.image_id, sync.digest, sync.child, sync.config, sync.by, at, day)
    )
    connection.execute(_CUT_SYNCS, (*name, HISTORY_LIMIT))
