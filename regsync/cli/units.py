"""Sizes and ages in a few words."""

from __future__ import annotations

from datetime import datetime

_SIZES = ("B", "kB", "MB", "GB", "TB", "PB")
_MINUTE, _HOUR, _DAY, _MONTH, _YEAR = 60, 3600, 86400, 30 * 86400, 365 * 86400


def size(count: int) -> str:
    """Bytes in decimal units, as docker shows them: `312 MB`, `1.2 GB`."""
    value = float(count)
    for unit in _SIZES:
        # 999.5 would be written as 1000.
        if value < 999.5 or unit == _SIZES[-1]:
            break
        value /= 1000
    return f"{value:.1f} {unit}" if 0 < value < 9.95 and unit != "B" else f"{value:.0f} {unit}"


def age(then: datetime, now: datetime) -> str:
    """How long ago: `2 h ago`, `3 days ago`; what lies ahead is `just now`."""
    seconds = int((now - then).total_seconds())
    if seconds < _MINUTE:
        return "just now"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min ago"
    if seconds < _DAY:
        return f"{seconds // _HOUR} h ago"
    for length, name in ((_YEAR, "year"), (_MONTH, "month"), (_DAY, "day")):
        if seconds >= length:
            return f"{counted(seconds // length, name)} ago"
    raise AssertionError("a day is the shortest of these")


def counted(count: int, noun: str, many: str | None = None) -> str:
    """`1 image`, `2 images`; `many` where the plural is no mere `s`."""
    return f"{count} {noun if count == 1 else many or noun + 's'}"
