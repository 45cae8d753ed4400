"""When the tag holds the image that is here, and when nobody can tell."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cases import (
    ARM,
    ARM_2,
    NAME,
    REPOSITORY,
    V1,
    V2,
    at,
    case,
    classic,
    containerd,
    kinds,
    podman,
    synced,
)
from world import World, artifact, image, index

from regsync.errors import PlatformMissing, Unreachable, Unsupported
from regsync.oci.descriptor import Descriptor
from regsync.oci.platform import Platform
from regsync.oci.reference import Reference
from regsync.operations.judge import judge
from regsync.operations.questions import Document, Exists, Holds
from regsync.operations.verdict import Cause, Kind, unknown
from regsync.stores.base import LocalImage


class TestUpToDate:
    @pytest.mark.parametrize("local", kinds(V1, V1.digest))
    def test_equal_digests_cost_one_head(self, local: LocalImage) -> None:
        world = World()
        world.put(NAME, V1)
        verdict = world.settle(judge(case(local)))
        assert (verdict.kind, verdict.reason) == (Kind.UP_TO_DATE, "exact")
        assert world.asked == [Holds(Reference.parse(NAME))]
        assert verdict.local_digest == verdict.remote_digest == V1.digest

    def test_a_digest_of_another_repository_proves_equal_content(self) -> None:
        world = World()
        world.put(NAME, V1)
        local = classic(V1, at("elsewhere.example/app", V1.digest))
        assert world.settle(judge(case(local))).reason == "exact"

    @pytest.mark.parametrize("store", ["classic", "containerd", "podman", "memory"])
    def test_the_index_moved_and_this_platform_did_not(self, store: str) -> None:
        old, new = index(V1, ARM), index(V1, ARM_2)
        world = World()
        world.put(NAME, new, V1, ARM_2)
        old_only = containerd(V1, old)
        local = {
            "classic": classic(V1, at(NAME, old.digest)),
            "containerd": old_only,
            "podman": podman(V1, old.digest, V1.digest),
            "memory": replace(old_only, children=()),
        }[store]
        known = synced(local, old.digest, V1.digest) if store == "memory" else None
        verdict = world.settle(judge(case(local, synced=known)))
        assert (verdict.kind, verdict.reason) == (Kind.UP_TO_DATE, "index_changed")
        assert verdict.platform_digest == V1.digest
        # The classic store alone must look into the manifest: it knows no digest of its own.
        assert len(world.asked) == (3 if store == "classic" else 2)

    def test_the_remote_is_our_child_of_the_index(self) -> None:
        world = World()
        world.put(NAME, V1)
        verdict = world.settle(judge(case(containerd(V1, index(V1, ARM)))))
        assert (verdict.kind, verdict.reason) == (Kind.UP_TO_DATE, "platform_manifest")
        assert len(world.asked) == 1

    @pytest.mark.parametrize("make", [classic, podman])
    def test_compressed_anew(self, make: object) -> None:
        zstd = image("base", "one", compression="zstd")
        world = World()
        world.put(NAME, zstd)
        local = classic(V1, at(NAME, V1.digest)) if make is classic else podman(V1, V1.digest)
        verdict = world.settle(judge(case(local)))
        assert (verdict.kind, verdict.reason) == (Kind.UP_TO_DATE, "repackaged")

    def test_compressed_anew_where_the_store_hides_the_config(self) -> None:
        world = World()
        world.put(NAME, image("base", "one", compression="zstd"))
        verdict = world.settle(judge(case(containerd(V1))))
        assert (verdict.kind, verdict.reason) == (Kind.UP_TO_DATE, "repackaged")

    def test_never_synced_and_equal_anyway(self) -> None:
        world = World()
        world.put(NAME, V1)
        verdict = world.settle(judge(case(classic(V1))))
        assert (verdict.kind, verdict.reason) == (Kind.UP_TO_DATE, "same_content")

    def test_the_second_platform_pulled_of_one_index_in_the_classic_store(self) -> None:
        both = index(V1, ARM)
        world = World()
        world.put(NAME, both, V1, ARM)
        first = classic(ARM, at(NAME, both.digest), names=())
        local = replace(classic(V1), remembers=False)
        verdict = world.settle(judge(case(local, untagged=(first,))))
        assert (verdict.kind, verdict.reason) == (Kind.UP_TO_DATE, "exact")

    def test_an_index_inside_an_index(self) -> None:
        inner = index(V1, note="inner")
        world = World()
        world.put(NAME, index(inner, note="outer"), V1)
        world.put(REPOSITORY, inner)
        assert world.settle(judge(case(podman(V1, V1.digest)))).reason == "index_changed"


class TestUnknown:
    def test_the_platform_is_missing(self) -> None:
        world = World()
        world.put(NAME, index(ARM), ARM)
        with pytest.raises(PlatformMissing, match="linux/arm64/v8"):
            world.settle(judge(case(classic(V1))))

    def test_a_single_manifest_of_another_platform(self) -> None:
        world = World()
        world.put(NAME, ARM)
        with pytest.raises(PlatformMissing, match="linux/amd64"):
            world.settle(judge(case(classic(V1, at(NAME, V1.digest)))))

    def test_no_image(self) -> None:
        world = World()
        world.put(NAME, artifact())
        with pytest.raises(Unsupported, match="sbom"):
            world.settle(judge(case(classic(V1))))

    @pytest.mark.parametrize("question", [Holds, Document, Exists])
    def test_a_failed_lookup_is_never_up_to_date(self, question: type) -> None:
        reference = Reference.parse(NAME)
        world = World()
        world.put(REPOSITORY, V2)
        if question is not Exists:
            world.put(NAME, V2)
        asked = {
            Holds: Holds(reference),
            Document: Document(reference.repository, V2.digest),
            Exists: Exists(reference.repository),
        }[question]
        world.answers[asked] = Unreachable("cannot reach `r.example`")
        with pytest.raises(Unreachable) as failure:
            world.settle(judge(case(classic(V1))))
        assert unknown(failure.value).cause is Cause.UNREACHABLE


class TestPlatform:
    def test_the_images_own_platform_is_compared(self) -> None:
        world = World()
        world.put(NAME, index(V2, ARM), V2, ARM)
        assert world.settle(judge(case(classic(ARM)))).kind is Kind.UP_TO_DATE

    def test_another_one_on_request(self) -> None:
        local = podman(V1, V1.digest)
        world = World()
        world.put(NAME, index(V1, ARM), V1, ARM)
        world.put(REPOSITORY, V1)
        wanted = Platform.parse("linux/arm64")
        assert world.settle(judge(case(local, wanted=wanted))).kind is Kind.OUTDATED

    def test_variants_have_their_defaults(self) -> None:
        plain = image("arm", platform="linux/arm64")
        local = podman(plain)
        world = World()
        world.put(NAME, index(V1, image("arm", platform="linux/arm64/v8")), V1)
        # The same layers under another config: what matters is that the entry is found.
        child = index(V1, image("arm", platform="linux/arm64/v8")).manifests[1].digest
        question = Document(Reference.parse(NAME).repository, child)
        world.answers[question] = plain.manifest
        assert world.settle(judge(case(local))).kind is Kind.UP_TO_DATE

    def test_a_config_that_leaves_out_the_variant_of_its_index(self) -> None:
        v6 = Platform("linux", "arm", "v6")
        old, new = image("one", platform="linux/arm"), image("two", platform="linux/arm")
        before, now = (index(one, variants={one.digest: "v6"}) for one in (old, new))
        child = Descriptor(old.manifest.media_type, old.digest, 1, v6)
        local = replace(containerd(old, before), platform=v6, children=(child,))
        world = World()
        world.put(NAME, before, old)
        world.put(NAME, now, new)
        assert world.settle(judge(case(local))).kind is Kind.OUTDATED
