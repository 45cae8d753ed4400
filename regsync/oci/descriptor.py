"""Descriptors: typed, sized, content-addressed pointers (image-spec `descriptor.md`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from regsync.errors import InvalidManifest
from regsync.oci import mediatype
from regsync.oci.digest import Digest
from regsync.oci.platform import Platform

_SIZE_LIMIT = 2**63 - 1
_ATTESTATION = "attestation-manifest"


@dataclass(frozen=True, slots=True)
class Descriptor:
    """Where a manifest, config or layer is found: by its digest, with its size in bytes."""

    media_type: str
    digest: Digest
    size: int
    platform: Platform | None = None
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)
    artifact_type: str | None = None

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Read a descriptor object.

        Raises:
            InvalidManifest: a field is missing or of the wrong kind.
            InvalidDigest: the digest is malformed or of an unknown algorithm.
        """
        if not isinstance(value, dict):
            raise _invalid("not an object")
        digest, size = value.get("digest"), value.get("size")
        media_type = value.get("mediaType", "")
        if not isinstance(media_type, str):
            raise _invalid("`mediaType` is not a text")
        if not isinstance(digest, str):
            raise _invalid("no `digest`")
        # bool is an int to Python, and a negative or huge size has crashed other clients.
        if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= _SIZE_LIMIT:
            raise _invalid("`size` is not a count of bytes")
        platform, artifact_type = value.get("platform"), value.get("artifactType")
        return cls(
            media_type=mediatype.base(media_type),
            digest=Digest.parse(digest),
            size=size,
            platform=Platform.from_json(platform) if isinstance(platform, dict) else None,
            annotations=read_annotations(value),
            artifact_type=artifact_type if isinstance(artifact_type, str) else None,
        )

    @property
    def is_index(self) -> bool:
        """Whether it points to an index or a Docker manifest list."""
        return self.media_type in mediatype.INDEXES

    @property
    def is_attestation(self) -> bool:
        """Whether it points to BuildKit's attestation, which is no image for any platform."""
        return self.annotations.get("vnd.docker.reference.type") == _ATTESTATION


def read_annotations(fields: Mapping[str, Any]) -> dict[str, str]:
    """The `annotations` of an object; what is not a text is left out."""
    annotations = fields.get("annotations")
    if not isinstance(annotations, dict):
        return {}
    return {key: value for key, value in annotations.items() if isinstance(value, str)}


def _invalid(why: str) -> InvalidManifest:
    return InvalidManifest("a descriptor is malformed", why)
