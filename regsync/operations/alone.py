"""Trouble of one row alone: whatever happens to it, the others have their answers."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from regsync.errors import RegsyncError, ServerFailed

Result = TypeVar("Result")


class Unforeseen(ServerFailed):
    """What a server sent, or what was made of it here, and nobody foresaw."""

    def __init__(self, doing: str, error: Exception) -> None:
        super().__init__(
            doing,
            f"{type(error).__name__}: {error}",
            "if this is no fault of the network, it is one of regsync: please report it",
        )


async def alone(work: Awaitable[Result], doing: str) -> Result:
    """What the work for one row comes to.

    Args:
        doing: What cannot be done where it fails: "cannot judge `node`".

    Raises:
        RegsyncError: its own; `Unforeseen` in place of anything else.
    """
    try:
        return await work
    except RegsyncError:
        raise
    except Exception as error:
        raise Unforeseen(doing, error) from error
