"""`Retry-After` in every way that servers write it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regsync.registry.retry import backoff, retry_after

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
EPOCH = int(NOW.timestamp())


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("5", 5),
        (" 5 ", 5),
        ("1.5", 1.5),
        ("0", 0.1),
        (str(EPOCH + 90), 90),
        (str(EPOCH - 90), 0.1),
        ("714.367\u00b5s", 0.1),
        ("714\u03bcs", 0.1),
        ("1m30s", 90),
        ("250ms", 0.25),
        ("Thu, 01 Jan 2026 12:00:20 GMT", 20),
        ("Thursday, 01-Jan-26 12:00:20 GMT", 20),
        ("Thu Jan  1 12:00:20 2026", 20),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0.1),
        ("999999999999999", 366 * 86400),
        (None, None),
        ("", None),
        ("-5", None),
        ("soon", None),
        ("5 apples", None),
        ("1s junk", None),
        ("1e400", None),
    ],
)
def test_forms(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, now=NOW) == seconds


def test_dates_count_from_the_servers_clock() -> None:
    skewed = "Thu, 01 Jan 2026 15:00:00 GMT"
    assert retry_after("Thu, 01 Jan 2026 15:00:20 GMT", now=NOW, date=skewed) == 20


@given(st.text())
def test_any_value_is_survived(value: str) -> None:
    seconds = retry_after(value, now=NOW, date=value)
    assert seconds is None or 0 < seconds <= 366 * 86400


@given(st.integers(1, 50), st.floats(0, 1))
def test_backoff_is_bounded(attempt: int, jitter: float) -> None:
    assert 0.25 <= backoff(attempt, jitter) <= 8
