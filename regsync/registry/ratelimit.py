"""What a registry tells of its limits: Docker Hub's `ratelimit-*` headers.

`ratelimit-limit: 100;w=21600` is 100 manifest GETs in a window of 21,600 seconds
(docs.docker.com, "Docker Hub pull usage and limits"); shape of draft-polli-ratelimit-headers-02.
When a window ends, Hub does not say with a pull; other answers may, and nothing is made up.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from regsync.registry.retry import retry_after

_NUMBER = re.compile(r"[0-9]{1,15}")
_SOURCE_LIMIT = 100
_RESETS = ("RateLimit-Reset", "X-RateLimit-Reset")
_RETRIES = ("Retry-After", "X-Retry-After")


@dataclass(frozen=True, slots=True)
class RateLimit:
    """What is left at one registry, as it last said itself.

    Attributes:
        registry: The host as references write it.
        limit: Counted requests in one window.
        remaining: What is left of them; None where it was not told.
        window_s: Length of the window in seconds; None where it was not told.
        source: Whom the registry counts for: an address, or an account's UUID.
        resets_at: When it starts anew; None where the registry does not tell.
    """

    registry: str
    limit: int
    remaining: int | None = None
    window_s: int | None = None
    source: str | None = None
    resets_at: datetime | None = None

    @property
    def source_kind(self) -> Literal["address", "account"] | None:
        """Whether the registry counts for an address or for a login; None where it is not told."""
        if self.source is None:
            return None
        try:
            ipaddress.ip_network(self.source, strict=False)
        except ValueError:
            return "account"
        return "address"

    def after(self, before: RateLimit | None, now: datetime) -> RateLimit:
        """This one, with the end of the window that an earlier answer told and this did not."""
        known = before.resets_at if before is not None else None
        if self.resets_at is None and known is not None and known > now:
            return replace(self, resets_at=known)
        return self


def parse(
    headers: Mapping[str, str], registry: str, now: datetime, *, refused: bool = False
) -> RateLimit | None:
    """Read the headers of one answer; None where they tell no limit.

    Args:
        headers: A mapping that ignores the case of names.
        registry: Whose answer it is.
        now: The wall clock: some servers write when a window ends as seconds from now on.
        refused: Whether it is a 429, whose `Retry-After` speaks of the limit.
    """
    limit, window = _quota(headers.get("ratelimit-limit", ""))
    if limit is None:
        return None
    remaining, second_window = _quota(headers.get("ratelimit-remaining", ""))
    source = headers.get("docker-ratelimit-source", "").strip()[:_SOURCE_LIMIT]
    names = (*_RESETS, *_RETRIES) if refused else _RESETS
    return RateLimit(
        registry,
        limit,
        remaining,
        second_window if window is None else window,
        source or None,
        _moment(headers, names, now),
    )


def _moment(headers: Mapping[str, str], names: tuple[str, ...], now: datetime) -> datetime | None:
    for name in names:
        seconds = retry_after(headers.get(name), now=now, date=headers.get("Date"))
        if seconds is not None:
            return now + timedelta(seconds=seconds)
    return None


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
