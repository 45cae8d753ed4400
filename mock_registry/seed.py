"""Images, indexes and artifacts made on the spot: real configs, real gzip tars, small.

The same arguments give the same bytes, wherever zlib is the same.

```python
from mock_registry import seed

api = seed.image("linux/arm64/v8", layers=["base", {"app/main.py": "print()"}])
both = seed.index([seed.image("linux/amd64"), api])
registry.put("team/api", both, "1.4", "latest")
```
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from mock_registry.names import digest_of

if TYPE_CHECKING:
    from mock_registry.server import MockRegistry
    from mock_registry.storage import Storage

Family = Literal["oci", "docker"]
LayerSource = str | Mapping[str, str | bytes]
"""Files by path; or a word, which stands for one file that holds it."""

CREATED = "2026-01-01T00:00:00Z"
EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
EMPTY = b"{}"

_TYPES: Mapping[Family, Mapping[str, str]] = {
    "oci": {
        "manifest": "application/vnd.oci.image.manifest.v1+json",
        "index": "application/vnd.oci.image.index.v1+json",
        "config": "application/vnd.oci.image.config.v1+json",
        "layer": "application/vnd.oci.image.layer.v1.tar+gzip",
    },
    "docker": {
        "manifest": "application/vnd.docker.distribution.manifest.v2+json",
        "index": "application/vnd.docker.distribution.manifest.list.v2+json",
        "config": "application/vnd.docker.container.image.v1+json",
        "layer": "application/vnd.docker.image.rootfs.diff.tar.gzip",
    },
}


@dataclass(frozen=True)
class Blob:
    """Bytes with a media type.

    Attributes:
        diff_id: Digest of a layer before compression, or None.
    """

    media_type: str
    data: bytes = field(repr=False)
    diff_id: str | None = None

    @property
    def digest(self) -> str:
        """Of the bytes, by sha256."""
        return digest_of(self.data)

    @property
    def descriptor(self) -> dict[str, Any]:
        """What a manifest says of it."""
        return {"mediaType": self.media_type, "size": len(self.data), "digest": self.digest}


@dataclass(frozen=True)
class Image:
    """A manifest with everything it names: an image, or an artifact.

    Attributes:
        manifest: Its exact bytes.
        platform: As in an index entry; None for an artifact.
    """

    media_type: str
    manifest: bytes = field(repr=False)
    config: Blob
    layers: tuple[Blob, ...]
    platform: Mapping[str, str] | None = None

    @property
    def digest(self) -> str:
        """Of the manifest."""
        return digest_of(self.manifest)

    @property
    def descriptor(self) -> dict[str, Any]:
        """What an index says of it."""
        said: dict[str, Any] = {
            "mediaType": self.media_type,
            "size": len(self.manifest),
            "digest": self.digest,
        }
        return said if self.platform is None else {**said, "platform": dict(self.platform)}


@dataclass(frozen=True)
class Index:
    """An index with everything it names.

    Attributes:
        manifest: Its exact bytes.
    """

    media_type: str
    manifest: bytes = field(repr=False)
    images: tuple[Image | Index, ...]

    @property
    def digest(self) -> str:
        """Of the index."""
        return digest_of(self.manifest)

    @property
    def descriptor(self) -> dict[str, Any]:
        """What another index, or a subject, says of it."""
        return {
            "mediaType": self.media_type,
            "size": len(self.manifest),
            "digest": self.digest,
        }


Content = Image | Index


def layer(files: LayerSource, *, family: Family = "oci", level: int = 9) -> Blob:
    """A gzip tar of files.

    Args:
        level: Compression, 0 to 9: another level has another digest and the same `diff_id`.
    """
    if isinstance(files, str):
        files = {f"etc/seed/{hashlib.sha256(files.encode()).hexdigest()[:12]}": files}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            # Everything else of a TarInfo is fixed by its defaults: owner 0, mtime 0.
            member = tarfile.TarInfo(path)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    plain = buffer.getvalue()
    return Blob(_TYPES[family]["layer"], _gzip(plain, level), digest_of(plain))


def image(
    platform: str = "linux/amd64",
    layers: Sequence[LayerSource | Blob] = ("layer",),
    *,
    config: Mapping[str, Any] | None = None,
    labels: Mapping[str, str] | None = None,
    created: str = CREATED,
    annotations: Mapping[str, str] | None = None,
    family: Family = "oci",
    level: int = 9,
) -> Image:
    """An image of one platform.

    Args:
        platform: ``OS/ARCHITECTURE`` or ``OS/ARCHITECTURE/VARIANT``.
        layers: Blobs, or what `layer` makes them of.
        config: More of the image config's `config`: ``{"Cmd": ["/app"]}``.
        labels: Its `Labels`.
        created: RFC 3339.
        family: ``oci`` or ``docker`` media types.
        level: Compression of the layers.
    """
    system, architecture, *rest = platform.split("/")
    where = {"architecture": architecture, "os": system} | ({"variant": rest[0]} if rest else {})
    blobs = tuple(
        each if isinstance(each, Blob) else layer(each, family=family, level=level)
        for each in layers
    )
    run: dict[str, Any] = {"Env": ["PATH=/bin"], **(config or {})}
    if labels:
        run["Labels"] = dict(labels)
    document = {
        "created": created,
        **where,
        "config": run,
        "rootfs": {"type": "layers", "diff_ids": [each.diff_id for each in blobs]},
        "history": [
            {"created": created, "created_by": f"COPY layer-{number} /"}
            for number in range(1, len(blobs) + 1)
        ],
    }
    return _manifest(
        Blob(_TYPES[family]["config"], _json(document)),
        blobs,
        media_type=_TYPES[family]["manifest"],
        platform=where,
        annotations=annotations,
    )


def attestation(of: Image, statement: str = "{}") -> Image:
    """What BuildKit adds to an index for one of its images: provenance, platform unknown."""
    types = _TYPES["oci"]
    in_toto = Blob("application/vnd.in-toto+json", statement.encode(), None)
    config = {
        "architecture": "unknown",
        "os": "unknown",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [in_toto.digest]},
    }
    return _manifest(
        Blob(types["config"], _json(config)),
        (in_toto,),
        media_type=types["manifest"],
        platform={"architecture": "unknown", "os": "unknown"},
    )


def index(
    images: Sequence[Content],
    *,
    attestations: bool = False,
    subject: Content | Mapping[str, Any] | None = None,
    artifact_type: str | None = None,
    annotations: Mapping[str, str] | None = None,
    family: Family = "oci",
) -> Index:
    """An index, or a Docker manifest list.

    Args:
        attestations: Whether to add one attestation for each image, as BuildKit does.
    """
    entries = [each.descriptor for each in images]
    proofs = []
    for each in images if attestations else ():
        if isinstance(each, Image):
            proof = attestation(each)
            notes = {
                "vnd.docker.reference.digest": each.digest,
                "vnd.docker.reference.type": "attestation-manifest",
            }
            entries.append({**proof.descriptor, "annotations": notes})
            proofs.append(proof)
    media_type = _TYPES[family]["index"]
    document: dict[str, Any] = {"schemaVersion": 2, "mediaType": media_type}
    if artifact_type is not None:
        document["artifactType"] = artifact_type
    document["manifests"] = entries
    document |= _extras(subject, annotations)
    return Index(media_type, _json(document), (*images, *proofs))


def artifact(
    artifact_type: str = "application/vnd.example.sbom.v1+json",
    data: bytes = EMPTY,
    *,
    subject: Content | Mapping[str, Any] | None = None,
    media_type: str | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Image:
    """Something that is no image, by itself or about a `subject`: an SBOM, a signature.

    Args:
        data: Its one layer.
        subject: Content, or a descriptor of content that need not exist.
        media_type: Of the layer; `artifact_type` when None.
    """
    return _manifest(
        Blob(EMPTY_TYPE, EMPTY),
        (Blob(media_type or artifact_type, data),),
        media_type=_TYPES["oci"]["manifest"],
        artifact_type=artifact_type,
        subject=subject,
        annotations=annotations,
    )


def put(to: Storage | MockRegistry, repository: str, content: Content, *tags: str) -> str:
    """Keep content, everything it names included, move tags to it, return its digest."""
    from mock_registry.storage import Storage

    storage = to if isinstance(to, Storage) else to.storage
    for blob in _blobs(content):
        if not storage.has_blob(repository, blob.digest):
            storage.put_blob(repository, blob.data)
    if isinstance(content, Index):
        for each in content.images:
            put(storage, repository, each)
    return storage.put_manifest(repository, content.manifest, content.media_type, *tags)


def _blobs(content: Content) -> Iterator[Blob]:
    if isinstance(content, Image):
        yield content.config
        yield from content.layers


def _manifest(
    config: Blob,
    layers: tuple[Blob, ...],
    *,
    media_type: str,
    platform: Mapping[str, str] | None = None,
    artifact_type: str | None = None,
    subject: Content | Mapping[str, Any] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Image:
    document: dict[str, Any] = {"schemaVersion": 2, "mediaType": media_type}
    if artifact_type is not None:
        document["artifactType"] = artifact_type
    document["config"] = config.descriptor
    document["layers"] = [each.descriptor for each in layers]
    document |= _extras(subject, annotations)
    return Image(media_type, _json(document), config, layers, platform)


def _extras(
    subject: Content | Mapping[str, Any] | None, annotations: Mapping[str, str] | None
) -> dict[str, Any]:
    extras: dict[str, Any] = {}
    if subject is not None:
        named = subject.descriptor if isinstance(subject, Image | Index) else dict(subject)
        extras["subject"] = {key: named[key] for key in ("mediaType", "digest", "size")}
    if annotations:
        extras["annotations"] = dict(annotations)
    return extras


def _json(document: object) -> bytes:
    return json.dumps(document, indent=2).encode()


def _gzip(data: bytes, level: int) -> bytes:
    return gzip.compress(data, compresslevel=level, mtime=0)
