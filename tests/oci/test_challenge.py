"""Challenges as registries really send them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regsync.oci.challenge import Challenge, choose, parse

HUB = (
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",'
    'scope="repository:a/b:pull,push"'
)


def one(header: str) -> Challenge:
    (found,) = parse([header])
    return found


def test_docker_hub() -> None:
    found = one(HUB)
    assert found.scheme == "bearer"
    assert found.realm == "https://auth.docker.io/token"
    assert found.service == "registry.docker.io"
    assert found.scope == "repository:a/b:pull,push"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (['BASIC realm="Sonatype"'], [("basic", {"realm": "Sonatype"})]),
        (["basic"], [("basic", {})]),
        (['Bearer realm="r" , Basic realm="b"'], [("bearer", {"realm": "r"}), ("basic", None)]),
        (['Basic realm="b"', 'Bearer realm="r"'], [("basic", None), ("bearer", {"realm": "r"})]),
        (["Bearer realm=r,service=s"], [("bearer", {"realm": "r", "service": "s"})]),
        (['Bearer REALM = "r" , Service = s'], [("bearer", {"realm": "r", "service": "s"})]),
        (["Bearer realm=https://h:5/t"], [("bearer", {"realm": "https://h:5/t"})]),
        ([r'Basic realm="a \"b\" \\c"'], [("basic", {"realm": r'a "b" \c'})]),
        (["Negotiate"], [("negotiate", {})]),
        (["Negotiate, Basic realm=x"], [("negotiate", {}), ("basic", {"realm": "x"})]),
        (["Negotiate dGVzdA==, Basic realm=x"], [("negotiate", {}), ("basic", {"realm": "x"})]),
        ([",, Basic realm=x,"], [("basic", {"realm": "x"})]),
        (["Basic realm=one,realm=two"], [("basic", {"realm": "one"})]),
        (['Bearer realm="unterminated'], [("bearer", {"realm": "unterminated"})]),
        ([""], []),
        (['"quoted"'], []),
        ([], []),
    ],
)
def test_shapes(headers: list[str], expected: list[tuple[str, dict[str, str] | None]]) -> None:
    found = parse(headers)
    assert [challenge.scheme for challenge in found] == [scheme for scheme, _ in expected]
    for challenge, (_, parameters) in zip(found, expected, strict=True):
        if parameters is not None:
            assert challenge.parameters == parameters


def test_token68() -> None:
    assert one("Negotiate dGVzdA==").token68 == "dGVzdA=="


def test_gitea_sends_both_in_one_header() -> None:
    found = parse(['Bearer realm="https://h/v2/token",service="c",scope="*",Basic realm="h"'])
    assert [challenge.scheme for challenge in found] == ["bearer", "basic"]


@pytest.mark.parametrize(
    ("headers", "scheme"),
    [
        (['Basic realm="b", Bearer realm="r"'], "bearer"),
        (['Basic realm="b", Bearer error="x"'], "basic"),
        (["Negotiate"], None),
        ([], None),
    ],
)
def test_choose(headers: list[str], scheme: str | None) -> None:
    chosen = choose(parse(headers))
    assert (chosen.scheme if chosen else None) == scheme


names = st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True)
values = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=30)
challenges = st.builds(Challenge, names, st.dictionaries(names, values, min_size=1, max_size=4))


@given(st.lists(challenges, min_size=1, max_size=3))
def test_round_trip(written: list[Challenge]) -> None:
    assert list(parse([", ".join(map(str, written))])) == written
    assert list(parse(map(str, written))) == written


@given(st.text())
def test_any_header_is_survived(header: str) -> None:
    parse([header])
