"""Lengths of time as people write them: `90m`, `12h`, `3d`, `1w`."""

from __future__ import annotations

import re
from datetime import timedelta

from regsync.errors import UsageError

LONGEST = timedelta(days=3650)
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"([0-9]{1,7})([mhdw])")


def parse_duration(text: str) -> timedelta:
    """Read a length of time; `0` needs no unit.

    Raises:
        UsageError: it is none, or longer than `LONGEST`.
    """
    stripped = text.strip()
    if stripped == "0":
        return timedelta(0)
    found = _DURATION.fullmatch(stripped)
    if found is None:
        raise UsageError(
            f"`{text[:50]}` is not a length of time",
            "it takes a number and one of `m`, `h`, `d` and `w`",
            "e.g. `90m`, `12h`, `3d`, `1w`; `0` for none",
        )
    length = timedelta(**{_UNITS[found[2]]: int(found[1])})
    if length > LONGEST:
        raise UsageError(f"`{text}` is too long", f"it takes {LONGEST.days}d at most")
    return length
