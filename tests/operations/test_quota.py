"""`--keep-pulls`: what is spent, on whom, and what a registry with a limit sees of it."""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk import Desk, at, said
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_registry import Fault, MockRegistry, User, seed
from regsync.errors import KeptBack
from regsync.oci.platform import Platform
from regsync.operations.advice import next_step
from regsync.operations.quota import order
from regsync.operations.rows import Row
from regsync.operations.verdict import Cause, Kind
from regsync.settings import HostSettings
from regsync.stores.base import Container, LocalImage

OURS = "127.0.0.1"
LIMIT = 40


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture(scope="module")
def hub() -> Iterator[MockRegistry]:
    with MockRegistry(hub=LIMIT).serve() as running:
        yield running


def leave(hub: MockRegistry, pulls: int) -> None:
    """Have others spend all but so many pulls."""
    assert hub.core.hub is not None
    hub.core.hub.spend(OURS, hub.core.hub.remaining(OURS) - pulls)


def left(hub: MockRegistry) -> int:
    assert hub.core.hub is not None
    return hub.core.hub.remaining(OURS)


def moved(desk: Desk, hub: MockRegistry, count: int, *, indexes: int = 0) -> list[str]:
    """Names that have moved on, the first of them to an index; each costs one pull, or two."""
    names = [at(hub, f"team/app{n:02}:1") for n in range(count)]
    desk.build({name: seed.image("linux/amd64", layers=[name, "old"]) for name in names})
    for n in range(count):
        image = seed.image("linux/amd64", layers=[names[n], "new"])
        arm = seed.image("linux/arm64", layers=[names[n], "new"])
        hub.put(f"team/app{n:02}", seed.index([image, arm]) if n < indexes else image, "1")
    return names


def keeping(desk: Desk, hub: MockRegistry, pulls: int) -> None:
    desk.hosts = {hub.host: HostSettings(keep_pulls=pulls)}


def test_what_can_be_spent_is_spent_in_order(desk: Desk, hub: MockRegistry) -> None:
    names = moved(desk, hub, 5)
    keeping(desk, hub, 5)
    leave(hub, 8)
    hub.log.clear()
    report = desk.status()
    verdicts = {entry.name: entry.verdict for entry in report.entries}
    kinds = [verdicts[name].kind for name in names]
    assert kinds == [Kind.UNRELATED] * 3 + [Kind.UNKNOWN] * 2
    assert left(hub) == 5
    last = verdicts[names[-1]]
    assert last.cause is Cause.RATE_LIMITED
    assert isinstance(last.error, KeptBack)
    assert last.error.why == (f"kept back: 5 of {LIMIT} pulls left at {hub.host}, --keep-pulls 5")
    assert report.requests["counted_pulls"] == 3
    # Every tag by HEAD before any manifest is fetched.
    asked = [record.method for record in hub.log if record.kind == "manifest"]
    assert asked[:5] == ["HEAD"] * 5
    assert asked.count("GET") == 3
    assert report.exit_code(ask_stale=True) == 3

    # What was fetched is known for ever: the next run goes on where this one stopped.
    leave(hub, 7)
    verdicts = {entry.name: entry.verdict for entry in desk.status().entries}
    assert [verdicts[name].kind for name in names] == [Kind.UNRELATED] * 5


def test_one_after_the_other_gets_all_it_needs(desk: Desk, hub: MockRegistry) -> None:
    names = moved(desk, hub, 3, indexes=3)
    keeping(desk, hub, 1)
    leave(hub, 4)
    verdicts = said(desk.status())
    assert [verdicts[name] for name in names] == [
        "unrelated",
        "unknown/rate_limited",
        "unknown/rate_limited",
    ]
    assert left(hub) == 1


def test_nothing_to_spend_and_last_known(desk: Desk, hub: MockRegistry) -> None:
    [name] = moved(desk, hub, 1)
    leave(hub, 10)
    desk.status()
    hub.put("team/app00", seed.image("linux/amd64", layers=["newer"]), "1")
    keeping(desk, hub, 10)
    leave(hub, 3)
    [entry] = desk.status(name).entries
    assert entry.verdict.cause is Cause.RATE_LIMITED
    assert entry.verdict.last_known is not None
    assert entry.verdict.last_known.kind is Kind.UNRELATED
    assert left(hub) == 3


def test_an_exhausted_registry_is_asked_for_no_manifest(desk: Desk, hub: MockRegistry) -> None:
    names = moved(desk, hub, 5)
    leave(hub, 0)
    hub.log.clear()
    report = desk.status()
    assert said(report) == dict.fromkeys(names, "unknown/rate_limited")
    asked = [record.method for record in hub.log if record.kind == "manifest"]
    assert asked == ["HEAD"] * 5
    for entry in report.entries:
        assert entry.verdict.error is not None
        assert entry.verdict.error.why == f"no pulls left at {hub.host} (0 of {LIMIT})"
        assert next_step(entry) == "the pull limit of this address is used up: wait, or log in"


def test_without_a_limit_there_is_nothing_to_keep(desk: Desk) -> None:
    with MockRegistry().serve() as registry:
        names = moved(desk, registry, 3, indexes=3)
        keeping(desk, registry, 1000)
        assert said(desk.status()) == dict.fromkeys(names, "unrelated")


def test_each_registry_has_its_own(desk: Desk, hub: MockRegistry) -> None:
    with MockRegistry(hub=LIMIT).serve() as other:
        ours, theirs = moved(desk, hub, 1), moved(desk, other, 1)
        desk.hosts = {
            hub.host: HostSettings(keep_pulls=5),
            other.host: HostSettings(keep_pulls=LIMIT),
        }
        leave(hub, 6)
        verdicts = said(desk.status())
        assert verdicts[ours[0]] == "unrelated"
        assert verdicts[theirs[0]] == "unknown/rate_limited"
        assert (left(hub), left(other)) == (5, LIMIT)


def test_two_logins_of_one_account_spend_the_same_pulls(desk: Desk) -> None:
    """Keys by namespace make two clients of one host, of which neither sees the other's pulls."""
    with MockRegistry(hub=LIMIT, users=[User("ann", "secret")]).serve() as hub:
        names = [at(hub, f"{team}/app:1") for team in ("one", "two")]
        for team, name in zip(("one", "two"), names, strict=True):
            desk.build({name: seed.image("linux/amd64", layers=[team, "old"])})
            hub.put(f"{team}/app", seed.image("linux/amd64", layers=[team, "new"]), "1")
        login = {"auth": base64.b64encode(b"ann:secret").decode()}
        auths = {at(hub, team): login for team in ("one", "two")}
        desk.env = {"DOCKER_AUTH_CONFIG": json.dumps({"auths": auths})}
        keeping(desk, hub, LIMIT - 1)
        report = desk.status()
        assert hub.core.hub is not None
        assert hub.core.hub.remaining("ann") == LIMIT - 1
        assert sorted(said(report).values()) == ["unknown/rate_limited", "unrelated"]


def test_two_logins_and_no_head_to_tell_a_limit(desk: Desk) -> None:
    """One pull goes ahead of all that are spent from the same budget, whoever asks."""
    with MockRegistry(hub=LIMIT, users=[User("ann", "secret")]).serve() as hub:
        names = [at(hub, f"{team}/app:1") for team in ("one", "two")]
        desk.build({name: seed.image("linux/amd64", layers=[name, "old"]) for name in names})
        for team in ("one", "two"):
            hub.put(f"{team}/app", seed.image("linux/amd64", layers=[team, "new"]), "1")
        login = {"auth": base64.b64encode(b"ann:secret").decode()}
        auths = {at(hub, team): login for team in ("one", "two")}
        desk.env = {"DOCKER_AUTH_CONFIG": json.dumps({"auths": auths})}
        keeping(desk, hub, LIMIT - 1)
        hub.faults.add(Fault("/manifests/1", method="HEAD", status=405, times=None))
        # The first is still on its way when the second would be sent.
        hub.faults.add(Fault("/manifests/1", method="GET", delay=0.2, times=None))
        report = desk.status()
        assert hub.core.hub is not None
        assert hub.core.hub.remaining("ann") == LIMIT - 1
    assert report.requests["counted_pulls"] == 1


def test_a_registry_that_knows_no_head(desk: Desk, hub: MockRegistry) -> None:
    """Its manifests are fetched in place of HEAD, and that is kept within bounds as well."""
    moved(desk, hub, 4)
    keeping(desk, hub, 5)
    leave(hub, 6)
    hub.faults.add(Fault("/manifests/1", method="HEAD", status=405, times=None))
    try:
        report = desk.status()
    finally:
        hub.faults.clear()
    assert {entry.verdict.cause for entry in report.entries} == {Cause.RATE_LIMITED}
    assert report.requests["counted_pulls"] == 1
    assert left(hub) == 5


@settings(max_examples=25)
@given(
    pulls=st.integers(0, LIMIT),
    keep=st.integers(1, LIMIT),
    count=st.integers(1, 6),
    indexes=st.integers(0, 6),
    broken=st.integers(0, 2),
)
def test_the_last_pulls_are_never_spent(
    hub: MockRegistry, pulls: int, keep: int, count: int, indexes: int, broken: int
) -> None:
    """Whatever there is to ask, and though answers break off after they were counted."""
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        moved(desk, hub, count, indexes=indexes)
        keeping(desk, hub, keep)
        leave(hub, pulls)
        if broken:
            hub.faults.add(Fault("/manifests/sha256", method="GET", cut=10, times=broken))
        try:
            report = desk.status()
        finally:
            hub.faults.clear()
    assert left(hub) >= min(pulls, keep)
    undecided = [one for one in report.entries if one.verdict.kind is Kind.UNKNOWN]
    if not broken and pulls - keep >= count + min(indexes, count):
        assert not undecided
    for entry in undecided:
        assert entry.verdict.cause is Cause.RATE_LIMITED


def test_what_runs_comes_first() -> None:
    def row(id: str) -> Row:
        return Row(None, id, LocalImage(id, (), Platform("linux", "amd64")))

    planned = [row("a"), row("b"), row("c")]
    containers = [
        Container("1", "web", "c", "c", True),
        Container("2", "old", "b", "b", False),
    ]
    assert [one.name for one in order(planned, containers)] == ["c", "a", "b"]
