"""Every file and variable of one run that holds logins in docker's format, read once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from regsync.credentials import authfile, dockerconfig
from regsync.credentials.answers import Broken, Silence
from regsync.credentials.authfile import AuthFile
from regsync.credentials.keys import Key

REGSYNC_AUTH_FILE, REGISTRY_AUTH_FILE = "REGSYNC_AUTH_FILE", "REGISTRY_AUTH_FILE"
DOCKER_AUTH_CONFIG = "DOCKER_AUTH_CONFIG"


@dataclass(frozen=True, slots=True)
class Gap:
    """A source that has nothing to ask, or that is broken whoever is asked for."""

    name: str
    place: str
    outcome: Silence | Broken

    def ask(self, key: Key) -> Silence:
        """See `Source.ask`."""
        if isinstance(self.outcome, Broken):
            raise self.outcome
        return self.outcome


class Files:
    """What the environment names and what the usual places hold."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._read: dict[str, AuthFile | Gap] = {}

    def named(self, variable: str) -> list[AuthFile | Gap]:
        """The files that a variable names, `:` between them; one that is missing is broken."""
        value = self._env.get(variable, "")
        names = [name for name in value.split(os.pathsep) if name]
        if not names:
            return [Gap(variable, "", Silence("not set", skipped=True))]
        return [self._file(variable, Path(name), demanded=True) for name in names]

    def inline(self) -> AuthFile | Gap:
        """The text in `DOCKER_AUTH_CONFIG`, of which docker takes `auths` alone."""
        name = DOCKER_AUTH_CONFIG
        text = self._env.get(name)
        if not text:
            return Gap(name, "", Silence("not set", skipped=True))
        if name not in self._read:
            try:
                self._read[name] = AuthFile.parse(text.encode(errors="replace"), name)
            except Broken as error:
                self._read[name] = Gap(name, "", error)
        return self._read[name]

    def docker(self) -> AuthFile | Gap:
        """docker's `config.json`."""
        path = dockerconfig.path(self._env)
        if path is None:
            return Gap("auths", "", Silence("no home, and no DOCKER_CONFIG", skipped=True))
        return self._file("auths", path)

    def containers(self) -> list[AuthFile | Gap]:
        """The `auth.json` of podman, skopeo and buildah."""
        found = [self._file("auth.json", path) for path in dockerconfig.containers(self._env)]
        return found or [Gap("auth.json", "", Silence("no home", skipped=True))]

    def every(self) -> Iterator[AuthFile]:
        """All that can be read, in the order in which they are asked."""
        found = (
            *self.named(REGSYNC_AUTH_FILE),
            self.inline(),
            *self.named(REGISTRY_AUTH_FILE),
            *self.containers(),
            self.docker(),
        )
        return (one for one in found if isinstance(one, AuthFile))

    def _file(self, name: str, path: Path, *, demanded: bool = False) -> AuthFile | Gap:
        place = str(path)
        if place not in self._read:
            try:
                self._read[place] = authfile.load(path) or Gap(
                    name, place, Silence("there is no such file", skipped=True)
                )
            except Broken as error:
                self._read[place] = Gap(name, place, error)
        found = self._read[place]
        if isinstance(found, AuthFile):
            return found
        if demanded and isinstance(found.outcome, Silence):
            why = f"{name} names {place}, and there is no such file"
            return Gap(name, place, Broken(why, f"mend or unset {name}"))
        # The same file under two names keeps the outcome and not the name.
        return Gap(name, place, found.outcome)
