"""Natural order: `1.9` before `1.10`."""

from __future__ import annotations

import re

_PARTS = re.compile(r"([0-9]+)")


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key that reads runs of digits as numbers."""
    return tuple(
        (0, int(part), part) if part.isdigit() else (1, 0, part)
        for part in _PARTS.split(text)
        if part
    )
