"""Digests: the content addresses of image-spec `descriptor.md` § Digests."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from regsync.errors import InvalidDigest

if TYPE_CHECKING:
    from hashlib import _Hash

# The registered algorithms and the length of their lower-case hexadecimal form.
_HEX_LENGTHS = {"sha256": 64, "sha512": 128}
_HEX = re.compile(r"[0-9a-f]+")


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """An algorithm and the hash of some bytes, e.g. `sha256:9f86…`.

    Only `sha256` and `sha512` exist here: what cannot be verified is refused, and one algorithm
    never stands in for another (CVE-2024-3727: unvalidated digests ended up in file paths).
    """

    algorithm: str
    encoded: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `algorithm:hex`.

        Raises:
            InvalidDigest: another algorithm, upper case, or the wrong length.
        """
        algorithm, colon, encoded = text.partition(":")
        length = _HEX_LENGTHS.get(algorithm)
        if not colon or length is None:
            raise InvalidDigest(
                f"`{text[:100]}` is not a digest", "expected sha256:… or sha512:… in lower case"
            )
        if len(encoded) != length or not _HEX.fullmatch(encoded):
            raise InvalidDigest(
                f"`{text[:160]}` is not a digest",
                f"{algorithm} takes {length} characters out of 0-9 a-f",
            )
        return cls(algorithm, encoded)

    @classmethod
    def of(cls, data: bytes, algorithm: str = "sha256") -> Self:
        """The digest of `data`."""
        hasher = new_hasher(algorithm)
        hasher.update(data)
        return cls(algorithm, hasher.hexdigest())

    def matches(self, data: bytes) -> bool:
        """Whether `data` is what this digest names."""
        return hmac.compare_digest(self.of(data, self.algorithm).encoded, self.encoded)

    def hasher(self) -> _Hash:
        """A fresh `hashlib` object of this digest's algorithm, for hashing a stream."""
        return new_hasher(self.algorithm)

    @property
    def short(self) -> str:
        """The algorithm and the first 12 characters, as engines print it."""
        return f"{self.algorithm}:{self.encoded[:12]}"

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.encoded}"


def new_hasher(algorithm: str) -> _Hash:
    """A `hashlib` object for a registered algorithm.

    Raises:
        InvalidDigest: the algorithm is neither sha256 nor sha512.
    """
    if algorithm not in _HEX_LENGTHS:
        raise InvalidDigest(
            f"cannot verify `{algorithm}` digests", "only sha256 and sha512 are known"
        )
    return hashlib.new(algorithm)
