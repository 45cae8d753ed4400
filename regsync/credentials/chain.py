"""The order in which sources of credentials are asked.

    environment   REGSYNC_<HOST>_USERNAME and _PASSWORD
                  the files that REGSYNC_AUTH_FILE names
                  DOCKER_AUTH_CONFIG, a file's text
                  the file that REGISTRY_AUTH_FILE names
    keyring       regsync's own logins
    docker        credHelpers of the host → credsStore
    containers    auth.json, in XDG_RUNTIME_DIR, then in the configuration folder
    docker        auths
    anonymous

The first source that knows a host answers, or fails: a broken one never hands over to the next
(CVE-2021-41092).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence

from regsync.credentials import environment, logins
from regsync.credentials.answers import (
    Broken,
    Outcome,
    Silence,
    Source,
    Step,
    Trace,
    demand_sendable,
)
from regsync.credentials.authfile import AuthFile, Auths
from regsync.credentials.environment import Variables
from regsync.credentials.files import (
    DOCKER_AUTH_CONFIG,
    REGISTRY_AUTH_FILE,
    REGSYNC_AUTH_FILE,
    Files,
    Gap,
)
from regsync.credentials.helpers import Helper
from regsync.credentials.keyring import Keyring
from regsync.credentials.keys import Key, longest, typed
from regsync.credentials.programs import LIMIT_S, Programs
from regsync.errors import CredentialsBroken
from regsync.identity import Credentials
from regsync.oci.reference import Repository

__all__ = ["Chain", "Step", "Trace", "find", "trace"]


def trace(name: str | Repository, env: Mapping[str, str], *, limit_s: float = LIMIT_S) -> Trace:
    """Look for the credentials of one host or repository, and tell how.

    It may start programs and wait for them, `limit_s` seconds each: not for the event loop.

    Args:
        name: `HOST`, `HOST/NAMESPACE` or `HOST/NAMESPACE/REPO`, or a repository.
        env: The environment.

    Raises:
        UsageError: the name is none.
    """
    chain = Chain(env, limit_s=limit_s)
    try:
        return chain.trace(chain.key(name))
    finally:
        chain.close()


def find(
    name: str | Repository, env: Mapping[str, str], *, limit_s: float = LIMIT_S
) -> Credentials | None:
    """The credentials for a host or repository, or None for anonymous; see `trace`.

    Raises:
        CredentialsBroken: a source is configured and cannot be read.
        UsageError: the name is none.
    """
    found = trace(name, env, limit_s=limit_s)
    if found.error is not None:
        raise found.error
    return found.credentials


class Chain:
    """All sources of one run: each file is read once, and each key is looked for once.

    Safe for threads. Close it: programs that still run are ended then.
    """

    def __init__(self, env: Mapping[str, str], *, limit_s: float = LIMIT_S) -> None:
        self._env = env
        self._files = Files(env)
        self._programs = Programs(environment.without_ours(env), limit_s)
        self._keyring = Keyring(logins.path(env), self._programs)
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._traces: dict[Key, Trace] = {}

    @property
    def files(self) -> Files:
        """The files of this run."""
        return self._files

    @property
    def keyring(self) -> Keyring:
        """regsync's own logins."""
        return self._keyring

    def close(self) -> None:
        """End the programs that still run."""
        self._programs.close()

    def key(self, name: str | Repository) -> Key:
        """What a name's credentials are looked for under.

        The longest namespace that any source knows, else the host: names with the same key have
        the same credentials, and a host where nothing is kept by namespace has one key.

        Raises:
            UsageError: the name is none.
        """
        wanted = typed(name) if isinstance(name, str) else Key.of(name)
        variables = Variables(self._env, wanted.registry)
        if variables.are_set:
            # They answer first, for all of the host.
            return Key(wanted.registry)
        with self._lock:
            return longest(wanted, self._known())

    def trace(self, key: Key) -> Trace:
        """Look for the credentials of a key; asked again, it is the same answer."""
        with self._lock:
            # One host's helpers are asked one after the other, and hold up no other host.
            turn = self._locks.setdefault(key.registry, threading.Lock())
        with turn:
            if key not in self._traces:
                self._traces[key] = _look(key, self.sources(key))
            return self._traces[key]

    def sources(self, key: Key) -> Sequence[Source]:
        """Every source, in the order in which they are asked."""
        docker = self._files.docker()
        return (
            Variables(self._env, key.registry),
            *self._of(self._files.named(REGSYNC_AUTH_FILE), REGSYNC_AUTH_FILE, key),
            _auths(self._files.inline(), DOCKER_AUTH_CONFIG),
            *self._of(self._files.named(REGISTRY_AUTH_FILE), REGISTRY_AUTH_FILE, key),
            self._keyring,
            self._helper(docker, key)
            or _renamed(docker, "credHelpers", "names no helper for this host"),
            self.store(docker) or _renamed(docker, "credsStore", "names no helper for all hosts"),
            *self._of(self._files.containers(), "auth.json", key),
            _auths(docker, "auths"),
        )

    def store(self, file: AuthFile | Gap) -> Helper | None:
        """The helper that a file names for all registries."""
        if isinstance(file, Gap) or file.store is None:
            return None
        return Helper.of("credsStore", file.store, file.place, self._programs, self._env)

    def _of(self, found: Sequence[AuthFile | Gap], name: str, key: Key) -> Iterator[Source]:
        """A file's helper for the host, where it names one, and the file's own logins."""
        for file in found:
            if (helper := self._helper(file, key)) is not None:
                yield helper
            yield _auths(file, name)

    def _helper(self, file: AuthFile | Gap, key: Key) -> Helper | None:
        if isinstance(file, Gap) or key.registry not in file.helpers:
            return None
        program = file.helpers[key.registry]
        return Helper.of("credHelpers", program, file.place, self._programs, self._env)

    def _known(self) -> Iterator[Key]:
        """All keys that some source has; one that is broken says so when it is asked."""
        for file in self._files.every():
            yield from file.auths
        try:
            yield from self._keyring.logins
        except Broken:
            return


def _auths(file: AuthFile | Gap, name: str) -> Source:
    return file if isinstance(file, Gap) else Auths(file, name)


def _renamed(file: AuthFile | Gap, name: str, silent: str) -> Gap:
    if isinstance(file, Gap):
        return Gap(name, file.place, file.outcome)
    return Gap(name, file.place, Silence(silent, skipped=True))


def _look(key: Key, sources: Sequence[Source]) -> Trace:
    steps: list[Step] = []
    found: Credentials | None = None
    error: CredentialsBroken | None = None
    for source in sources:
        if found is not None or error is not None:
            why = "another one answered first" if found else "one before it failed"
            steps.append(Step(source.name, source.place, "not_asked", why))
            continue
        try:
            said = source.ask(key)
            if isinstance(said, Credentials):
                demand_sendable(said.username, said.secret, source.place)
        except Broken as broken:
            what = f"cannot log in to `{key}`"
            error = CredentialsBroken(what, broken.why, broken.hint)
            steps.append(Step(source.name, source.place, "failed", broken.why))
            continue
        if isinstance(said, Silence):
            outcome: Outcome = "skipped" if said.skipped else "nothing"
            steps.append(Step(source.name, source.place, outcome, said.why))
        else:
            found = said
            steps.append(Step(source.name, source.place, "answered", f"as {said.who}"))
    return Trace(key.registry, str(key), tuple(steps), found, error)
