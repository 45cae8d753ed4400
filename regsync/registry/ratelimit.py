"""What a registry tells of its limits: Docker Hub's `ratelimit-*` headers.

`ratelimit-limit: 100;w=21600` is 100 manifest GETs in a window of 21,600 seconds
(docs.docker.com, "Docker Hub pull usage and limits"); shape of draft-polli-ratelimit-headers-02.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_NUMBER = re.compile(r"[0-9]{1,15}")
_SOURCE_LIMIT = 100


@dataclass(frozen=True, slots=True)
class RateLimit:
    """What is left at one registry, as it last said itself.

    Attributes:
        registry: The host as references write it.
        limit: Counted requests in one window.
        remaining: What is left of them; None where it was not told.
        window_s: Length of the window in seconds; None where it was not told.
        source: Whom the registry counts for: an address, or an account's UUID.
    """

    registry: str
    limit: int
    remaining: int | None = None
    window_s: int | None = None
    source: str | None = None


def parse(headers: Mapping[str, str], registry: str) -> RateLimit | None:
    """Read the headers of one answer; None where they tell no limit.

    Args:
        headers: A mapping that ignores the case of names.
        registry: Whose answer it is.
    """
    limit, window = _quota(headers.get("ratelimit-limit", ""))
    if limit is None:
        return None
    remaining, second_window = _quota(headers.get("ratelimit-remaining", ""))
    source = headers.get("docker-ratelimit-source", "").strip()[:_SOURCE_LIMIT]
    return RateLimit(
        registry, limit, remaining, second_window if window is None else window, source or None
    )


def _quota(value: str) -> tuple[int | None, int | None]:
    """`100;w=21600` → (100, 21600); of several quotas, separated by commas, the first."""
    number, *parameters = value.partition(",")[0].split(";")
    window = None
    for parameter in parameters:
        name, _, text = parameter.partition("=")
        if name.strip().lower() == "w":
            window = _integer(text)
    return _integer(number), window


def _integer(text: str) -> int | None:
    stripped = text.strip()
    return int(stripped) if _NUMBER.fullmatch(stripped) else None
