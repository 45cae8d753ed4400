"""Keys: what logins are kept under, a host or a namespace in it.

`quay.io`, `quay.io/team` and `quay.io/team/app` are three keys of one registry; for a repository
the longest one that covers it counts (containers-auth.json(5)).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from regsync.errors import InvalidReference, UsageError
from regsync.oci.reference import DOCKER_HUB, Repository

HUB_SERVER = "https://index.docker.io/v1/"
"""What docker calls Docker Hub where it keeps or asks for logins."""
_HUB_HOSTS = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
# What docker's own keys end in; no namespace of anybody.
_API_PATHS = frozenset({"", "v1", "v2"})
# What a login through the browser leaves beside the one that is meant (docker/cli#5344).
_NO_LOGINS = frozenset({"v1/access-token", "v1/refresh-token"})


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """A registry host in lower case, Docker Hub as `docker.io`, and a path, empty for all of it."""

    registry: str
    path: str = ""

    @classmethod
    def of(cls, repository: Repository) -> Self:
        """The longest key that covers a repository."""
        return cls(host(repository.registry), repository.path)

    @classmethod
    def read(cls, text: str) -> Self:
        """Read a key as files have them: `https://index.docker.io/v1/`, `quay.io/team`.

        One with a scheme is of the whole host, whatever its path: docker writes those.
        """
        _, scheme, rest = text.rpartition("://")
        name, _, path = rest.partition("/")
        path = path.strip("/")
        whole = path in _API_PATHS or (scheme and path not in _NO_LOGINS)
        return cls(host(name), "" if whole else path)

    @property
    def wider(self) -> tuple[Key, ...]:
        """This key and all that cover it, the longest first."""
        parts = self.path.split("/") if self.path else []
        paths = ["/".join(parts[:count]) for count in range(len(parts), -1, -1)]
        return tuple(Key(self.registry, path) for path in paths)

    @property
    def server(self) -> str:
        """How helpers call the registry."""
        return HUB_SERVER if self.registry == DOCKER_HUB else self.registry

    def __str__(self) -> str:
        return f"{self.registry}/{self.path}" if self.path else self.registry


def host(name: str) -> str:
    """One name for each registry: hosts ignore case, and Docker Hub goes by several."""
    lowered = name.lower()
    return DOCKER_HUB if lowered in _HUB_HOSTS else lowered


def typed(text: str) -> Key:
    """Read `HOST[/NAMESPACE[/REPO]]` as a user typed it; the first part is always the host.

    Raises:
        UsageError: it is no host, or the rest is no repository or namespace.
    """
    name, slash, path = text.partition("/")
    what = f"`{text[:200]}` is not a registry"
    hint = "write HOST, HOST/NAMESPACE or HOST/NAMESPACE/REPO, e.g. `quay.io/team`"
    if slash and not path:
        raise UsageError(what, "nothing follows the `/`", hint)
    try:
        read = Repository.parse(f"{text}/x")
    except InvalidReference as error:
        raise UsageError(what, error.why, hint) from error
    if read.registry != DOCKER_HUB or host(name) == DOCKER_HUB:
        return Key(host(name), path)
    raise UsageError(
        what,
        f"`{name}` is not a host: one has a dot or a port, or is `localhost`",
        f"of Docker Hub it is `{DOCKER_HUB}/{text}`",
    )


def longest(wanted: Key, known: Iterable[Key]) -> Key:
    """The longest of the known keys that covers what is wanted; the host where none does."""
    found = set(known)
    return next((key for key in wanted.wider if key in found), Key(wanted.registry))
