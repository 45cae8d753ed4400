"""What no recording shows: engines newer, older or more broken than the recorded ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regsync.errors import StoreFailure
from regsync.oci.digest import Digest
from regsync.oci.platform import Platform
from regsync.oci.reference import Reference
from regsync.stores import inspection
from regsync.stores.base import LocalImage

A, B, C = ("sha256:" + letter * 64 for letter in "abc")


def listed(**fields: Any) -> dict[str, Any]:
    return {"Id": A, "RepoTags": ["node:latest"], "RepoDigests": [], "Size": 5} | fields


def inspected(**fields: Any) -> dict[str, Any]:
    return {"Id": A, "Os": "linux", "Architecture": "amd64", "RepoDigests": []} | fields


def texts(references: tuple[Reference, ...]) -> list[str]:
    return [str(reference) for reference in references]


def test_identity_is_proof_where_the_api_has_it() -> None:
    # API 1.53, moby `api/types/image/identity.go`; set by pull and push, untouched by tag.
    identity = {"Pull": [{"Repository": "docker.io/library/node"}, {"Repository": "Not/Valid"}]}
    image = inspection.image(
        "containerd",
        listed(RepoTags=["mine/node:1"]),
        inspected(Identity=identity, RepoDigests=[f"mine/node@{A}"]),
    )
    assert texts(image.origins) == [f"docker.io/library/node@{A}"]
    assert texts(image.claims) == [f"docker.io/mine/node@{A}"]
    assert image.remembers


def test_an_identity_without_pull_proves_that_there_was_none() -> None:
    fields = inspected(Identity={"Build": [{"Ref": "x"}]})
    image = inspection.image("containerd", listed(), fields)
    assert (image.origins, image.remembers) == ((), True)
    assert not inspection.image("containerd", listed(), inspected()).remembers


def test_old_marks_for_nothing_are_nothing() -> None:
    # API < 1.43 writes these where later ones write [].
    entry = listed(RepoTags=["<none>:<none>"], RepoDigests=["<none>@<none>"])
    image = inspection.image("classic", entry, inspected(RepoDigests=["<none>@<none>"]))
    assert image.untagged
    assert (image.origins, image.digests) == ((), frozenset())


@pytest.mark.parametrize("nothing", [None, [], "", {}])
def test_every_nothing_is_nothing(nothing: Any) -> None:
    image = inspection.image(
        "classic", listed(RepoTags=nothing, RepoDigests=nothing), inspected(RepoDigests=nothing)
    )
    assert image.untagged
    assert image.origins == ()


def test_podman_s_own_names_are_at_no_registry() -> None:
    tags = ["localhost/app:latest", "docker.io/library/node:1"]
    image = inspection.image("containers-storage", listed(RepoTags=tags), inspected())
    assert image.local_names == ("localhost/app:latest",)
    assert texts(image.names) == ["docker.io/library/node:1"]
    # To docker it is a host like any other.
    docker = inspection.image("classic", listed(RepoTags=tags), inspected())
    assert docker.local_names == ()
    assert texts(docker.names) == tags


def test_names_outside_the_grammar_are_kept_aside() -> None:
    image = inspection.image("containerd", listed(RepoTags=["UPPER:1", "a:1", "a:1"]), inspected())
    assert image.local_names == ("UPPER:1",)
    assert texts(image.names) == ["docker.io/library/a:1"]


def test_a_bare_digest_is_no_repository() -> None:
    # 28.5 lists an artifact so; as a reference it would be the tag of a repository `sha256`.
    image = inspection.image("containerd", listed(RepoDigests=[A]), None)
    assert image.claims == ()
    assert image.digests == {Digest.parse(A)}


def test_an_id_may_lack_its_algorithm() -> None:
    image = inspection.image("containers-storage", listed(Id="a" * 64), inspected())
    assert image.id == A
    assert image.config_digest == Digest.parse(A)


@pytest.mark.parametrize("id_", ["", "sha256:short", "x", None, 3])
def test_without_an_id_the_answer_is_refused(id_: Any) -> None:
    with pytest.raises(StoreFailure, match="no image ID"):
        inspection.image("classic", listed(Id=id_), inspected())


def test_what_the_engine_cannot_inspect_keeps_what_the_list_tells() -> None:
    image = inspection.image("containerd", listed(RepoDigests=[f"node@{A}"]), None)
    assert texts(image.names) == ["docker.io/library/node:latest"]
    assert texts(image.claims) == [f"docker.io/library/node@{A}"]
    assert image.config is None
    assert not image.platform.known


def test_children_are_the_images_whose_content_is_here() -> None:
    def entry(digest: str, **fields: Any) -> dict[str, Any]:
        platform = {"os": "linux", "architecture": "arm64", "variant": "v8"}
        descriptor = {"digest": digest, "size": 7, "mediaType": "x", "platform": platform}
        return {"Kind": "image", "Available": True, "Descriptor": descriptor} | fields

    manifests = [
        entry(A),
        entry(B),
        entry(C, Available=False),
        entry(C, Kind="attestation"),
        entry(C, Descriptor={"digest": "bad"}),
        "nonsense",
    ]
    image = inspection.image("containerd", listed(), inspected(Manifests=manifests))
    assert [str(child.digest) for child in image.children] == [B]
    assert image.children[0].platform == Platform("linux", "arm64", "v8")


def test_an_image_that_lacks_a_blob_is_here_all_the_same() -> None:
    # 28.5 after a pull that left out a layer unpacked already (moby#53615), as it was answered.
    def entry(digest: str, architecture: str, content: int) -> dict[str, Any]:
        platform = {"os": "linux", "architecture": architecture}
        descriptor = {"digest": digest, "size": 7, "mediaType": "x", "platform": platform}
        size = {"Content": content, "Total": content}
        return {"Kind": "image", "Available": False, "Descriptor": descriptor, "Size": size}

    details = inspected(
        Os="", Architecture="", RootFS={}, Manifests=[entry(B, "amd64", 1362), entry(C, "s390x", 0)]
    )
    image = inspection.image("containerd", listed(), details)
    assert [str(child.digest) for child in image.children] == [B]
    assert image.platform == Platform("linux", "amd64")
    details["Manifests"] = [entry(B, "amd64", 1362), entry(C, "s390x", 1362)]
    assert not inspection.image("containerd", listed(), details).platform.known


def test_the_memory_of_an_image_is_doubted_where_another_platform_took_its_digest() -> None:
    taken = LocalImage(
        A, (), Platform("linux", "arm64"), origins=(Reference.parse(f"a@{B}"),), remembers=True
    )
    named = LocalImage(C, (Reference.parse("a:1"),), Platform("linux", "amd64"), remembers=True)
    assert not inspection.doubt([taken, named])[1].remembers
    # A rebuild leaves the old image of its own platform untagged, and has come from nowhere.
    assert inspection.doubt([replace(taken, platform=named.platform), named])[1].remembers
    other = replace(named, names=(Reference.parse("b:1"),))
    assert inspection.doubt([taken, other])[1].remembers


def container(**fields: Any) -> dict[str, Any]:
    return {
        "Id": "1" * 64,
        "Names": ["/web/db", "/db"],
        "Image": "postgres:13",
        "ImageID": A,
        "State": "running",
        "Labels": {"com.docker.compose.project": "shop"},
    } | fields


def test_a_container() -> None:
    found = inspection.container(
        container(ImageManifestDescriptor={"digest": B}), image_name="postgres:13"
    )
    assert (found.id, found.name, found.image_id) == ("1" * 64, "db", A)
    assert (found.image, found.project, found.running) == ("postgres:13", "shop", True)
    assert found.manifest == Digest.parse(B)


@pytest.mark.parametrize(
    ("state", "running"),
    [("running", True), ("paused", True), ("restarting", True), ("exited", False), ("created", 0)],
)
def test_what_counts_as_running(state: str, running: bool) -> None:
    assert inspection.container(container(State=state), "x").running == running


def test_a_bare_container_is_one() -> None:
    bare = {"Id": "1", "ImageID": "a" * 64, "Names": None, "Labels": None}
    found = inspection.container(bare, inspection.image_name(bare, None))
    assert (found.name, found.image, found.image_id, found.project) == ("", "", A, "")


@pytest.mark.parametrize("image", [A, "a" * 64, "a" * 12, "", None])
def test_an_id_for_a_name_hides_the_name(image: Any) -> None:
    hidden = container(Image=image)
    assert inspection.renamed(hidden)
    assert inspection.image_name(hidden, {"Config": {"Image": "postgres:13"}}) == "postgres:13"
    assert inspection.image_name(hidden, None) == (image or "")


def test_a_name_is_a_name() -> None:
    assert not inspection.renamed(container())
    assert not inspection.renamed(container(Image="deadbeef"))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2)
    ),
    max_leaves=4,
)
FIELDS = [
    *("RepoTags", "RepoDigests", "Descriptor", "Manifests", "Identity", "Config", "RootFS"),
    *("Size", "Os", "Digest", "Created"),
]


@given(
    st.sampled_from(["classic", "containerd", "containers-storage"]),
    st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=5),
    st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=5),
)
def test_no_answer_breaks_the_reader(kind: str, one: dict[str, Any], two: dict[str, Any]) -> None:
    image = inspection.image(kind, {"Id": A} | one, two)
    assert image.id == A


@given(json_values, json_values)
def test_no_answer_breaks_the_store(version: Any, info: Any) -> None:
    fields = {"Components": version, "Version": info}
    found = inspection.store_info(fields, {"DriverStatus": info, "ID": version}, "unix:///x")
    assert found.key
