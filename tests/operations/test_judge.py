"""The verdicts that need no comparison: hidden, pinned, and what a store does not tell."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cases import ARM, NAME, REPOSITORY, V1, V2, at, case, classic, containerd, kinds, synced
from world import Content, World, image, index

from regsync.errors import PlatformMissing, Unauthorized
from regsync.oci.platform import Platform
from regsync.oci.reference import Reference
from regsync.operations.judge import judge
from regsync.operations.questions import Hidden, Holds
from regsync.operations.verdict import Cause, Kind, Layers
from regsync.stores.base import LocalImage


class TestWhatTheStoreCannotTell:
    """A containerd store that left out a layer on pull tells no platform and no config."""

    @staticmethod
    def silent(content: Content) -> LocalImage:
        return replace(containerd(content), platform=Platform("", ""), config=None)

    def test_the_repository_tells_it_where_our_digest_is_served(self) -> None:
        world = World()
        world.put(REPOSITORY, V1)
        world.put(NAME, index(V2, ARM), V2, ARM)
        local = self.silent(V1)
        verdict = world.settle(judge(case(local)))
        assert (verdict.kind, verdict.reason) == (Kind.OUTDATED, "moved")
        assert verdict.layers == Layers(total=2, shared=1)

    def test_compressed_anew(self) -> None:
        world = World()
        world.put(REPOSITORY, V1)
        world.put(NAME, image("base", "one", compression="zstd"))
        verdict = world.settle(judge(case(self.silent(V1))))
        assert (verdict.kind, verdict.reason) == (Kind.UP_TO_DATE, "repackaged")

    def test_nothing_is_asked_where_the_digest_is_enough(self) -> None:
        world = World()
        world.put(NAME, V1)
        assert world.settle(judge(case(self.silent(V1)))).reason == "exact"
        assert len(world.asked) == 1

    def test_memory_decides_where_our_digest_is_gone(self) -> None:
        world = World()
        world.put(NAME, V2)
        local = self.silent(V1)
        verdict = world.settle(judge(case(local, synced=synced(local, V1.digest))))
        assert (verdict.kind, verdict.reason) == (Kind.OUTDATED, "moved")

    def test_a_platform_that_nobody_knows_cannot_be_compared(self) -> None:
        world = World()
        world.put(NAME, index(V2, ARM), V2, ARM)
        with pytest.raises(PlatformMissing, match="does not tell which platform"):
            world.settle(judge(case(self.silent(V1))))


class TestLocalOnly:
    @pytest.mark.parametrize("local", kinds(V1))
    def test_missing_or_private_and_never_synced(self, local: LocalImage) -> None:
        world = World({Holds(Reference.parse(NAME)): Hidden(Unauthorized("cannot read"))})
        verdict = world.settle(judge(case(local)))
        assert (verdict.kind, verdict.reason) == (Kind.LOCAL_ONLY, "not_found_or_private")

    def test_what_was_synced_is_unknown_instead(self) -> None:
        world = World({Holds(Reference.parse(NAME)): Hidden(Unauthorized("cannot read"))})
        pulled = classic(V1, at(NAME, V1.digest))
        assert world.settle(judge(case(pulled))).cause is Cause.UNAUTHORIZED
        local = containerd(V1)
        verdict = world.settle(judge(case(local, synced=synced(local, V1.digest))))
        assert verdict.cause is Cause.UNAUTHORIZED


class TestPinned:
    def test_still_there(self) -> None:
        world = World()
        world.put(REPOSITORY, V1)
        pin = f"{REPOSITORY}@{V1.digest}"
        verdict = world.settle(judge(case(containerd(V1), pin)))
        assert (verdict.kind, verdict.stale) == (Kind.PINNED, False)
        assert len(world.asked) == 1

    def test_no_longer_there(self) -> None:
        pin = f"{REPOSITORY}@{V1.digest}"
        verdict = World().settle(judge(case(containerd(V1), pin)))
        assert (verdict.kind, verdict.stale) == (Kind.PINNED_GONE, True)

    def test_the_tag_beside_it_has_moved(self) -> None:
        world = World()
        world.put(REPOSITORY, V1)
        world.put(NAME, V2)
        verdict = world.settle(judge(case(containerd(V1), f"{NAME}@{V1.digest}")))
        assert verdict.kind is Kind.PINNED
        assert verdict.notes == (f"tag 1 has moved to {V2.digest.short}",)

    def test_hidden(self) -> None:
        pin = Reference.parse(f"{REPOSITORY}@{V1.digest}")
        world = World({Holds(pin): Hidden(Unauthorized("cannot read"))})
        assert world.settle(judge(case(containerd(V1), str(pin)))).cause is Cause.UNAUTHORIZED
