"""Which rows there are, and which of them are ever sent to a registry."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from regsync.errors import InvalidReference, Unverified
from regsync.oci.digest import Digest
from regsync.oci.platform import Platform
from regsync.oci.reference import Reference
from regsync.operations.rows import Row, choose, plan_rows
from regsync.operations.verdict import Cause, Kind
from regsync.state.memory import Memory
from regsync.state.values import Sync
from regsync.stores.base import Container, LocalImage, Snapshot, StoreInfo

INFO = StoreInfo("docker", "28.5.2", "classic", "unix:///s", "key")
AMD64 = Platform("linux", "amd64")
D1, D2 = Digest.of(b"1"), Digest.of(b"2")


def local(*names: str, **fields: object) -> LocalImage:
    made = LocalImage(str(D1), tuple(map(Reference.parse, names)), AMD64, remembers=True)
    return replace(made, **fields)


def rows(
    *images: LocalImage,
    wanted: tuple[str, ...] = (),
    containers: tuple[Container, ...] = (),
    memory: Memory | None = None,
) -> tuple[Row, ...]:
    snapshot = Snapshot(INFO, images, containers)
    return choose(plan_rows(snapshot, memory or Memory(None), wanted=wanted), wanted)


def pin(name: str, digest: Digest) -> Reference:
    return replace(Reference.parse(name), tag=None, digest=digest)


class TestNotAsked:
    def test_untagged_with_what_it_was(self) -> None:
        [row] = rows(local(origins=(pin("node", D2),)))
        assert row.settled is not None
        assert (row.settled.kind, row.settled.reason) == (Kind.LOCAL_ONLY, "untagged")
        assert row.settled.notes == (f"was node@{D2}",)
        assert (row.name, row.reference, row.case) == (None, None, None)

    def test_what_cannot_be_read_here(self) -> None:
        fault = Unverified("the image is broken")
        for image in (local("team/app", fault=fault), local(fault=fault)):
            [row] = rows(image)
            assert row.settled is not None
            assert row.settled.cause is Cause.UNVERIFIED

    def test_untagged_in_a_store_without_memory_of_its_own(self) -> None:
        memory = Memory(None)
        at = datetime(2026, 1, 1, tzinfo=UTC)
        for tag in ("latest", "22"):
            name = f"docker.io/library/node:{tag}"
            memory.keep(syncs=[Sync("key", name, str(D1), str(D2), None, None, "pull", at)])
        memory.keep(syncs=[Sync("other", "r.io/app:1", str(D1), str(D1), None, None, "pull", at)])
        [row] = rows(local(remembers=False), memory=memory)
        assert row.settled is not None
        assert row.settled.notes == (f"was node@{D2}",)

    def test_names_of_no_registry(self) -> None:
        [row] = rows(local(local_names=("localhost/app:latest",)))
        assert row.settled is not None
        assert row.settled.reason == "no_registry"
        assert (row.name, row.reference) == ("localhost/app:latest", None)

    def test_a_name_without_namespace_that_never_came_from_docker(self) -> None:
        [row] = rows(local("goals"))
        assert row.settled is not None
        assert row.settled.reason == "no_registry"

    @pytest.mark.parametrize(
        "image",
        [
            local("node", origins=(pin("node", D1),)),
            local("team/goals"),
            local("goals", remembers=False),
            local("127.0.0.1:5000/goals"),
        ],
    )
    def test_what_is_asked(self, image: LocalImage) -> None:
        [row] = rows(image)
        assert row.settled is None
        assert row.case is not None

    def test_memory_of_a_sync_is_reason_to_ask(self) -> None:
        memory = Memory(None)
        at = datetime(2026, 1, 1, tzinfo=UTC)
        name = "docker.io/library/goals:latest"
        memory.keep(syncs=[Sync("key", name, str(D1), str(D2), None, None, "push", at)])
        [row] = rows(local("goals"), memory=memory)
        assert row.case is not None
        assert row.case.synced is not None


class TestPins:
    def test_the_user_names_an_untagged_image_by_digest(self) -> None:
        image = local(origins=(pin("node", D2),))
        [row] = rows(image, wanted=(f"node@{D2}",))
        assert row.reference == pin("node", D2)
        assert row.case is not None

    @pytest.mark.parametrize("known", ["origins", "claims"])
    def test_an_image_that_has_a_tag_as_well(self, known: str) -> None:
        image = local("team/app", **{known: (pin("node", D2),)})
        tagged, pinned = rows(image, wanted=("team/app", f"node@{D2}"))
        assert (tagged.name, pinned.name) == ("team/app:latest", f"node@{D2}")
        assert pinned.image is image

    def test_a_container_names_it_by_digest(self) -> None:
        container = Container("c", "web", str(D1), f"node:22@{D2}", running=True)
        [row] = rows(local(origins=(pin("node", D2),)), containers=(container,))
        assert row.name == f"node:22@{D2}"

    def test_the_tag_beside_a_digest_is_kept_where_the_store_forgets_it(self) -> None:
        image = replace(local(), names=(pin("node", D2),))
        [row] = rows(image, wanted=(f"node:22@{D2}",))
        assert row.reference == replace(pin("node", D2), tag="22")


class TestSiblings:
    def test_other_names_in_the_same_repository(self) -> None:
        found = rows(local("r.io/a/app:1", "r.io/a/app:2", "r.io/b/app:1", f"r.io/a/app@{D1}"))
        assert found[0].case is not None
        assert found[0].case.siblings == (Reference.parse("r.io/a/app:2"), pin("r.io/a/app", D1))

    def test_untagged_images_are_what_a_name_was_taken_from(self) -> None:
        lost = local(origins=(pin("r.io/a/app", D2),))
        found = rows(replace(local("r.io/a/app:1"), id="new"), lost)
        assert found[0].case is not None
        assert found[0].case.untagged == (lost,)


class TestWanted:
    images = (local("node:22", "team/app"), replace(local("node"), id=str(D2)))

    def test_as_docker_reads_it(self) -> None:
        [row] = rows(*self.images, wanted=("node",))
        assert row.name == "node:latest"
        [row] = rows(*self.images, wanted=("docker.io/library/node:22",))
        assert row.name == "node:22"

    def test_each_row_once_in_the_order_of_asking(self) -> None:
        found = rows(*self.images, wanted=("team/app", "node", "team/app:latest"))
        assert [row.name for row in found] == ["team/app:latest", "node:latest"]

    def test_an_image_by_its_id(self) -> None:
        found = rows(*self.images, wanted=(D1.encoded[:12],))
        assert [row.name for row in found] == ["node:22", "team/app:latest"]
        assert rows(*self.images, wanted=(D1.encoded,)) == found

    def test_an_image_by_the_start_of_its_id(self) -> None:
        assert len(rows(*self.images, wanted=(D1.encoded[:6],))) == 2
        named = (*self.images, local(f"team/{D1.encoded[:6]}"))
        [row] = rows(*named, wanted=(f"team/{D1.encoded[:6]}",))
        assert row.name == f"team/{D1.encoded[:6]}:latest"

    def test_what_is_not_here(self) -> None:
        [row] = rows(*self.images, wanted=("quay.io/minio/minio",))
        assert row.image is None
        assert row.name == "quay.io/minio/minio:latest"

    def test_what_is_no_reference(self) -> None:
        with pytest.raises(InvalidReference):
            rows(*self.images, wanted=("team//app",))
