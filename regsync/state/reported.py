"""What was last reported of each name: the mark that `--changed` compares with.

Apart from the last verdicts, which every status moves on: a status by hand must not swallow the
news that a scheduled one has still to tell.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

TABLE = """CREATE TABLE reported (
    store TEXT NOT NULL, scope TEXT NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL,
    day INTEGER NOT NULL, PRIMARY KEY (store, scope, name)) WITHOUT ROWID"""
_READ = "SELECT name, state FROM reported WHERE store = ? AND scope = ?"
_PUT = "INSERT OR REPLACE INTO reported (store, scope, name, state, day) VALUES (?, ?, ?, ?, ?)"
_CUT = "DELETE FROM reported WHERE store = ? AND scope = ? AND name = ?"


def read(connection: sqlite3.Connection, store: str, scope: str) -> dict[str, str]:
    """The states of all names of a store."""
    return dict(connection.execute(_READ, (store, scope)))


def write(
    connection: sqlite3.Connection,
    store: str,
    scope: str,
    states: Mapping[str, str],
    vanished: Iterable[str],
    day: int,
) -> None:
    """Note what was reported, and forget the names that are reported to be gone."""
    rows = [(store, scope, name, state, day) for name, state in states.items()]
    connection.executemany(_PUT, rows)
    connection.executemany(_CUT, [(store, scope, name) for name in vanished])


def prune(connection: sqlite3.Connection, since: int) -> None:
    """Forget what was reported last before a day."""
    connection.execute("DELETE FROM reported WHERE day < ?", (since,))
