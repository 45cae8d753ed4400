"""Grammars of what a path may name: repositories, tags, digests, numbers."""

from __future__ import annotations

import hashlib
import re

from mock_registry.errors import RegistryError

# distribution-spec v1.1, "Pulling manifests". Its limit for host and name together is 255.
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128}")
_NUMBER = re.compile(r"[0-9]{1,18}")
NAME_LIMIT = 255

ALGORITHMS = ("sha256", "sha512")


def is_name(text: str) -> bool:
    """Whether `text` is a repository name."""
    return len(text) <= NAME_LIMIT and _NAME.fullmatch(text) is not None


def check_name(text: str) -> str:
    """`text` itself.

    Raises:
        RegistryError: NAME_INVALID when it is no repository name.
    """
    if not is_name(text):
        raise RegistryError("NAME_INVALID", detail={"name": text[:NAME_LIMIT]})
    return text


def is_tag(text: str) -> bool:
    """Whether `text` is a tag."""
    return _TAG.fullmatch(text) is not None


def is_digest(text: str) -> bool:
    """Whether `text` is a digest of a supported algorithm."""
    return _DIGEST.fullmatch(text) is not None


def check_digest(text: str | None) -> str:
    """`text` itself.

    Raises:
        RegistryError: DIGEST_INVALID when it is no digest, or of an unknown algorithm.
    """
    if text is None or not is_digest(text):
        raise RegistryError("DIGEST_INVALID", "invalid digest", detail={"digest": text})
    return text


def digest_of(data: bytes, algorithm: str = "sha256") -> str:
    """The digest of `data`, such as ``sha256:e3b0…``."""
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def number(text: str) -> int | None:
    """A non-negative decimal number below 10^18, or None when `text` is none."""
    return int(text) if _NUMBER.fullmatch(text) else None
