"""Manifests and indexes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from registry_api import Api, Start, code, digest

from mock_registry import Quirks, seed

OCI = "application/vnd.oci.image.manifest.v1+json"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def document(**fields: Any) -> bytes:
    return json.dumps({"schemaVersion": 2, **fields}).encode()


def descriptor(data: bytes, media_type: str = "application/octet-stream") -> dict[str, Any]:
    return {"mediaType": media_type, "size": len(data), "digest": digest(data)}


@pytest.mark.parametrize("family", ["oci", "docker"])
def test_by_tag_and_by_digest(family: Any, api: Api) -> None:
    image = seed.image(family=family)
    api.push_image(image, "latest")
    for reference in ("latest", image.digest):
        answer = api.get(f"/v2/app/manifests/{reference}")
        assert (answer.status_code, answer.content) == (200, image.manifest)
        assert answer.headers["Content-Type"] == image.media_type
        assert answer.headers["Docker-Content-Digest"] == image.digest


def test_missing(api: Api) -> None:
    answer = api.get("/v2/app/manifests/latest")
    assert (answer.status_code, code(answer)) == (404, "NAME_UNKNOWN")
    api.push(b"")
    for reference in ("latest", digest(b"absent")):
        answer = api.get(f"/v2/app/manifests/{reference}")
        assert (answer.status_code, code(answer)) == (404, "MANIFEST_UNKNOWN")


def test_conditions(api: Api) -> None:
    api.push_image(seed.image(), "latest")
    etag = api.head("/v2/app/manifests/latest").headers["ETag"]
    answer = api.get("/v2/app/manifests/latest", headers={"If-None-Match": etag})
    assert (answer.status_code, answer.content) == (304, b"")
    api.push_image(seed.image(layers=["new"]), "latest")
    answer = api.get("/v2/app/manifests/latest", headers={"If-None-Match": etag})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("accept", "status"),
    [(None, 200), (OCI, 200), (f"{DOCKER}, {OCI};q=0.5", 200), ("*/*", 200), (DOCKER, 404)],
)
def test_accept_where_it_is_honoured(accept: str | None, status: int, start: Start) -> None:
    api = start(quirks=Quirks(strict_accept=True))
    api.push_image(seed.image(), "latest")
    del api.headers["Accept"]
    headers = {} if accept is None else {"Accept": accept}
    assert api.get("/v2/app/manifests/latest", headers=headers).status_code == status


def test_accept_is_ignored_otherwise(api: Api) -> None:
    api.push_image(seed.image(), "latest")
    answer = api.get("/v2/app/manifests/latest", headers={"Accept": DOCKER})
    assert answer.headers["Content-Type"] == OCI


def test_bytes_are_kept(api: Api) -> None:
    api.push(b"{}")
    layer, config = json.dumps([]), json.dumps(descriptor(b"{}"))
    data = (
        f'\n{{ "layers":{layer}, "x-own": 1e2,\t"config": {config},\n'
        f' "mediaType":"{OCI}","schemaVersion":2 , "annotations":{{"a":"\\u00e4"}} }}\n\n'
    ).encode()
    answer = api.push_manifest(data)
    assert answer.status_code == 201
    assert answer.headers["Docker-Content-Digest"] == digest(data)
    assert api.get(answer.headers["Location"]).content == data


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_put_by_digest(algorithm: str, api: Api) -> None:
    api.push_image(seed.image())
    data = seed.image().manifest
    name = digest(data, algorithm)
    answer = api.push_manifest(data, name)
    assert (answer.status_code, answer.headers["Docker-Content-Digest"]) == (201, name)
    assert api.get(f"/v2/app/manifests/{name}").content == data
    answer = api.push_manifest(data + b"\n", name)
    assert (answer.status_code, code(answer)) == (400, "DIGEST_INVALID")
    assert api.get("/v2/app/tags/list").json()["tags"] == []


def test_parameters_of_the_content_type_are_ignored(api: Api) -> None:
    data = document(mediaType=OCI, layers=[])
    assert api.push_manifest(data, media_type=f"{OCI}; charset=utf-8").status_code == 201
    assert api.get("/v2/app/manifests/latest").headers["Content-Type"] == OCI


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (document(mediaType=OCI), DOCKER),
        (document(mediaType=7), OCI),
        (document(), "text/plain"),
        (b"", OCI),
        (b"not json", OCI),
        (b"[1]", OCI),
        (b"[" * 100_000, OCI),
        (b'"\xff"', OCI),
        (json.dumps({"schemaVersion": 1, "fsLayers": []}).encode(), OCI),
        (document(config={"digest": "sha256:x", "size": 1}), OCI),
        (document(config={"digest": digest(b""), "size": -1}), OCI),
        (document(config={"digest": digest(b""), "size": True}), OCI),
        (document(config=7), OCI),
        (document(layers={}), OCI),
        (document(layers=[7]), OCI),
        (document(subject=[]), OCI),
    ],
)
def test_invalid(data: bytes, media_type: str, api: Api) -> None:
    answer = api.push_manifest(data, media_type=media_type)
    assert (answer.status_code, code(answer)) == (400, "MANIFEST_INVALID")
    assert api.registry.storage.names() == []


def test_without_a_content_type_the_document_tells(api: Api) -> None:
    answer = api.put("/v2/app/manifests/latest", content=document(mediaType=OCI))
    assert answer.status_code == 201
    answer = api.put("/v2/app/manifests/latest", content=document())
    assert code(answer) == "MANIFEST_INVALID"


@pytest.mark.parametrize("missing", ["config", "layers", "manifests"])
def test_content_the_repository_does_not_hold(missing: str, start: Start) -> None:
    there, absent = descriptor(b"{}"), descriptor(b"absent")
    fields: dict[str, Any] = {"config": there, "layers": [there]}
    fields[missing] = absent if missing == "config" else [absent]
    api = start()
    api.push(b"{}")
    api.push(b"absent", "another")
    answer = api.push_manifest(document(**fields))
    assert (answer.status_code, code(answer)) == (404, "MANIFEST_BLOB_UNKNOWN")
    assert answer.json()["errors"][0]["detail"] == {"digest": absent["digest"]}
    assert start(quirks=Quirks(check_blobs=False)).push_manifest(document(**fields)).is_success


@pytest.mark.parametrize(
    "media_type",
    [
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    ],
)
def test_layers_that_are_elsewhere(media_type: str, api: Api) -> None:
    api.push(b"{}")
    layer = descriptor(b"elsewhere", media_type)
    assert api.push_manifest(document(config=descriptor(b"{}"), layers=[layer])).is_success


def test_four_mebibytes_and_the_limit(start: Start) -> None:
    api = start()
    data = document(annotations={"large": "x" * (4 * 1024 * 1024)})
    assert api.push_manifest(data).status_code == 201
    assert api.get("/v2/app/manifests/latest").content == data
    answer = start(quirks=Quirks(manifest_limit=1000)).push_manifest(data)
    assert (answer.status_code, code(answer)) == (413, "MANIFEST_INVALID")


@pytest.mark.parametrize("referrers", [True, False])
def test_a_subject_is_acknowledged(referrers: bool, start: Start) -> None:
    """It need not exist: a signature may be there first."""
    api = start(referrers=referrers)
    image = seed.image()
    proof = seed.artifact(subject=image)
    for blob in (proof.config, *proof.layers):
        api.push(blob.data)
    answer = api.push_manifest(proof.manifest)
    assert answer.status_code == 201
    assert answer.headers.get("OCI-Subject") == (image.digest if referrers else None)
    assert "OCI-Subject" not in api.push_manifest(document(mediaType=OCI)).headers


@pytest.mark.parametrize(
    ("fields", "media_type"),
    [
        ({"manifests": []}, INDEX),
        ({"layers": []}, OCI),
        ({"artifactType": "application/x", "manifests": []}, INDEX),
        ({"config": {**descriptor(b"{}"), "data": "e30="}, "layers": []}, OCI),
        ({"annotations": {str(number): "x" * 10_000 for number in range(390)}}, OCI),
        ({"blobs": [descriptor(b"{}")]}, "application/vnd.oci.artifact.manifest.v1+json"),
    ],
)
def test_forms_that_are_allowed(fields: dict[str, Any], media_type: str, api: Api) -> None:
    api.push(b"{}")
    data = document(**fields)
    assert api.push_manifest(data, media_type=media_type).status_code == 201
    assert api.get("/v2/app/manifests/latest").content == data


def test_an_index_of_indexes(api: Api) -> None:
    nested = seed.index([seed.index([seed.image()])])
    inner = nested.images[0]
    assert isinstance(inner, seed.Index)
    assert code(api.push_manifest(nested.manifest, media_type=INDEX)) == "MANIFEST_BLOB_UNKNOWN"
    assert isinstance(inner.images[0], seed.Image)
    api.push_image(inner.images[0])
    assert api.push_manifest(inner.manifest, inner.digest, media_type=INDEX).is_success
    assert api.push_manifest(nested.manifest, media_type=INDEX).is_success


def test_a_tag_moves(api: Api) -> None:
    first, second = seed.image(layers=["1"]), seed.image(layers=["2"])
    api.push_image(first, "latest", "1")
    api.push_image(second, "latest")
    assert api.get("/v2/app/manifests/latest").content == second.manifest
    assert api.get("/v2/app/manifests/1").content == first.manifest


def test_a_tag_that_may_not_move(start: Start) -> None:
    api = start(quirks=Quirks(immutable_tags=True))
    api.push_image(seed.image(), "1")
    api.push_image(seed.image(), "1")
    answer = api.push_manifest(document(mediaType=OCI), "1")
    assert (answer.status_code, code(answer)) == (409, "DENIED")
    assert api.get("/v2/app/manifests/1").content == seed.image().manifest


class TestDeletion:
    def test_of_a_tag_leaves_the_rest(self, api: Api) -> None:
        name = api.push_image(seed.image(), "1", "2")
        assert api.delete("/v2/app/manifests/1").status_code == 202
        assert code(api.get("/v2/app/manifests/1")) == "MANIFEST_UNKNOWN"
        assert code(api.delete("/v2/app/manifests/1")) == "MANIFEST_UNKNOWN"
        assert api.get("/v2/app/manifests/2").status_code == 200
        assert api.get(f"/v2/app/manifests/{name}").status_code == 200

    def test_of_a_digest_takes_its_tags(self, api: Api) -> None:
        name = api.push_image(seed.image(), "1", "2")
        api.push_image(seed.image(layers=["other"]), "3")
        assert api.delete(f"/v2/app/manifests/{name}").status_code == 202
        assert api.get("/v2/app/tags/list").json()["tags"] == ["3"]
        assert code(api.get(f"/v2/app/manifests/{name}")) == "MANIFEST_UNKNOWN"

    def test_where_it_is_off(self, start: Start) -> None:
        api = start(deletes=False)
        api.push_image(seed.image(), "1")
        answer = api.delete("/v2/app/manifests/1")
        assert (answer.status_code, code(answer)) == (405, "UNSUPPORTED")
        assert api.get("/v2/app/manifests/1").status_code == 200

    def test_a_manifest_that_is_also_elsewhere_stays_there(self, api: Api) -> None:
        name = api.push_image(seed.image(), "1")
        api.push_image(seed.image(), "1", repository="other")
        api.delete(f"/v2/app/manifests/{name}")
        assert api.get("/v2/other/manifests/1").content == seed.image().manifest
