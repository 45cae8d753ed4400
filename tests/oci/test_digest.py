"""Digests: two algorithms, one spelling."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regsync.errors import InvalidDigest
from regsync.oci.digest import Digest, new_hasher


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256",
        "sha256:",
        "sha256:" + "a" * 63,
        "sha256:" + "a" * 65,
        "sha256:" + "A" * 64,
        "sha256:" + "g" * 64,
        "sha256:" + "a" * 128,
        "sha512:" + "a" * 64,
        "SHA256:" + "a" * 64,
        "md5:" + "a" * 32,
        "sha384:" + "a" * 96,
        "sha256:../../" + "a" * 58,
        "sha256:" + "a" * 64 + "\n",
        " sha256:" + "a" * 64,
        "sha256:" + "\u0661" * 64,
    ],
)
def test_refuses(text: str) -> None:
    with pytest.raises(InvalidDigest):
        Digest.parse(text)


@given(st.binary(), st.sampled_from(["sha256", "sha512"]))
def test_round_trip(data: bytes, algorithm: str) -> None:
    digest = Digest.of(data, algorithm)
    assert Digest.parse(str(digest)) == digest
    assert digest.encoded == hashlib.new(algorithm, data).hexdigest()
    assert digest.matches(data)
    assert not digest.matches(data + b"x")


@given(st.lists(st.binary()))
def test_hashes_a_stream(chunks: list[bytes]) -> None:
    hasher = Digest.of(b"", "sha512").hasher()
    for chunk in chunks:
        hasher.update(chunk)
    assert Digest("sha512", hasher.hexdigest()) == Digest.of(b"".join(chunks), "sha512")


def test_unknown_algorithm_cannot_hash() -> None:
    with pytest.raises(InvalidDigest):
        new_hasher("md5")


def test_short_form() -> None:
    assert Digest("sha256", "0123456789abcdef" * 4).short == "sha256:0123456789ab"
