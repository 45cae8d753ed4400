"""A SQLite file that may vanish, break or refuse at any moment without anybody failing.

Losing it costs knowledge, never a command: what cannot be kept on disk is kept until the end of the
run, and one note says so. A rollback journal rather than WAL, whose shared memory does not work on
network file systems (sqlite.org/wal.html § Overview); home folders are often on one.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from regsync.state.folders import make_private

T = TypeVar("T")

BUSY_SECONDS = 5.0
"""How long another run may keep the file; each writes for milliseconds."""

_FAILURES = (sqlite3.Error, OSError)
_BROKEN = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_WORDS = {
    sqlite3.SQLITE_BUSY: "another run holds it",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_FULL: "no space is left",
    sqlite3.SQLITE_READONLY: "it is read-only",
}


class Nonsense(sqlite3.DatabaseError):
    """A row holds what nobody wrote; the file counts as broken."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


class Newer(sqlite3.DatabaseError):
    """The file was written by a later release."""


class Database:
    """A connection to a file, or to nothing but this process's memory.

    For one thread at a time, not always the same.

    Args:
        file: Where it is; None where no folder can be told.
        schema: The statements that create its tables.
        version: The schema's number, kept in `user_version`. A file with a higher one is not
            touched, one with a lower one is led on by `migrations` or starts anew.
        busy_seconds: See `BUSY_SECONDS`.
        migrations: By version, the statements that lead to it from the one before.

    Attributes:
        note: What went wrong first, one line for people; None while all is well.
    """

    def __init__(
        self,
        file: Path | None,
        schema: Sequence[str],
        version: int,
        busy_seconds: float = BUSY_SECONDS,
        migrations: Mapping[int, Sequence[str]] = MappingProxyType({}),
    ) -> None:
        self.note: str | None = None
        self._file = file
        self._schema = schema
        self._version = version
        self._busy_seconds = busy_seconds
        self._migrations = migrations
        self._connection: sqlite3.Connection | None = None
        self._detached = False

    def read(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        """What `ask` finds; it may be asked again, of an emptier database."""
        return self._attempt(ask)

    def write(self, change: Callable[[sqlite3.Connection], None]) -> None:
        """Make a change in one transaction: whole, or not on disk at all."""

        def transaction(connection: sqlite3.Connection) -> None:
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                change(connection)

        self._attempt(transaction)

    def close(self) -> None:
        """Let go of the file. What comes after opens it again."""
        if self._connection is not None:
            self._connection.close()
        self._connection, self._detached = None, False

    def _attempt(self, work: Callable[[sqlite3.Connection], T]) -> T:
        for cure in (self._reopen, self._detach):
            try:
                return work(self._opened())
            except _FAILURES as error:
                cure(error)
        return work(self._opened())

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._open()
        return self._connection

    def _open(self) -> sqlite3.Connection:
        if self._file is None:
            raise OSError("no folder for it; set HOME or REGSYNC_STATE_DIR to an absolute path")
        make_private(self._file.parent)
        # SQLite would create it for everybody to read. It must not be opened here if it exists:
        # closing a file drops this process's locks on it, those of another connection included.
        with contextlib.suppress(FileExistsError):
            os.close(os.open(self._file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        if not self._file.is_file():
            raise OSError("not a file")
        connection = _connect(str(self._file), self._busy_seconds)
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        if _user_version(connection) < self._version:
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                # Another run may have been faster.
                if (before := _user_version(connection)) < self._version:
                    steps = range(before + 1, self._version + 1)
                    if before > 0 and all(step in self._migrations for step in steps):
                        statements = [one for step in steps for one in self._migrations[step]]
                    else:
                        _drop_tables(connection)
                        statements = list(self._schema)
                    for statement in statements:
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version = {self._version}")
        if _user_version(connection) > self._version:
            raise Newer("it was written by a newer regsync")

    def _reopen(self, error: Exception) -> None:
        """Cure what a second look at the file may cure; leave the rest to `_detach`."""
        code = getattr(error, "sqlite_errorcode", None)
        if code == sqlite3.SQLITE_READONLY_DBMOVED:
            # Deleted while it was open: nobody would ever see what is written there.
            self.close()
        elif code is not None and code & 0xFF in _BROKEN and not self._detached:
            self.close()
            self._set_aside()
        else:
            self._detach(error)

    def _set_aside(self) -> None:
        if self._file is None:
            return
        broken = self._file.with_name(self._file.name + ".broken")
        with contextlib.suppress(OSError):
            self._file.replace(broken)
            self._say(f"`{self._file}` was broken and is now `{broken.name}`; memory starts anew")

    def _detach(self, error: Exception) -> None:
        """Go on without the file, with what can still be read of it."""
        if self._detached:
            raise error
        self._say(f"cannot remember this run in `{self._file or 'memory'}`: {_why(error)}")
        fresh = _connect(":memory:", 0)
        self._prepare(fresh)
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                _copy(self._connection, fresh)
            self._connection.close()
        self._connection, self._detached = fresh, True

    def _say(self, note: str) -> None:
        self.note = self.note or note


def _connect(name: str, busy_seconds: float) -> sqlite3.Connection:
    connection = sqlite3.connect(
        name, timeout=busy_seconds, isolation_level=None, check_same_thread=False
    )
    # Nothing that a prepared file could smuggle in is run, and no other file is written.
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def _user_version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _copy(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    # Not `backup`, which waits for a busy file without end.
    source.execute("PRAGMA busy_timeout = 0")
    for table in _tables(target):
        rows = source.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608  # our own names
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            target.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608


def _tables(connection: sqlite3.Connection) -> Iterator[str]:
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return (name for (name,) in found if not name.startswith("sqlite_"))


def _drop_tables(connection: sqlite3.Connection) -> None:
    for table in tuple(_tables(connection)):
        connection.execute(f'DROP TABLE "{table}"')


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    code = getattr(error, "sqlite_errorcode", None)
    return str(error) if code is None else _WORDS.get(code & 0xFF, str(error))
