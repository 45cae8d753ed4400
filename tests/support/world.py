"""What a registry would answer, as values: the other half of a pure inquiry."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from regsync.errors import NotFound, RegsyncError
from regsync.oci import manifest, mediatype
from regsync.oci.digest import Digest
from regsync.oci.imageconfig import ImageConfig
from regsync.oci.manifest import Index, Manifest
from regsync.oci.reference import Reference, Repository
from regsync.operations.questions import (
    Absent,
    AtHand,
    Config,
    Document,
    Exists,
    Holds,
    Inquiry,
    Question,
    Serves,
)


@dataclass(frozen=True)
class Content:
    """One image as a registry stores it."""

    manifest: Manifest
    config: bytes

    @property
    def digest(self) -> Digest:
        return self.manifest.digest

    @property
    def config_digest(self) -> Digest:
        return self.manifest.config.digest

    @property
    def parsed(self) -> ImageConfig:
        return ImageConfig.parse(self.config)


def image(
    *layers: str,
    platform: str = "linux/amd64",
    compression: str = "gzip",
    labels: dict[str, str] | None = None,
    created: str = "2026-01-01T00:00:00Z",
) -> Content:
    """An image with one layer a word; other `compression` gives the same image another digest."""
    os, architecture, *variant = platform.split("/")
    config = {
        "os": os,
        "architecture": architecture,
        **({"variant": variant[0]} if variant else {}),
        "created": created,
        "config": {"Labels": labels or {}},
        "rootfs": {
            "type": "layers",
            "diff_ids": [str(Digest.of(word.encode())) for word in layers],
        },
    }
    raw = json.dumps(config).encode()
    document = {
        "schemaVersion": 2,
        "mediaType": mediatype.OCI_MANIFEST,
        "config": _descriptor(mediatype.OCI_CONFIG, raw),
        "layers": [
            _descriptor("application/vnd.oci.image.layer.v1.tar+gzip", f"{compression}{w}".encode())
            for w in layers
        ],
    }
    found = manifest.parse(json.dumps(document).encode())
    assert isinstance(found, Manifest)
    return Content(found, raw)


def artifact() -> Manifest:
    document = {
        "schemaVersion": 2,
        "mediaType": mediatype.OCI_MANIFEST,
        "artifactType": "application/vnd.example.sbom",
        "config": _descriptor(mediatype.OCI_EMPTY, b"{}"),
        "layers": [],
    }
    found = manifest.parse(json.dumps(document).encode())
    assert isinstance(found, Manifest)
    return found


def index(
    *children: Content | Index, note: str = "", variants: Mapping[Digest, str] | None = None
) -> Index:
    """An index over images, with an attestation as BuildKit adds one.

    Args:
        variants: The variants of children whose configs leave theirs out.
    """
    entries = [_entry(child) for child in children]
    for entry in entries:
        if told := (variants or {}).get(Digest.parse(entry["digest"])):
            entry["platform"]["variant"] = told
    entries.append(
        {
            **_descriptor(mediatype.OCI_MANIFEST, b"attestation"),
            "platform": {"os": "unknown", "architecture": "unknown"},
            "annotations": {"vnd.docker.reference.type": "attestation-manifest"},
        }
    )
    document = {
        "schemaVersion": 2,
        "mediaType": mediatype.OCI_INDEX,
        "manifests": entries,
        "annotations": {"note": note},
    }
    found = manifest.parse(json.dumps(document).encode())
    assert isinstance(found, Index)
    return found


def _entry(child: Content | Index) -> dict[str, Any]:
    if isinstance(child, Index):
        return _descriptor(mediatype.OCI_INDEX, child.raw)
    platform = child.parsed.platform
    return {
        **_descriptor(mediatype.OCI_MANIFEST, child.manifest.raw),
        "platform": {
            "os": platform.os,
            "architecture": platform.architecture,
            **({"variant": platform.variant} if platform.variant else {}),
        },
    }


def _descriptor(media_type: str, raw: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": str(Digest.of(raw)), "size": len(raw)}


@dataclass
class World:
    """A registry's side: what its tags hold and which digests it serves, by repository.

    Attributes:
        answers: Overrides by question; an error is raised in the inquiry.
        asked: Every question, in order; what is at hand is no question to a registry.
        at_hand: Documents that need no request.
    """

    answers: dict[Question, Any] = field(default_factory=dict)
    asked: list[Question] = field(default_factory=list)
    at_hand: dict[Digest, Manifest | Index] = field(default_factory=dict)
    _tags: dict[Reference, Digest] = field(default_factory=dict)
    _served: dict[Repository, dict[Digest, Manifest | Index]] = field(default_factory=dict)
    _configs: dict[Digest, bytes] = field(default_factory=dict)

    def put(self, name: str, content: Content | Index | Manifest, *children: Content) -> Digest:
        """Serve content, under a tag where `name` has one, with the images an index lists."""
        reference = Reference.parse_bare(name)
        served = self._served.setdefault(reference.repository, {})
        for each in (content, *children):
            found = each.manifest if isinstance(each, Content) else each
            served[found.digest] = found
            if isinstance(each, Content):
                self._configs[each.config_digest] = each.config
        digest = content.digest
        if reference.tag is not None:
            self._tags[reference] = digest
        return digest

    def untag(self, name: str) -> None:
        del self._tags[Reference.parse(name)]

    def settle(self, inquiry: Inquiry[Any]) -> Any:
        """Answer until the inquiry returns."""
        try:
            question = next(inquiry)
            while True:
                if isinstance(question, AtHand):
                    question = inquiry.send(self.at_hand.get(question.digest))
                    continue
                self.asked.append(question)
                try:
                    answer = self._answer(question)
                except RegsyncError as error:
                    question = inquiry.throw(error)
                else:
                    question = inquiry.send(answer)
        except StopIteration as done:
            return done.value

    def _answer(self, question: Question) -> Any:
        if question in self.answers:
            answer = self.answers[question]
            if isinstance(answer, RegsyncError):
                raise answer
            return answer
        match question:
            case Holds(reference):
                if reference.digest is not None:
                    served = self._served.get(reference.repository, {})
                    return reference.digest if reference.digest in served else Absent()
                return self._tags.get(reference, Absent())
            case Document(repository, digest):
                found = self._served.get(repository, {}).get(digest)
                if found is None:
                    raise NotFound(f"`{repository}@{digest}` is not there")
                return found
            case Config(_, descriptor):
                return ImageConfig.parse(self._configs[descriptor.digest])
            case Serves(repository, digest):
                return digest in self._served.get(repository, {})
            case Exists(repository):
                return repository in self._served
