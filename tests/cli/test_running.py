"""Signals around work that runs to its end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from types import FrameType

import pytest

from regsync.cli.running import run_async, uninterrupted


@pytest.fixture
def heard() -> Iterator[list[int]]:
    """Signals that reach whoever listened before."""
    found: list[int] = []

    def hear(signum: int, frame: FrameType | None) -> None:
        found.append(signum)

    before = {one: signal.signal(one, hear) for one in (signal.SIGINT, signal.SIGTERM)}
    yield found
    for one, handler in before.items():
        signal.signal(one, handler)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_after_the_work_others_hear_signals_again(heard: list[int], signum: int) -> None:
    run_async(asyncio.sleep(0))
    signal.raise_signal(signum)
    assert heard == [signum]


def test_a_signal_waits_until_the_block_has_ended(heard: list[int]) -> None:
    with uninterrupted():
        signal.raise_signal(signal.SIGTERM)
        assert heard == []
    assert heard == [signal.SIGTERM]


def test_it_is_heard_after_a_failure_too(heard: list[int]) -> None:
    def fail() -> None:
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
            raise ValueError("half done")

    with pytest.raises(ValueError, match="half"):
        fail()
    assert heard == [signal.SIGINT]
