"""What a file was found to name, as values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from regsync.errors import InvalidFile, Unresolved

_ELSEWHERE = re.compile(
    r"[a-z0-9+.-]+://|git@|(?:github|gitlab)\.com/|[^?]*\?ref=|[^#?]*\.git(?:[#?]|//|\Z)"
)


def is_elsewhere(path: str) -> bool:
    """Whether a path leads to another host: a URL, a git repository, an artifact."""
    return _ELSEWHERE.match(path) is not None


@dataclass(frozen=True, slots=True)
class Place:
    """Where an image is named.

    Attributes:
        path: The file, as the user would open it.
        line: The line of the name, from 1.
        name: What uses it there: a service, a stage, a container.
        text: The name as it is written, variables and all.
    """

    path: str
    line: int
    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class Mention:
    """An image that a file names; `text` is the name with its variables filled in."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class Follow:
    """Another file that a file builds on.

    Attributes:
        path: As it is written, relative to the folder of the file that names it.
        place: Where it is named.
        kind: `compose`, `dockerfile`, or `manifest` for a file or folder of a Kustomization.
        arguments: Build arguments, which go before the defaults of a Dockerfile.
        contexts: Names that are no images in that Dockerfile: build contexts given from outside.
    """

    path: str
    place: Place
    kind: str
    arguments: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    contexts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Renames:
    """What a Kustomization puts in place of names in the manifests it brings together.

    Attributes:
        names: Image names, as the manifests write them, without tag and digest.
        resources: The manifests, files and folders, as written.
    """

    names: frozenset[str]
    resources: tuple[str, ...]


@dataclass(slots=True)
class Found:
    """All that one file names; parsers fill it in.

    Attributes:
        unresolved: Names that cannot be told, and what stands where a name should.
        passed: What may name an image, and may as well be something else.
    """

    mentions: list[Mention] = field(default_factory=list)
    unresolved: list[Unresolved | InvalidFile] = field(default_factory=list)
    follows: list[Follow] = field(default_factory=list)
    renames: list[Renames] = field(default_factory=list)
    passed: list[Place] = field(default_factory=list)

    def mention(self, text: str, place: Place) -> None:
        """Note an image; `scratch` is the empty base and none."""
        if text != "scratch":
            self.mentions.append(Mention(text, place))

    def doubt(self, place: Place, why: str, hint: str | None = None) -> None:
        """Note a name that cannot be known from the file."""
        error = Unresolved(f"{place}: cannot tell `{place.text}`", why, hint)
        error.name = place.text
        self.unresolved.append(error)

    def refuse_number(self, place: Place) -> None:
        """Note a number, a truth value or a date, which no program takes for an image."""
        what = f"{place}: `{place.text}` is no name of an image"
        why = "to YAML it is a number, a truth value or a date, and a name is a text"
        self.unresolved.append(InvalidFile(what, why, "put it in quotes if it is meant as a name"))
