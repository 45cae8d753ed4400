"""The pull rate limit of Docker Hub.

Source: docs.docker.com, "Docker Hub usage and limits": a pull is a GET of a manifest; HEAD
requests are not counted and tell the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable

from mock_registry.errors import RegistryError

WINDOW = 21600


class Hub:
    """Counts pulls per source, which is a user or else an address.

    Args:
        limit: Pulls per `WINDOW` of six hours.
        clock: Seconds since the epoch.
    """

    def __init__(self, limit: int, clock: Callable[[], float]) -> None:
        self.limit = limit
        self._clock = clock
        # source -> (end of its window, pulls in it)
        self._windows: dict[str, tuple[float, int]] = {}

    def remaining(self, source: str) -> int:
        """Pulls left for a source."""
        end, used = self._windows.get(source, (0.0, 0))
        return self.limit if self._clock() >= end else max(0, self.limit - used)

    def spend(self, source: str, pulls: int = 1) -> None:
        """Count pulls of a source."""
        now = self._clock()
        end, used = self._windows.get(source, (0.0, 0))
        if now >= end:
            end, used = now + WINDOW, 0
        self._windows[source] = (end, used + pulls)

    def headers(self, source: str) -> dict[str, str]:
        """What each answer about a manifest tells about the limit."""
        return {
            "ratelimit-limit": f"{self.limit};w={WINDOW}",
            "ratelimit-remaining": f"{self.remaining(source)};w={WINDOW}",
            "docker-ratelimit-source": source,
        }

    def check(self, source: str) -> None:
        """Allow one more pull.

        Raises:
            RegistryError: 429 TOOMANYREQUESTS when none is left.
        """
        if self.remaining(source) <= 0:
            raise RegistryError(
                "TOOMANYREQUESTS",
                "You have reached your pull rate limit. You may increase the limit by "
                "authenticating and upgrading: https://www.docker.com/increase-rate-limit",
                headers=self.headers(source),
            )
