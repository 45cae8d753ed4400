"""Tags as versions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regsync.operations.tagshape import Newer, newer, read

TAGS = st.one_of(
    st.from_regex(r"\A[A-Za-z0-9_][A-Za-z0-9_.-]{0,30}\Z"),
    st.from_regex(r"\Av?[0-9]{1,4}(\.[0-9]{1,3}){0,3}(-(rc|alpha|beta)\.?[0-9]?)?(-[a-z]+)?\Z"),
    st.text(max_size=200),
)


@pytest.mark.parametrize(
    ("tag", "tags", "found"),
    [
        (
            "1.27.3",
            ["1.27.10", "1.27.9", "1.28.1", "1.28.0", "2.0.0"],
            ("1.27.10", "1.28.1", "2.0.0"),
        ),
        ("1.27.3", ["1.27.2", "1.26.9", "0.9.9", "1.27.3"], (None, None, None)),
        ("3.20", ["3.21", "4.0", "3.20.1", "3"], (None, "3.21", "4.0")),
        ("22", ["23", "22.1", "24-alpine"], (None, None, "23")),
        ("1.2.3.4", ["1.2.3.5", "1.2.4.0", "1.3.0.0"], ("1.2.4.0", "1.3.0.0", None)),
        # The same prefix, and the same suffix.
        ("v1.2.3", ["1.2.4", "v1.2.5"], ("v1.2.5", None, None)),
        ("3.20-alpine", ["3.21", "3.21-slim", "3.22-alpine"], (None, "3.22-alpine", None)),
        ("22-jdk", ["23-jre", "24-jdk"], (None, None, "24-jdk")),
        (
            "1.27.3-bookworm-slim",
            ["1.27.4-bookworm-slim", "1.27.5-bookworm"],
            ("1.27.4-bookworm-slim", None, None),
        ),
        (
            "17.2-alpine3.20",
            ["17.3-alpine3.21", "17.4-alpine3.20"],
            (None, "17.4-alpine3.20", None),
        ),
        ("1.2.3-a1b2c3d", ["1.2.4-b2c3d4e"], (None, None, None)),
        # Pre-releases, for pre-releases alone; what is final comes after them.
        ("1.28.0", ["1.29.0-rc.1", "1.29.0-beta1"], (None, None, None)),
        ("1.28.0-rc.1", ["1.28.0-rc.2", "1.28.0-beta.9"], ("1.28.0-rc.2", None, None)),
        ("1.28.0-rc.1", ["1.28.0-rc.2", "1.28.0"], ("1.28.0", None, None)),
        ("3.14.0a7", ["3.14.0b1", "3.14.0a8"], ("3.14.0b1", None, None)),
        ("3.14-rc-slim", ["3.14-slim", "3.14-rc"], ("3.14-slim", None, None)),
        # Dates are no versions, and versions no dates.
        (
            "2024.10.1",
            ["2024.10.12", "2024.11.2", "2025.1.0", "8.0.1"],
            ("2024.10.12", "2024.11.2", "2025.1.0"),
        ),
        ("8.0.1", ["2024.10.1", "8.0.2", "20241001"], ("8.0.2", None, None)),
        ("20241001", ["20241015", "20250101", "3"], ("20241015", None, "20250101")),
        (
            "bookworm-20241001",
            ["bookworm-20241101", "trixie-20250101"],
            (None, "bookworm-20241101", None),
        ),
        (
            "RELEASE.2024-10-29T16-01-48Z",
            ["RELEASE.2024-11-07T00-52-20Z", "RELEASE.2024-10-29T16-01-48Z.fips"],
            (None, "RELEASE.2024-11-07T00-52-20Z", None),
        ),
    ],
)
def test_newer(tag: str, tags: list[str], found: tuple[str | None, ...]) -> None:
    assert newer(tag, tags) == Newer(*found)


@pytest.mark.parametrize(
    "tag",
    ["latest", "bookworm", "a1b2c3d", "1234567", "sha-1234567", "pr-12", "1.2.3.4.5", "", "v"],
)
def test_no_version(tag: str) -> None:
    assert newer(tag, ["1.0.0", "9", "9999999"]) is None


def test_the_widest_step() -> None:
    assert Newer().widest is None
    assert Newer(patch="1.0.1").widest == "patch"
    assert Newer("1.0.1", "1.1.0", "2.0.0").widest == "major"


@given(TAGS, TAGS)
def test_the_order_is_total(one: str, other: str) -> None:
    first, second = read(one), read(other)
    if first is None or second is None or first.shape != second.shape:
        return
    assert (first.key < second.key) + (first.key > second.key) + (first.key == second.key) == 1
    # Nothing is newer than what is newer than it.
    there, back = newer(one, [other]), newer(other, [one])
    assert there is not None
    assert back is not None
    assert there.widest is None or back.widest is None


@given(TAGS, st.lists(TAGS, max_size=20))
def test_what_is_offered_is_there_of_one_shape_and_independent_of_order(
    tag: str, tags: list[str]
) -> None:
    found = newer(tag, tags)
    assert found == newer(tag, reversed(tags))
    for offered in (found.patch, found.minor, found.major) if found else ():
        if offered is not None:
            ours, theirs = read(tag), read(offered)
            assert offered in tags
            assert ours is not None
            assert theirs is not None
            assert theirs.shape == ours.shape
            assert theirs.key > ours.key
