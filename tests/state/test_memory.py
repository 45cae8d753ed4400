"""What is remembered of syncs, verdicts and sightings, and what is forgotten again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire import FakeClock

from regsync.state.forgetting import KEEP_DAYS
from regsync.state.memory import (
    GREETINGS_LIMIT,
    HISTORY_LIMIT,
    SIGHTINGS_LIMIT,
    Memory,
)
from regsync.state.values import Known, Sighting, Sync

NAME = "docker.io/library/node:latest"
START = FakeClock().now()
DAY = 86_400.0

# SQLite keeps any text but a lone surrogate, which only the path of a store can hold.
texts = st.text(st.characters(exclude_categories=["Cs"]))
times = st.datetimes(timezones=st.just(UTC))
syncs = st.builds(
    Sync,
    store=texts,
    reference=texts,
    image_id=texts,
    digest=texts,
    child=st.none() | texts,
    config=st.none() | texts,
    by=st.sampled_from(["pull", "push", "observed"]),
    at=times,
)
verdicts = st.builds(
    Known,
    store=texts,
    reference=texts,
    image_id=st.none() | texts,
    verdict=texts,
    reason=st.none() | texts,
    stale=st.none() | st.booleans(),
    at=times,
    built_here=st.booleans(),
)


def sync(
    digest: str = "sha256:d1",
    by: str = "pull",
    after: float = 0,
    image: str = "sha256:i1",
    reference: str = NAME,
) -> Sync:
    how = cast(Literal["pull", "push", "observed"], by)
    at = START + timedelta(seconds=after)
    return Sync("engine", reference, image, digest, None, None, how, at)


def known(verdict: str = "outdated", stale: bool | None = True, after: float = 0) -> Known:
    at = START + timedelta(seconds=after)
    return Known("engine", NAME, "sha256:i1", verdict, None, stale, at, False)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def memory(tmp_path: Path, clock: FakeClock) -> Iterator[Memory]:
    with Memory(tmp_path, clock) as memory:
        yield memory


def test_an_empty_memory_knows_nothing(memory: Memory) -> None:
    assert memory.last_sync("engine", NAME) is None
    assert memory.syncs("engine") == {}
    assert memory.history("engine", NAME) == ()
    assert memory.last_verdicts("engine") == {}
    assert memory.first_seen(NAME, "sha256:d1") is None
    assert memory.note is None


@given(syncs)
def test_a_sync_comes_back_as_it_was(one: Sync) -> None:
    with Memory(None) as memory:
        memory.keep(syncs=[one])
        assert memory.last_sync(one.store, one.reference) == one
        assert memory.syncs(one.store) == {one.reference: one}
        assert memory.syncs(one.store + "x") == {}


@given(verdicts)
def test_a_verdict_comes_back_as_it_was(one: Known) -> None:
    with Memory(None) as memory:
        memory.keep(verdicts=[one])
        assert memory.last_verdicts(one.store) == {one.reference: one}


@given(st.dictionaries(texts, times, max_size=20), texts)
def test_sightings_come_back_as_they_were(seen: dict[str, datetime], reference: str) -> None:
    with Memory(None) as memory:
        memory.keep(sightings=[Sighting(reference, digest, at) for digest, at in seen.items()])
        assert memory.seen(reference) == seen
        for digest, at in seen.items():
            assert memory.first_seen(reference, digest) == at


def test_memory_outlives_the_run(tmp_path: Path, clock: FakeClock) -> None:
    with Memory(tmp_path, clock) as first:
        first.keep(syncs=[sync()])
        first.keep(verdicts=[known()])
        first.keep(sightings=[Sighting(NAME, "sha256:d1", START)])
    with Memory(tmp_path, clock) as second:
        assert second.syncs("engine") == {NAME: sync()}
        assert second.last_verdicts("engine") == {NAME: known()}
        assert second.seen(NAME) == {"sha256:d1": START}


def test_only_this_user_may_look(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "regsync"
    with Memory(folder) as memory:
        memory.keep(syncs=[sync()])
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "memory.db").stat().st_mode & 0o777 == 0o600


def test_the_last_sync_is_the_last_recorded(memory: Memory) -> None:
    memory.keep(syncs=[sync("sha256:d1"), sync("sha256:d2", after=1)])
    memory.keep(syncs=[sync("sha256:d3", after=2)])
    digests = [one.digest for one in memory.history("engine", NAME)]
    assert digests == ["sha256:d3", "sha256:d2", "sha256:d1"]
    assert memory.syncs("engine")[NAME].digest == "sha256:d3"


def test_coming_back_to_an_old_digest_makes_it_the_last(memory: Memory) -> None:
    memory.keep(syncs=[sync("sha256:d1"), sync("sha256:d2", after=1), sync("sha256:d1", after=2)])
    digests = [one.digest for one in memory.history("engine", NAME)]
    assert digests == ["sha256:d1", "sha256:d2"]


def test_a_clock_that_was_ahead_does_not_hold_a_sync_in_front(memory: Memory) -> None:
    memory.keep(syncs=[sync("sha256:d1", after=999 * DAY)])
    memory.keep(syncs=[sync("sha256:d2", "observed", after=1)])
    last = memory.last_sync("engine", NAME)
    assert last is not None
    assert last.digest == "sha256:d2"


def test_an_observation_does_not_hide_what_another_run_did_meanwhile(
    memory: Memory, clock: FakeClock
) -> None:
    clock.elapsed = 10
    memory.keep(syncs=[sync("sha256:d2", "pull", after=5, image="sha256:i2")])
    memory.keep(syncs=[sync("sha256:d1", "observed", after=1)])
    last = memory.last_sync("engine", NAME)
    assert last is not None
    assert last.digest == "sha256:d2"


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        ("pull", "observed", "pull"),
        ("push", "observed", "push"),
        ("observed", "observed", "observed"),
        ("observed", "pull", "pull"),
        ("pull", "push", "push"),
    ],
)
def test_observing_does_not_replace_doing(
    memory: Memory, before: str, after: str, kept: str
) -> None:
    memory.keep(syncs=[sync(by=before)])
    memory.keep(syncs=[sync(by=after, after=1)])
    (only,) = memory.history("engine", NAME)
    assert only.by == kept
    assert only.at == START + timedelta(seconds=1)


def test_an_observation_of_another_image_stands_for_itself(memory: Memory) -> None:
    memory.keep(syncs=[sync(by="pull"), sync(by="observed", image="sha256:i2")])
    assert [one.by for one in memory.history("engine", NAME)] == ["observed", "pull"]


def test_what_was_known_of_the_content_stays(memory: Memory) -> None:
    whole = replace(sync(), child="sha256:c", config="sha256:k")
    memory.keep(syncs=[whole])
    memory.keep(syncs=[sync(by="observed")])
    assert memory.last_sync("engine", NAME) == whole


def test_stores_and_names_are_kept_apart(memory: Memory) -> None:
    other = replace(sync("sha256:d2"), store="other")
    third = sync("sha256:d3", reference="r.example/a:1")
    memory.keep(syncs=[sync(), other, third])
    assert memory.syncs("engine") == {NAME: sync(), "r.example/a:1": third}
    assert memory.syncs("other") == {NAME: other}


def test_history_is_bounded(memory: Memory) -> None:
    for number in range(HISTORY_LIMIT + 5):
        memory.keep(syncs=[sync(f"sha256:d{number}", after=number)])
    history = memory.history("engine", NAME)
    assert len(history) == HISTORY_LIMIT
    assert history[0].digest == f"sha256:d{HISTORY_LIMIT + 4}"


def test_sightings_are_bounded(memory: Memory) -> None:
    memory.keep(
        sightings=[
            Sighting(NAME, f"sha256:d{number}", START + timedelta(seconds=number))
            for number in range(SIGHTINGS_LIMIT + 5)
        ]
    )
    seen = memory.seen(NAME)
    assert len(seen) == SIGHTINGS_LIMIT
    assert next(iter(seen)) == f"sha256:d{SIGHTINGS_LIMIT + 4}"


def test_the_first_sighting_stays(memory: Memory) -> None:
    memory.keep(sightings=[Sighting(NAME, "sha256:d1", START)])
    memory.keep(sightings=[Sighting(NAME, "sha256:d1", START + timedelta(days=3))])
    assert memory.first_seen(NAME, "sha256:d1") == START


def test_unknown_does_not_replace_a_decision(memory: Memory) -> None:
    unknown = known("unknown", None, after=1)
    memory.keep(verdicts=[known()])
    memory.keep(verdicts=[unknown])
    assert memory.last_verdicts("engine") == {NAME: known()}
    later = known("up_to_date", False, after=2)
    memory.keep(verdicts=[later])
    assert memory.last_verdicts("engine") == {NAME: later}


def test_unknown_is_remembered_where_nothing_was_decided(memory: Memory) -> None:
    later = known("unknown", None, after=1)
    memory.keep(verdicts=[known("unknown", None)])
    memory.keep(verdicts=[later])
    assert memory.last_verdicts("engine") == {NAME: later}


class TestForgetting:
    """In memory alone: hundreds of days are hundreds of transactions."""

    @pytest.fixture
    def memory(self, clock: FakeClock) -> Iterator[Memory]:
        with Memory(None, clock) as memory:
            yield memory

    @staticmethod
    def use(memory: Memory, clock: FakeClock, days: int) -> None:
        """Let days go by on which only another name is asked about, twice a day."""
        for _ in range(2 * days):
            clock.elapsed += DAY / 2
            memory.keep(syncs=[sync(reference="r.example/a:1", after=clock.elapsed)])

    @staticmethod
    def know(memory: Memory) -> None:
        seen = Sighting(NAME, "sha256:d1", START)
        memory.keep(syncs=[sync()], verdicts=[known()], sightings=[seen])

    @staticmethod
    def knows(memory: Memory) -> set[bool]:
        return {
            memory.last_sync("engine", NAME) is not None,
            memory.last_verdicts("engine") != {},
            memory.seen(NAME) != {},
        }

    def test_names_that_nobody_asks_about(self, memory: Memory, clock: FakeClock) -> None:
        self.know(memory)
        self.use(memory, clock, KEEP_DAYS)
        assert self.knows(memory) == {True}
        self.use(memory, clock, 1)
        assert self.knows(memory) == {False}
        assert memory.last_sync("engine", "r.example/a:1") is not None

    def test_where_nothing_is_ever_in_sync_verdicts_are_forgotten_too(
        self, memory: Memory, clock: FakeClock
    ) -> None:
        """Who asks about files alone records no sync."""
        memory.keep(verdicts=[known()])
        for _ in range(KEEP_DAYS + 1):
            clock.elapsed += DAY
            other = replace(known(after=clock.elapsed), reference="r.example/a:1")
            memory.keep(verdicts=[other])
        assert list(memory.last_verdicts("engine")) == ["r.example/a:1"]

    def test_a_name_that_is_asked_about_keeps_its_old_syncs(
        self, memory: Memory, clock: FakeClock
    ) -> None:
        self.know(memory)
        self.use(memory, clock, KEEP_DAYS)
        memory.keep(verdicts=[known(after=clock.elapsed)])
        self.use(memory, clock, 1)
        assert memory.last_sync("engine", NAME) == sync()

    @pytest.mark.parametrize("years", [2, -30], ids=["ahead", "behind"])
    def test_a_clock_that_is_wrong_for_one_run_loses_nothing(
        self, memory: Memory, clock: FakeClock, years: int
    ) -> None:
        self.know(memory)
        clock.elapsed += years * 365 * DAY
        memory.keep(syncs=[sync(reference="r.example/a:1", after=clock.elapsed)])
        assert self.knows(memory) == {True}
        # What that run recorded is not lost to the next one either.
        self.know(memory)
        clock.elapsed -= years * 365 * DAY
        memory.keep(syncs=[sync(reference="r.example/a:1", after=clock.elapsed)])
        assert self.knows(memory) == {True}

    def test_a_machine_that_was_off_for_years(self, memory: Memory, clock: FakeClock) -> None:
        self.know(memory)
        clock.elapsed = 9 * 365 * DAY
        memory.keep(syncs=[sync(reference="r.example/a:1", after=clock.elapsed)])
        assert self.knows(memory) == {True}

    def test_days_are_counted_across_runs(self, tmp_path: Path, clock: FakeClock) -> None:
        with Memory(tmp_path, clock) as memory:
            self.know(memory)
        for _ in range(3):
            clock.elapsed += DAY
            with Memory(tmp_path, clock) as memory:
                memory.keep(syncs=[sync(reference="r.example/a:1")])
        with closing(sqlite3.connect(tmp_path / "memory.db")) as connection:
            assert connection.execute("SELECT number FROM day").fetchall() == [(4,)]


def test_what_was_seen_before_is_told_by_the_order_of_recording(memory: Memory) -> None:
    for digest, days in (("sha256:d1", 0), ("sha256:d2", 999), ("sha256:d3", -999)):
        memory.keep(sightings=[Sighting(NAME, digest, START + timedelta(days=days))])
    memory.keep(sightings=[Sighting(NAME, "sha256:d1", START + timedelta(days=1))])
    memory.keep(sightings=[Sighting("r.example/a:1", "sha256:d0", START)])
    assert memory.seen_before(NAME, "sha256:d1") == set()
    assert memory.seen_before(NAME, "sha256:d2") == {"sha256:d1"}
    assert memory.seen_before(NAME, "sha256:d3") == {"sha256:d1", "sha256:d2"}
    assert memory.seen_before(NAME, "sha256:other") == set()


def test_a_store_may_have_a_path_that_is_no_text(memory: Memory) -> None:
    odd = replace(sync(), store="oci:/srv/\udcff")
    memory.keep(syncs=[odd])
    assert memory.last_sync(odd.store, NAME) is not None
    assert memory.note is None


def test_greetings(memory: Memory) -> None:
    memory.keep(greetings={"https://r.example": 'bearer realm="x"', "http://127.0.0.1:5000": ""})
    memory.keep(greetings={"https://r.example": "basic "})
    assert memory.greetings() == {"https://r.example": "basic ", "http://127.0.0.1:5000": ""}


def test_greetings_are_bounded(memory: Memory) -> None:
    memory.keep(greetings={f"https://r{number}.example": "" for number in range(GREETINGS_LIMIT)})
    memory.keep(greetings={"https://r0.example": "basic "})
    memory.keep(greetings={"https://new.example": ""})
    kept = memory.greetings()
    assert len(kept) == GREETINGS_LIMIT
    assert {"https://r0.example", "https://new.example"} < kept.keys()
    assert "https://r1.example" not in kept
