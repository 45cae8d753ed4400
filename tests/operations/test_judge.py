"""The heart: one test for each verdict and reason, on each kind of store that can meet it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from world import Content, World, artifact, image, index

from regsync.errors import PlatformMissing, Unauthorized, Unreachable, Unsupported
from regsync.oci.descriptor import Descriptor
from regsync.oci.digest import Digest
from regsync.oci.imageconfig import chain_ids
from regsync.oci.manifest import Index
from regsync.oci.platform import Platform
from regsync.oci.reference import Reference
from regsync.operations.case import Case
from regsync.operations.judge import judge
from regsync.operations.questions import Config, Document, Exists, Hidden, Holds, Serves
from regsync.operations.verdict import Cause, Kind, Layers, unknown
from regsync.state.values import Sync
from regsync.stores.base import LocalImage

NAME = "r.example/team/app:1"
REPOSITORY = "r.example/team/app"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
V1, V2, V3 = image("base", "one"), image("base", "two"), image("base", "three")
ARM = image("arm", platform="linux/arm64/v8")
ARM_2 = image("arm", "patched", platform="linux/arm64/v8")


def at(name: str, digest: Digest) -> Reference:
    return replace(Reference.parse(name), tag=None, digest=digest)


def classic(content: Content, *origins: Reference, names: tuple[str, ...] = (NAME,)) -> LocalImage:
    return LocalImage(
        id=str(content.config_digest),
        names=tuple(map(Reference.parse, names)),
        platform=content.parsed.platform,
        digests=frozenset(origin.digest for origin in origins if origin.digest),
        config_digest=content.config_digest,
        config=content.parsed,
        origins=origins,
        remembers=True,
    )


def containerd(
    content: Content, target: Index | None = None, names: tuple[str, ...] = (NAME,)
) -> LocalImage:
    digest = target.digest if target is not None else content.digest
    child = Descriptor(content.manifest.media_type, content.digest, 1, content.parsed.platform)
    references = tuple(map(Reference.parse, names))
    return LocalImage(
        id=str(digest),
        names=references,
        platform=content.parsed.platform,
        digests=frozenset({digest}),
        children=(child,) if target is not None else (),
        config=content.parsed,
        claims=tuple(replace(name, tag=None, digest=digest) for name in references),
    )


def podman(content: Content, *digests: Digest, names: tuple[str, ...] = (NAME,)) -> LocalImage:
    references = tuple(map(Reference.parse, names))
    return LocalImage(
        id=str(content.config_digest),
        names=references,
        platform=content.parsed.platform,
        digests=frozenset(digests),
        config_digest=content.config_digest,
        config=content.parsed,
        claims=tuple(
            replace(name, tag=None, digest=digest) for name in references for digest in digests
        ),
    )


def case(local: LocalImage, name: str = NAME, **known: object) -> Case:
    return replace(Case(local, Reference.parse(name)), **known)


def synced(local: LocalImage, digest: Digest, child: Digest | None = None) -> Sync:
    return Sync(
        store="s",
        reference=NAME,
        image_id=local.id,
        digest=str(digest),
        child=str(child) if child else None,
        config=None,
        by="observed",
        at=NOW,
    )


def kinds(content: Content, *digests: Digest) -> list[LocalImage]:
    """One image as every kind of store holds it after it came by `digests` of the repository."""
    return [
        classic(content, *(at(NAME, digest) for digest in digests)),
        containerd(content),
        podman(content, *digests),
    ]


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
        seen = {str(V1.digest): NOW - timedelta(days=9), str(V2.digest): NOW}
        verdict = world.settle(judge(case(local, synced=synced(local, V2.digest), seen=seen)))
        assert (verdict.kind, verdict.reason) == (Kind.OUTDATED, "rolled_back")

    def test_seen_later_is_no_rollback(self) -> None:
        local = classic(V2, at(NAME, V2.digest))
        world = World()
        world.put(NAME, V3)
        seen = {str(V2.digest): NOW, str(V3.digest): NOW + timedelta(days=1)}
        verdict = world.settle(judge(case(local, synced=synced(local, V2.digest), seen=seen)))
        assert verdict.reason == "moved"

    def test_rolled_back_to_what_lost_its_name_here(self) -> None:
        world = World()
        world.put(REPOSITORY, V2)
        world.put(NAME, V1)
        old = classic(V1, at(NAME, V1.digest), names=())
        local = classic(V2, at(NAME, V2.digest))
        assert world.settle(judge(case(local, untagged=(old,)))).reason == "rolled_back"

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

    def test_what_a_pull_would_bring(self) -> None:
        label = "org.opencontainers.image.version"
        old = image("base", "one", labels={label: "22.11.0"})
        new = image("base", "two", labels={label: "24.1.0"}, created="2026-05-01T00:00:00Z")
        local = classic(old, at(NAME, old.digest))
        world = World()
        world.put(NAME, new)
        unpacked = frozenset(chain_ids(old.parsed.diff_ids))
        verdict = world.settle(judge(case(local, layers=unpacked)))
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
