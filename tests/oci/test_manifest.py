"""Manifests and indexes: the bytes are kept, what is ambiguous is refused."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regsync.errors import ContentError, InvalidManifest
from regsync.oci import manifest, mediatype
from regsync.oci.descriptor import Descriptor
from regsync.oci.digest import Digest
from regsync.oci.manifest import Index, Manifest
from regsync.oci.platform import Platform


def descriptor(media_type: str, data: bytes = b"x", **more: Any) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": str(Digest.of(data)), "size": len(data), **more}


def image(**changes: Any) -> dict[str, Any]:
    layer = "application/vnd.oci.image.layer.v1.tar+gzip"
    return {
        "schemaVersion": 2,
        "mediaType": mediatype.OCI_MANIFEST,
        "config": descriptor(mediatype.OCI_CONFIG, b"{}"),
        "layers": [descriptor(layer, b"one"), descriptor(layer, b"four")],
        **changes,
    }


def entry(platform: str, **more: Any) -> dict[str, Any]:
    os, architecture, *variant = platform.split("/")
    fields = {"os": os, "architecture": architecture}
    if variant:
        fields["variant"] = variant[0]
    return descriptor(mediatype.OCI_MANIFEST, platform.encode(), platform=fields, **more)


def index(*entries: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "schemaVersion": 2,
        "mediaType": mediatype.OCI_INDEX,
        "manifests": list(entries),
        **changes,
    }


def encode(document: Any) -> bytes:
    return json.dumps(document).encode()


def without(document: dict[str, Any], *names: str) -> bytes:
    return encode({key: value for key, value in document.items() if key not in names})


def test_reads_a_manifest() -> None:
    raw = encode(image())
    found = manifest.parse(raw, mediatype.OCI_MANIFEST)
    assert isinstance(found, Manifest)
    assert found.raw is raw
    assert found.digest == Digest.of(raw)
    assert found.is_image
    assert found.layers_size == 7


def test_a_layer_listed_twice_is_transferred_once() -> None:
    layer = descriptor("application/vnd.oci.image.layer.v1.tar", b"same")
    found = manifest.parse(encode(image(layers=[layer, layer])))
    assert isinstance(found, Manifest)
    assert found.layers_size == 4


def test_artifact_is_no_image() -> None:
    found = manifest.parse(encode(image(config=descriptor(mediatype.OCI_EMPTY, b"{}"))))
    assert isinstance(found, Manifest)
    assert not found.is_image


def test_index_leaves_attestations_out() -> None:
    attestation = entry(
        "unknown/unknown", annotations={"vnd.docker.reference.type": "attestation-manifest"}
    )
    found = manifest.parse(encode(index(entry("linux/amd64"), attestation, entry("linux/arm64"))))
    assert isinstance(found, Index)
    assert len(found.manifests) == 3
    assert [str(platform) for platform in found.platforms] == ["linux/amd64", "linux/arm64"]


def test_select_by_variant() -> None:
    found = manifest.parse(encode(index(entry("linux/arm/v6"), entry("linux/arm/v7"))))
    assert isinstance(found, Index)
    selected = found.select(Platform.parse("linux/arm"))
    assert selected is not None
    assert selected.digest == Digest.of(b"linux/arm/v7")
    assert found.select(Platform.parse("linux/amd64")) is None


@pytest.mark.parametrize(
    ("raw", "content_type"),
    [
        (without(image(), "mediaType"), mediatype.OCI_MANIFEST),
        (without(image(), "mediaType"), mediatype.DOCKER_MANIFEST),
        (without(image(), "mediaType"), None),
        (encode(image()), "application/json"),
        (encode(image()), mediatype.OCI_MANIFEST.upper() + "; charset=utf-8"),
        (without(index(), "mediaType"), mediatype.OCI_INDEX),
        (without(index(), "mediaType"), "text/plain"),
    ],
)
def test_accepts(raw: bytes, content_type: str | None) -> None:
    assert manifest.parse(raw, content_type).raw == raw


PLAIN = encode(image())
REFUSED = {
    "both manifest and index": (encode(image(manifests=[])), None),
    "both, untyped": (without(image(manifests=[]), "mediaType"), None),
    "index with layers": (encode(index(layers=[])), None),
    "index with config": (encode(index(config={})), mediatype.OCI_INDEX),
    "header says index": (encode(image()), mediatype.OCI_INDEX),
    "header says manifest": (encode(index()), mediatype.OCI_MANIFEST),
    "header says docker": (encode(image()), mediatype.DOCKER_MANIFEST),
    "untyped body, header says index": (without(image(), "mediaType"), mediatype.OCI_INDEX),
    "a key twice": (PLAIN[:-1] + b',"layers":[]}', None),
    "a key in two cases": (PLAIN[:-1] + b',"Layers":[]}', None),
    "schema 1": (encode({"schemaVersion": 1, "fsLayers": []}), mediatype.DOCKER_SCHEMA1),
    "schema 1 in disguise": (encode(image(fsLayers=[])), None),
    "unknown type": (encode(image(mediaType="application/x")), None),
    "type not a text": (encode(image(mediaType=7)), None),
    "no layers": (without(image(), "layers"), None),
    "layers null": (encode(image(layers=None)), None),
    "config a list": (encode(image(config=[])), None),
    "no config": (without(image(), "config"), None),
    "empty": (b"", None),
    "html": (b"<html>", "text/html"),
    "a list": (b"[]", None),
    "null": (b"null", None),
    "NaN": (b'{"schemaVersion": NaN}', None),
    "not UTF-8": (b'{"a": "\xff"}', None),
    "UTF-16": ("{}".encode("utf-16"), None),
    "two documents": (PLAIN + PLAIN, None),
    "deep": (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", None),
    "large": (b'{"a":"' + b"x" * manifest.SIZE_LIMIT + b'"}', None),
    "wide": (encode(index(*[{}] * (manifest.CHILD_LIMIT + 1))), None),
    "negative size": (encode(image(config=descriptor("x") | {"size": -1})), None),
    "huge size": (encode(image(config=descriptor("x") | {"size": 2**63})), None),
    "float size": (encode(image(config=descriptor("x") | {"size": 1.0})), None),
    "text size": (encode(image(config=descriptor("x") | {"size": "5"})), None),
    "true size": (encode(image(config=descriptor("x") | {"size": True})), None),
    "bad digest": (encode(image(config=descriptor("x") | {"digest": "sha256:.."})), None),
    "no digest": (encode(image(config={"size": 1})), None),
    "bad subject": (encode(image(subject="x")), None),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses(case: str) -> None:
    raw, content_type = REFUSED[case]
    with pytest.raises(ContentError):
        manifest.parse(raw, content_type)


def test_brackets_inside_texts_are_not_depth() -> None:
    annotations = {"note": '[{"\\' * 200}
    assert manifest.parse(encode(image(annotations=annotations))).annotations == annotations


def test_annotations_may_differ_in_case() -> None:
    annotations = {"Size": "1", "note": "a", "Note": "b"}
    assert manifest.parse(encode(image(annotations=annotations))).annotations == annotations


def test_annotations_keep_texts_only() -> None:
    found = manifest.parse(encode(image(annotations={"a": "b", "c": 1})))
    assert found.annotations == {"a": "b"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
names = ["schemaVersion", "mediaType", "config", "layers", "manifests", "subject", "annotations"]


@given(st.dictionaries(st.sampled_from(names), json_values))
def test_any_document_is_read_or_refused(changes: dict[str, Any]) -> None:
    for base in (image(), index(entry("linux/amd64"))):
        raw = encode(base | changes)
        try:
            found = manifest.parse(raw)
        except ContentError:
            continue
        assert found.raw == raw


@given(st.binary())
def test_any_bytes_are_refused_or_kept(raw: bytes) -> None:
    with contextlib.suppress(ContentError):
        assert manifest.parse(raw).raw == raw


@given(st.binary(), st.integers(0, 2**63 - 1), st.text())
def test_descriptor_round_trip(data: bytes, size: int, note: str) -> None:
    value = descriptor("Application/X; y=z", data) | {"size": size, "annotations": {"n": note}}
    found = Descriptor.from_json(json.loads(json.dumps(value)))
    assert found.digest == Digest.of(data)
    assert (found.size, found.media_type, found.annotations) == (size, "application/x", {"n": note})


def test_a_descriptor_is_an_object() -> None:
    with pytest.raises(InvalidManifest):
        Descriptor.from_json("x")
