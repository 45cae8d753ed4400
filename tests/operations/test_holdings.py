"""What a pull would leave out, for each kind of store."""

from __future__ import annotations

import pytest
from cases import classic, containerd, podman
from world import Content, World, image

from regsync.oci.imageconfig import chain_ids
from regsync.operations.holdings import Holdings, download_bytes, kept, known_blobs
from regsync.stores.base import LocalImage

MAKERS = {"classic": classic, "containerd": containerd, "containers-storage": podman}


def local(kind: str, content: Content) -> LocalImage:
    if kind == "classic":
        return classic(content)
    return containerd(content) if kind == "containerd" else podman(content, content.digest)


def found(kind: str, old: Content, new: Content, *, known: bool) -> str:
    """`+` for each layer that is kept."""
    held = Holdings.of(kind, [local(kind, old)])
    world = World()
    if known:
        world.at_hand[old.digest] = old.manifest
    diff_ids = new.parsed.diff_ids
    also = {local(kind, old).id: (old.digest,)}
    blobs = world.settle(known_blobs(held, diff_ids, also))
    assert world.asked == []
    return "".join("+" if one else "-" for one in kept(held, new.manifest, diff_ids, blobs))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("a b", "a c", "+- +- +-"),
        ("a b", "c b", "-- -+ -+"),
        ("a b", "a b", "++ ++ ++"),
        ("a b", "c d", "-- -- --"),
        ("a b c", "a x b c", "+--- +-++ +-++"),
        ("a", "a b a", "+-- +-+ +-+"),
        ("a b", "a", "+ + +"),
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_what_is_kept(old: str, new: str, expected: str, known: bool) -> None:
    told = [found(kind, image(*old.split()), image(*new.split()), known=known) for kind in MAKERS]
    assert told == expected.split()


@pytest.mark.parametrize(
    ("kind", "known", "expected"),
    [
        ("classic", True, "--"),
        # What is unpacked is left out there, whatever blob it came by.
        ("containerd", True, "++"),
        ("containers-storage", True, "--"),
        # Without the older manifest nothing tells that it was compressed anew.
        ("classic", False, "++"),
        ("containers-storage", False, "++"),
    ],
)
def test_compressed_anew(kind: str, known: bool, expected: str) -> None:
    new = image("a", "b", compression="zstd")
    assert found(kind, image("a", "b"), new, known=known) == expected


def test_a_config_that_does_not_describe_the_manifest() -> None:
    old, new = image("a", "b"), image("a", "b")
    held = Holdings.of("classic", [classic(old)])
    assert kept(held, new.manifest, new.parsed.diff_ids[:1], {}) == (False, False)


def test_bytes_count_each_blob_once() -> None:
    twice = image("a", "b", "a").manifest
    config, one, two = twice.config.size, twice.layers[0].size, twice.layers[1].size
    assert download_bytes(twice, (False, False, False)) == config + one + two
    assert download_bytes(twice, (True, False, True)) == config + two


def test_an_image_whose_config_was_not_known() -> None:
    content = image("a", "b")
    held = Holdings("containerd").having(containerd(content))
    assert held.chains == frozenset(chain_ids(content.parsed.diff_ids))
    assert set(held.by_layer) == set(content.parsed.diff_ids)
