"""What files name, looked up at a real registry."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from desk import Desk
from world import World, image, index

from mock_registry import Fault, MockRegistry, User, seed
from regsync.errors import KeptBack, RateLimited, RegsyncError, ServerFailed, Unsupported
from regsync.files.gather import gather
from regsync.oci.digest import Digest
from regsync.oci.reference import Reference
from regsync.operations.named import decide, named, plan
from regsync.operations.questions import Document
from regsync.operations.report import Entry, StatusReport
from regsync.operations.tagshape import Newer
from regsync.operations.verdict import Cause, Kind
from regsync.settings import HostSettings
from regsync.state.documents import Documents

ABSENT = Digest.of(b"absent")


class TestDecision:
    """Pure: answers from a dictionary."""

    NAME = "reg.example.com/team/app"

    def told(self, world: World, name: str) -> tuple[str, str | None, bool, tuple[str, ...]]:
        verdict, moved = world.settle(decide(Reference.parse(name)))
        return (verdict.kind.value, verdict.reason, moved, verdict.notes)

    def test_there_and_not_pinned(self) -> None:
        world = World()
        world.put(f"{self.NAME}:1", image("a"))
        assert self.told(world, f"{self.NAME}:1") == ("not_local", None, False, ("unpinned",))
        assert len(world.asked) == 1

    def test_absent(self) -> None:
        world = World()
        assert self.told(world, f"{self.NAME}:1")[:2] == ("gone", "repository")
        world.put(f"{self.NAME}:2", image("a"))
        assert self.told(world, f"{self.NAME}:1")[:2] == ("gone", "tag")

    def test_pinned(self) -> None:
        world = World()
        digest = world.put(f"{self.NAME}:1", image("a"))
        assert self.told(world, f"{self.NAME}@{digest}") == ("pinned", None, False, ())
        assert len(world.asked) == 1
        assert self.told(world, f"{self.NAME}:1@{digest}") == ("pinned", None, False, ())
        assert self.told(world, f"{self.NAME}@{ABSENT}")[0] == "pinned_gone"

    def test_pinned_and_moved(self) -> None:
        world = World()
        digest = world.put(f"{self.NAME}:1", image("a"))
        now = world.put(f"{self.NAME}:1", image("b"))
        note = f"tag 1 has moved to {now.short}"
        assert self.told(world, f"{self.NAME}:1@{digest}") == ("pinned", None, True, (note,))
        assert self.told(world, f"{self.NAME}:1@{ABSENT}") == ("pinned_gone", None, True, (note,))

    def test_pinned_beside_a_tag_that_is_gone(self) -> None:
        world = World()
        digest = world.put(self.NAME, image("a"))
        _, _, moved, notes = self.told(world, f"{self.NAME}:1@{digest}")
        assert (moved, notes) == (False, ("tag 1 is no longer there",))

    def test_one_platform_of_an_index_is_not_behind_it(self) -> None:
        world = World()
        ours, arm = image("a"), image("b", platform="linux/arm64")
        world.put(f"{self.NAME}:1", index(ours, arm), ours, arm)
        _, _, moved, notes = self.told(world, f"{self.NAME}:1@{ours.digest}")
        assert (moved, notes) == (False, ("one platform of tag 1",))

    @pytest.mark.parametrize(
        "failure", [RateLimited("a", "slow down"), KeptBack("a", "kept"), ServerFailed("a", "502")]
    )
    def test_what_cannot_be_read_has_not_moved(self, failure: RegsyncError) -> None:
        world = World()
        ours, arm = image("a"), image("b", platform="linux/arm64")
        tagged = world.put(f"{self.NAME}:1", index(ours, arm), ours, arm)
        reference = Reference.parse(f"{self.NAME}:1@{ours.digest}")
        world.answers[Document(reference.repository, tagged)] = failure
        note = f"what tag 1 holds cannot be read: {failure.why}"
        assert self.told(world, str(reference)) == ("pinned", None, False, (note,))
        # What is no image at all is another thing than what was pinned.
        world.answers[Document(reference.repository, tagged)] = Unsupported("a", "a chart")
        assert self.told(world, str(reference))[2]


def test_one_row_for_each_reference_with_all_its_places(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(
        "services:\n  a: {image: nginx}\n  b: {image: 'docker.io/library/nginx:latest'}\n"
        "  c: {image: 'nginx:1'}\n  d: {image: 'Not/OK:1'}\n"
    )
    planned = plan(gather([str(file)], {}).mentions)
    assert [(str(row.reference), len(row.places), row.untagged) for row in planned.rows] == [
        ("docker.io/library/nginx:latest", 2, True),
        ("docker.io/library/nginx:1", 1, False),
    ]
    [failure] = planned.failures
    assert failure.code == "invalid_reference"
    assert str(failure).startswith(f"{file}:5: `Not/OK:1` is not a reference")


@dataclass
class Repository:
    """A folder with one compose file, and a desk to look it up from."""

    folder: Path
    env: Mapping[str, str] = field(default_factory=dict)
    hosts: Mapping[str, HostSettings] = field(default_factory=dict)

    def look(self, *images: str, semver: bool = False, offline: bool = False) -> StatusReport:
        services = "".join(f"  s{at}: {{image: '{name}'}}\n" for at, name in enumerate(images))
        file = self.folder / "compose.yaml"
        file.write_text(f"services:\n{services}")
        desk = Desk(self.folder, self.hosts, self.env)

        async def work() -> StatusReport:
            async with desk.registries() as registries:
                with desk.memory as memory:
                    return await named(
                        gather([str(file)], {}),
                        registries,
                        memory,
                        Documents(self.folder / "cache"),
                        semver=semver,
                        offline=offline,
                        clock=desk.clock,
                    )

        return asyncio.run(work())

    def entry(self, name: str, *, semver: bool = False) -> Entry:
        [entry] = self.look(name, semver=semver).entries
        return entry


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def put(registry: MockRegistry, name: str, *tags: str) -> None:
    for tag in tags:
        registry.put(name, seed.image(layers=(tag,)), tag)


def test_one_head_for_each_reference_and_one_list_for_each_repository(
    mock_registry: MockRegistry, repository: Repository
) -> None:
    put(mock_registry, "team/app", "1.0.0", "1.0.1")
    put(mock_registry, "team/web", "1")
    host = mock_registry.host
    names = [f"{host}/team/app:1.0.0", f"{host}/team/app:1.0.1", f"{host}/team/web:1"]
    report = repository.look(*names, *names)
    sent = {kind: count for kind, count in report.requests.items() if count}
    assert (sent.pop("head"), sent.pop("ping", 0) <= 1, sent) == (3, True, {})
    report = repository.look(*names, semver=True)
    # No ping any more: the greeting is remembered.
    assert {kind: count for kind, count in report.requests.items() if count} == {
        "head": 3,
        "get": 2,
    }
    seen = [record.path for record in mock_registry.log if record.path.endswith("tags/list")]
    assert sorted(seen) == ["/v2/team/app/tags/list", "/v2/team/web/tags/list"]


def test_newer_versions(mock_registry: MockRegistry, repository: Repository) -> None:
    put(mock_registry, "team/app", "1.0.0", "1.0.1", "1.2.0", "3.0.0", "3.0.0-rc1", "4.0.0-alpine")
    name = f"{mock_registry.host}/team/app"
    entry = repository.entry(f"{name}:1.0.0", semver=True)
    assert entry.in_files is not None
    assert entry.in_files.newer == Newer("1.0.1", "1.2.0", "3.0.0")
    assert entry.in_files.behind == "major"
    assert (entry.stale, entry.any_stale) == (False, True)
    entry = repository.entry(f"{name}:3.0.0", semver=True)
    assert entry.in_files is not None
    assert (entry.in_files.newer, entry.in_files.behind) == (Newer(), None)
    assert "the newest of its kind" in entry.verdict.notes
    # Of a tag that is gone, what came after it says where to go.
    entry = repository.entry(f"{name}:1.0.7", semver=True)
    assert (entry.verdict.kind, entry.verdict.reason) == (Kind.GONE, "tag")
    assert entry.in_files is not None
    assert entry.in_files.newer == Newer(None, "1.2.0", "3.0.0")


def test_tags_that_cannot_be_listed_are_a_failure_and_nothing_is_called_newest(
    mock_registry: MockRegistry, repository: Repository
) -> None:
    put(mock_registry, "team/app", "1.0.0")
    mock_registry.faults.add(Fault("/v2/team/app/tags", status=403, times=None))
    report = repository.look(f"{mock_registry.host}/team/app:1.0.0", semver=True)
    [entry] = report.entries
    assert entry.in_files is not None
    assert entry.in_files.newer is None
    assert entry.verdict.notes == ("unpinned", "its tags cannot be listed")
    assert len(report.failures) == 1
    assert (report.exit_code(ask_stale=False), report.exit_code(ask_stale=True)) == (3, 3)


def test_latest_is_told_louder_than_a_tag(
    mock_registry: MockRegistry, repository: Repository
) -> None:
    put(mock_registry, "team/app", "1", "latest")
    name = f"{mock_registry.host}/team/app"
    assert repository.entry(f"{name}:1").verdict.notes == ("unpinned",)
    assert repository.entry(f"{name}:latest").verdict.notes == (
        "unpinned",
        "latest is whatever was pushed last",
    )
    assert repository.entry(name).verdict.notes == (
        "unpinned",
        "no tag means latest, whatever was pushed last",
    )


def test_what_is_hidden_is_never_fine(repository: Repository) -> None:
    with MockRegistry(users=[User("ann", "secret")]).serve() as registry:
        put(registry, "team/app", "1")
        for name in ("team/app:1", "team/none:1", f"team/app@{ABSENT}"):
            entry = repository.entry(f"{registry.host}/{name}")
            assert (entry.verdict.kind, entry.verdict.cause) == (Kind.UNKNOWN, Cause.UNAUTHORIZED)
            assert entry.stale is None
            assert entry.checked_at is None


def test_a_registry_that_fails_ends_no_other_row(
    mock_registry: MockRegistry, repository: Repository
) -> None:
    put(mock_registry, "team/app", "1")
    mock_registry.faults.add(Fault("/v2/team/bad", html=True, times=None))
    host = mock_registry.host
    report = repository.look(f"{host}/team/bad:1", f"{host}/team/app:1")
    assert [entry.verdict.kind for entry in report.entries] == [Kind.UNKNOWN, Kind.NOT_LOCAL]
    assert report.exit_code(ask_stale=True) == 3


def test_offline_asks_nobody(mock_registry: MockRegistry, repository: Repository) -> None:
    report = repository.look(f"{mock_registry.host}/team/app:1", semver=True, offline=True)
    assert report.entries[0].verdict.cause is Cause.OFFLINE
    assert sum(report.requests.values()) == len(mock_registry.log) == 0


def test_what_was_last_known_is_told_and_kept(tmp_path: Path) -> None:
    """By a dead registry and without one asked, over several runs; and of what nobody knows not."""
    repository = Repository(tmp_path)
    with MockRegistry().serve() as registry:
        put(registry, "team/app", "1")
        names = [f"{registry.host}/team/app:{tag}" for tag in ("1", "2")]
        absent = f"{registry.host}/team/app@{ABSENT}"
        new = f"{registry.host}/team/app:3"
        repository.look(*names, absent)
    for offline in (True, False, True):
        report = repository.look(*names, absent, new, offline=offline)
        known = [entry.verdict.last_known for entry in report.entries]
        assert [entry.verdict.kind for entry in report.entries] == [Kind.UNKNOWN] * 4
        assert [(one.kind, one.reason) if one is not None else None for one in known] == [
            (Kind.NOT_LOCAL, None),
            (Kind.GONE, "tag"),
            (Kind.PINNED_GONE, None),
            None,
        ]


def test_what_files_name_says_nothing_of_a_store(
    mock_registry: MockRegistry, repository: Repository
) -> None:
    put(mock_registry, "team/app", "1")
    name = f"{mock_registry.host}/team/app:1"
    repository.look(name)
    with Desk(repository.folder).memory as memory:
        assert list(memory.last_verdicts("files")) == [name]
        assert memory.last_verdicts("engine") == {}


def test_what_is_gone_is_not_called_no_version_as_well(
    mock_registry: MockRegistry, repository: Repository
) -> None:
    put(mock_registry, "team/app", "1", "latest")
    name = f"{mock_registry.host}/team/app"
    for gone in (f"{name}:nightly", f"{name}:1@{ABSENT}"):
        entry = repository.entry(gone, semver=True)
        assert entry.verdict.kind in (Kind.GONE, Kind.PINNED_GONE)
        assert not {"nightly is no version", "the newest of its kind"} & set(entry.verdict.notes)
    assert "latest is no version" in repository.entry(f"{name}:latest", semver=True).verdict.notes


def test_tags_are_listed_with_the_login_of_their_namespace(
    tmp_path: Path, repository: Repository
) -> None:
    ann = User("ann", "secret")
    with MockRegistry(users=[ann]).serve() as registry:
        put(registry, "team/app", "1.0.0", "1.0.1")
        login = base64.b64encode(b"ann:secret").decode()
        repository.env = {
            "HOME": str(tmp_path),
            "DOCKER_AUTH_CONFIG": json.dumps({"auths": {f"{registry.host}/team": {"auth": login}}}),
        }
        report = repository.look(f"{registry.host}/team/app:1.0.0", semver=True)
    assert report.failures == ()
    [entry] = report.entries
    assert entry.in_files is not None
    assert entry.in_files.newer == Newer("1.0.1")


def test_pulls_that_may_be_spent_decide_in_the_order_of_the_files(repository: Repository) -> None:
    with MockRegistry(hub=40).serve() as hub:
        names = []
        for n in range(4):
            ours = hub.put(f"team/app{n}", seed.image("linux/amd64", layers=(f"old{n}",)), "1")
            new = [seed.image(each, layers=(f"{n}",)) for each in ("linux/amd64", "linux/arm64")]
            hub.put(f"team/app{n}", seed.index(new), "1")
            names.append(f"{hub.host}/team/app{n}:1@{ours}")
        assert hub.core.hub is not None
        hub.core.hub.spend("127.0.0.1", hub.core.hub.remaining("127.0.0.1") - 7)
        repository.hosts = {hub.host: HostSettings(keep_pulls=5)}
        # Who comes first in the files is the last to be answered.
        hub.faults.add(Fault("/v2/team/app0/manifests", method="HEAD", delay=0.2, times=None))
        entries = repository.look(*names).entries
        assert hub.core.hub.remaining("127.0.0.1") == 5
    moved = [entry.in_files is not None and entry.in_files.moved for entry in entries]
    assert moved == [True, True, False, False]
    assert "cannot be read: kept back" in entries[2].verdict.notes[0]
