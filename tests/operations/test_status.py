"""`status` over real sockets: what it asks, what it remembers, and what cannot stop it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from desk import Desk, Heard, at, said
from engine import recording, replay
from wire import Reply, Seen, serve

from mock_registry import Fault, MockRegistry, User, seed
from regsync.errors import InvalidReference
from regsync.identity import variable
from regsync.oci.reference import Reference
from regsync.operations.verdict import Cause, Kind
from regsync.progress import Checked
from regsync.registry.retry import ATTEMPTS
from regsync.settings import HostSettings
from regsync.state.values import Known
from regsync.stores.base import Snapshot
from regsync.stores.endpoint import Endpoint
from regsync.stores.engine import EngineStore

BASE = ["base"]
V1 = seed.image("linux/amd64", layers=[*BASE, "one"])
V2 = seed.image("linux/amd64", layers=[*BASE, "two"])
V3 = seed.image("linux/amd64", layers=[*BASE, "three"])
ARM = seed.image("linux/arm64", layers=["arm"])


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def registry() -> Iterator[MockRegistry]:
    with MockRegistry().serve() as running:
        yield running


@pytest.fixture
def dead() -> str:
    """An address where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


class TestWhatItAsks:
    def test_fifty_current_references_over_three_registries(self, desk: Desk) -> None:
        images = {f"team/app{n}": seed.image("linux/amd64", layers=[f"{n}"]) for n in range(50)}
        with ExitStack() as stack:
            registries = [
                stack.enter_context(MockRegistry(auth="bearer", public="*").serve())
                for _ in range(3)
            ]
            for number, (name, image) in enumerate(images.items()):
                registry = registries[number % 3]
                registry.put(name, image, "1")
                desk.build({at(registry, f"{name}:1"): image})
            report = desk.status()
            logs = [registry.log for registry in registries]
            assert set(said(report).values()) == {"up_to_date/exact"}
            assert sum(log.manifest_heads for log in logs) == 50
            assert [log.pings for log in logs] == [1, 1, 1]
            assert [log.token_requests for log in logs] == [1, 1, 1]
            assert sum(log.manifest_gets + log.blob_gets for log in logs) == 0
            assert report.requests == {
                "head": 50,
                "get": 0,
                "token": 3,
                "ping": 3,
                "counted_pulls": 0,
            }

    def test_the_second_status_asks_one_head_a_reference(
        self, desk: Desk, registry: MockRegistry
    ) -> None:
        registry.put("app", seed.index([V1, ARM]), "moved", "same", "gone")
        desk.pull(*(at(registry, f"app:{tag}") for tag in ("moved", "same", "gone")))
        registry.put("app", seed.index([V2, ARM]), "moved")
        registry.put("app", seed.index([V1, seed.image("linux/arm64", layers=["new"])]), "same")
        desk.build({at(registry, "app:ahead"): V3})
        first = desk.verdicts()
        assert first == {
            at(registry, "app:moved"): "outdated/moved",
            at(registry, "app:same"): "up_to_date/index_changed",
            at(registry, "app:gone"): "up_to_date/exact",
            at(registry, "app:ahead"): "unpushed/never_seen",
        }
        registry.log.clear()
        assert desk.verdicts(*(name for name in first if "ahead" not in name)) == {
            name: verdict for name, verdict in first.items() if "ahead" not in name
        }
        assert (registry.log.manifest_heads, registry.log.manifest_gets) == (3, 0)
        assert len(registry.log) == 3  # the registry need not greet us again

    def test_what_no_registry_can_hold_is_asked_nowhere(
        self, desk: Desk, registry: MockRegistry
    ) -> None:
        desk.hosts = {"docker.io": HostSettings(endpoint=registry.url)}
        desk.build({at(registry, "app:1"): V1})
        index = desk.folder / "images" / "index.json"
        index.write_text(index.read_text().replace("io.containerd.image.name", "a.b"))
        assert desk.verdicts() == {"<none>": "local_only/untagged"}
        assert len(registry.log) == 0

    @pytest.mark.parametrize("names", [(), ("goals",)])
    def test_a_base_that_no_registry_can_hold_is_asked_nowhere(
        self, desk: Desk, registry: MockRegistry, names: tuple[str, ...]
    ) -> None:
        desk.hosts = {"docker.io": HostSettings(endpoint=registry.url)}
        desk.build({"mybase": seed.image("linux/amd64", layers=BASE), "goals": V1})

        class Remembering:
            """The layout's images, as a store tells of them that knows they came from nowhere."""

            async def snapshot(self) -> Snapshot:
                held = await desk.store.snapshot()
                images = tuple(replace(image, remembers=True) for image in held.images)
                return replace(held, images=images)

        report = desk.status(*names, store=Remembering())
        assert set(said(report).values()) == {"local_only/no_registry"}
        assert len(registry.log) == 0

    def test_docker_hub_hides_what_is_not_there(self, desk: Desk) -> None:
        with MockRegistry(hub=100).serve() as hub:
            desk.hosts = {"docker.io": HostSettings(endpoint=hub.url)}
            hub.put("library/node", V1, "latest")
            desk.pull("node")
            desk.build({"goals": V2, "team/private": V3})
            hub.log.clear()
            report = desk.status()
            assert said(report) == {
                "node:latest": "up_to_date/exact",
                "goals:latest": "local_only/not_found_or_private",
                "team/private:latest": "local_only/not_found_or_private",
            }
            [limit] = report.rate_limits
            assert (limit.registry, limit.limit, limit.remaining) == ("docker.io", 100, 99)
            assert hub.log.counted_gets == 0


class TestMemory:
    def test_a_week_of_one_tag(self, desk: Desk, registry: MockRegistry) -> None:
        name = at(registry, "team/app:1")
        registry.put("team/app", V1, "1")
        desk.pull(name)
        assert desk.verdicts(name) == {name: "up_to_date/exact"}
        registry.put("team/app", V2, "1")
        assert desk.verdicts(name) == {name: "outdated/moved"}
        desk.pull(name)
        registry.put("team/app", V1, "1")
        assert desk.verdicts(name) == {name: "outdated/rolled_back"}
        registry.put("team/app", V2, "1")
        desk.build({name: V3})
        assert desk.verdicts(name) == {name: "ahead"}
        registry.put("team/app", V1, "1")
        assert desk.verdicts(name) == {name: "diverged"}
        registry.storage.untag("team/app", "1")
        assert desk.verdicts(name) == {name: "gone/tag"}

    @pytest.mark.parametrize("days", [1, -1], ids=["ahead", "behind"])
    def test_a_clock_that_was_wrong_makes_no_rollback(
        self, desk: Desk, registry: MockRegistry, days: int
    ) -> None:
        name = at(registry, "team/app:1")
        registry.put("team/app", V1, "1")
        desk.clock.elapsed = (9 + days) * 86_400
        desk.pull(name)
        desk.clock.elapsed = 9 * 86_400
        registry.put("team/app", V2, "1")
        assert desk.verdicts() == {name: "outdated/moved"}
        assert desk.verdicts() == {name: "outdated/moved"}

    def test_nonsense_in_it_says_nothing(self, desk: Desk, registry: MockRegistry) -> None:
        name = at(registry, "team/app:1")
        first = registry.put("team/app", V1, "1")
        desk.pull(name)
        second = registry.put("team/app", V2, "1")
        desk.pull(name)
        key, now = desk.store.info.key, desk.clock.now()
        with desk.memory as memory:
            good = memory.last_sync(key, str(Reference.parse(name)))
            assert good is not None
            lost = replace(good, image_id=first, digest=first)
            nonsense = [
                replace(lost, reference="team/App"),
                replace(lost, digest="sha256:odd", reference="r.example/a:1"),
            ]
            known = Known(key, good.reference, second, "splendid", None, False, now, False)
            memory.keep(syncs=nonsense, verdicts=[known])
        report = desk.status(offline=True)
        assert said(report) == {name: "unknown/offline", "<none>": "local_only/untagged"}
        [asked, untagged] = sorted(report.entries, key=lambda entry: entry.name is None)
        assert asked.verdict.last_known is None
        assert untagged.verdict.notes == (f"was {registry.host}/team/app@{first}",)

    def test_deleted_after_it_was_seen_in_step(self, desk: Desk, registry: MockRegistry) -> None:
        name = at(registry, "team/app:1")
        digest = registry.put("team/app", V1, "1")
        desk.build({name: V1})
        assert desk.verdicts() == {name: "up_to_date/exact"}
        registry.storage.remove_manifest("team/app", digest)
        assert desk.verdicts() == {name: "gone/tag"}

    def test_a_retag(self, desk: Desk, registry: MockRegistry) -> None:
        registry.put("team/app", V1, "1.4")
        registry.put("team/app", V2, "latest")
        desk.pull(at(registry, "team/app:1.4"))
        desk.tag(at(registry, "team/app:1.4"), at(registry, "team/app:latest"))
        desk.tag(at(registry, "team/app:1.4"), at(registry, "team/app:mine"))
        assert desk.verdicts() == {
            at(registry, "team/app:1.4"): "up_to_date/exact",
            at(registry, "team/app:latest"): "unrelated/retagged",
            at(registry, "team/app:mine"): "unpushed/new_tag",
        }
        # Every tag decides about the others, and is asked for once all the same.
        assert registry.log.count("HEAD", "manifest", path="/(1.4|latest|mine)$") == 1 + 3

    def test_an_older_image_that_is_back_under_its_name(
        self, desk: Desk, registry: MockRegistry
    ) -> None:
        name = at(registry, "app:1")
        for image in (V1, V2):
            registry.put("app", image, "1")
            desk.pull(name)
            desk.status()
        desk.build({name: V1})
        assert desk.verdicts(name) == {name: "outdated/moved"}

    def test_another_platform_teaches_nothing(self, desk: Desk, registry: MockRegistry) -> None:
        name = at(registry, "app:1")
        registry.put("app", seed.index([V1, ARM]), "1")
        desk.pull(name)
        registry.put("app", seed.index([V2, ARM]), "1")
        desk.status(platform="linux/arm64")
        [entry] = desk.status(offline=True).entries
        assert entry.verdict.last_known is None
        desk.build({name: V3})
        assert desk.verdicts(name) == {name: "diverged"}

    def test_asked_alone_it_is_what_it_is_among_all(
        self, desk: Desk, registry: MockRegistry
    ) -> None:
        base, mine = at(registry, "base:1"), at(registry, "app:1")
        registry.put("base", seed.image("linux/amd64", layers=["other"]), "1")
        desk.build({base: seed.image("linux/amd64", layers=BASE), mine: V1})
        assert desk.verdicts()[mine] == desk.verdicts(mine)[mine] == "unpushed/new_repository"

    def test_bases_share_one_token(self, desk: Desk) -> None:
        with MockRegistry(auth="bearer", public="*").serve() as registry:
            images = {}
            for number in range(5):
                base = seed.image("linux/amd64", layers=[f"base {number}"])
                labels = {
                    "org.opencontainers.image.base.name": at(registry, f"base{number}:1"),
                    "org.opencontainers.image.base.digest": registry.put(
                        f"base{number}", base, "1"
                    ),
                }
                layers = [f"base {number}", "app"]
                images[at(registry, f"app{number}:1")] = seed.image(
                    "linux/amd64", layers=layers, labels=labels
                )
            desk.build(images)
            desk.status()
            registry.log.clear()
            report = desk.status()
            assert set(said(report).values()) == {"unpushed/new_repository"}
            assert registry.log.token_requests == 2

    def test_built_on_a_base_that_was_pulled_anew_since(
        self, desk: Desk, registry: MockRegistry
    ) -> None:
        base, mine = at(registry, "node:22"), at(registry, "team/goals:1")
        registry.put("node", seed.image("linux/amd64", layers=BASE), "22")
        desk.pull(base)
        desk.build({mine: V1})
        assert desk.verdicts(mine) == {mine: "unpushed/new_repository"}
        registry.put("node", seed.image("linux/amd64", layers=["newer"]), "22")
        assert desk.verdicts()[mine] == "rebuild/unpushed"
        desk.pull(base)
        report = desk.status()
        assert said(report)[mine] == "rebuild/unpushed"
        [entry] = [entry for entry in report.entries if entry.name == mine]
        assert entry.verdict.changed == f"base {base} has moved on"
        registry.put("team/goals", V1, "1")
        assert desk.verdicts()[mine] == "rebuild/up_to_date"


class TestFailures:
    def test_one_registry_that_fails_stops_no_other(
        self, desk: Desk, registry: MockRegistry, dead: str
    ) -> None:
        registry.put("app", V1, "1")
        names = [f"{dead}/app{number}:1" for number in range(20)]
        desk.build(dict.fromkeys([*names, at(registry, "app:1")], V1))
        report = desk.status()
        kinds = said(report)
        assert kinds.pop(at(registry, "app:1")) == "up_to_date/exact"
        assert set(kinds.values()) == {"unknown/unreachable"}
        assert report.exit_code(ask_stale=True) == 3
        # Found out once: twenty references do not knock at a dead door twenty times.
        assert report.requests["ping"] <= 2
        assert report.requests["head"] == 1

    def test_a_registry_that_is_down_is_found_out_once(
        self, desk: Desk, registry: MockRegistry
    ) -> None:
        registry.faults.add(Fault("^/v2/$", status=500, times=None))
        desk.build(dict.fromkeys((at(registry, f"app{n}:1") for n in range(20)), V1))
        assert set(desk.verdicts().values()) == {"unknown/server_error"}
        assert len(registry.log) == ATTEMPTS

    def test_who_is_logged_in_and_refused_is_not_told_that_it_is_missing(self, desk: Desk) -> None:
        user = User("me", "secret", pull="mine/*")
        with MockRegistry(users=[user]).serve() as registry:
            name = at(registry, "other/app:1")
            registry.put("other/app", V1, "1")
            desk.build({name: V2})
            assert desk.verdicts() == {name: "local_only/not_found_or_private"}
            desk.env = {
                variable(registry.host, "USERNAME"): "me",
                variable(registry.host, "PASSWORD"): "secret",
            }
            assert desk.verdicts() == {name: "unknown/unauthorized"}

    def test_what_was_last_known_is_told(self, desk: Desk) -> None:
        with MockRegistry().serve() as registry:
            name = at(registry, "app:1")
            registry.put("app", V1, "1")
            desk.pull(name)
            desk.status()
        [entry] = desk.status().entries
        assert entry.verdict.cause is Cause.UNREACHABLE
        assert entry.verdict.last_known is not None
        assert entry.verdict.last_known.kind is Kind.UP_TO_DATE
        assert entry.checked_at is None
        # And is not forgotten for being asked in vain.
        [again] = desk.status().entries
        assert again.verdict.last_known == entry.verdict.last_known

    def test_what_was_said_of_another_image_is_not(self, desk: Desk) -> None:
        with MockRegistry().serve() as registry:
            name = at(registry, "app:1")
            registry.put("app", V1, "1")
            desk.pull(name)
            desk.status()
        desk.build({name: V2})
        [entry] = desk.status(name).entries
        assert entry.verdict.last_known is None

    @pytest.mark.parametrize("known", [True, False])
    def test_offline(self, desk: Desk, registry: MockRegistry, known: bool) -> None:
        registry.put("app", V1, "1")
        desk.build({at(registry, "app:1"): V1})
        if known:
            desk.status()
        registry.log.clear()
        report = desk.status(offline=True)
        [entry] = report.entries
        assert entry.verdict.cause is Cause.OFFLINE
        assert (entry.verdict.last_known is not None) is known
        assert len(registry.log) == 0
        assert set(report.requests.values()) <= {0}

    @pytest.mark.parametrize(
        ("fault", "cause"),
        [
            (Fault("manifests", status=500, times=None), Cause.SERVER_ERROR),
            (Fault("manifests", html=True, times=None), Cause.NOT_A_REGISTRY),
            (Fault("manifests", status=401, times=None), Cause.UNAUTHORIZED),
            (Fault("manifests", method="GET", corrupt=True, times=None), Cause.UNVERIFIED),
        ],
    )
    def test_causes(self, desk: Desk, registry: MockRegistry, fault: Fault, cause: Cause) -> None:
        name = at(registry, "app:1")
        registry.put("app", V1, "1")
        desk.pull(name)
        registry.put("app", V2, "1")
        registry.faults.add(fault)
        [entry] = desk.status().entries
        assert entry.verdict.cause is cause

    def test_the_platform_is_not_offered(self, desk: Desk, registry: MockRegistry) -> None:
        name = at(registry, "app:1")
        desk.build({name: V1})
        registry.put("app", seed.index([ARM]), "1")
        [entry] = desk.status().entries
        assert entry.verdict.cause is Cause.PLATFORM_MISSING
        assert "linux/arm64" in str(entry.verdict.error)


class TestOneRegistryEndsNoOther:
    """What a registry sends may be absurd; the others are judged all the same."""

    def test_a_name_that_leads_nowhere(self, desk: Desk, registry: MockRegistry) -> None:
        registry.put("app", V1, "1")
        desk.build({at(registry, "app:1"): V1, "127.0.0.1:99999/app:1": V1})
        assert desk.verdicts() == {
            at(registry, "app:1"): "up_to_date/exact",
            "127.0.0.1:99999/app:1": "unknown/server_error",
        }

    def judged(self, desk: Desk, answer: Callable[[Seen], Reply]) -> dict[str, str]:
        with serve(answer) as absurd, MockRegistry().serve() as good:
            good.put("app", V1, "1")
            names = [f"{absurd.host}/app{'n' * 100}{number}:1" for number in range(5)]
            desk.build({at(good, "app:1"): V1} | dict.fromkeys(names, V1))
            found = desk.verdicts()
            assert found.pop(at(good, "app:1")) == "up_to_date/exact"
            return found

    def test_a_token_for_longer_than_a_float_can_tell(self, desk: Desk) -> None:
        life = "1" + "0" * 400

        def answer(seen: Seen) -> Reply:
            if seen.path.startswith("/token"):
                return 200, {}, f'{{"token": "t", "expires_in": {life}}}'.encode()
            if seen.authorization:
                return 404, {}, b""
            return 401, {"WWW-Authenticate": 'Bearer realm="/token"'}, b""

        assert set(self.judged(desk, answer).values()) == {"unpushed/new_repository"}

    def test_a_realm_that_is_too_long_with_its_scopes(self, desk: Desk) -> None:
        challenge = f'Bearer realm="/token?{"x" * 16200}"'

        def answer(seen: Seen) -> Reply:
            return 401, {"WWW-Authenticate": challenge}, b""

        assert set(self.judged(desk, answer).values()) == {"unknown/server_error"}

    def test_a_redirect_that_is_too_long_once_it_is_encoded(self, desk: Desk) -> None:
        def answer(seen: Seen) -> Reply:
            if seen.path.startswith("/v2/app"):
                return 307, {"Location": "/x/" + "\xe9" * 9000}, b""
            return 404, {}, b""

        self.judged(desk, answer)


def test_a_router_whose_registry_is_away_makes_nothing_gone(desk: Desk) -> None:
    away = False
    with MockRegistry().serve() as registry:
        registry.put("app", V1, "1")

        def answer(seen: Seen) -> Reply:
            if away:
                return 404, {"Content-Type": "text/plain; charset=utf-8"}, b"404 page not found\n"
            got = httpx.request(seen.method, f"{registry.url}{seen.path}")
            names = ("Content-Type", "Docker-Content-Digest")
            told = {name: got.headers[name] for name in names if name in got.headers}
            return got.status_code, told, got.content

        with serve(answer) as router:
            name = f"{router.host}/app:1"
            desk.pull(name)
            assert desk.verdicts()[name] == "up_to_date/exact"
            away = True
            assert desk.verdicts()[name] == "unknown/not_a_registry"


def test_credentials_that_were_held_back_are_no_missing_login(desk: Desk) -> None:
    def answer(seen: Seen) -> Reply:
        return 401, {"WWW-Authenticate": 'Basic realm="x"'}, b""

    with serve(answer) as mirror:
        desk.hosts = {"r.example.com": HostSettings(endpoint=f"http://{mirror.host}")}
        words = {"USERNAME": "ann", "PASSWORD": "secret"}
        desk.env = {variable("r.example.com", field): text for field, text in words.items()}
        desk.build({"r.example.com/team/app:1": V1})
        assert desk.verdicts() == {"r.example.com/team/app:1": "unknown/unauthorized"}
        assert [one.authorization for one in mirror.seen if one.authorization] == []


class TestNamed:
    def test_what_is_not_here(self, desk: Desk, registry: MockRegistry) -> None:
        digest = registry.put("app", V1, "1")
        desk.build({at(registry, "other:1"): V2})
        there, missing = desk.status(at(registry, "app:1"), at(registry, "app:2")).entries
        assert (there.verdict.kind, str(there.verdict.remote_digest)) == (Kind.NOT_LOCAL, digest)
        assert missing.verdict.kind is Kind.NOT_LOCAL
        assert missing.verdict.notes == ("not at the registry either",)

    def test_what_is_no_reference(self, desk: Desk, registry: MockRegistry) -> None:
        desk.build({at(registry, "other:1"): V2})
        with pytest.raises(InvalidReference):
            desk.status("a//b")

    def test_progress_is_told(self, desk: Desk, registry: MockRegistry) -> None:
        desk.build({at(registry, f"app:{number}"): V1 for number in range(3)})
        heard = Heard()
        desk.status(listen=heard)
        assert [
            (event.done, event.total) for event in heard.events if isinstance(event, Checked)
        ] == [(1, 3), (2, 3), (3, 3)]


class TestContainers:
    """Recorded images, and containers that were started on them or before them."""

    def used(self, desk: Desk, *containers: dict[str, object]) -> dict[str, list[tuple[str, bool]]]:
        with replay("d28c", "stale_after_pull", containers) as url:
            found = desk.status(store=EngineStore(Endpoint.parse(url)))
        return {
            entry.name or "<none>": [(use.name, use.stale) for use in entry.containers]
            for entry in found.entries
        }

    def test_who_runs_what_its_name_means_and_who_does_not(self, desk: Desk) -> None:
        [name, *ids] = recording("d28c", "stale_after_pull")["inspect"]
        new = recording("d28c", "stale_after_pull")["inspect"][name]["Id"]
        [old] = [one for one in ids if one != new]

        def container(title: str, image: str, state: str = "running") -> dict[str, object]:
            return {
                "Id": title,
                "Names": [f"/{title}"],
                "Image": name,
                "ImageID": image,
                "State": state,
            }

        used = self.used(
            desk,
            container("current", new),
            container("behind", old),
            container("stopped", old, "exited"),
        )
        assert used[name] == [("current", False), ("behind", True)]
