"""The tables of memory, and what leads an older file to them."""

from __future__ import annotations

from regsync.state import reported

VERSION = 3
# What leads a file to the version; one that is older still starts anew.
MIGRATIONS = {3: (reported.TABLE,)}
SCHEMA = (
    # `id` is the order of recording, which a clock that jumps cannot shuffle; `day` is the number
    # of the day on which a row was last recorded, in `day` the last one.
    "CREATE TABLE day (number INTEGER PRIMARY KEY, date INTEGER NOT NULL)",
    """CREATE TABLE sync (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        store TEXT NOT NULL, reference TEXT NOT NULL, image_id TEXT NOT NULL, digest TEXT NOT NULL,
        child TEXT, config TEXT, "by" TEXT NOT NULL, at INTEGER NOT NULL,
        day INTEGER NOT NULL, UNIQUE (store, reference, image_id, digest))""",
    """CREATE TABLE verdict (
        store TEXT NOT NULL, reference TEXT NOT NULL, image_id TEXT, verdict TEXT NOT NULL,
        reason TEXT, stale INTEGER, at INTEGER NOT NULL, built_here INTEGER NOT NULL,
        day INTEGER NOT NULL, PRIMARY KEY (store, reference)) WITHOUT ROWID""",
    """CREATE TABLE sighting (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        reference TEXT NOT NULL, digest TEXT NOT NULL,
        first INTEGER NOT NULL, last INTEGER NOT NULL,
        day INTEGER NOT NULL, UNIQUE (reference, digest))""",
    """CREATE TABLE greeting (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        endpoint TEXT NOT NULL UNIQUE, challenge TEXT NOT NULL)""",
    reported.TABLE,
)
