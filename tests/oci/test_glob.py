"""Patterns of names: a star is a run without `/` and `:`, and nothing else is special."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from regsync.errors import InvalidReference
from regsync.oci.glob import PATTERN_LIMIT, Glob
from regsync.oci.reference import Reference

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("node", "node:latest"),
        ("node:*", "node:latest"),
        ("no*", "node:latest"),
        ("*:latest", "node"),
        ("docker.io/library/node", "node:22"),
        ("docker.io/library/*", "node:22"),
        ("docker.io/*/*:22", "node:22"),
        ("team/*", "team/app:1"),
        ("team/*:1.*", "team/app:1.4"),
        ("*/*/app", "registry.example.com/team/app:1"),
        ("registry.example.com:5000/*", "registry.example.com:5000/app"),
        ("[[]::1]:5000/app".replace("[[]", "["), "[::1]:5000/app"),
        ("app@sha256:*", f"app@{DIGEST}"),
        ("app", f"app@{DIGEST}"),
        ("app:1", f"app:1@{DIGEST}"),
        ("docker.io/library/app:1", f"app:1@{DIGEST}"),
        ("app*", "app:1"),
    ],
)
def test_what_matches(pattern: str, name: str) -> None:
    assert Glob.parse(pattern).matches_reference(Reference.parse(name))


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("*", "team/app:1"),
        ("team/*", "team/app/web:1"),
        ("team*", "team/app:1"),
        ("*:22", "node:latest"),
        ("registry.example.com*/app", "registry.example.com:5000/app"),
        ("ode", "node:latest"),
        ("node:l", "node:latest"),
        ("a.b", "a-b:1"),
        ("app:1", f"app@{DIGEST}"),
    ],
)
def test_what_does_not(pattern: str, name: str) -> None:
    assert not Glob.parse(pattern).matches_reference(Reference.parse(name))


@pytest.mark.parametrize(
    "pattern", ["", "a b", "team/?", "{a,b}", "team/**", "***", "é", "a" * (PATTERN_LIMIT + 1)]
)
def test_what_is_no_pattern(pattern: str) -> None:
    with pytest.raises(InvalidReference, match="is not a pattern of names"):
        Glob.parse(pattern)


def slowly(pattern: str, name: str) -> bool:
    """The definition, tried out in every way."""
    if not pattern:
        return not name
    if pattern[0] != "*":
        return name[:1] == pattern[0] and slowly(pattern[1:], name[1:])
    return slowly(pattern[1:], name) or (
        name[:1] not in ("", "/", ":") and slowly(pattern, name[1:])
    )


PIECES = st.text("ab/:", max_size=4)


@example(["", "a", ""], "a/a")
@example(["", "a/b", "a"], "aa/ba")
@given(st.lists(PIECES, min_size=1, max_size=4), st.text("ab/:", max_size=10))
def test_as_the_definition_says(pieces: list[str], name: str) -> None:
    # Two stars in a row are refused; one alone is any run.
    kept = [pieces[0], *(piece or "a" for piece in pieces[1:-1]), *pieces[1:][-1:]]
    pattern = "*".join(kept)
    if not pattern:
        return
    assert Glob.parse(pattern).matches(name) == slowly(pattern, name)


def test_many_stars_end() -> None:
    """With a star that looks back, this would outlive everybody."""
    assert not Glob.parse("*a" * 60 + "*b").matches("a" * 400)
