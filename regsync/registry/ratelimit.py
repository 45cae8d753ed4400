"""Pull limits, as Docker Hub tells them with every answer about a manifest."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How many pulls are left.

    Attributes:
        registry: The host.
        limit: Pulls in a window.
        remaining: Pulls left in it.
        window_s: Seconds of a window, or None where it is not told.
        source: Whose limit it is: an address, or an opaque ID of an account.
    """

    registry: str
    limit: int
    remaining: int
    window_s: int | None = None
    source: str = ""
