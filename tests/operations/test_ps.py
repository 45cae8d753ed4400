"""`ps`: each container, the verdict on its name, and what cures it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from desk import Desk, at
from dockerd import Dockerd, compose
from engine import ENGINES, recording, replay

from mock_registry import MockRegistry, seed
from regsync.operations.ps import PsReport, Use
from regsync.operations.verdict import Kind
from regsync.stores.endpoint import Endpoint
from regsync.stores.engine import EngineStore

AMD64 = "linux/amd64"
OLD, NEW, NEWEST = (seed.image(AMD64, layers=["base", word]) for word in ("old", "new", "newest"))
ARM = seed.image("linux/arm64", layers=["arm"])


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def registry() -> Iterator[MockRegistry]:
    with MockRegistry().serve() as running:
        yield running


@pytest.fixture
def docker() -> Dockerd:
    return Dockerd()


def ask(desk: Desk, docker: Dockerd, *, stopped: bool = False, offline: bool = False) -> PsReport:
    with docker.store() as store:
        return desk.ps(store, stopped=stopped, offline=offline)


def states(report: PsReport) -> dict[str, str]:
    return {use.container.name: use.state for use in report.uses}


class TestEachEngine:
    """The recordings have no containers; what is added lists them as each family does."""

    def containers(self, engine: str) -> tuple[str, list[dict[str, Any]]]:
        old = recording(engine, "stale_before_pull")["list"][0]
        [new] = [
            each
            for each in recording(engine, "stale_after_pull")["list"]
            if old["RepoTags"][0] in (each["RepoTags"] or ())
        ]
        name = old["RepoTags"][0]

        def run(title: str, image: dict[str, Any], started: str, state: str) -> dict[str, Any]:
            # Docker lists the ID of an image that lost the name; Podman lists the name.
            listed = started if engine.startswith("p") or image is new else image["Id"]
            return {
                "Id": title * 8,
                "Names": [f"/{title}"],
                "Image": listed,
                "ImageID": image["Id"],
                "State": state,
                "Config": {"Image": started},
            }

        return name, [
            run("current", new, name, "running"),
            run("behind", old, name, "paused"),
            run("byid", new, new["Id"][7:19], "restarting"),
            run("stopped", old, name, "exited"),
            run("created", new, name, "created"),
            run("lost", {"Id": f"sha256:{'f' * 64}"}, "team/lost:1", "running"),
        ]

    @pytest.mark.parametrize("engine", ENGINES)
    def test_who_runs_what_its_name_means(self, desk: Desk, engine: str) -> None:
        name, containers = self.containers(engine)
        with replay(engine, "stale_after_pull", containers) as url:
            store = EngineStore(Endpoint.parse(url))
            running = desk.ps(store, offline=True)
            every = desk.ps(store, offline=True, stopped=True)
        assert states(running) == {
            "current": "unknown",
            "behind": "recreate",
            "byid": "unknown",
            "lost": "not_local",
        }
        assert running.others == 2
        assert states(every) == states(running) | {"stopped": "recreate", "created": "unknown"}
        found = {use.container.name: use for use in every.uses}
        assert {found[each].entry.name for each in ("current", "behind", "byid")} == {name}
        assert [use.container.name for use in every.uses if use.by_id] == ["byid"]
        assert running.requests["head"] == every.requests["head"] == 0


class TestStates:
    def test_current_recreate_and_pull(
        self, desk: Desk, docker: Dockerd, registry: MockRegistry
    ) -> None:
        moved, rests, behind = (at(registry, f"team/{word}:1") for word in ("a", "b", "c"))
        registry.put("team/a", NEW, "1")
        registry.put("team/b", NEW, "1")
        registry.put("team/c", NEWEST, "1")
        docker.run("web", moved, docker.pull(moved, OLD), labels=compose("shop", "web"))
        docker.run("db", rests, docker.pull(rests, OLD))
        docker.run("db2", rests, docker.pull(rests, NEW))
        docker.run("job", behind, docker.pull(behind, OLD))
        docker.pull(behind, NEW)
        report = ask(desk, docker)
        assert states(report) == {
            "web": "pull_and_recreate",
            "db": "recreate",
            "db2": "current",
            # It runs an older image than its name means, and that one is outdated: both are cured
            # only by a pull.
            "job": "pull_and_recreate",
        }
        assert report.summary == {"current": 1, "recreate": 1, "pull_and_recreate": 2}
        [web] = [use for use in report.uses if use.container.name == "web"]
        assert (web.container.starter.project, web.container.starter.service) == ("shop", "web")
        assert report.exit_code(ask_stale=True) == 10
        assert report.exit_code(ask_stale=False) == 0

    def test_only_names_in_use_are_asked_each_once(
        self, desk: Desk, docker: Dockerd, registry: MockRegistry
    ) -> None:
        for number in range(5):
            registry.put(f"team/app{number}", NEW, "1")
            docker.pull(at(registry, f"team/app{number}:1"), NEW)
        name = at(registry, "team/app0:1")
        image = docker.means(name)
        assert image is not None
        for number in range(4):
            docker.run(f"c{number}", name, image)
        docker.run("stopped", at(registry, "team/app1:1"), image, "exited")
        report = ask(desk, docker)
        assert states(report) == dict.fromkeys(("c0", "c1", "c2", "c3"), "current")
        seen = [record.path for record in registry.log if record.kind == "manifest"]
        assert seen == ["/v2/team/app0/manifests/1"]
        assert report.requests["head"] == 1
        assert report.requests["counted_pulls"] == 0
        # An engine is asked once as well.
        assert docker.requests.count("/containers/json") == 1
        assert ask(desk, docker, stopped=True).requests["head"] == 2

    def test_without_containers_nothing_is_asked(
        self, desk: Desk, docker: Dockerd, registry: MockRegistry
    ) -> None:
        docker.pull(at(registry, "team/app:1"), OLD)
        report = ask(desk, docker)
        assert (report.uses, report.others) == ((), 0)
        assert len(registry.log) == 0
        assert report.exit_code(ask_stale=True) == 0

    def test_a_name_that_is_gone_here_is_not_asked_for(
        self, desk: Desk, docker: Dockerd, registry: MockRegistry
    ) -> None:
        registry.put("private", NEW, "1")
        docker.run("web", at(registry, "private:1"), docker.hold(OLD))
        report = ask(desk, docker)
        [use] = report.uses
        assert (use.state, use.stale, use.cure) == ("not_local", False, None)
        assert len(registry.log) == 0
        assert report.exit_code(ask_stale=True) == 0

    def test_by_digest(self, desk: Desk, docker: Dockerd, registry: MockRegistry) -> None:
        registry.put("team/app", OLD, "1")
        registry.put("team/app", NEW, "1")
        repository = at(registry, "team/app")
        image = docker.hold(OLD, came=[f"{repository}@{OLD.digest}"])
        docker.run("plain", f"{repository}@{OLD.digest}", image)
        docker.run("tagged", f"{repository}:1@{OLD.digest}", image)
        report = ask(desk, docker)
        assert states(report) == {"plain": "pinned", "tagged": "pinned"}
        assert report.exit_code(ask_stale=True) == 0

    def test_by_id_the_image_is_judged_by_a_name_that_it_has(
        self, desk: Desk, docker: Dockerd, registry: MockRegistry
    ) -> None:
        registry.put("team/app", NEW, "latest")
        registry.put("team/app", OLD, "1.0")
        latest, number = (at(registry, f"team/app:{tag}") for tag in ("latest", "1.0"))
        image = docker.pull(latest, OLD)
        docker.run("long", image, image)
        docker.run("short", image[7:19], image)
        report = ask(desk, docker)
        assert states(report) == dict.fromkeys(("long", "short"), "pull_and_recreate")
        assert {use.entry.name for use in report.uses} == {latest}
        assert not any(use.container.stale for use in report.uses)
        # Under another name it is what that tag holds.
        docker.hold(OLD, number)
        assert states(ask(desk, docker)) == dict.fromkeys(("long", "short"), "current")

    def test_by_id_without_any_name(self, desk: Desk, docker: Dockerd) -> None:
        image = docker.hold(OLD)
        docker.run("built", image, image)
        docker.run("nowhere", "sha256:" + "e" * 64, "sha256:" + "e" * 64)
        assert states(ask(desk, docker)) == {"built": "local_only", "nowhere": "not_local"}

    def test_names_that_no_registry_can_hold(self, desk: Desk) -> None:
        podman = Dockerd(podman=True)
        name = "localhost/mine:latest"
        podman.run("behind", name, podman.hold(OLD, name))
        podman.run("fits", name, podman.hold(NEW, name))
        report = ask(desk, podman)
        assert states(report) == {"behind": "recreate", "fits": "local_only"}
        assert sum(report.requests.values()) == 0
        with podman.store() as store:
            status = desk.status(store=store)
        [mine] = [entry for entry in status.entries if entry.name == name]
        assert [(use.name, use.stale) for use in mine.containers] == [
            ("behind", True),
            ("fits", False),
        ]

    def test_other_verdicts_are_told_as_they_are(
        self, desk: Desk, docker: Dockerd, registry: MockRegistry
    ) -> None:
        gone, mine = at(registry, "team/gone:1"), at(registry, "team/mine:1")
        registry.put("team/gone", OLD, "1")
        docker.run("a", gone, docker.pull(gone, OLD))
        docker.run("b", mine, docker.hold(NEW, mine))
        assert states(ask(desk, docker)) == {"a": "current", "b": "unpushed"}
        registry.storage.untag("team/gone", "1")
        report = ask(desk, docker)
        assert states(report) == {"a": "gone", "b": "unpushed"}
        assert report.exit_code(ask_stale=True) == 10

    def test_what_could_not_be_decided(
        self, desk: Desk, docker: Dockerd, registry: MockRegistry
    ) -> None:
        name = at(registry, "team/app:1")
        registry.put("team/app", OLD, "1")
        docker.run("web", name, docker.pull(name, OLD))
        assert states(ask(desk, docker)) == {"web": "current"}
        report = ask(desk, docker, offline=True)
        [use] = report.uses
        assert (use.state, use.stale) == ("unknown", None)
        assert use.entry.verdict.last_known is not None
        assert report.exit_code(ask_stale=True) == report.exit_code(ask_stale=False) == 3
        # What is known to be stale is stale, whatever else is unknown.
        docker.pull(name, NEW)
        report = ask(desk, docker, offline=True)
        assert states(report) == {"web": "recreate"}
        assert report.exit_code(ask_stale=True) == 10
        assert report.exit_code(ask_stale=False) == 3

    def test_built_on_a_base_that_moved(
        self, desk: Desk, docker: Dockerd, registry: MockRegistry
    ) -> None:
        base, mine = at(registry, "node:22"), at(registry, "team/goals:1")
        registry.put("node", seed.image(AMD64, layers=["base"]), "22")
        docker.pull(base, seed.image(AMD64, layers=["base"]))
        image = docker.hold(OLD, mine)
        docker.run("goals", mine, image, labels=compose("shop", "goals", "/srv/shop"))
        assert states(ask(desk, docker)) == {"goals": "unpushed"}
        registry.put("node", NEW, "22")
        report = ask(desk, docker)
        [use] = report.uses
        assert (use.state, use.stale, use.cure) == ("rebuild", True, None)
        assert use.entry.base is not None
        assert use.entry.base.folder == "/srv/shop"


def test_it_remembers_as_status_does(desk: Desk, docker: Dockerd, registry: MockRegistry) -> None:
    name = at(registry, "team/app:1")
    registry.put("team/app", OLD, "1")
    docker.run("web", name, docker.pull(name, OLD))
    ask(desk, docker)
    registry.put("team/app", NEW, "1")
    with docker.store() as store:
        [entry] = desk.status(store=store).entries
    assert (entry.verdict.kind, entry.verdict.reason) == (Kind.OUTDATED, "moved")


def test_each_verdict_is_listed_once(desk: Desk, docker: Dockerd) -> None:
    image = docker.hold(OLD, "mine:1")
    docker.run("a", "mine:1", image)
    docker.run("b", "mine", image)
    docker.run("c", "mine:1", image)
    report = ask(desk, docker)
    entries = [use.entry for use in report.uses]
    assert entries[0] is entries[2]
    assert len(report.entries) == 2
    assert isinstance(report.uses[0], Use)
