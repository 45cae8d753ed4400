"""`ratelimit-*` headers as Docker Hub sends them, and as anybody could."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from regsync.registry.ratelimit import RateLimit, parse

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (
            {
                "RateLimit-Limit": "100;w=21600",
                "RateLimit-Remaining": "97;w=21600",
                "Docker-RateLimit-Source": "192.0.2.7",
            },
            RateLimit("h", 100, 97, 21600, "192.0.2.7"),
        ),
        ({"ratelimit-limit": "100"}, RateLimit("h", 100)),
        ({"ratelimit-limit": " 100 ; W = 60 "}, RateLimit("h", 100, None, 60)),
        ({"ratelimit-limit": "100;q=1;w=60, 5;w=1"}, RateLimit("h", 100, None, 60)),
        (
            {"ratelimit-limit": "100", "ratelimit-remaining": "0;w=5"},
            RateLimit("h", 100, 0, 5),
        ),
        ({"ratelimit-limit": "100;w=x", "ratelimit-remaining": "-1"}, RateLimit("h", 100)),
        ({"ratelimit-remaining": "97"}, None),
        ({"ratelimit-limit": ""}, None),
        ({"ratelimit-limit": "many"}, None),
        ({"ratelimit-limit": "1e9"}, None),
        ({}, None),
    ],
)
def test_headers(headers: dict[str, str], expected: RateLimit | None) -> None:
    assert parse(httpx.Headers(headers), "h", NOW) == expected


@example("\u0661\u0660", "\u00b2", "")
@given(st.text(), st.text(), st.text())
def test_any_value_is_survived(limit: str, remaining: str, source: str) -> None:
    told = {
        "ratelimit-limit": limit,
        "ratelimit-remaining": remaining,
        "docker-ratelimit-source": source,
    }
    found = parse(told, "h", NOW)
    assert found is None or found.limit >= 0


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.integers(0, 10**9))
def test_round_trip(limit: int, remaining: int, window: int) -> None:
    told = {
        "ratelimit-limit": f"{limit};w={window}",
        "ratelimit-remaining": f"{remaining};w={window}",
    }
    assert parse(told, "h", NOW) == RateLimit("h", limit, remaining, window)


RESET = {"ratelimit-limit": "100", "ratelimit-remaining": "0"}


@pytest.mark.parametrize(
    ("headers", "refused", "seconds"),
    [
        ({"RateLimit-Reset": "60"}, False, 60),
        ({"X-RateLimit-Reset": str(int(NOW.timestamp()) + 90)}, False, 90),
        ({"Retry-After": "30"}, True, 30),
        ({"X-Retry-After": str(int(NOW.timestamp()) + 30)}, True, 30),
        ({"Retry-After": "30"}, False, None),
        ({"X-RateLimit-Reset": "soon"}, False, None),
        ({}, True, None),
    ],
)
def test_when_it_starts_anew(headers: dict[str, str], refused: bool, seconds: int | None) -> None:
    found = parse(httpx.Headers(RESET | headers), "h", NOW, refused=refused)
    assert found is not None
    expected = None if seconds is None else NOW + timedelta(seconds=seconds)
    assert found.resets_at == expected


def test_a_later_answer_does_not_take_the_end_back() -> None:
    early = RateLimit("h", 100, 1, resets_at=NOW + timedelta(minutes=5))
    late = RateLimit("h", 100, 0)
    assert late.after(early, NOW).resets_at == early.resets_at
    assert late.after(early, NOW + timedelta(minutes=6)).resets_at is None
    assert late.after(None, NOW) == late


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("203.0.113.7", "address"),
        ("2001:db8::1", "address"),
        ("2001:db8::/64", "address"),
        ("1a2b3c4d-0000-4000-8000-000000000000", "account"),
        ("ann", "account"),
        (None, None),
    ],
)
def test_whose_it_is(source: str | None, kind: str | None) -> None:
    assert RateLimit("h", 100, 97, 21600, source).source_kind == kind
