"""Progress: what operations tell while they work, and `cli/` draws.

Operations emit these events and never print; who listens decides whether they become bars, lines,
JSON or nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

State = Literal["waiting", "downloading", "verifying", "done", "exists", "retrying"]


@dataclass(frozen=True, slots=True)
class Checked:
    """One more reference has its answer.

    Attributes:
        done: References that are decided.
        total: References to decide.
        reference: The one that was decided last.
    """

    done: int
    total: int
    reference: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """Where one blob stands.

    Attributes:
        id: What it is shown as, stable within one operation: a short digest.
        current: Bytes that are here; may go back when a download starts over.
        total: Bytes in all.
    """

    id: str
    state: State
    current: int
    total: int


@dataclass(frozen=True, slots=True)
class Note:
    """Something worth knowing that changes no result, e.g. memory that cannot be written."""

    text: str


Event = Checked | Transfer | Note
Listener = Callable[[Event], None]


def silent(event: Event) -> None:
    """A listener that tells nobody."""
