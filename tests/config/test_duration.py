"""Lengths of time, as options and `regsync.toml` write them."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regsync.config.duration import LONGEST, parse_duration
from regsync.errors import UsageError


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("90m", timedelta(minutes=90)),
        ("12h", timedelta(hours=12)),
        ("3d", timedelta(days=3)),
        ("1w", timedelta(weeks=1)),
        (" 3d ", timedelta(days=3)),
        ("0", timedelta(0)),
        ("0d", timedelta(0)),
        ("3650d", LONGEST),
    ],
)
def test_lengths(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize(
    "text",
    ["", "3", "d", "3 d", "-3d", "3D", "1.5d", "1d12h", "3651d", "99999999w", "\u0663d", "3s"],
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(UsageError):
        parse_duration(text)


@given(st.text())
def test_any_text_is_survived(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert timedelta(0) <= parse_duration(text) <= LONGEST
