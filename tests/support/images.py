"""Small images as bytes, the layouts they lie in, and a registry that serves them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wire import Reply, Seen

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
FULL_NAME = "io.containerd.image.name"
REF_NAME = "org.opencontainers.image.ref.name"


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def encode(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


@dataclass
class Document:
    """A manifest or index, with all blobs that it needs, its own left out."""

    raw: bytes
    media_type: str
    blobs: dict[str, bytes] = field(default_factory=dict)
    platform: dict[str, str] | None = None

    @property
    def digest(self) -> str:
        return digest_of(self.raw)

    def descriptor(self, **more: Any) -> dict[str, Any]:
        found = {"mediaType": self.media_type, "digest": self.digest, "size": len(self.raw)}
        return found | ({"platform": self.platform} if self.platform else {}) | more

    @property
    def everything(self) -> dict[str, bytes]:
        return self.blobs | {self.digest: self.raw}


def image(
    architecture: str = "amd64",
    layers: Sequence[bytes] = (b"a layer",),
    *,
    variant: str = "",
    config_type: str = OCI_CONFIG,
    **config: Any,
) -> Document:
    platform = {"os": "linux", "architecture": architecture}
    diff_ids = [digest_of(layer) for layer in layers]
    fields = platform | {"rootfs": {"type": "layers", "diff_ids": diff_ids}, "config": config}
    raw_config = encode(fields)
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": _descriptor(config_type, raw_config),
        "layers": [_descriptor(OCI_LAYER, layer) for layer in layers],
    }
    blobs = {digest_of(data): data for data in (raw_config, *layers)}
    return Document(
        encode(manifest),
        OCI_MANIFEST,
        blobs,
        platform | ({"variant": variant} if variant else {}),
    )


def attestation(subject: Document) -> dict[str, Any]:
    found = image("unknown", [b"provenance"])
    return found.descriptor(
        platform={"os": "unknown", "architecture": "unknown"},
        annotations={
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": subject.digest,
        },
    )


def index(images: Iterable[Document], more: Sequence[dict[str, Any]] = ()) -> Document:
    held = list(images)
    blobs: dict[str, bytes] = {}
    for one in held:
        blobs |= one.everything
    entries = [one.descriptor() for one in held] + list(more)
    raw = encode({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries})
    return Document(raw, OCI_INDEX, blobs)


def write_blobs(folder: Path, blobs: dict[str, bytes]) -> None:
    for digest, data in blobs.items():
        algorithm, _, encoded = digest.partition(":")
        path = folder / "blobs" / algorithm / encoded
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def write_layout(
    folder: Path, documents: Iterable[Document] = (), *, entries: Sequence[Any] = ()
) -> Path:
    """A layout with the blobs of `documents` and the entries of its index as they are given."""
    for one in documents:
        write_blobs(folder, one.everything)
    (folder / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (folder / "index.json").write_bytes(encode({"schemaVersion": 2, "manifests": list(entries)}))
    return folder


def called(document: Document, name: str) -> dict[str, Any]:
    """An entry as containerd writes it."""
    tag = name.rpartition(":")[2]
    return document.descriptor(annotations={FULL_NAME: name, REF_NAME: tag})


def registry(tags: dict[str, Document]) -> Callable[[Seen], Reply]:
    """Answers like a registry whose only repository holds these tags; change the dict to push."""

    def answer(seen: Seen) -> Reply:
        kind, _, target = seen.path.rpartition("/")
        everything: dict[str, bytes] = {}
        for document in tags.values():
            everything |= document.everything
        if kind.endswith("/manifests"):
            raw = tags[target].raw if target in tags else everything.get(target)
            if raw is None:
                return 404, {}, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"unknown"}]}'
            media_type = json.loads(raw)["mediaType"]
            return 200, {"Content-Type": media_type, "Docker-Content-Digest": digest_of(raw)}, raw
        if kind.endswith("/blobs"):
            found = everything.get(target)
            return (404, {}, b"") if found is None else (200, {}, found)
        return 200, {}, b"{}"

    return answer


def _descriptor(media_type: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}
