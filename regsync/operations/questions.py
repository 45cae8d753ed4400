"""What a verdict may need to know of a registry, as values.

Who decides yields questions and is sent answers, and so does no input or output itself (`judge`);
who answers asks each question once, however many verdicts need it (`oracle`).
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeVar

from regsync.errors import Unauthorized
from regsync.oci.descriptor import Descriptor
from regsync.oci.digest import Digest
from regsync.oci.imageconfig import ImageConfig
from regsync.oci.manifest import Index, Manifest
from regsync.oci.reference import Reference, Repository


@dataclass(frozen=True, slots=True)
class Holds:
    """What does this reference point to? One HEAD, not counted as a pull."""

    reference: Reference


@dataclass(frozen=True, slots=True)
class Document:
    """The manifest or index of this digest: a counted GET, once per digest for ever."""

    repository: Repository
    digest: Digest


@dataclass(frozen=True, slots=True)
class Config:
    """The image config behind this descriptor: a blob, not counted, once per digest for ever."""

    repository: Repository
    descriptor: Descriptor


@dataclass(frozen=True, slots=True)
class Serves:
    """Does this repository hold a manifest of this digest? One HEAD, not counted."""

    repository: Repository
    digest: Digest


@dataclass(frozen=True, slots=True)
class Exists:
    """Is there such a repository at all? A tag list of one, not counted."""

    repository: Repository


@dataclass(frozen=True, slots=True)
class AtHand:
    """The manifest or index of this digest, if no request is needed for it."""

    digest: Digest


Question = Holds | Document | Config | Serves | Exists | AtHand


@dataclass(frozen=True, slots=True)
class Absent:
    """The registry has no such tag or digest."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """Nobody is logged in, and the registry says neither that it is there nor that it is not."""

    error: Unauthorized


Held = Digest | Absent | Hidden
"""The answers to `Holds`."""

Result = TypeVar("Result")
Inquiry = Generator[Question, Any, Result]
"""Something that asks until it knows; a failed question is thrown into it as its RegsyncError."""


def holds(reference: Reference) -> Inquiry[Held]:
    """Ask `Holds`."""
    answer: Held = yield Holds(reference)
    return answer


def document(repository: Repository, digest: Digest) -> Inquiry[Manifest | Index]:
    """Ask `Document`."""
    answer: Manifest | Index = yield Document(repository, digest)
    return answer


def config(repository: Repository, descriptor: Descriptor) -> Inquiry[ImageConfig]:
    """Ask `Config`."""
    answer: ImageConfig = yield Config(repository, descriptor)
    return answer


def serves(repository: Repository, digest: Digest) -> Inquiry[bool]:
    """Ask `Serves`."""
    answer: bool = yield Serves(repository, digest)
    return answer


def exists(repository: Repository) -> Inquiry[bool]:
    """Ask `Exists`."""
    answer: bool = yield Exists(repository)
    return answer


def at_hand(digest: Digest) -> Inquiry[Manifest | Index | None]:
    """Ask `AtHand`."""
    answer: Manifest | Index | None = yield AtHand(digest)
    return answer
