"""Seed content: real, small, and the same every time."""

from __future__ import annotations

import gzip
import io
import json
import tarfile

import pytest
from registry_api import Api, digest

from mock_registry import seed
from mock_registry.storage import Storage


def test_the_same_arguments_give_the_same_bytes() -> None:
    def make() -> seed.Index:
        image = seed.image("linux/arm/v7", ["a", {"b": "c"}], labels={"x": "y"})
        return seed.index([image, seed.image()], attestations=True)

    assert make() == make()
    assert make().manifest == make().manifest


@pytest.mark.parametrize(
    "other",
    [
        seed.image("linux/arm64"),
        seed.image(layers=["other"]),
        seed.image(config={"Cmd": ["x"]}),
        seed.image(labels={"a": "b"}),
        seed.image(created="2020-01-01T00:00:00Z"),
        seed.image(annotations={"a": "b"}),
        seed.image(family="docker"),
        seed.image(level=1),
    ],
)
def test_other_arguments_give_other_bytes(other: seed.Image) -> None:
    assert other.digest != seed.image().digest


def test_an_image_is_one() -> None:
    image = seed.image("linux/arm/v7", ["base", {"app/run": b"\x00\x01"}], config={"Cmd": ["/run"]})
    manifest = json.loads(image.manifest)
    assert manifest["config"] == image.config.descriptor
    assert [each["digest"] for each in manifest["layers"]] == [
        digest(layer.data) for layer in image.layers
    ]
    config = json.loads(image.config.data)
    assert (config["os"], config["architecture"], config["variant"]) == ("linux", "arm", "v7")
    assert config["config"]["Cmd"] == ["/run"]
    plain = [gzip.decompress(layer.data) for layer in image.layers]
    assert config["rootfs"]["diff_ids"] == [digest(each) for each in plain]
    with tarfile.open(fileobj=io.BytesIO(plain[1])) as tar:
        [member] = tar.getmembers()
        assert (member.name, member.mtime, member.uid) == ("app/run", 0, 0)
        file = tar.extractfile(member)
        assert file is not None
        assert file.read() == b"\x00\x01"
    assert sum(len(layer.data) for layer in image.layers) < 1000


def test_repackaged_layers_keep_their_content() -> None:
    one, two = seed.layer("x" * 2000, level=9), seed.layer("x" * 2000, level=0)
    assert one.digest != two.digest
    assert one.diff_id == two.diff_id
    first, second = (seed.image(layers=[each]) for each in (one, two))
    assert first.config == second.config
    assert first.digest != second.digest


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        ("oci", "application/vnd.oci.image.index.v1+json"),
        ("docker", "application/vnd.docker.distribution.manifest.list.v2+json"),
    ],
)
def test_an_index_of_platforms(family: seed.Family, expected: str) -> None:
    images = [seed.image(each, family=family) for each in ("linux/amd64", "linux/arm/v6")]
    index = json.loads(seed.index(images, family=family).manifest)
    assert index["mediaType"] == expected
    assert [each["platform"] for each in index["manifests"]] == [
        {"architecture": "amd64", "os": "linux"},
        {"architecture": "arm", "os": "linux", "variant": "v6"},
    ]


def test_attestations_look_like_buildkit_s() -> None:
    image = seed.image()
    content = seed.index([image], attestations=True)
    real, proof = json.loads(content.manifest)["manifests"]
    assert "annotations" not in real
    assert proof["platform"] == {"architecture": "unknown", "os": "unknown"}
    assert proof["annotations"] == {
        "vnd.docker.reference.digest": image.digest,
        "vnd.docker.reference.type": "attestation-manifest",
    }
    assert proof["digest"] == content.images[1].digest


def test_an_artifact_with_a_subject() -> None:
    image = seed.image()
    manifest = json.loads(seed.artifact("application/x", b"data", subject=image).manifest)
    assert manifest["artifactType"] == "application/x"
    assert manifest["subject"] == {
        "mediaType": image.media_type,
        "size": len(image.manifest),
        "digest": image.digest,
    }
    assert manifest["config"]["mediaType"] == "application/vnd.oci.empty.v1+json"


def test_put_keeps_everything_that_is_named(api: Api) -> None:
    content = seed.index([seed.image(), seed.image("linux/arm64")], attestations=True)
    name = api.registry.put("team/api", content, "1", "latest")
    assert name == content.digest
    assert api.get("/v2/team/api/manifests/1").content == content.manifest
    for image in content.images:
        assert isinstance(image, seed.Image)
        assert api.get(f"/v2/team/api/manifests/{image.digest}").content == image.manifest
        for blob in (image.config, *image.layers):
            assert api.get(f"/v2/team/api/blobs/{blob.digest}").content == blob.data
    # The registry would have taken it from a client as well.
    answer = api.push_manifest(content.manifest, "2", "team/api", content.media_type)
    assert answer.status_code == 201


def test_put_into_a_registry_or_its_storage(api: Api) -> None:
    assert seed.put(api.registry, "a", seed.image(), "1") == seed.put(
        api.registry.storage, "b", seed.image(), "1"
    )
    assert api.registry.storage.names() == ["a", "b"]
    storage = Storage()
    seed.put(storage, "a", seed.image(), "1")
    assert storage.names() == ["a"]
