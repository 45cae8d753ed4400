"""Credentials from the environment: the way of CI."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from regsync.credentials.answers import Broken, Silence
from regsync.credentials.keys import Key
from regsync.identity import Credentials, variable

NAME = "environment"
# A text with passwords in it; the other variables name files.
_DOCKER_AUTH_CONFIG = "DOCKER_AUTH_CONFIG"
_OURS = re.compile(r"(REGSYNC_[A-Z0-9_]+)_(USERNAME|PASSWORD)")


@dataclass(frozen=True)
class Variables:
    """`REGSYNC_<HOST>_USERNAME` and `_PASSWORD`."""

    env: Mapping[str, str] = field(repr=False)
    registry: str
    name: str = NAME

    @property
    def place(self) -> str:
        """Both variables, with what they differ in left open."""
        return variable(self.registry, "*")

    @property
    def are_set(self) -> bool:
        """Whether they say anything at all."""
        return any(self.env.get(variable(self.registry, one)) for one in ("USERNAME", "PASSWORD"))

    def ask(self, key: Key) -> Credentials | Silence:
        """See `Source.ask`: one variable without the other is broken."""
        user, word = variable(self.registry, "USERNAME"), variable(self.registry, "PASSWORD")
        username, secret = self.env.get(user), self.env.get(word)
        if not username and not secret:
            return Silence("not set", skipped=True)
        if not username or not secret:
            missing, present = (user, word) if secret else (word, user)
            raise Broken(f"{present} is set and {missing} is not", f"set {missing} too, or neither")
        return Credentials(username, secret, f"the environment ({user})")


def prefixes(env: Mapping[str, str]) -> tuple[str, ...]:
    """What the names of all pairs begin with that hold a login, e.g. `REGSYNC_GHCR_IO`."""
    found = [match[1] for name in env if (match := _OURS.fullmatch(name)) and env[name]]
    return tuple(sorted(set(found)))


def without_ours(env: Mapping[str, str]) -> dict[str, str]:
    """The environment for a program that has no business with our passwords."""
    return {
        name: value
        for name, value in env.items()
        if not _OURS.fullmatch(name) and name != _DOCKER_AUTH_CONFIG
    }
