"""`rebuild` over real sockets: the base, since when it has moved, and where it stands."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from desk import Desk, at, said
from dockerd import Dockerd, compose

from mock_registry import MockRegistry, seed
from regsync.oci.digest import Digest
from regsync.operations.rebuilds import dated
from regsync.operations.report import Entry, MovedBase, StatusReport
from regsync.operations.status import status
from regsync.settings import HostSettings
from regsync.state.documents import Documents
from regsync.stores.base import Store

AMD64 = "linux/amd64"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
EARLIER = NOW - timedelta(days=3)
BASE = seed.image(AMD64, layers=["base"])
MOVED = seed.image(AMD64, layers=["newer"], created="2025-05-05T05:05:05Z")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def registry() -> Iterator[MockRegistry]:
    with MockRegistry().serve() as running:
        yield running


@pytest.mark.parametrize(
    ("first_seen", "before", "created", "expected"),
    [
        (EARLIER, ["old"], NOW - timedelta(days=9), (EARLIER, "first_seen")),
        (None, ["old"], EARLIER, (NOW, "first_seen")),
        # A clock that was ahead.
        (NOW + timedelta(days=1), ["old"], None, (NOW, "first_seen")),
        # Whoever looks for the first time sees nothing move.
        (EARLIER, [], NOW - timedelta(days=9), (NOW - timedelta(days=9), "created")),
        (None, [], EARLIER, (EARLIER, "created")),
        (None, [], datetime(1970, 1, 1, tzinfo=UTC), (None, None)),
        (None, [], datetime(1980, 1, 1, 0, 0, 1, tzinfo=UTC), (None, None)),
        (None, [], NOW + timedelta(seconds=1), (None, None)),
        (EARLIER, [], None, (None, None)),
        (None, [], None, (None, None)),
    ],
)
def test_since_when(
    first_seen: datetime | None,
    before: list[str],
    created: datetime | None,
    expected: tuple[datetime | None, str | None],
) -> None:
    assert dated(first_seen, before, created, NOW) == expected


def base_of(entries: tuple[Entry, ...], name: str) -> MovedBase:
    [entry] = [entry for entry in entries if entry.name == name]
    assert entry.verdict.kind == "rebuild"
    assert entry.base is not None
    return entry.base


def labelled(base: str, digest: str, **more: str) -> seed.Image:
    """An image as a build makes it whose base was never here: no layer of it is known."""
    labels = {
        "org.opencontainers.image.base.name": base,
        "org.opencontainers.image.base.digest": digest,
        **{f"org.opencontainers.image.{name}": value for name, value in more.items()},
    }
    return seed.image(AMD64, layers=["base", "app"], labels=labels)


def test_a_base_that_was_never_here(desk: Desk, registry: MockRegistry) -> None:
    base, mine = at(registry, "node:22"), at(registry, "team/goals:1")
    held = registry.put("node", BASE, "22")
    docker = Dockerd()
    image = docker.hold(labelled(base, held, source="https://git.example.com/goals"), mine)
    docker.run("goals", mine, image, "exited", labels=compose("shop", "goals", "/srv/shop"))
    with docker.store() as store:
        assert said(desk.status(store=store)) == {mine: "unpushed/new_repository"}
        now = registry.put("node", MOVED, "22")
        moved = base_of(desk.status(store=store).entries, mine)
        registry.log.clear()
        again = desk.status(store=store)
    assert (str(moved.reference), str(moved.digest), str(moved.now)) == (base, held, now)
    assert (moved.source, moved.line) == ("labels", f"FROM {base}")
    assert (moved.folder, moved.url) == ("/srv/shop", "https://git.example.com/goals")
    # It was seen to hold the old one before, so the first sight of the new one tells.
    assert moved.dated_by == "first_seen"
    assert base_of(again.entries, mine) == moved
    assert again.requests["counted_pulls"] == 0


def test_a_base_that_had_moved_before_anybody_looked(desk: Desk, registry: MockRegistry) -> None:
    base, mine = at(registry, "node:22"), at(registry, "team/goals:1")
    held = registry.put("node", BASE, "22")
    registry.put("node", MOVED, "22")
    docker = Dockerd()
    docker.hold(labelled(base, held), mine)
    for _ in range(2):
        with docker.store() as store:
            moved = base_of(desk.status(store=store).entries, mine)
        assert (moved.moved_at, moved.dated_by) == (
            datetime(2025, 5, 5, 5, 5, 5, tzinfo=UTC),
            "created",
        )


def test_a_base_that_was_pulled_anew_keeps_its_layers(desk: Desk, registry: MockRegistry) -> None:
    """The classic store, no BuildKit, no labels: the old base is untagged now."""
    base, mine = at(registry, "node:22"), at(registry, "team/goals:1")
    held = registry.put("node", BASE, "22")
    docker = Dockerd()
    docker.pull(base, BASE)
    docker.hold(seed.image(AMD64, layers=["base", "app"]), mine)
    with docker.store() as store:
        desk.status(store=store)
        now = registry.put("node", MOVED, "22")
        docker.pull(base, MOVED)
        moved = base_of(desk.status(store=store).entries, mine)
    assert (str(moved.digest), str(moved.now), moved.source) == (held, now, "layers")


def test_a_base_that_was_pulled_anew_and_pruned_is_known_by_labels_alone(
    desk: Desk, registry: MockRegistry
) -> None:
    base = at(registry, "node:22")
    known, forgotten = at(registry, "team/known:1"), at(registry, "team/forgotten:1")
    held = registry.put("node", BASE, "22")
    registry.put("node", MOVED, "22")
    docker = Dockerd()
    docker.pull(base, MOVED)
    docker.hold(labelled(base, held), known)
    docker.hold(seed.image(AMD64, layers=["base", "other"]), forgotten)
    with docker.store() as store:
        report = desk.status(store=store)
    assert base_of(report.entries, known).source == "labels"
    assert said(report)[forgotten] == "unpushed/new_repository"


@pytest.mark.parametrize("alone", [True, False])
def test_through_an_image_that_was_built_here(
    desk: Desk, registry: MockRegistry, alone: bool
) -> None:
    base, middle, mine = (at(registry, name) for name in ("node:22", "team/base:1", "team/app:1"))
    registry.put("node", BASE, "22")
    docker = Dockerd()
    docker.pull(base, BASE)
    docker.hold(seed.image(AMD64, layers=["base", "tools"]), middle)
    docker.hold(seed.image(AMD64, layers=["base", "tools", "app"]), mine)
    with docker.store() as store:
        assert desk.status(store=store).summary == {"up_to_date": 1, "unpushed": 2}
        registry.put("node", MOVED, "22")
        report = desk.status(*([mine] if alone else []), store=store)
    moved = base_of(report.entries, mine)
    assert (str(moved.reference), str(moved.through)) == (base, middle)
    assert moved.line == f"FROM {middle}"
    if not alone:
        assert base_of(report.entries, middle).through is None


def test_a_label_leads_to_no_machine_that_the_user_never_named(
    tmp_path: Path, registry: MockRegistry
) -> None:
    with MockRegistry().serve() as theirs:
        base, mine = at(theirs, "node:22"), at(registry, "team/goals:1")
        held = theirs.put("node", BASE, "22")
        theirs.put("node", MOVED, "22")
        docker = Dockerd()
        docker.hold(labelled(base, held), mine)
        theirs.log.clear()
        with docker.store() as store:
            report = Desk(tmp_path / "one").status(store=store)
            assert said(report) == {mine: "unpushed/new_repository"}
            assert list(theirs.log) == []
            # Who configures it, knows it.
            desk = Desk(tmp_path / "two", hosts={theirs.host: HostSettings()})
            assert str(base_of(desk.status(store=store).entries, mine).reference) == base


class Broken(Documents):
    """A cache with a fault that nobody foresaw."""

    def get(self, digest: Digest) -> bytes | None:
        raise ZeroDivisionError("by nothing")


def test_a_fault_that_nobody_foresaw_stays_in_its_row(desk: Desk, registry: MockRegistry) -> None:
    base, mine, other = (at(registry, name) for name in ("node:22", "team/goals:1", "team/app:1"))
    held = registry.put("node", BASE, "22")
    registry.put("node", MOVED, "22")
    registry.put("team/app", BASE, "1")
    docker = Dockerd()
    docker.hold(labelled(base, held), mine)
    docker.pull(other, BASE)

    async def work(store: Store) -> StatusReport:
        async with desk.registries() as registries:
            with desk.memory as memory:
                return await status(store, registries, memory, Broken(None), clock=desk.clock)

    with docker.store() as store:
        report = asyncio.run(work(store))
    assert said(report) == {mine: "unpushed/new_repository", other: "up_to_date/exact"}
    [goals] = [entry for entry in report.entries if entry.name == mine]
    assert goals.verdict.notes == (
        "its base could not be looked at (ZeroDivisionError: by nothing)",
    )
