"""What memory lets go of, and by which days it counts."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from regsync.state import reported

KEEP_DAYS = 400
"""How long a name that nobody asks about is remembered: more than a yearly job needs.

Counted are the days on which something was recorded, not those of the calendar: a clock that jumps
by years for one run makes everything older by two days at most.
"""

_START_DAY = """INSERT INTO day (date)
    SELECT ?1 WHERE ?1 IS NOT (SELECT date FROM day ORDER BY number DESC LIMIT 1)"""
_CUT_DAYS = "DELETE FROM day WHERE number < (SELECT max(number) FROM day)"


def today(connection: sqlite3.Connection, now: datetime) -> int:
    """The number of today among the days on which something was recorded."""
    connection.execute(_START_DAY, (now.toordinal(),))
    connection.execute(_CUT_DAYS)
    (number,) = connection.execute("SELECT number FROM day").fetchone()
    return int(number)


def prune(connection: sqlite3.Connection, today: int) -> None:
    """Forget names that nobody asked about for long; a living name keeps its old syncs."""
    since = today - KEEP_DAYS
    connection.execute("DELETE FROM verdict WHERE day < ?", (since,))
    connection.execute(
        """DELETE FROM sync WHERE (store, reference) NOT IN (
            SELECT store, reference FROM sync WHERE day >= ?
            UNION SELECT store, reference FROM verdict)""",
        (since,),
    )
    connection.execute(
        """DELETE FROM sighting WHERE reference NOT IN (
            SELECT reference FROM sighting WHERE day >= ?)""",
        (since,),
    )
    reported.prune(connection, since)
