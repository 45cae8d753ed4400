"""Byte ranges, as pure functions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_registry.errors import RegistryError
from mock_registry.ranges import parse_chunk, parse_range


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("bytes=0-3", (0, 4)),
        ("bytes=4-", (4, 6)),
        ("bytes=-3", (7, 3)),
        ("bytes=-99", (0, 10)),
        ("bytes=8-99", (8, 2)),
        ("BYTES=1-1", (1, 1)),
        ("bytes=0-1,4-5", None),
        ("lines=0-1", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("", None),
    ],
)
def test_range_of_ten_bytes(header: str | None, expected: tuple[int, int] | None) -> None:
    assert parse_range(header, 10) == expected


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-12", "bytes=500-0", "bytes=-0"])
def test_unsatisfiable(header: str) -> None:
    with pytest.raises(RegistryError) as caught:
        parse_range(header, 10)
    assert caught.value.status == 416
    assert caught.value.headers["Content-Range"] == "bytes */10"


@given(st.text(max_size=30) | st.from_regex(r"bytes=[0-9]{0,4}-[0-9]{0,4}", fullmatch=True))
def test_a_range_lies_inside(header: str) -> None:
    try:
        part = parse_range(header, 1000)
    except RegistryError:
        return
    if part is not None:
        start, length = part
        assert start >= 0
        assert length > 0
        assert start + length <= 1000


@given(st.integers(0, 10**17), st.integers(1, 10**17))
def test_chunk_round_trip(start: int, length: int) -> None:
    assert parse_chunk(f"{start}-{start + length - 1}") == (start, length)


@given(st.text(max_size=30))
def test_a_chunk_of_another_form_is_refused(header: str) -> None:
    try:
        start, length = parse_chunk(header)
    except RegistryError:
        return
    assert f"{start}-{start + length - 1}" == "-".join(
        part.lstrip("0") or "0" for part in header.strip().split("-")
    )


@pytest.mark.parametrize("header", ["bytes 0-3/10", "bytes=0-3", "3-0", "0-", "-3", "0", "0-3/10"])
def test_no_chunk(header: str) -> None:
    with pytest.raises(RegistryError):
        parse_chunk(header)
