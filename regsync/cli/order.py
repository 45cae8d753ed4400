"""Natural order: `1.9` before `1.10`."""

from __future__ import annotations

import re

_PARTS = re.compile(r"([0-9]+)")


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key that reads runs of digits as numbers, of any length."""
    return tuple(_part(part) for part in _PARTS.split(text) if part)


def _part(part: str) -> tuple[int, int, str]:
    if not _PARTS.fullmatch(part):
        return (1, 0, part)
    # By length, then digit by digit: a registry may send more digits than `int` takes.
    digits = part.lstrip("0")
    return (0, len(digits), digits)
