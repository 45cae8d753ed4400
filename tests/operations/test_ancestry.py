"""Where an image that differs from its tag came from, on each kind of store."""

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
    V3,
    at,
    case,
    classic,
    containerd,
    kinds,
    podman,
    synced,
)
from world import World, image, index

from regsync.errors import Unreachable
from regsync.oci.reference import Reference
from regsync.operations.holdings import Holdings
from regsync.operations.judge import judge
from regsync.operations.questions import Config, Serves
from regsync.operations.verdict import Kind, Layers
from regsync.stores.base import LocalImage


class TestOutdated:
    @pytest.mark.parametrize("local", kinds(V1, V1.digest))
    def test_moved_as_memory_knows(self, local: LocalImage) -> None:
        world = World()
        world.put(NAME, V2)
        verdict = world.settle(judge(case(local, synced=synced(local, V1.digest))))
        assert (verdict.kind, verdict.reason) == (Kind.OUTDATED, "moved")
        assert verdict.stale
        assert Serves(Reference.parse(NAME).repository, V1.digest) not in world.asked

    @pytest.mark.parametrize("local", kinds(V1, V1.digest))
    def test_moved_without_memory(self, local: LocalImage) -> None:
        world = World()
        world.put(REPOSITORY, V1)
        world.put(NAME, V2)
        verdict = world.settle(judge(case(local)))
        assert (verdict.kind, verdict.reason) == (Kind.OUTDATED, "moved")

    def test_only_the_child_was_pushed_of_an_index(self) -> None:
        world = World()
        world.put(REPOSITORY, V1)
        world.put(NAME, V2)
        assert world.settle(judge(case(containerd(V1, index(V1))))).kind is Kind.OUTDATED

    def test_rolled_back_as_memory_knows(self) -> None:
        local = classic(V2, at(NAME, V2.digest))
        world = World()
        world.put(NAME, V1)
        before = frozenset({str(V1.digest)})
        verdict = world.settle(
            judge(case(local, synced=synced(local, V2.digest), seen_before=before))
        )
        assert (verdict.kind, verdict.reason) == (Kind.OUTDATED, "rolled_back")

    def test_seen_later_is_no_rollback(self) -> None:
        local = classic(V2, at(NAME, V2.digest))
        world = World()
        world.put(NAME, V3)
        before = frozenset({str(V1.digest)})
        verdict = world.settle(
            judge(case(local, synced=synced(local, V2.digest), seen_before=before))
        )
        assert verdict.reason == "moved"

    def test_without_memory_nothing_tells_which_way_it_went(self) -> None:
        world = World()
        world.put(REPOSITORY, V2)
        world.put(NAME, V1)
        old = classic(V1, at(NAME, V1.digest), names=())
        local = classic(V2, at(NAME, V2.digest))
        assert world.settle(judge(case(local, untagged=(old,)))).reason == "moved"

    def test_an_older_image_is_back_under_its_name(self) -> None:
        local = podman(V1, V1.digest)
        world = World()
        world.put(NAME, V2)
        newer = synced(podman(V2, V2.digest), V2.digest)
        verdict = world.settle(judge(case(local, synced=newer, once=frozenset({local.id}))))
        assert (verdict.kind, verdict.reason) == (Kind.OUTDATED, "moved")

    def test_pinned_by_its_digest_beside_a_tag_that_moved(self) -> None:
        world = World()
        world.put(REPOSITORY, V1)
        world.put(NAME, V2)
        local = case(containerd(V1), siblings=(at(NAME, V1.digest),))
        assert world.settle(judge(local)).kind is Kind.OUTDATED

    def test_pulled_by_somebody_else_since_the_last_sync(self) -> None:
        local = classic(V2, at(NAME, V2.digest))
        before = classic(V1, at(NAME, V1.digest))
        world = World()
        world.put(NAME, V3)
        verdict = world.settle(judge(case(local, synced=synced(before, V1.digest))))
        assert verdict.kind is Kind.OUTDATED

    def test_the_second_platform_of_one_tag_in_the_classic_store(self) -> None:
        old = index(V1, ARM)
        world = World()
        world.put(REPOSITORY, old, V1, ARM)
        world.put(NAME, index(V2, ARM_2), V2, ARM_2)
        first = classic(ARM, at(NAME, old.digest), names=())
        verdict = world.settle(judge(case(classic(V1), untagged=(first,))))
        assert (verdict.kind, verdict.reason) == (Kind.OUTDATED, "moved")

    @pytest.mark.parametrize("turned", [False, True])
    def test_the_second_platform_beside_another_image_that_lost_its_name(
        self, turned: bool
    ) -> None:
        first = index(V1, ARM)
        arm = classic(ARM, at(NAME, first.digest), names=())
        older = classic(V3, at(NAME, V3.digest), names=())
        world = World()
        world.put("r.example/team/app:0", first, V1, ARM)
        world.put("r.example/team/app:00", V3)
        world.put(NAME, V2)
        untagged = (older, arm) if turned else (arm, older)
        verdict = world.settle(judge(case(classic(V1), untagged=untagged)))
        assert (verdict.kind, verdict.reason) == (Kind.OUTDATED, "moved")

    def test_what_a_pull_would_bring(self) -> None:
        label = "org.opencontainers.image.version"
        old = image("base", "one", labels={label: "22.11.0"})
        new = image("base", "two", labels={label: "24.1.0"}, created="2026-05-01T00:00:00Z")
        local = classic(old, at(NAME, old.digest))
        world = World()
        world.put(NAME, new)
        verdict = world.settle(judge(case(local, holdings=Holdings.of("classic", [local]))))
        assert verdict.changed == "22.11.0 → 24.1.0"
        assert verdict.layers == Layers(total=2, shared=1)
        assert verdict.download_bytes == new.manifest.config.size + new.manifest.layers[1].size

    def test_without_the_config_it_is_outdated_all_the_same(self) -> None:
        local = classic(V1, at(NAME, V1.digest))
        world = World()
        world.put(NAME, V2)
        question = Config(Reference.parse(NAME).repository, V2.manifest.config)
        world.answers[question] = Unreachable("gone")
        verdict = world.settle(judge(case(local)))
        assert (verdict.kind, verdict.download_bytes) == (Kind.OUTDATED, None)


class TestAhead:
    @pytest.mark.parametrize("new", kinds(V2))
    def test_rebuilt_over_what_was_synced(self, new: LocalImage) -> None:
        world = World()
        world.put(NAME, V1)
        before = replace(new, id="sha256:before")
        verdict = world.settle(judge(case(new, synced=synced(before, V1.digest))))
        assert verdict.kind is Kind.AHEAD

    @pytest.mark.parametrize(
        ("new", "old"),
        [
            (classic(V2), classic(V1, at(NAME, V1.digest), names=())),
            (containerd(V2), containerd(V1, names=())),
            (podman(V2, V2.digest), podman(V1, names=())),
        ],
    )
    def test_without_memory_the_displaced_image_tells(
        self, new: LocalImage, old: LocalImage
    ) -> None:
        world = World()
        world.put(NAME, V1)
        assert world.settle(judge(case(new, untagged=(old,)))).kind is Kind.AHEAD

    def test_the_index_moved_under_it_for_another_platform(self) -> None:
        old, new = index(V1, ARM), index(V1, ARM_2)
        world = World()
        world.put(NAME, new, V1, ARM_2)
        local = classic(V2)
        before = synced(replace(local, id="sha256:before"), old.digest, V1.digest)
        assert world.settle(judge(case(local, synced=before))).kind is Kind.AHEAD


class TestDiverged:
    @pytest.mark.parametrize("new", kinds(V2))
    def test_both_sides_changed(self, new: LocalImage) -> None:
        world = World()
        world.put(NAME, V3)
        before = replace(new, id="sha256:before")
        verdict = world.settle(judge(case(new, synced=synced(before, V1.digest))))
        assert verdict.kind is Kind.DIVERGED
        assert verdict.stale

    def test_without_memory_the_classic_store_remembers(self) -> None:
        world = World()
        world.put(NAME, V3)
        old = classic(V1, at(NAME, V1.digest), names=())
        assert world.settle(judge(case(classic(V2), untagged=(old,)))).kind is Kind.DIVERGED


class TestUnpushed:
    def test_a_new_repository(self) -> None:
        for local in kinds(V1):
            verdict = World().settle(judge(case(local)))
            assert (verdict.kind, verdict.reason) == (Kind.UNPUSHED, "new_repository")
            assert not verdict.stale

    @pytest.mark.parametrize(
        ("local", "reason"),
        [
            (classic(V1), "new_tag"),
            (containerd(V1), "never_seen"),
            (podman(V1, V1.digest), "never_seen"),
        ],
    )
    def test_a_new_tag_or_one_that_nobody_saw(self, local: LocalImage, reason: str) -> None:
        world = World()
        world.put(REPOSITORY + ":other", V2)
        verdict = world.settle(judge(case(local)))
        assert (verdict.kind, verdict.reason) == (Kind.UNPUSHED, reason)

    @pytest.mark.parametrize("local", kinds(V1, V1.digest))
    def test_a_retag_is_not_gone(self, local: LocalImage) -> None:
        world = World()
        world.put(NAME, V1)
        mine = REPOSITORY + ":mine"
        retag = case(local, mine, siblings=(Reference.parse(NAME),))
        verdict = world.settle(judge(retag))
        assert (verdict.kind, verdict.reason) == (Kind.UNPUSHED, "new_tag")

    def test_pulled_by_digest_and_then_tagged(self) -> None:
        world = World()
        world.put(REPOSITORY, V1)
        pinned = (at(NAME, V1.digest),)
        verdict = world.settle(judge(case(containerd(V1), siblings=pinned)))
        assert (verdict.kind, verdict.reason) == (Kind.UNPUSHED, "new_tag")

    def test_a_retag_of_what_a_push_compressed_anew(self) -> None:
        world = World()
        world.put(NAME, image("base", "one", compression="zstd"))
        mine = case(podman(V1, V1.digest), REPOSITORY + ":mine", siblings=(Reference.parse(NAME),))
        verdict = world.settle(judge(mine))
        assert (verdict.kind, verdict.reason) == (Kind.UNPUSHED, "new_tag")

    def test_a_retag_whose_source_has_moved_cannot_be_told_from_a_deleted_tag(self) -> None:
        world = World()
        world.put(NAME, V2)
        mine = REPOSITORY + ":mine"
        local = classic(V1, at(NAME, V1.digest))
        verdict = world.settle(judge(case(local, mine, siblings=(Reference.parse(NAME),))))
        assert (verdict.kind, verdict.reason) == (Kind.UNPUSHED, "never_seen")


class TestUnrelated:
    @pytest.mark.parametrize("local", kinds(V1))
    def test_the_tag_is_somebody_elses(self, local: LocalImage) -> None:
        world = World()
        world.put(NAME, V2)
        verdict = world.settle(judge(case(local)))
        assert (verdict.kind, verdict.reason, verdict.stale) == (Kind.UNRELATED, None, False)

    @pytest.mark.parametrize("local", kinds(V1, V1.digest))
    def test_retagged_from_another_tag_of_the_repository(self, local: LocalImage) -> None:
        world = World()
        world.put(NAME, V1)
        world.put(REPOSITORY + ":latest", V2)
        latest = case(local, REPOSITORY + ":latest", siblings=(Reference.parse(NAME),))
        verdict = world.settle(judge(latest))
        assert (verdict.kind, verdict.reason) == (Kind.UNRELATED, "retagged")

    def test_a_retag_whose_sibling_moved_only_its_index(self) -> None:
        old, new = index(V1, ARM), index(V1, ARM_2)
        world = World()
        world.put(REPOSITORY, old)
        world.put(NAME, new, V1, ARM_2)
        world.put(REPOSITORY + ":latest", V2)
        local = containerd(V1, old)
        latest = case(local, REPOSITORY + ":latest", siblings=(Reference.parse(NAME),))
        assert world.settle(judge(latest)).reason == "retagged"

    def test_a_store_that_remembers_is_believed(self) -> None:
        world = World()
        world.put(NAME, V2)
        world.settle(judge(case(classic(V1, at("elsewhere.example/app", V1.digest)))))
        assert not any(isinstance(question, Serves) for question in world.asked)

    def test_retagged_from_another_repository(self) -> None:
        world = World()
        world.put(NAME, V2)
        local = classic(V1, at("elsewhere.example/app", V1.digest))
        assert world.settle(judge(case(local))).kind is Kind.UNRELATED


class TestGone:
    @pytest.mark.parametrize("local", kinds(V1, V1.digest))
    def test_the_tag_as_memory_knows(self, local: LocalImage) -> None:
        world = World()
        world.put(REPOSITORY + ":other", V2)
        verdict = world.settle(judge(case(local, synced=synced(local, V1.digest))))
        assert (verdict.kind, verdict.reason, verdict.stale) == (Kind.GONE, "tag", True)

    @pytest.mark.parametrize("local", kinds(V1, V1.digest))
    def test_the_repository_as_memory_knows(self, local: LocalImage) -> None:
        verdict = World().settle(judge(case(local, synced=synced(local, V1.digest))))
        assert (verdict.kind, verdict.reason) == (Kind.GONE, "repository")

    @pytest.mark.parametrize("local", kinds(V1, V1.digest))
    def test_the_repository_still_serves_our_digest(self, local: LocalImage) -> None:
        world = World()
        world.put(REPOSITORY, V1)
        verdict = world.settle(judge(case(local)))
        assert (verdict.kind, verdict.reason) == (Kind.GONE, "tag")

    def test_the_classic_store_remembers_what_is_gone_altogether(self) -> None:
        local = classic(V1, at(NAME, V1.digest))
        assert World().settle(judge(case(local))).reason == "repository"
        world = World()
        world.put(REPOSITORY + ":other", V2)
        assert world.settle(judge(case(local))).reason == "tag"

    def test_rebuilt_here_and_its_tag_deleted(self) -> None:
        local = classic(V2)
        world = World()
        world.put(REPOSITORY + ":other", V2)
        before = synced(replace(local, id="sha256:before"), V1.digest)
        assert world.settle(judge(case(local, synced=before))).kind is Kind.GONE
