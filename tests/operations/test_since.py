"""`--changed`: what is news, and what cannot swallow it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from desk import Desk, at
from reports import NOW, OURS, THEIRS, entry

from mock_registry import Fault, MockRegistry, seed
from regsync.errors import ServerFailed, Unreachable
from regsync.operations.report import Entry, UsedBy
from regsync.operations.since import name_of, news, states
from regsync.operations.verdict import Kind, Verdict, unknown

V1, V2, V3 = (seed.image("linux/amd64", layers=["base", word]) for word in ("one", "two", "three"))
REST = entry("node:1", Verdict(Kind.UP_TO_DATE, "exact", remote_digest=OURS))
MOVED = entry("node:1", Verdict(Kind.OUTDATED, "moved", remote_digest=THEIRS))
DOWN = entry("node:1", unknown(Unreachable("cannot reach `h`", "connect timed out")))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def registry() -> Iterator[MockRegistry]:
    with MockRegistry().serve() as running:
        yield running


def differ(one: Entry, other: Entry) -> bool:
    found = news([other], states([one]), frozenset({name_of(other)}))
    assert found.unchanged == 1 - len(found.entries)
    return bool(found.entries)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (REST, REST, False),
        (REST, MOVED, True),
        (REST, DOWN, True),
        (DOWN, DOWN, False),
        # In other words, or timed out in place of refused: still nobody there.
        (DOWN, entry("node:1", unknown(Unreachable("no", "connection refused"))), False),
        (DOWN, entry("node:1", unknown(ServerFailed("no", "500"))), True),
        (MOVED, replace(MOVED, verdict=replace(MOVED.verdict, remote_digest=OURS)), True),
        (MOVED, replace(MOVED, verdict=replace(MOVED.verdict, reason="rolled_back")), True),
        (MOVED, replace(MOVED, verdict=MOVED.verdict.noting("a note")), False),
        (MOVED, replace(MOVED, id="sha256:other", checked_at=None), False),
        # What was held back is news again when it no longer is.
        (replace(MOVED, held_until=NOW), MOVED, True),
        (REST, replace(REST, containers=(UsedBy("c", "web", True, False),)), False),
        (REST, replace(REST, containers=(UsedBy("c", "web", True, True),)), True),
        (
            replace(REST, containers=(UsedBy("c", "web", True, True),)),
            replace(REST, containers=(UsedBy("d", "web", True, True),)),
            False,
        ),
    ],
)
def test_what_is_news(one: Entry, other: Entry, expected: bool) -> None:
    assert differ(one, other) is expected


def test_a_name_of_several_images_is_as_it_was_in_any_order() -> None:
    first = replace(REST, id="sha256:a")
    second = replace(MOVED, id="sha256:b")
    before = states([first, second])
    assert news([second, first], before, None).entries == ()
    assert news([second, second], before, None).unchanged == 0


def test_only_what_was_here_vanishes() -> None:
    absent = entry("ghost:1", Verdict(Kind.NOT_LOCAL), here=False)
    before = states([REST, absent])
    found = news([], before, frozenset())
    assert found.vanished == ("docker.io/library/node:1",)
    assert news([], before, None).vanished == ()


class TestRuns:
    def test_the_first_tells_everything_and_the_next_nothing(
        self, desk: Desk, registry: MockRegistry
    ) -> None:
        name = at(registry, "app:1")
        registry.put("app", V1, "1")
        desk.pull(name)
        assert desk.report() == ([name], [])
        assert desk.report() == ([], [])
        registry.put("app", V2, "1")
        assert desk.report() == ([name], [])
        assert desk.report() == ([], [])
        registry.put("app", V3, "1")
        assert desk.report() == ([name], [])

    def test_a_status_by_hand_swallows_nothing(self, desk: Desk, registry: MockRegistry) -> None:
        name = at(registry, "app:1")
        registry.put("app", V1, "1")
        desk.pull(name)
        desk.report()
        registry.put("app", V2, "1")
        assert desk.verdicts() == {name: "outdated/moved"}
        assert desk.report() == ([name], [])

    def test_what_was_not_reported_stays_to_be_reported(
        self, desk: Desk, registry: MockRegistry
    ) -> None:
        name = at(registry, "app:1")
        registry.put("app", V1, "1")
        desk.pull(name)
        desk.report()
        registry.put("app", V2, "1")
        lost = desk.status(changed=True).news  # and nobody printed it
        assert lost is not None
        assert [one.name for one in lost.entries] == [name]
        assert desk.report() == ([name], [])

    def test_a_registry_that_is_down_is_news_once_and_eats_none(
        self, desk: Desk, registry: MockRegistry
    ) -> None:
        name = at(registry, "app:1")
        registry.put("app", V1, "1")
        desk.pull(name)
        desk.report()
        registry.faults.add(Fault("/v2/app", html=True, times=None))
        assert desk.report() == ([name], [])
        registry.put("app", V2, "1")
        assert desk.report() == ([], [])
        registry.faults.clear()
        assert desk.report() == ([name], [])

    def test_new_and_vanished(self, desk: Desk, registry: MockRegistry) -> None:
        one, two = at(registry, "app:1"), at(registry, "app:2")
        registry.put("app", V1, "1")
        registry.put("app", V2, "2")
        desk.pull(one)
        desk.report()
        desk.pull(two)
        assert desk.report() == ([two], [])
        desk.untag(one)
        assert desk.report() == ([], [one])
        assert desk.report() == ([], [])

    def test_one_name_is_no_word_on_the_others(self, desk: Desk, registry: MockRegistry) -> None:
        one, two = at(registry, "app:1"), at(registry, "app:2")
        registry.put("app", V1, "1")
        registry.put("app", V2, "2")
        desk.pull(one, two)
        assert desk.report(one) == ([one], [])
        assert desk.report() == ([two], [])
        desk.untag(two)
        assert desk.report(one) == ([], [])
        assert desk.report() == ([], [two])

    def test_what_is_ignored_has_not_vanished(self, desk: Desk, registry: MockRegistry) -> None:
        one = at(registry, "app:1")
        registry.put("app", V1, "1")
        desk.pull(one)
        desk.report()
        ignoring = desk.status(changed=True, ignore=[f"{registry.host}/*"]).news
        assert ignoring is not None
        assert ignoring.vanished == ()

    def test_another_platform_is_another_question(self, desk: Desk, registry: MockRegistry) -> None:
        name = at(registry, "app:1")
        registry.put("app", seed.index([V1, seed.image("linux/arm64")]), "1")
        desk.pull(name)
        assert desk.report() == ([name], [])
        assert desk.report(platform="linux/arm64") == ([name], [])
        assert desk.report() == ([], [])
