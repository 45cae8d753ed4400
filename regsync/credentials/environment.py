"""Credentials from the environment: the way of CI."""

from __future__ import annotations

from collections.abc import Mapping

from regsync.errors import CredentialsBroken
from regsync.identity import Credentials, variable


def find(registry: str, env: Mapping[str, str]) -> Credentials | None:
    """The credentials of this host's two variables, or None where neither is set.

    Raises:
        CredentialsBroken: one is set without the other.
    """
    user, word = variable(registry, "USERNAME"), variable(registry, "PASSWORD")
    username, secret = env.get(user), env.get(word)
    if not username and not secret:
        return None
    if not username or not secret:
        missing, present = (user, word) if secret else (word, user)
        raise CredentialsBroken(
            f"cannot log in to `{registry}`",
            f"{present} is set and {missing} is not",
            f"set {missing} too, or neither",
        )
    return Credentials(username, secret, f"the environment ({user})")
