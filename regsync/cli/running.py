"""Running one command's work, and ending at once when somebody says so.

`asyncio.run` waits for the threads of its executor, and a thread that asks a silent engine cannot
be cancelled. So the work is cancelled, given a moment to clean up after itself, and left.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

Result = TypeVar("Result")

GRACE_S = 2.0
"""Seconds that interrupted work may take to remove what it has half written."""

_STOPPING = (signal.SIGINT, signal.SIGTERM)


class Stopped(BaseException):
    """A signal ended the command. No `Exception`: nothing on the way may take it for a failure."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum

    @property
    def exit_code(self) -> int:
        """128 and the signal's number, as shells count: 130 for Ctrl-C, 143 for SIGTERM."""
        return 128 + self.signum


@contextmanager
def stoppable() -> Iterator[None]:
    """Turn SIGINT and SIGTERM into `Stopped` inside; what a parent told us to ignore stays so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(signum: int, frame: FrameType | None) -> None:
        raise Stopped(signum)

    before = {one: signal.getsignal(one) for one in _STOPPING}
    heard = {one: handler for one, handler in before.items() if handler is not signal.SIG_IGN}
    for one in heard:
        signal.signal(one, stop)
    try:
        yield
    finally:
        for one, handler in heard.items():
            signal.signal(one, handler)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let a signal wait until the block has ended: for what is short and must not be half done."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []

    def wait(signum: int, frame: FrameType | None) -> None:
        waiting.append(signum)

    before = {one: signal.signal(one, wait) for one in _STOPPING}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
        if waiting:
            signal.raise_signal(waiting[0])


def run_async(work: Coroutine[Any, Any, Result]) -> Result:
    """Run one coroutine to its end.

    Raises:
        Stopped: a signal came; the coroutine was cancelled, and threads may still be busy.
    """
    # Help and mistakes run nothing, and need not wait for the 45 ms of this import.
    import asyncio

    loop = asyncio.new_event_loop()
    signals: list[int] = []

    async def whole() -> Result:
        try:
            return await work
        finally:
            await loop.shutdown_asyncgens()

    task = loop.create_task(whole())

    def stop(signum: int) -> None:
        signals.append(signum)
        if len(signals) == 1:
            task.cancel()
            loop.call_later(GRACE_S, loop.stop)
        else:
            loop.stop()

    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        handlers = {one: signal.getsignal(one) for one in _STOPPING}
        before = {one: was for one, was in handlers.items() if was is not signal.SIG_IGN}
        for one in before:
            loop.add_signal_handler(one, stop, one)
    try:
        return loop.run_until_complete(task)
    except (asyncio.CancelledError, RuntimeError):
        # RuntimeError: the loop was stopped before the work had ended.
        if signals:
            raise Stopped(signals[0]) from None
        raise
    finally:
        # Closing waits for no thread, and a stopped loop's leftovers go with the process.
        if not signals:
            loop.close()
            # The loop leaves Python's defaults behind, with which SIGTERM ends the process unheard.
            for one, handler in before.items():
                signal.signal(one, handler)
