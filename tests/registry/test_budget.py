"""Pulls that are kept: whatever overtakes whatever, no more is spent than may be."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regsync.errors import KeptBack
from regsync.registry.budget import Budget, span
from regsync.registry.ratelimit import RateLimit

LIMIT = 100
SUNDAY = datetime(2026, 11, 29, 16, 8, tzinfo=UTC)


def told(
    remaining: int, resets_at: datetime | None = None, window: int | None = 21600
) -> RateLimit:
    return RateLimit("docker.io", LIMIT, remaining, window, "203.0.113.7", resets_at)


def test_what_may_be_spent() -> None:
    budget = Budget(5)
    assert budget.blind
    budget.note(told(7))
    assert not budget.blind
    assert budget.tight
    for left in (6, 5):
        budget.reserve("cannot read `node:latest`")
        budget.settle(told(left))
    with pytest.raises(KeptBack) as caught:
        budget.reserve("cannot read `node:latest`")
    assert str(caught.value) == (
        "cannot read `node:latest`: kept back: 5 of 100 pulls left at docker.io, --keep-pulls 5"
    )
    assert caught.value.hint == ("try again later: it counts over 6 h, and does not say from when")
    assert caught.value.retry_at is None


@pytest.mark.parametrize(
    ("resets_at", "window", "hint"),
    [
        (SUNDAY, 21600, "try again at 2026-11-29 16:08 UTC, when the limit starts anew"),
        (None, None, "try again later: the registry does not say when there will be more"),
    ],
)
def test_when_to_try_again(resets_at: datetime | None, window: int | None, hint: str) -> None:
    budget = Budget(5)
    budget.note(told(5, resets_at, window))
    with pytest.raises(KeptBack) as caught:
        budget.reserve("cannot read `a`")
    assert (caught.value.hint, caught.value.retry_at) == (hint, resets_at)


def test_what_is_on_its_way_counts() -> None:
    budget = Budget(5)
    budget.note(told(7))
    budget.reserve("a")
    budget.reserve("b")
    with pytest.raises(KeptBack):
        budget.reserve("c")


def test_a_registry_without_a_limit_has_none() -> None:
    budget = Budget(5)
    budget.note(None)
    assert not budget.blind
    assert not budget.tight
    for _ in range(LIMIT):
        budget.reserve("a")
        budget.settle()


def test_nothing_to_keep() -> None:
    budget = Budget(0)
    budget.note(told(1))
    for _ in range(3):
        budget.reserve("a")
    assert not budget.blind
    assert not budget.tight


def test_none_left_to_spend() -> None:
    budget = Budget(0)
    budget.note(told(0, SUNDAY))
    with pytest.raises(KeptBack) as caught:
        budget.reserve("cannot read `a`")
    assert caught.value.why == "no pulls left at docker.io (0 of 100)"
    assert (caught.value.counted, caught.value.retry_at) == (True, SUNDAY)
    assert caught.value.hint is None
    account = "7a3e7b8e-0c1d-4f65-9d11-2b6c5a0f9e77"
    budget.note(RateLimit("docker.io", LIMIT, 0, 21600, account))
    with pytest.raises(KeptBack) as caught:
        budget.reserve("cannot read `a`")
    assert caught.value.hint == "the pull limit of this login is used up: wait for it to fill again"
    budget.note(told(100))  # anew
    budget.reserve("a")


def test_what_was_served_nothing_costs_nothing() -> None:
    budget = Budget(5)
    budget.note(told(6))
    budget.reserve("a")
    budget.settle(counted=False)
    budget.reserve("a")
    budget.settle()  # no answer: it may have been counted
    with pytest.raises(KeptBack):
        budget.reserve("a")


@given(
    start=st.integers(0, 30),
    keep=st.integers(1, 30),
    counts_first=st.booleans(),
    steps=st.lists(st.sampled_from(["send", "answer", "lose", "head"]), max_size=80),
    rolls=st.randoms(use_true_random=False),
)
def test_the_last_are_never_spent(
    start: int, keep: int, counts_first: bool, steps: list[str], rolls: Random
) -> None:
    """Answers overtake each other, get lost, and tell what is left before or after they count."""
    budget = Budget(keep)
    left = start
    budget.note(told(left))
    answers: list[tuple[bool, int]] = []
    for step in steps:
        if step == "send":
            try:
                budget.reserve("a")
            except KeptBack:
                continue
            before, left = left, left - 1
            assert left >= keep
            answers.append((True, left if counts_first else before))
        elif step == "head":
            answers.append((False, left))
        elif answers:
            pull, remaining = answers.pop(rolls.randrange(len(answers)))
            if not pull:
                budget.note(told(remaining))
            else:
                budget.settle(None if step == "lose" else told(remaining))
    assert left >= min(start, keep)


@pytest.mark.parametrize(
    ("seconds", "text"), [(21600, "6 h"), (900, "15 min"), (90, "90 s"), (5400, "90 min")]
)
def test_spans(seconds: int, text: str) -> None:
    assert span(seconds) == text
