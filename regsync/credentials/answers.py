"""What sources of credentials say, and what is told of having asked them. Never a secret."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

from regsync.credentials.keys import Key
from regsync.errors import CredentialsBroken
from regsync.identity import Credentials

SECRET_LIMIT = 16 * 1024
"""Characters that a user name or a secret may have; headers of servers end before that."""

Outcome = Literal["answered", "nothing", "skipped", "failed", "not_asked"]


class Broken(Exception):
    """A source is configured and cannot be read; the search ends there.

    Args:
        why: The reason, for people; nothing that a program has written.
        hint: What to do, or None.
    """

    def __init__(self, why: str, hint: str | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.hint = hint


def demand_sendable(username: str, secret: str, place: str) -> None:
    """Refuse what no request can carry, before it is one.

    Raises:
        Broken: a text that is not UTF-8, has control characters, or is absurdly long.
    """
    for what, text in (("user name", username), ("secret", secret)):
        why = None
        if len(text) > SECRET_LIMIT:
            why = f"is longer than {SECRET_LIMIT} characters"
        elif any(0xD800 <= ord(char) <= 0xDFFF for char in text):
            why = "is not UTF-8 text"
        elif any(ord(char) < 0x20 or ord(char) == 0x7F for char in text):
            why = "has a line break or another control character in it"
        if why is not None:
            raise Broken(f"{place}: the {what} {why}", "put it there again, as plain text")


@dataclass(frozen=True, slots=True)
class Silence:
    """A source has nothing to say.

    Attributes:
        skipped: Whether it was not even looked at: not configured, or not to be asked.
    """

    why: str
    skipped: bool = False


class Source(Protocol):
    """One place where credentials may be.

    Attributes:
        name: Its stable name, e.g. `credsStore`.
        place: The file, program or variable; empty where there is none.
    """

    @property
    def name(self) -> str: ...

    @property
    def place(self) -> str: ...

    def ask(self, key: Key) -> Credentials | Silence:
        """The credentials for a key.

        Raises:
            Broken: it cannot be read, or says something that has no meaning.
        """
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """One source of the order, and what came of it.

    Attributes:
        source: The source's stable name.
        place: The file, program or variable; empty where there is none.
        outcome: `answered` ends the search, and so does `failed`: the others are `not_asked`.
            `nothing`: it was looked at and does not name the host. `skipped`: it is not there.
        why: The reason, for people.
    """

    source: str
    place: str
    outcome: Outcome
    why: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """How the credentials for one key were looked for.

    Attributes:
        registry: The host, Docker Hub as `docker.io`.
        key: What was looked for: the host, or the longest namespace that any source knows.
        steps: Every source, in order.
        credentials: What was found; None for anonymous, and where a source failed.
        error: Why nobody can be told, where a source failed.
    """

    registry: str
    key: str
    steps: tuple[Step, ...]
    credentials: Credentials | None = None
    error: CredentialsBroken | None = field(default=None, compare=False)

    @property
    def answered(self) -> Step | None:
        """The step that answered, or failed; None for anonymous."""
        ends = (step for step in self.steps if step.outcome in ("answered", "failed"))
        return next(ends, None)
