"""References: names of images, read exactly as docker reads them.

The grammar and the defaults are those of distribution/reference (`reference.go`, `normalize.go`):

    node                     docker.io/library/node:latest
    team/app:1.4             docker.io/team/app:1.4
    localhost/app            localhost/app:latest
    host:5000/a/b@sha256:…   host:5000/a/b@sha256:…
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Self

from regsync.errors import InvalidDigest, InvalidReference
from regsync.oci.digest import Digest

DOCKER_HUB = "docker.io"
DEFAULT_TAG = "latest"
NAME_LIMIT = 255
"""Characters of a repository path (distribution/reference `RepositoryNameTotalLengthMax`)."""

_DOMAIN_COMPONENT = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = re.compile(
    rf"(?:{_DOMAIN_COMPONENT}(?:\.{_DOMAIN_COMPONENT})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
)
_PATH_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_PATH_COMPONENT}(?:/{_PATH_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_IDENTIFIER = re.compile(r"[a-f0-9]{64}")
_HUB_ALIASES = frozenset({"docker.io", "index.docker.io"})


@dataclass(frozen=True, slots=True, order=True)
class Repository:
    """A registry host and the path of a repository in it."""

    registry: str
    path: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a name without tag and digest.

        Raises:
            InvalidReference: it breaks the grammar, or carries a tag or a digest.
        """
        if "@" in text or ":" in text.rpartition("/")[2]:
            raise InvalidReference(
                f"`{text[:200]}` is not a repository", "a repository has neither tag nor digest"
            )
        return cls(*_split_name(text, text))

    @property
    def familiar(self) -> str:
        """The shortest name that docker reads as this repository."""
        if self.registry != DOCKER_HUB:
            return f"{self.registry}/{self.path}"
        short = self.path.removeprefix("library/")
        if "/" not in short:
            return short
        # Docker Hub has no `localhost/app` nor `a.b/app`, yet the grammar allows them; shortened
        # they would name another host.
        return str(self) if _looks_like_host(self.path.partition("/")[0]) else self.path

    def __str__(self) -> str:
        return f"{self.registry}/{self.path}"


@dataclass(frozen=True, slots=True)
class Reference:
    """A repository with a tag, a digest, or both; with both, the digest decides."""

    repository: Repository
    tag: str | None = None
    digest: Digest | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a reference as docker does; without tag and digest it means `:latest`.

        Raises:
            InvalidReference: says which rule the text breaks.
        """
        reference = cls.parse_bare(text)
        if reference.tag is None and reference.digest is None:
            return replace(reference, tag=DEFAULT_TAG)
        return reference

    @classmethod
    def parse_bare(cls, text: str) -> Self:
        """Read a reference and add no default tag.

        Raises:
            InvalidReference: says which rule the text breaks.
        """
        if not text:
            raise InvalidReference("an empty text is not a reference")
        if _IDENTIFIER.fullmatch(text):
            raise _invalid(text, "64 hexadecimal characters are an image ID, not a name")
        rest, at, encoded = text.partition("@")
        digest = _parse_digest(text, encoded) if at else None
        head, slash, last = rest.rpartition("/")
        last, colon, tag = last.partition(":")
        name = f"{head}{slash}{last}"
        if colon and not _TAG.fullmatch(tag):
            raise _invalid(
                text,
                "a tag takes 1 to 128 letters, digits, `_`, `.` and `-`, and starts with none of "
                "the last two",
            )
        return cls(Repository(*_split_name(name, text)), tag if colon else None, digest)

    @property
    def registry(self) -> str:
        """The registry's host, `docker.io` for Docker Hub."""
        return self.repository.registry

    @property
    def target(self) -> str:
        """What follows `/manifests/` in a request: the digest if there is one, else the tag."""
        return str(self.digest) if self.digest else self.tag or DEFAULT_TAG

    @property
    def familiar(self) -> str:
        """The short form that engines print, e.g. `node:latest`."""
        return self.repository.familiar + self._suffix

    def with_tag(self, tag: str) -> Self:
        """The same repository at another tag, without a digest.

        Raises:
            InvalidReference: the tag breaks the grammar.
        """
        if not _TAG.fullmatch(tag):
            raise _invalid(tag, "not a tag")
        return replace(self, tag=tag, digest=None)

    @property
    def _suffix(self) -> str:
        tag = f":{self.tag}" if self.tag is not None else ""
        return f"{tag}@{self.digest}" if self.digest else tag

    def __str__(self) -> str:
        return str(self.repository) + self._suffix


def _split_name(name: str, text: str) -> tuple[str, str]:
    """Split a name into host and path with docker's defaults (`splitDockerDomain`)."""
    first, slash, rest = name.partition("/")
    registry, path = (first, rest) if slash and _looks_like_host(first) else (DOCKER_HUB, name)
    if registry in _HUB_ALIASES:
        registry = DOCKER_HUB
        if "/" not in path:
            path = f"library/{path}"
    if not _DOMAIN.fullmatch(registry):
        raise _invalid(text, f"`{registry[:100]}` is not a host name")
    if not _PATH.fullmatch(path):
        if path != path.lower() and _PATH.fullmatch(path.lower()):
            raise _invalid(
                text, "the repository must be lower case", f"did you mean `{text.lower()[:200]}`?"
            )
        raise _invalid(
            text, "each part takes a-z and 0-9, separated by single `.`, one or two `_`, or `-`"
        )
    if len(path) > NAME_LIMIT:
        raise _invalid(text, f"the repository has {len(path)} characters, {NAME_LIMIT} at most")
    return registry, path


def _looks_like_host(first: str) -> bool:
    # An upper-case letter is enough, since no repository path may hold one.
    return any(mark in first for mark in ".:") or first == "localhost" or first != first.lower()


def _parse_digest(text: str, encoded: str) -> Digest:
    try:
        return Digest.parse(encoded)
    except InvalidDigest as error:
        raise _invalid(text, f"after `@`: {error}") from error


def _invalid(text: str, why: str, hint: str | None = None) -> InvalidReference:
    return InvalidReference(f"`{text[:200]}` is not a reference", why, hint)
