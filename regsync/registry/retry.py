"""How long to wait, and when to give up: pure functions of what a server said.

Servers write `Retry-After` in every way there is: seconds, an HTTP date (RFC 9110 § 10.2.3), a Unix
time (docker/hub-feedback#2459), a Go duration such as `714µs` (nicholas-fedor/watchtower#2322).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

ATTEMPTS = 4
"""How often one request is sent in all."""
WAIT_BUDGET = 30.0
"""Seconds that one request may spend waiting in all; longer is for the user to decide."""
RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Waits:
    """How long a server may take, in seconds.

    A hundred references wait for a HEAD, a ping or a token, and each of these is answered from what
    a server knows already; other answers may have to be fetched or put together first.

    Attributes:
        connect: Until a connection stands.
        quick: Silence of a HEAD, a ping or a token request.
        quick_in_all: Until such an answer is there to its end, redirects included: a byte now and
            then defeats every time-out that counts silence.
        silence: Silence of any other request.
        in_all: Until any other answer is there; of a stream, until its headers are.
        attempts: How often one request is sent in all.
    """

    connect: float = 5.0
    quick: float = 5.0
    quick_in_all: float = 8.0
    silence: float = 30.0
    in_all: float = 60.0
    attempts: int = ATTEMPTS


_BASE, _CAP = 0.5, 8.0
_FLOOR = 0.1
# A count of seconds this large can only be a Unix time: it would be three years.
_EPOCH_FROM = 10**8
_FAR = timedelta(days=366)
_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,9})?")
_DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)")
_UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "\u00b5s": 1e-6,
    "\u03bcs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
}


def backoff(attempt: int, jitter: float) -> float:
    """Seconds to wait after the `attempt`th failure (from 1), where the server named none.

    Args:
        attempt: Failures so far.
        jitter: A random number from 0 to 1, so that clients of one crash do not return as one.
    """
    ceiling: float = min(_CAP, _BASE * 2 ** (attempt - 1))
    return ceiling * (0.5 + jitter / 2)


def retry_after(value: str | None, *, now: datetime, date: str | None = None) -> float | None:
    """Seconds that a `Retry-After` (or `X-Retry-After`) asks for; None where it is of no use.

    Args:
        value: The header.
        now: The wall clock.
        date: The same answer's `Date`: a server's dates are counted from its own clock.
    """
    if value is None:
        return None
    text = value.strip()
    if _NUMBER.fullmatch(text):
        number = float(text)
        if number < _EPOCH_FROM:
            return _bounded(number)
        return _until(datetime.fromtimestamp(min(number, 2**33), UTC), now, date)
    if (seconds := _go_duration(text)) is not None:
        return _bounded(seconds)
    if (moment := http_date(text)) is not None:
        return _until(moment, now, date)
    return None


def _until(moment: datetime, now: datetime, date: str | None) -> float:
    base = (http_date(date) if date else None) or now
    return _bounded((moment - base).total_seconds())


def _bounded(seconds: float) -> float:
    """A floor keeps `0` and microseconds from becoming a busy loop."""
    return min(max(seconds, _FLOOR), _FAR.total_seconds())


def _go_duration(text: str) -> float | None:
    parts = list(_DURATION.finditer(text))
    if not parts or "".join(part.group() for part in parts) != text:
        return None
    return sum(float(part.group(1)) * _UNITS[part.group(2)] for part in parts)


def http_date(text: str) -> datetime | None:
    """The moment that a `Date` or `Retry-After` names; None where it names none."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
