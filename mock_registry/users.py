"""Who may do what."""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path


@dataclass(frozen=True)
class User:
    """Somebody with a password.

    Attributes:
        pull: Pattern of repositories whose content may be read; `*` also matches `/`. None is
            every repository, and on a Hub-like registry those below the user's own name.
        push: The same for writing.
        delete: The same for deleting.
    """

    name: str
    password: str = field(repr=False)
    pull: str | None = None
    push: str | None = None
    delete: str | None = None

    def may(self, repository: str, action: str, otherwise: str = "*") -> bool:
        """Whether an action, one of ``pull``, ``push`` and ``delete``, is allowed.

        Args:
            otherwise: The pattern where this user has none.
        """
        patterns = {"pull": self.pull, "push": self.push, "delete": self.delete}
        if action not in patterns:
            return False
        pattern = patterns[action]
        return fnmatchcase(repository, otherwise if pattern is None else pattern)


class Users:
    """The users of a registry by name."""

    def __init__(self, users: tuple[User, ...]) -> None:
        self._all = {user.name: user for user in users}

    def __len__(self) -> int:
        return len(self._all)

    def get(self, name: str | None) -> User | None:
        """The user of that name."""
        return None if name is None else self._all.get(name)

    def login(self, name: str, password: str) -> User | None:
        """The user, when the password is right."""
        user = self._all.get(name)
        right = user is not None and hmac.compare_digest(
            user.password.encode(), password.encode("utf-8", "surrogatepass")
        )
        return user if right else None

    def basic(self, header: str) -> User | None:
        """The user of an `Authorization: Basic` header (RFC 7617), when the password is right."""
        scheme, _, encoded = header.partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            name, colon, password = (
                base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
            )
        except (binascii.Error, ValueError):
            return None
        return self.login(name, password) if colon else None


def read_users(path: Path) -> tuple[User, ...]:
    """Users from a file of lines ``NAME:PASSWORD``; blank lines and ``#`` lines are skipped.

    The passwords are plain: this is a registry for tests.

    Raises:
        OSError: the file cannot be read.
        ValueError: a line has another form; the text names its number, never its content.
    """
    users = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, password = line.partition(":")
        if not (name and colon and password):
            raise ValueError(f"line {number} is not NAME:PASSWORD")
        users.append(User(name, password))
    return tuple(users)
