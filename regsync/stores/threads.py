"""Blocking calls beside the event loop, in threads that nobody has to wait for."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Value = TypeVar("Value")


async def in_thread(call: Callable[[], Value]) -> Value:
    """Run a call in a thread of its own and wait for it.

    `asyncio.to_thread` would do, were it not that the loop and the interpreter wait for its
    threads at the end: Ctrl-C would hang for as long as an engine keeps silent.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Value] = loop.create_future()

    def deliver(settle: Callable[[Any], None], outcome: object) -> None:
        if not future.cancelled():
            settle(outcome)

    def work() -> None:
        settle: Callable[[Any], None]
        outcome: object
        try:
            settle, outcome = future.set_result, call()
        except Exception as error:
            settle, outcome = future.set_exception, error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(deliver, settle, outcome)

    threading.Thread(target=work, daemon=True, name="regsync-engine").start()
    return await future
