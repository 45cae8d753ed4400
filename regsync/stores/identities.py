"""Who this user is to each registry of one run."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterable, Mapping

from regsync.credentials.answers import Trace
from regsync.credentials.chain import Chain
from regsync.credentials.keys import Key, host
from regsync.errors import CredentialsBroken
from regsync.identity import Credentials, variable
from regsync.oci.reference import Repository
from regsync.stores.threads import in_thread


class Identities:
    """Looks for credentials beside the event loop, once for each key.

    Args:
        env: The environment.
        chain: Where they are looked for, for tests; else in all that the environment names.
    """

    def __init__(self, env: Mapping[str, str], chain: Chain | None = None) -> None:
        self._env = env
        self._chain = chain or Chain(env)
        self._lookups: dict[Key, asyncio.Task[Trace]] = {}
        # Hosts by the variable that their user name is looked for in.
        self._named: dict[str, str] = {}
        self._confused: dict[str, CredentialsBroken] = {}

    def close(self) -> None:
        """End the programs that are still asked."""
        self._chain.close()

    def foresee(self, registries: Iterable[str]) -> None:
        """Know of hosts before any of them is asked; see `refuse_confusion`."""
        for registry in registries:
            self._note(registry)

    def key(self, where: str | Repository) -> Key:
        """What the credentials for a host or a repository are looked for under."""
        return self._chain.key(where) if isinstance(where, Repository) else Key(host(where))

    async def credentials(self, registry: str, key: Key) -> Credentials | None:
        """The credentials of a key, or None for anonymous.

        Raises:
            CredentialsBroken: a source is configured and cannot be read, or its variables may be
                meant for another host of this run.
        """
        task = self._lookups.get(key)
        if task is None:
            task = asyncio.ensure_future(in_thread(lambda: self._chain.trace(key)))
            self._lookups[key] = task
        # One that no longer waits must not take the answer from the others.
        found = await asyncio.shield(task)
        # Meanwhile others may have been asked for.
        self.refuse_confusion(registry)
        if found.error is not None:
            raise copy.copy(found.error)
        return found.credentials

    def refuse_confusion(self, registry: str) -> None:
        """`a-b.example` and `a.b.example` share variables: whose is the password?

        Raises:
            CredentialsBroken: it may be that of another host of this run.
        """
        self._note(registry)
        if registry in self._confused:
            raise copy.copy(self._confused[registry])

    def _note(self, registry: str) -> None:
        user, word = (variable(registry, field) for field in ("USERNAME", "PASSWORD"))
        other = self._named.setdefault(user, registry)
        if host(other) == host(registry) or not (self._env.get(user) or self._env.get(word)):
            return
        for each in (registry, other):
            self._confused[each] = CredentialsBroken(
                f"cannot log in to `{each}`",
                f"{user} may be meant for `{other}` or for `{registry}`; both are asked here",
                "ask for one of them at a time, or use `docker login`",
            )
