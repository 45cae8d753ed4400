"""`ratelimit-*` headers as Docker Hub sends them, and as anybody could."""

from __future__ import annotations

from datetime import UTC, datetime

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
