"""Which manifest is served, and what is told of it, given what a client says it takes."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from mock_registry.core import Core
from mock_registry.errors import RegistryError
from mock_registry.exchange import Call
from mock_registry.names import digest_of

SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"


@dataclass(frozen=True)
class Served:
    """The manifest that is served."""

    data: bytes
    media_type: str
    digest: str


def choose(core: Core, call: Call, digest: str, held: Mapping[str, str], *, by_tag: bool) -> Served:
    """What a client gets that asks for a manifest.

    Args:
        digest: What the reference points to.
        held: The repository's manifests, digest to media type.
        by_tag: Whether it asks by tag; what is asked for by digest is never converted.

    Raises:
        RegistryError: MANIFEST_UNKNOWN where only accepted types are served.
    """
    found = Served(core.storage.read(digest), held[digest], digest)
    accepted = _accepted(call)
    fits = not accepted or accepted & {found.media_type, "*/*", "application/*"}
    if core.quirks.strict_accept and not fits:
        raise RegistryError("MANIFEST_UNKNOWN", "no manifest of an accepted type")
    if core.quirks.converts is None or not by_tag or found.media_type in accepted:
        return found
    images = json.loads(found.data).get("manifests")
    if images:
        digest = images[0]["digest"]
        found = Served(core.storage.read(digest), held[digest], digest)
    if core.quirks.converts == "child" or found.media_type in accepted:
        return found
    data = json.dumps({"schemaVersion": 1, "fsLayers": [], "history": []}).encode()
    return Served(data, SCHEMA_1, digest_of(data))


def describe(core: Core, call: Call, manifest: Served) -> dict[str, str]:
    """The headers of a manifest."""
    headers = {"Content-Type": manifest.media_type}
    if call.method not in core.quirks.no_digest:
        headers["Docker-Content-Digest"] = manifest.digest
    if core.quirks.etag == "sha1":
        # As Artifactory has it, and no security rests on it.
        headers["ETag"] = f'"{hashlib.sha1(manifest.data, usedforsecurity=False).hexdigest()}"'
    elif core.quirks.etag == "digest":
        headers["ETag"] = f'"{manifest.digest}"'
    return headers


def encode(core: Core, call: Call, headers: dict[str, str], manifest: Served) -> bytes:
    """The body, compressed where the quirks and the client allow it; the headers then say so."""
    takes = {each.partition(";")[0].strip() for each in _values(call, "Accept-Encoding")}
    if not core.quirks.gzip or "identity" in takes:
        return manifest.data
    headers["Content-Encoding"] = "gzip"
    return gzip.compress(manifest.data, mtime=0)


def _accepted(call: Call) -> set[str]:
    return {each.partition(";")[0].strip() for each in _values(call, "Accept")}


def _values(call: Call, name: str) -> list[str]:
    return [each for each in call.headers.get(name, "").split(",") if each.strip()]
