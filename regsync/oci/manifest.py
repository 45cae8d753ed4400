"""Manifests and indexes over raw bytes (image-spec `manifest.md`, `image-index.md`).

The bytes are the document: they are kept as they came, and its digest is always of them. What is
parsed beside them is for reading only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from regsync.errors import InvalidManifest, Unsupported
from regsync.oci import mediatype
from regsync.oci.descriptor import Descriptor, read_annotations
from regsync.oci.digest import Digest
from regsync.oci.platform import Platform
from regsync.oci.strictjson import parse_object

SIZE_LIMIT = 8 * 1024 * 1024
"""Bytes that a manifest may have; distribution-spec asks registries for 4 MiB at least."""
CHILD_LIMIT = 10_000
"""Descriptors that one document may list."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """One platform's image, or an artifact: a config and layers."""

    raw: bytes = field(repr=False)
    digest: Digest
    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    subject: Descriptor | None = None
    artifact_type: str | None = None
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def is_image(self) -> bool:
        """Whether the config is an image config; an artifact's is something else."""
        return self.config.media_type in mediatype.CONFIGS

    @property
    def layers_size(self) -> int:
        """Bytes of all layers as they are transferred, each digest counted once."""
        return sum({layer.digest: layer.size for layer in self.layers}.values())


@dataclass(frozen=True, slots=True)
class Index:
    """An OCI index or a Docker manifest list: manifests by platform."""

    raw: bytes = field(repr=False)
    digest: Digest
    media_type: str
    manifests: tuple[Descriptor, ...]
    subject: Descriptor | None = None
    artifact_type: str | None = None
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def images(self) -> tuple[Descriptor, ...]:
        """The entries that are images or nested indexes: attestations left out."""
        return tuple(
            entry
            for entry in self.manifests
            if not entry.is_attestation and (entry.platform is None or entry.platform.known)
        )

    @property
    def platforms(self) -> tuple[Platform, ...]:
        """The platforms on offer, in the index's own order."""
        return tuple(entry.platform for entry in self.images if entry.platform is not None)

    def select(self, platform: Platform) -> Descriptor | None:
        """The first entry for `platform`, or None where the index has none."""
        for entry in self.images:
            if entry.platform is not None and entry.platform.same(platform):
                return entry
        return None


def parse(raw: bytes, content_type: str | None = None) -> Manifest | Index:
    """Read a manifest or an index.

    Args:
        raw: The exact bytes that were stored or received.
        content_type: What the transport said they are; it has to agree with the document.

    Raises:
        InvalidManifest: oversized, not strict JSON, of an unsupported kind, both manifest and
            index (CVE-2021-41190), or in contradiction to `content_type`.
        InvalidDigest: a descriptor's digest is malformed.
    """
    fields = parse_object(raw, limit=SIZE_LIMIT, what="the manifest")
    media_type = _media_type(fields, content_type)
    _refuse_ambiguous(fields, media_type)
    digest = Digest.of(raw)
    subject = fields.get("subject")
    artifact_type = fields.get("artifactType")
    common: dict[str, Any] = {
        "raw": raw,
        "digest": digest,
        "media_type": media_type,
        "subject": None if subject is None else Descriptor.from_json(subject),
        "artifact_type": artifact_type if isinstance(artifact_type, str) else None,
        "annotations": read_annotations(fields),
    }
    if media_type in mediatype.INDEXES:
        return Index(manifests=_descriptors(fields, "manifests"), **common)
    return Manifest(
        config=Descriptor.from_json(fields.get("config")),
        layers=_descriptors(fields, "layers"),
        **common,
    )


def _media_type(fields: Mapping[str, Any], content_type: str | None) -> str:
    if fields.get("schemaVersion") == 1 or "fsLayers" in fields:
        raise _unsupported("schema 1, which was withdrawn in 2017", "push the image again")
    inside = fields.get("mediaType")
    if inside is not None and not isinstance(inside, str):
        raise _refused("`mediaType` is not a text")
    said = mediatype.base(content_type) if content_type else ""
    known = mediatype.INDEXES | mediatype.MANIFESTS
    # A type that names no manifest (`application/json`, `text/plain`) says nothing to contradict.
    if inside and said in known and inside != said:
        raise _refused(f"it calls itself {inside}, the registry calls it {said}")
    if inside:
        chosen = inside
    elif said in known:
        chosen = said
    else:
        chosen = mediatype.OCI_INDEX if "manifests" in fields else mediatype.OCI_MANIFEST
    if chosen not in known:
        raise _unsupported(chosen[:200])
    return chosen


def _refuse_ambiguous(fields: Mapping[str, Any], media_type: str) -> None:
    is_index = media_type in mediatype.INDEXES
    wrong = ("config", "layers") if is_index else ("manifests",)
    if present := [name for name in wrong if name in fields]:
        kind = "an index" if is_index else "a manifest"
        raise _refused(f"it is {kind} that also has `{present[0]}`")


def _descriptors(fields: Mapping[str, Any], name: str) -> tuple[Descriptor, ...]:
    values = fields.get(name)
    if not isinstance(values, list):
        raise _refused(f"`{name}` is missing or not a list")
    if len(values) > CHILD_LIMIT:
        raise _refused(f"`{name}` has {len(values)} entries, {CHILD_LIMIT} at most")
    return tuple(Descriptor.from_json(value) for value in values)


def _refused(why: str) -> InvalidManifest:
    return InvalidManifest("the manifest is refused", why)


def _unsupported(kind: str, hint: str | None = None) -> Unsupported:
    return Unsupported("the manifest is of an unsupported kind", kind, hint)
