"""The JSON envelope: one shape for every command, success and failure alike.

Its keys are a contract, written down in `docs/reference/json.md`. Within a version keys are added
and never renamed, removed or given another type.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from regsync.errors import RateLimited, RegsyncError

VERSION = 1

# Done, partly done, and done with something stale: the data is there.
_ANSWERED = frozenset({0, 3, 10})


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that went wrong.

    Attributes:
        code: The error's stable name, see `regsync.errors`.
        message: What and why, for people.
        reference: What it is about, in full, or None where it is about everything.
        retry_at: When it may work again, where somebody said so.
    """

    code: str
    message: str
    hint: str | None = None
    reference: str | None = None
    retry_at: datetime | None = None

    @classmethod
    def of(cls, error: RegsyncError, reference: str | None = None) -> Self:
        """Tell an error as JSON tells it."""
        retry_at = error.retry_at if isinstance(error, RateLimited) else None
        return cls(error.code, str(error), error.hint, reference or error.about, retry_at)

    def as_json(self) -> dict[str, object]:
        """The object that stands in `errors`."""
        return {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "reference": self.reference,
            "retry_at": moment(self.retry_at),
        }


def envelope(
    command: str,
    exit_code: int,
    data: Mapping[str, object] | None = None,
    failures: Sequence[Failure] = (),
) -> str:
    """The whole answer as JSON text, ASCII only, keys in the documented order.

    `result` is `error` where there is no answer, `partial` where a part of it is missing, else
    `success`; something stale is an answer, and no error.
    """
    if exit_code not in _ANSWERED:
        result = "error"
    else:
        result = "partial" if failures or exit_code == 3 else "success"
    return json.dumps(
        {
            "version": VERSION,
            "command": command or None,
            "result": result,
            "exit_code": exit_code,
            "data": data,
            "errors": [failure.as_json() for failure in failures],
        },
        indent=2,
    )


def text(value: object) -> str | None:
    """A value as it is written elsewhere; None for None."""
    return str(value) if value is not None else None


def moment(when: datetime | None) -> str | None:
    """RFC 3339 in UTC, to the second: `2026-01-01T00:00:00Z`."""
    if when is None:
        return None
    # Not by `strftime`, whose years have fewer than four digits before the year 1000.
    told = when.astimezone(UTC).replace(tzinfo=None)
    return told.isoformat(timespec="seconds") + "Z"
