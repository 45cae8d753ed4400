"""A layout as a store: which images it lists, and what a hostile one cannot do."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import images
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regsync.errors import InvalidManifest, RegsyncError, StoreFailure
from regsync.oci.descriptor import Descriptor
from regsync.oci.digest import Digest
from regsync.oci.reference import Reference
from regsync.stores import layoutindex
from regsync.stores.base import LocalImage
from regsync.stores.layout import LayoutStore
from regsync.stores.machine import machine_platform

NODE = "docker.io/library/node:latest"


def listed(folder: Path) -> tuple[LocalImage, ...]:
    return asyncio.run(LayoutStore(folder).snapshot()).images


def only(folder: Path) -> LocalImage:
    (found,) = listed(folder)
    return found


def fault(image: LocalImage) -> str:
    assert image.fault is not None
    assert not image.digests
    return str(image.fault)


def test_a_single_platform_image(tmp_path: Path) -> None:
    made = images.image("arm64", [b"one", b"two"], Labels={"a": "b"})
    images.write_layout(tmp_path, [made], entries=[images.called(made, NODE)])
    found = only(tmp_path)
    assert found.names == (Reference.parse("node"),)
    assert (found.id, found.digests) == (made.digest, {Digest.parse(made.digest)})
    assert str(found.platform) == "linux/arm64"
    assert found.config is not None
    assert found.config.labels == {"a": "b"}
    assert str(found.config_digest) in made.blobs
    assert found.size == sum(map(len, made.everything.values()))
    assert (found.children, found.origins, found.remembers) == ((), (), False)


def test_the_store_is_known_by_its_real_path(tmp_path: Path) -> None:
    folder = images.write_layout(tmp_path / "real")
    link = tmp_path / "link"
    link.symlink_to(folder)
    one, two = LayoutStore(folder).info, LayoutStore(link).info
    assert one.key == two.key == f"oci:{os.path.realpath(folder)}"
    assert (one.name, one.version, one.kind) == ("oci", "", "oci-layout")
    assert listed(link) == ()


def test_several_names_of_one_image(tmp_path: Path) -> None:
    made = images.image()
    entries = [images.called(made, NODE), images.called(made, "quay.io/team/app:1"), {}]
    entries[2] = made.descriptor(annotations={images.REF_NAME: "mine"})
    found = only(images.write_layout(tmp_path, [made], entries=entries))
    assert found.names == (Reference.parse("node"), Reference.parse("quay.io/team/app:1"))
    assert found.local_names == ("mine",)


@pytest.mark.parametrize(
    ("annotations", "local_names"),
    [
        (None, ()),
        ({}, ()),
        ({images.REF_NAME: "latest"}, ("latest",)),
        ({images.FULL_NAME: "No Reference"}, ("No Reference",)),
        ({images.FULL_NAME: 5}, ()),
    ],
)
def test_without_a_full_name(
    annotations: Any, local_names: tuple[str, ...], tmp_path: Path
) -> None:
    made = images.image()
    entry = made.descriptor() | ({"annotations": annotations} if annotations is not None else {})
    found = only(images.write_layout(tmp_path, [made], entries=[entry]))
    assert (found.names, found.local_names) == ((), local_names)
    assert found.untagged == (not local_names)


def test_a_sparse_index_lists_the_platforms_that_are_here(tmp_path: Path) -> None:
    own = machine_platform()
    here, other, away = images.image("s390x"), images.image("ppc64le"), images.image("riscv64")
    mine = images.image(own.architecture, variant=own.variant)
    every = images.index([away, here, mine, other], [images.attestation(mine)])
    images.write_layout(tmp_path, [here, mine], entries=[images.called(every, NODE)])
    images.write_blobs(tmp_path, {every.digest: every.raw, other.digest: other.raw})
    found = only(tmp_path)
    # `other` has its manifest here and not its config.
    assert [str(child.digest) for child in found.children] == [here.digest, mine.digest]
    assert found.platform.same(own)
    assert found.digests == {Digest.parse(every.digest)}
    assert found.id == every.digest


def test_another_machines_platform_is_the_images_own(tmp_path: Path) -> None:
    first, second = images.image("s390x"), images.image("ppc64le")
    every = images.index([first, second])
    found = only(images.write_layout(tmp_path, [every], entries=[images.called(every, NODE)]))
    assert str(found.platform) == "linux/s390x"


def test_the_index_tells_the_variant_that_a_config_leaves_out(tmp_path: Path) -> None:
    every = images.index([images.image("arm", variant="v6")])
    found = only(images.write_layout(tmp_path, [every], entries=[images.called(every, NODE)]))
    assert str(found.platform) == "linux/arm/v6"


def test_artifacts_are_no_images(tmp_path: Path) -> None:
    chart = images.image(config_type="application/vnd.cncf.helm.config.v1+json")
    signature = images.image("amd64", [b"sig"], config_type="application/vnd.oci.empty.v1+json")
    made = images.image()
    entries = [images.called(chart, "quay.io/team/chart:1"), signature.descriptor()]
    entries.append(images.called(made, NODE))
    found = listed(images.write_layout(tmp_path, [chart, signature, made], entries=entries))
    assert [image.id for image in found] == [chart.digest, made.digest]
    assert not found[0].platform.known
    assert found[0].config is None


def spoil(folder: Path, digest: str, data: bytes | None) -> None:
    path = folder / "blobs" / "sha256" / digest.removeprefix("sha256:")
    path.unlink()
    if data is not None:
        path.write_bytes(data)


@pytest.mark.parametrize(
    ("part", "data", "why"),
    [
        ("manifest", None, "its manifest is missing"),
        ("manifest", b"{}", "is damaged"),
        ("config", None, "its config is missing"),
        ("config", b"{}", "is damaged"),
    ],
)
def test_a_broken_image_is_listed_with_its_fault_and_hides_no_other(
    part: str, data: bytes | None, why: str, tmp_path: Path
) -> None:
    bad, good = images.image("arm64"), images.image("amd64")
    entries = [images.called(bad, NODE), images.called(good, "postgres:13")]
    images.write_layout(tmp_path, [bad, good], entries=entries)
    config = json.loads(bad.raw)["config"]["digest"]
    spoil(tmp_path, bad.digest if part == "manifest" else config, data)
    first, second = listed(tmp_path)
    assert why in fault(first)
    assert "`node:latest` cannot be read" in fault(first)
    assert first.names == (Reference.parse("node"),)
    assert second.fault is None


def test_an_index_without_any_of_its_images_is_no_image_either(tmp_path: Path) -> None:
    every = images.index([images.image("arm64")])
    images.write_layout(tmp_path, entries=[images.called(every, NODE)])
    images.write_blobs(tmp_path, {every.digest: every.raw})
    assert "none of its platforms is here" in fault(only(tmp_path))


@pytest.mark.parametrize(
    "entry",
    [
        "text",
        None,
        {},
        {"mediaType": "x", "digest": "sha256:../../../etc/passwd", "size": 1},
        {"mediaType": "x", "digest": "sha1:" + "a" * 40, "size": 1},
        {"mediaType": "x", "digest": "sha256:" + "a" * 64, "size": -1},
        {
            "mediaType": "x",
            "digest": ["sha256"],
            "size": 1,
            "annotations": {images.FULL_NAME: NODE},
        },
    ],
)
def test_an_entry_that_points_nowhere(entry: Any, tmp_path: Path) -> None:
    good = images.image()
    images.write_layout(tmp_path, [good], entries=[entry, images.called(good, NODE)])
    first, second = listed(tmp_path)
    assert fault(first)
    assert first.id == "index.json#0"
    assert second.fault is None


def link_blob(folder: Path, digest: str) -> None:
    secret = folder.parent / "secret"
    path = folder / "blobs" / "sha256" / digest.removeprefix("sha256:")
    os.replace(path, secret)
    path.symlink_to(secret)


def pipe_blob(folder: Path, digest: str) -> None:
    path = folder / "blobs" / "sha256" / digest.removeprefix("sha256:")
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("swap", "why"), [(link_blob, "symbolic link"), (pipe_blob, "not a plain file")]
)
def test_nothing_is_followed_out_of_the_layout(swap: Any, why: str, tmp_path: Path) -> None:
    made = images.image()
    folder = images.write_layout(tmp_path / "l", [made], entries=[images.called(made, NODE)])
    swap(folder, made.digest)
    assert why in fault(only(folder))


@pytest.mark.parametrize("part", ["blobs", "blobs/sha256"])
def test_a_linked_folder_is_refused(part: str, tmp_path: Path) -> None:
    folder = images.write_layout(tmp_path / "layout")
    os.rename(folder / part, tmp_path / "elsewhere")
    (folder / part).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreFailure, match="is a link"):
        listed(folder)


@pytest.mark.parametrize(
    ("name", "content", "error", "why"),
    [
        ("oci-layout", None, StoreFailure, "no `oci-layout` file"),
        ("oci-layout", '{"imageLayoutVersion":"2.0.0"}', StoreFailure, "version `2.0.0`"),
        ("oci-layout", "[]", StoreFailure, "version ``"),
        ("oci-layout", "x" * 100_000, InvalidManifest, "larger than"),
        ("index.json", None, StoreFailure, "no such file"),
        ("index.json", "{", InvalidManifest, "is not JSON"),
        ("index.json", "[]", InvalidManifest, "not a JSON object"),
        ("index.json", '{"schemaVersion":2}', InvalidManifest, "`manifests` is missing"),
        ("index.json", '{"manifests":{}}', InvalidManifest, "not a list"),
        ("index.json", '{"manifests":[],"manifests":[]}', InvalidManifest, "twice"),
        ("index.json", '{"manifests":[' + "1," * 10_000 + "1]}", InvalidManifest, "10001 entries"),
        ("index.json", " " * (layoutindex.SIZE_LIMIT + 1), InvalidManifest, "larger than"),
    ],
)
def test_a_broken_layout_says_what_is_wrong(
    name: str, content: str | None, error: type[RegsyncError], why: str, tmp_path: Path
) -> None:
    images.write_layout(tmp_path)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(error) as raised:
        listed(tmp_path)
    assert why in str(raised.value)


def test_no_folder_and_no_folder_but_a_file(tmp_path: Path) -> None:
    with pytest.raises(StoreFailure, match="no such folder") as raised:
        listed(tmp_path / "nothing")
    assert raised.value.hint
    (tmp_path / "file").touch()
    with pytest.raises(StoreFailure, match="not a folder"):
        listed(tmp_path / "file")


@given(st.binary(max_size=200))
def test_index_json_is_read_or_refused(data: bytes) -> None:
    try:
        fields = layoutindex.parse(data)
    except InvalidManifest:
        return
    layoutindex.entries(fields)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
NAMES = st.sampled_from([NODE, "node", "quay.io/a/b:1", "x y", ""])
ENTRIES = st.builds(
    lambda number, name, tag, more: {
        "digest": str(Digest.of(bytes([number]))),
        "size": 1,
        "annotations": {images.FULL_NAME: name, images.REF_NAME: tag, **more},
    },
    st.integers(0, 3),
    NAMES,
    st.sampled_from(["", "latest"]),
    st.sampled_from([{}, {"a": "b"}]),
)


def test_only_entries_that_say_nothing_else_are_dropped() -> None:
    bare = {"mediaType": "m", "digest": str(Digest.of(b"d")), "size": 1}
    signed = bare | {"annotations": {"org.example.signed-by": "ann"}}
    arm = bare | {"platform": {"os": "linux", "architecture": "arm64"}}
    named = bare | {"annotations": {images.FULL_NAME: "quay.io/a/b:1"}}
    fields = {"manifests": [bare, signed, arm, signed, named, bare]}
    new = Descriptor("m", Digest.of(b"new"), 3)
    written = layoutindex.publish(fields, Reference.parse("node"), new)
    assert layoutindex.parse(written)["manifests"][:-1] == [signed, arm, named]


@given(st.lists(ENTRIES | JSON, max_size=6))
def test_a_published_name_names_one_thing_and_no_other_name_is_lost(values: list[Any]) -> None:
    node, new = Reference.parse("node"), Descriptor("m", Digest.of(b"new"), 3)
    fields = {"manifests": values, "annotations": {"kept": "yes"}}
    before = layoutindex.entries(fields)
    after_fields = layoutindex.parse(layoutindex.publish(fields, node, new))
    after = layoutindex.entries(after_fields)
    named = [entry.descriptor for entry in after if entry.name == node]
    assert [(one.digest, one.size) for one in named if one] == [(new.digest, new.size)]
    assert after_fields["annotations"] == {"kept": "yes"}

    def others(found: tuple[layoutindex.Entry, ...]) -> list[Any]:
        return [
            (entry.descriptor and entry.descriptor.digest, entry.name, entry.local_name)
            for entry in found
            if (entry.name and entry.name != node) or entry.local_name
        ]

    assert others(after) == others(before)

    def digests(found: tuple[layoutindex.Entry, ...]) -> set[Digest]:
        return {entry.descriptor.digest for entry in found if entry.descriptor}

    assert digests(after) == digests(before) | {new.digest}
