"""`--min-age`: what is held back, until when, and which dates are believed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from desk import Desk, at, said
from hypothesis import given
from hypothesis import strategies as st

from mock_registry import MockRegistry, seed
from regsync.oci.digest import Digest
from regsync.oci.reference import Reference
from regsync.operations.held import held_until, hold_back
from regsync.operations.oracle import Oracle
from regsync.operations.report import Entry
from regsync.operations.verdict import Kind, Verdict
from regsync.state.documents import Documents

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(days=1)
V1 = seed.image("linux/amd64", layers=["base", "one"])
V2 = seed.image("linux/amd64", layers=["base", "two"])


@pytest.mark.parametrize(
    ("first_seen", "created", "expected"),
    [
        (None, None, NOW + 3 * DAY),
        (NOW - DAY, None, NOW + 2 * DAY),
        (NOW - 3 * DAY, None, None),
        (NOW - 4 * DAY, None, None),
        # The config can only make it younger: builders write what they like.
        (NOW - DAY, NOW - 300 * DAY, NOW + 2 * DAY),
        (None, NOW - 300 * DAY, NOW + 3 * DAY),
        (NOW - 4 * DAY, NOW - DAY, NOW + 2 * DAY),
        # Dates that are none.
        (NOW - 4 * DAY, datetime(1970, 1, 1, tzinfo=UTC), None),
        (NOW - 4 * DAY, datetime(1980, 1, 1, 0, 0, 1, tzinfo=UTC), None),
        (NOW - 4 * DAY, NOW + DAY, None),
        # This machine's clock was ahead when it looked.
        (NOW + 300 * DAY, None, NOW + 3 * DAY),
    ],
)
def test_until_when(
    first_seen: datetime | None, created: datetime | None, expected: datetime | None
) -> None:
    assert held_until(3 * DAY, first_seen, created, NOW) == expected


TIMES = st.none() | st.datetimes(timezones=st.just(UTC))


@given(st.timedeltas(timedelta(minutes=1), timedelta(days=3650)), TIMES, TIMES)
def test_nothing_is_held_for_longer_than_was_wished(
    min_age: timedelta, first_seen: datetime | None, created: datetime | None
) -> None:
    until = held_until(min_age, first_seen, created, NOW)
    assert until is None or NOW < until <= NOW + min_age


class TestStatus:
    @pytest.fixture
    def desk(self, tmp_path: Path) -> Desk:
        return Desk(tmp_path)

    @pytest.fixture
    def registry(self) -> Iterator[MockRegistry]:
        with MockRegistry().serve() as running:
            yield running

    def test_an_update_waits_until_it_is_old_enough(
        self, desk: Desk, registry: MockRegistry
    ) -> None:
        name = at(registry, "app:1")
        registry.put("app", V1, "1")
        desk.pull(name)
        registry.put("app", V2, "1")
        report = desk.status(min_age=DAY)
        [entry] = report.entries
        assert said(report) == {name: "outdated/moved"}
        assert entry.held_until == desk.clock.now() + DAY
        assert (entry.stale, entry.any_stale) == (False, False)
        assert report.exit_code(ask_stale=True) == 0
        # Without the option it is as it always was.
        assert desk.status().exit_code(ask_stale=True) == 10

        desk.clock.elapsed += 86400
        report = desk.status(min_age=DAY)
        assert [one.held_until for one in report.entries] == [None]
        assert report.exit_code(ask_stale=True) == 10

    def test_it_costs_nothing_that_is_counted(self, desk: Desk, registry: MockRegistry) -> None:
        name = at(registry, "app:1")
        registry.put("app", V1, "1")
        desk.pull(name)
        registry.put("app", V2, "1")
        assert desk.status(min_age=DAY).requests["counted_pulls"] == 1
        registry.log.clear()
        desk.status(min_age=DAY)
        assert (registry.log.manifest_heads, registry.log.manifest_gets) == (1, 0)
        assert registry.log.blob_gets == 0

    def test_only_outdated_waits(self, desk: Desk, registry: MockRegistry) -> None:
        name, other = at(registry, "app:1"), at(registry, "other:1")
        registry.put("app", V1, "1")
        registry.put("other", V1, "1")
        desk.pull(name, other)
        desk.status()
        registry.put("app", V2, "1")
        desk.build({name: seed.image("linux/amd64", layers=["base", "ours"])})
        report = desk.status(name, other, min_age=DAY)
        assert said(report) == {name: "diverged", other: "up_to_date/exact"}
        assert report.exit_code(ask_stale=True) == 10

    def test_news_of_what_was_held(self, desk: Desk, registry: MockRegistry) -> None:
        name = at(registry, "app:1")
        registry.put("app", V1, "1")
        desk.pull(name)
        registry.put("app", V2, "1")

        def told() -> list[bool | None]:
            report = desk.status(min_age=DAY, changed=True)
            assert report.news is not None
            with desk.memory as memory:
                memory.keep_reported(report.store.key, report.news.states)
            return [one.stale for one in report.news.entries]

        assert told() == [False]
        assert told() == []
        desk.clock.elapsed += 86400
        assert told() == [True]

    def test_a_fault_that_nobody_foresaw_stays_in_its_row(self, desk: Desk) -> None:
        class Broken(Documents):
            def get(self, digest: Digest) -> bytes | None:
                raise ZeroDivisionError("by nothing")

        digest = Digest.of(b"new")
        verdict = Verdict(Kind.OUTDATED, "moved", remote_digest=digest, platform_digest=digest)
        node, other = (Reference.parse(name) for name in ("node:1", "node:2"))
        outdated = Entry(node, "node:1", "id", None, verdict)
        current = Entry(other, "node:2", "id", None, Verdict(Kind.UP_TO_DATE, "exact"))

        async def work() -> list[Entry]:
            async with desk.registries() as registries:
                oracle = Oracle(registries, Broken(None))
                with desk.memory as memory:
                    return await hold_back([outdated, current], DAY, oracle, memory, NOW)

        held, untouched = asyncio.run(work())
        # As an image without a date: it is held back from the first sight on.
        assert held.held_until == NOW + DAY
        assert held.verdict.notes == ("its date could not be read (ZeroDivisionError: by nothing)",)
        assert untouched == current
