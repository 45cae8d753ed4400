"""Pulls from a real registry on a real socket into a layout on a real disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import images
import pytest
from pulls import held, named, partials, pulled

from mock_registry import Fault, MockRegistry, seed
from regsync.errors import (
    ContentError,
    NotFound,
    PlatformMissing,
    RegsyncError,
    StoreFailure,
    Unsupported,
    Unverified,
)
from regsync.oci import manifest
from regsync.oci.digest import Digest
from regsync.oci.manifest import Index
from regsync.oci.platform import Platform
from regsync.oci.reference import Reference
from regsync.operations.pullplan import choose
from regsync.progress import Event, Note, Transfer

AMD, ARM = "linux/amd64", "linux/arm64"


def blob_path(folder: Path, digest: str) -> Path:
    return folder / "blobs" / "sha256" / digest.removeprefix("sha256:")


def size_of(made: Any) -> int:
    return len(made.config.data) + sum(len(layer.data) for layer in made.layers)


def test_an_image_is_there_whole_and_is_not_fetched_again(
    mock_registry: MockRegistry, tmp_path: Path
) -> None:
    made = seed.image(AMD, ["one", "two"])
    digest = mock_registry.put("team/app", made, "1")
    folder = tmp_path / "deep" / "layout"
    (first,) = pulled(mock_registry, folder, "team/app:1")
    assert (first.old, str(first.new), first.manifest) == (None, digest, first.new)
    assert (str(first.platform), first.up_to_date) == (AMD, False)
    assert (first.downloaded, first.reused) == (size_of(made), 0)
    assert (first.layers.total, first.layers.shared) == (2, 0)
    (image,) = held(folder)
    assert image.names == (named(mock_registry, "team/app:1"),)
    assert image.id == digest
    assert [mock_registry.log.manifest_heads, mock_registry.log.counted_gets] == [1, 1]

    mock_registry.log.clear()
    (second,) = pulled(mock_registry, folder, "team/app:1")
    assert (second.up_to_date, second.old, second.downloaded) == (True, second.new, 0)
    assert second.reused == size_of(made)
    assert [(one.method, one.kind) for one in mock_registry.log] == [
        ("GET", "ping"),
        ("HEAD", "manifest"),
    ]


def test_an_index_is_kept_whole_with_the_chosen_platform_alone(
    mock_registry: MockRegistry, tmp_path: Path
) -> None:
    amd, arm = seed.image(AMD, ["amd"]), seed.image(ARM, ["arm"])
    every = seed.index([arm, amd], attestations=True)
    digest = mock_registry.put("team/app", every, "1")
    (result,) = pulled(mock_registry, tmp_path, "team/app:1")
    assert (str(result.new), str(result.manifest)) == (digest, amd.digest)
    assert blob_path(tmp_path, digest).read_bytes() == every.manifest
    assert not blob_path(tmp_path, arm.digest).exists()
    (image,) = held(tmp_path)
    assert [str(child.digest) for child in image.children] == [amd.digest]

    mock_registry.log.clear()
    (other,) = pulled(mock_registry, tmp_path, "team/app:1", platform=ARM)
    assert (other.up_to_date, other.old, str(other.manifest)) == (False, other.new, arm.digest)
    # The index is here already and is not asked for again.
    assert mock_registry.log.counted_gets == 1
    (image,) = held(tmp_path)
    assert {str(child.digest) for child in image.children} == {amd.digest, arm.digest}


def test_what_a_tag_named_before_stays_untagged_and_shared_layers_stay_put(
    mock_registry: MockRegistry, tmp_path: Path
) -> None:
    old, new = seed.image(AMD, ["base", "old"]), seed.image(AMD, ["base", "new"])
    mock_registry.put("team/app", old, "1")
    pulled(mock_registry, tmp_path, "team/app:1")
    mock_registry.put("team/app", new, "1")
    (result,) = pulled(mock_registry, tmp_path, "team/app:1")
    assert (str(result.old), str(result.new)) == (old.digest, new.digest)
    assert result.reused == len(old.layers[0].data)
    assert (result.layers.total, result.layers.shared) == (2, 1)
    before, after = held(tmp_path)
    assert (before.id, before.untagged) == (old.digest, True)
    assert after.names == (named(mock_registry, "team/app:1"),)
    # And back again: the image that lay there untagged gets its name back.
    mock_registry.put("team/app", old, "1")
    (back,) = pulled(mock_registry, tmp_path, "team/app:1")
    assert (back.downloaded, back.up_to_date) == (0, False)
    assert {image.id: image.untagged for image in held(tmp_path)} == {
        old.digest: False,
        new.digest: True,
    }


def test_by_digest(mock_registry: MockRegistry, tmp_path: Path) -> None:
    digest = mock_registry.put("team/app", seed.image(AMD), "1")
    pulled(mock_registry, tmp_path, f"team/app@{digest}")
    (image,) = held(tmp_path)
    assert image.names == (named(mock_registry, f"team/app@{digest}"),)
    (entry,) = json.loads((tmp_path / "index.json").read_bytes())["manifests"]
    assert images.REF_NAME not in entry["annotations"]


def test_docker_media_types_are_kept(mock_registry: MockRegistry, tmp_path: Path) -> None:
    made = seed.index([seed.image(AMD, family="docker")], family="docker")
    mock_registry.put("team/app", made, "1")
    pulled(mock_registry, tmp_path, "team/app:1")
    (entry,) = json.loads((tmp_path / "index.json").read_bytes())["manifests"]
    assert entry["mediaType"] == made.media_type
    assert held(tmp_path)[0].fault is None


def test_many_at_once_into_one_layout(mock_registry: MockRegistry, tmp_path: Path) -> None:
    names = [f"team/app:{number}" for number in range(8)]
    for number in range(8):
        made = seed.image(AMD, ["base", f"layer {number}"])
        mock_registry.put("team/app", made, str(number))
    results = pulled(mock_registry, tmp_path, *names)
    assert not any(result.up_to_date for result in results)
    found = {str(name) for image in held(tmp_path) for name in image.names}
    assert found == {str(named(mock_registry, name)) for name in names}
    assert partials(tmp_path) == []


def refused(
    registry: MockRegistry, folder: Path, error: type[RegsyncError], **more: Any
) -> RegsyncError:
    with pytest.raises(error) as raised:
        pulled(registry, folder, "team/app:1", **more)
    return raised.value


def test_a_platform_that_is_not_on_offer(mock_registry: MockRegistry, tmp_path: Path) -> None:
    every = seed.index([seed.image(AMD), seed.image("linux/arm/v6")], attestations=True)
    mock_registry.put("team/app", every, "1")
    folder = tmp_path / "layout"
    error = refused(mock_registry, folder, PlatformMissing, platform="linux/s390x")
    assert error.why == "it has nothing for linux/s390x; on offer: linux/amd64, linux/arm/v6"
    assert error.exit_code == 5
    assert not folder.exists()


def test_a_single_image_of_another_platform(mock_registry: MockRegistry, tmp_path: Path) -> None:
    mock_registry.put("team/app", seed.image("linux/s390x"), "1")
    folder = tmp_path / "layout"
    error = refused(mock_registry, folder, PlatformMissing, platform=AMD)
    assert "on offer: linux/s390x" in error.why
    assert not folder.exists()
    # Nobody asked for a platform: it is taken as it is, and said.
    heard: list[Event] = []
    (result,) = pulled(mock_registry, folder, "team/app:1", platform=None, listen=heard.append)
    assert str(result.platform) == "linux/s390x"
    (note,) = [event for event in heard if isinstance(event, Note)]
    assert "is for linux/s390x, this machine is" in note.text


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (seed.artifact("application/vnd.example.sbom.v1+json"), "an artifact (application/vnd.ex"),
        (seed.index([seed.artifact()]), "an index without images"),
        (seed.index([]), "an index without images"),
    ],
)
def test_what_is_no_image(
    content: Any, why: str, mock_registry: MockRegistry, tmp_path: Path
) -> None:
    mock_registry.put("team/app", content, "1")
    assert why in refused(mock_registry, tmp_path / "layout", Unsupported).why
    assert not (tmp_path / "layout").exists()


def test_schema_1(mock_registry: MockRegistry, tmp_path: Path) -> None:
    mock_registry.put("team/app", seed.image(AMD), "1")
    body = json.dumps({"schemaVersion": 1, "fsLayers": []}).encode()
    told = {"Docker-Content-Digest": str(Digest.of(body))}
    mock_registry.faults.add(Fault("/manifests/", times=None, status=200, body=body, headers=told))
    error = refused(mock_registry, tmp_path / "layout", ContentError)
    assert "schema 1" in error.why
    assert not (tmp_path / "layout").exists()


def test_no_such_tag_leaves_nothing(mock_registry: MockRegistry, tmp_path: Path) -> None:
    refused(mock_registry, tmp_path / "layout", NotFound)
    assert not (tmp_path / "layout").exists()


def test_a_folder_with_other_things_is_left_alone(
    mock_registry: MockRegistry, tmp_path: Path
) -> None:
    mock_registry.put("team/app", seed.image(AMD), "1")
    (tmp_path / "thesis.txt").write_text("mine")
    assert "no OCI image layout" in refused(mock_registry, tmp_path, StoreFailure).what
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    assert len(mock_registry.log) == 0


@pytest.mark.parametrize("spoiled", [{"corrupt": True}, {"cut": 40}, {"status": 503}])
def test_what_passes_is_survived(
    spoiled: dict[str, Any], mock_registry: MockRegistry, tmp_path: Path
) -> None:
    made = seed.image(AMD, ["one", "two"])
    mock_registry.put("team/app", made, "1")
    fault = mock_registry.faults.add(Fault(f"/blobs/{made.layers[0].digest}", **spoiled))
    (result,) = pulled(mock_registry, tmp_path, "team/app:1")
    assert fault.used == 1
    assert held(tmp_path)[0].id == str(result.new)
    assert blob_path(tmp_path, made.layers[0].digest).read_bytes() == made.layers[0].data


@pytest.mark.parametrize(
    ("spoiled", "error"),
    [
        ({"corrupt": True}, Unverified),
        ({"size": 10_000}, Unverified),
        ({"size": 3}, Unverified),
        ({"status": 404, "code": "BLOB_UNKNOWN"}, NotFound),
    ],
)
def test_a_layer_that_does_not_come_leaves_the_name_as_it_was(
    spoiled: dict[str, Any],
    error: type[RegsyncError],
    mock_registry: MockRegistry,
    tmp_path: Path,
) -> None:
    old, new = seed.image(AMD, ["old"]), seed.image(AMD, ["new", "fine"])
    mock_registry.put("team/app", old, "1")
    pulled(mock_registry, tmp_path, "team/app:1")
    before = (tmp_path / "index.json").read_bytes()
    mock_registry.put("team/app", new, "1")
    mock_registry.faults.add(Fault(f"/blobs/{new.layers[0].digest}", times=None, **spoiled))
    refused(mock_registry, tmp_path, error)
    assert (tmp_path / "index.json").read_bytes() == before
    assert not blob_path(tmp_path, new.layers[0].digest).exists()
    assert not blob_path(tmp_path, new.digest).exists()
    assert partials(tmp_path) == []


def test_a_lying_manifest_writes_nothing(mock_registry: MockRegistry, tmp_path: Path) -> None:
    mock_registry.put("team/app", seed.image(AMD), "1")
    mock_registry.faults.add(Fault("/manifests/", "GET", times=None, corrupt=True))
    refused(mock_registry, tmp_path / "layout", ContentError)
    assert not (tmp_path / "layout").exists()


@pytest.mark.parametrize("part", ["manifest", "config", "layer"])
def test_what_is_damaged_or_linked_here_is_mended(
    part: str, mock_registry: MockRegistry, tmp_path: Path
) -> None:
    made = seed.image(AMD, ["one"])
    mock_registry.put("team/app", made, "1")
    folder = tmp_path / "layout"
    pulled(mock_registry, folder, "team/app:1")
    digests = {"manifest": made.digest, "config": made.config.digest}
    path = blob_path(folder, digests.get(part, made.layers[0].digest))
    whole = path.read_bytes()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"secret")
    path.unlink()
    path.symlink_to(elsewhere)
    (result,) = pulled(mock_registry, folder, "team/app:1")
    assert not result.up_to_date
    assert (path.is_symlink(), path.read_bytes()) == (False, whole)
    assert elsewhere.read_bytes() == b"secret"


def test_foreign_urls_are_never_asked(
    mock_registries: Callable[..., MockRegistry], tmp_path: Path
) -> None:
    trap, registry = mock_registries(), mock_registries()
    made = seed.image(AMD, ["one"])
    fields = json.loads(made.manifest)
    fields["layers"][0]["urls"] = [f"{trap.url}/v2/steal/blobs/{made.layers[0].digest}"]
    registry.put("team/app", made)
    raw = images.encode(fields)
    registry.storage.put_manifest("team/app", raw, made.media_type, "1")
    pulled(registry, tmp_path, "team/app:1")
    assert len(trap.log) == 0


def test_a_layer_whose_digest_is_sha512(mock_registry: MockRegistry, tmp_path: Path) -> None:
    made = seed.image(AMD, ["one"])
    layer = made.layers[0].data
    digest = str(Digest.of(layer, "sha512"))
    fields = json.loads(made.manifest)
    fields["layers"][0]["digest"] = digest
    mock_registry.put("team/app", made)
    mock_registry.storage.put_blob("team/app", layer, "sha512")
    mock_registry.storage.put_manifest("team/app", images.encode(fields), made.media_type, "1")
    pulled(mock_registry, tmp_path, "team/app:1")
    path = tmp_path / "blobs" / "sha512" / digest.removeprefix("sha512:")
    assert path.read_bytes() == layer


def test_events_tell_each_layer_from_its_first_word_to_its_last(
    mock_registry: MockRegistry, tmp_path: Path
) -> None:
    mock_registry.put("team/app", seed.image(AMD, ["base"]), "1")
    pulled(mock_registry, tmp_path, "team/app:1")
    made = seed.image(AMD, ["base", "new", "base"])
    mock_registry.put("team/app", made, "1")
    heard: list[Event] = []
    pulled(mock_registry, tmp_path, "team/app:1", listen=heard.append)
    told: dict[str, list[str]] = {}
    for event in heard:
        if isinstance(event, Transfer):
            told.setdefault(event.id, []).append(event.state)
    base, new = (layer.digest[7:19] for layer in made.layers[:2])
    assert told[base] == ["exists"]
    assert (told[new][0], told[new][-2:]) == ("waiting", ["verifying", "done"])
    assert "downloading" in told[new]


def index_of(*platforms: str) -> Index:
    made = seed.index([seed.image(platform, [platform]) for platform in platforms])
    found = manifest.parse(made.manifest)
    assert isinstance(found, Index)
    return found


@pytest.mark.parametrize(
    ("offered", "wanted", "chosen"),
    [
        (["linux/arm/v6", "linux/arm/v7"], "linux/arm/v7", "linux/arm/v7"),
        (["linux/arm/v5", "linux/arm/v6"], "linux/arm/v7", "linux/arm/v6"),
        (["linux/arm64/v8"], "linux/arm64", "linux/arm64/v8"),
        (["linux/arm64"], "linux/arm64/v9", "linux/arm64"),
        (["linux/amd64/v3", "linux/amd64"], "linux/amd64", "linux/amd64"),
        (["linux/amd64", "linux/amd64/v2"], "linux/amd64/v3", "linux/amd64/v2"),
        (["linux/arm/v7"], "linux/arm/v6", None),
        (["linux/amd64/v3"], "linux/amd64", None),
        (["linux/arm/v7"], "linux/arm64", None),
        (["windows/amd64"], "linux/amd64", None),
    ],
)
def test_choice_of_a_platform(offered: list[str], wanted: str, chosen: str | None) -> None:
    index, reference = index_of(*offered), Reference.parse("node")
    if chosen is None:
        with pytest.raises(PlatformMissing):
            choose(index, Platform.parse(wanted), reference)
    else:
        assert str(choose(index, Platform.parse(wanted), reference).platform) == chosen
