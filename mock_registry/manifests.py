"""Manifests and indexes: exact bytes, by tag and by digest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mock_registry.blobs import matches
from mock_registry.core import Core
from mock_registry.errors import RegistryError
from mock_registry.exchange import Call, Reply
from mock_registry.names import check_digest, digest_of, is_digest, is_tag
from mock_registry.negotiation import choose, describe, encode
from mock_registry.uploads import address

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
# Withdrawn before image-spec v1.1, still pushed by early ORAS.
OCI_ARTIFACT = "application/vnd.oci.artifact.manifest.v1+json"

INDEXES = frozenset({OCI_INDEX, DOCKER_LIST})
TYPES = INDEXES | {OCI_MANIFEST, DOCKER_MANIFEST, OCI_ARTIFACT}


def read(core: Core, call: Call, name: str, reference: str, source: str) -> Reply:
    """GET or HEAD of a manifest.

    Args:
        source: Whose pulls are counted on a Hub-like registry.

    Raises:
        RegistryError: MANIFEST_UNKNOWN, NAME_UNKNOWN, MANIFEST_INVALID, TOOMANYREQUESTS,
            UNSUPPORTED for HEAD where there is none.
    """
    if core.hub is not None and call.method == "GET":
        core.hub.check(source)
    if core.quirks.no_head and call.method == "HEAD":
        raise RegistryError("UNSUPPORTED", headers={"Allow": "GET, PUT, DELETE"})
    digest = _resolve(core, name, reference)
    chosen = choose(core, call, digest, _repository(core, name), by_tag=is_tag(reference))
    headers = describe(core, call, chosen)
    if matches(call.headers.get("If-None-Match"), headers.get("ETag", "")):
        return Reply(304, headers)
    if core.hub is not None and call.method == "GET":
        core.hub.spend(source)
    return Reply(200, headers, encode(core, call, headers, chosen))


async def write(core: Core, call: Call, name: str, reference: str) -> Reply:
    """PUT of a manifest under a tag or under its own digest.

    Raises:
        RegistryError: MANIFEST_INVALID, DIGEST_INVALID, TAG_INVALID, MANIFEST_BLOB_UNKNOWN,
            DENIED for a tag that may not move.
    """
    tags = [reference] if is_tag(reference) else []
    if not tags and ":" not in reference:
        raise RegistryError("TAG_INVALID", detail={"tag": reference[:300]})
    given = None if tags else check_digest(reference)
    data = await call.read(core.quirks.manifest_limit, "MANIFEST_INVALID")
    algorithm = "sha256" if given is None else given.partition(":")[0]
    digest = digest_of(data, algorithm)
    if given not in (None, digest):
        raise RegistryError("DIGEST_INVALID", detail={"digest": given})
    fields = parse(data)
    media_type = _media_type(fields, call.headers.get("Content-Type"))
    subject = descriptor(fields, "subject")
    if core.quirks.check_blobs:
        _check_content(core, name, fields)
    held = core.storage.repository(name)
    if core.quirks.immutable_tags and held is not None:
        for tag in tags:
            if held.tags.get(tag, digest) != digest:
                raise RegistryError("DENIED", f"the tag {tag} may not move", status=409)
    core.storage.put_manifest(name, data, media_type, *tags, digest=digest)
    location = address(core, call, f"/v2/{name}/manifests/{digest}")
    headers = {"Location": location, "Docker-Content-Digest": digest}
    if subject is not None and core.referrers:
        headers["OCI-Subject"] = subject["digest"]
    return Reply(201, headers)


def delete(core: Core, call: Call, name: str, reference: str) -> Reply:
    """DELETE of a tag, which leaves its manifest, or of a manifest with all its tags.

    Raises:
        RegistryError: UNSUPPORTED where deletes are off, otherwise as `read`.
    """
    if not core.deletes:
        raise RegistryError("UNSUPPORTED", headers={"Allow": "GET, HEAD, PUT"})
    digest = _resolve(core, name, reference)
    if is_tag(reference):
        core.storage.untag(name, reference)
    else:
        core.storage.remove_manifest(name, digest)
    return Reply(202)


def parse(data: bytes) -> dict[str, Any]:
    """The fields of a manifest or index.

    Raises:
        RegistryError: MANIFEST_INVALID when it is no JSON object or of the withdrawn schema 1.
    """
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError):
        raise RegistryError("MANIFEST_INVALID", "the manifest is not JSON") from None
    if not isinstance(fields, dict):
        raise RegistryError("MANIFEST_INVALID", "the manifest is not an object")
    if fields.get("schemaVersion") == 1 or "fsLayers" in fields:
        raise RegistryError("MANIFEST_INVALID", "schema 1 is not supported")
    return fields


def descriptor(fields: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """The descriptor in a field, or None when there is none.

    Raises:
        RegistryError: MANIFEST_INVALID when it is something else.
    """
    value = fields.get(name)
    return None if value is None else _descriptor(value)


def _descriptor(value: object) -> dict[str, Any]:
    if isinstance(value, dict) and isinstance(value.get("digest"), str):
        size = value.get("size")
        if is_digest(value["digest"]) and type(size) is int and size >= 0:
            return value
    raise RegistryError("MANIFEST_INVALID", "a descriptor is malformed")


def _descriptors(fields: Mapping[str, Any], name: str) -> Iterator[dict[str, Any]]:
    values = fields.get(name)
    if values is not None and not isinstance(values, list):
        raise RegistryError("MANIFEST_INVALID", f"{name} is not a list")
    for value in values or []:
        yield _descriptor(value)


def _media_type(fields: Mapping[str, Any], header: str | None) -> str:
    said = (header or "").partition(";")[0].strip()
    inside = fields.get("mediaType")
    if inside is not None and not isinstance(inside, str):
        raise RegistryError("MANIFEST_INVALID", "mediaType is not a text")
    if said and inside and said != inside:
        raise RegistryError("MANIFEST_INVALID", "Content-Type and mediaType differ")
    media_type = said or inside or ""
    if media_type not in TYPES:
        raise RegistryError("MANIFEST_INVALID", "unknown media type")
    return media_type


def _check_content(core: Core, name: str, fields: Mapping[str, Any]) -> None:
    held = core.storage.repository(name)
    blobs = set() if held is None else held.blobs
    manifests: Mapping[str, str] = {} if held is None else held.manifests
    config = descriptor(fields, "config")
    wanted = [] if config is None else [config]
    wanted += [*_descriptors(fields, "layers"), *_descriptors(fields, "blobs")]
    missing = [
        each["digest"]
        for each in wanted
        if each["digest"] not in blobs and not _foreign(each.get("mediaType"))
    ]
    children = _descriptors(fields, "manifests")
    missing += [each["digest"] for each in children if each["digest"] not in manifests]
    if missing:
        raise RegistryError("MANIFEST_BLOB_UNKNOWN", detail={"digest": missing[0]})


def _foreign(media_type: object) -> bool:
    """Whether a layer's type says that registries need not hold it."""
    return isinstance(media_type, str) and (
        ".nondistributable." in media_type or ".foreign." in media_type
    )


def _repository(core: Core, name: str) -> Mapping[str, str]:
    held = core.storage.repository(name)
    if held is None:
        raise RegistryError("NAME_UNKNOWN", detail={"name": name})
    return held.manifests


def _resolve(core: Core, name: str, reference: str) -> str:
    held = core.storage.repository(name)
    if held is None:
        raise RegistryError("NAME_UNKNOWN", detail={"name": name})
    digest: str | None
    if is_tag(reference):
        digest = held.tags.get(reference)
    elif ":" in reference:
        digest = check_digest(reference)
    else:
        raise RegistryError("TAG_INVALID", detail={"tag": reference[:300]})
    if digest is None or digest not in held.manifests:
        raise RegistryError("MANIFEST_UNKNOWN", detail={"reference": reference})
    return digest
