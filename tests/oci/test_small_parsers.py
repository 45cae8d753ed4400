"""Scopes, error bodies, `Link` headers and media types."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regsync.oci import errorcode, mediatype, paging, scope, strictjson
from regsync.oci.errorcode import RegistryError
from regsync.oci.scope import Scope

word = st.from_regex(r"[a-z0-9*]{1,8}", fullmatch=True)
scopes = st.builds(
    Scope, word, st.from_regex(r"[a-z0-9:/.-]{1,20}", fullmatch=True), st.frozensets(word)
)


@given(scopes)
def test_scope_round_trip(written: Scope) -> None:
    assert Scope.parse(str(written)) == written


def test_scope_name_with_port() -> None:
    assert Scope.parse("repository:h:5000/a:pull,push") == Scope.push("h:5000/a")


@pytest.mark.parametrize("text", ["", "*", "repository", "repository:a", ":a:pull", "a::pull"])
def test_scope_refuses(text: str) -> None:
    assert Scope.parse(text) is None


def test_scopes_of_a_challenge() -> None:
    assert scope.Scope.parse_all("repository:a:pull  junk repository:b:push,pull") == (
        Scope.pull("a"),
        Scope.push("b"),
    )


def test_scope_covers() -> None:
    assert Scope.push("a").covers(Scope.pull("a"))
    assert not Scope.pull("a").covers(Scope.push("a"))
    assert not Scope.push("a").covers(Scope.pull("b"))
    assert Scope("repository", "a", frozenset({"*"})).covers(Scope.push("a"))


@given(st.lists(scopes))
def test_union_covers_each(written: list[Scope]) -> None:
    merged = scope.union(written)
    assert all(any(one.covers(other) for one in merged) for other in written)
    assert len({(one.type, one.name) for one in merged}) == len(merged)


def test_error_body() -> None:
    body = b'{"errors":[{"code":"name_unknown","message":"no","detail":{"a":1}},{"code":7},3]}'
    assert errorcode.parse(body) == (RegistryError("NAME_UNKNOWN", "no", {"a": 1}),)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b'{"errors":null}', b'{"errors":{}}', b"\xff", b"[" * 200_000],
)
def test_error_body_that_is_none(body: bytes) -> None:
    assert errorcode.parse(body) == ()


def test_error_texts_are_cut() -> None:
    body = json.dumps({"errors": [{"code": "X" * 999, "message": "y" * 9999}] * 99}).encode()
    assert errorcode.parse(body) == ()  # cut within the document: better none than half
    body = json.dumps({"errors": [{"code": "X" * 999, "message": "y" * 1999}] * 20}).encode()
    assert {(len(error.code), len(error.message)) for error in errorcode.parse(body)} == {
        (100, 1000)
    }


@given(st.binary())
def test_any_error_body_is_survived(body: bytes) -> None:
    errorcode.parse(body)


@pytest.mark.parametrize(
    ("headers", "target"),
    [
        (['</v2/a/tags/list?n=2&last=b>; rel="next"'], "/v2/a/tags/list?n=2&last=b"),
        (["<https://h/v2/x>; rel=next"], "https://h/v2/x"),
        (["<a>; rel=prev, <b>; rel=next"], "b"),
        (['<a>; title="x, <c>; rel=next", <b>; rel="next"'], "b"),
        (['<a>; rel="prev next"'], "a"),
        (["<a>;REL=NEXT"], "a"),
        (["<a>; rel=prev", "<b>; rel=next"], "b"),
        (["<a>"], None),
        (["a; rel=next"], None),
        (["<>; rel=next"], None),
        ([""], None),
        ([], None),
    ],
)
def test_next_link(headers: list[str], target: str | None) -> None:
    assert paging.next_link(headers) == target


@given(st.from_regex(r"[^<>\r\n]{1,40}", fullmatch=True))
def test_link_round_trip(target: str) -> None:
    assert paging.next_link([f'<{target}>; rel="next"']) == target


@given(st.text())
def test_any_link_is_survived(header: str) -> None:
    paging.next_link([header])


def test_media_type_without_parameters() -> None:
    assert mediatype.base(" Application/JSON ; charset=utf-8") == "application/json"


@pytest.mark.parametrize(
    ("limit", "words"),
    [(8 << 20, "8 MiB"), (64 << 10, "64 KiB"), (1000, "1000 bytes"), (0, "0 bytes")],
)
def test_limits_read_as_people_write_them(limit: int, words: str) -> None:
    assert strictjson.amount(limit) == words
