"""Every login that any source is known to have, without asking for a single secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from regsync.credentials import environment
from regsync.credentials.answers import Broken, demand_sendable
from regsync.credentials.authfile import AuthFile
from regsync.credentials.chain import Chain
from regsync.credentials.files import (
    DOCKER_AUTH_CONFIG,
    REGISTRY_AUTH_FILE,
    REGSYNC_AUTH_FILE,
    Gap,
)
from regsync.credentials.helpers import PREFIX
from regsync.credentials.keys import Key
from regsync.identity import Kind, variable
from regsync.oci.reference import DOCKER_HUB


@dataclass(frozen=True, slots=True)
class Known:
    """One login, as its source tells of it.

    Attributes:
        key: The host or namespace; None for variables whose host nobody can tell.
        username: Empty where it shows only when the source is asked.
        kind: None where it shows only when the source is asked.
        source: The source's stable name.
        place: The file, program or variable.
        hidden_by: The source that answers before this one; None where this one is used.
    """

    key: Key | None
    username: str
    kind: Kind | None
    source: str
    place: str
    hidden_by: str | None = None


@dataclass(slots=True)
class Listing:
    """All logins in the order in which they are asked for, and the sources that are broken."""

    logins: list[Known] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)


def listing(chain: Chain, env: Mapping[str, str]) -> Listing:
    """Look into every source; only a helper that keeps all logins is asked what it has."""
    found = Listing()
    files = chain.files
    _of_files(found, files.named(REGSYNC_AUTH_FILE), REGSYNC_AUTH_FILE)
    _of_files(found, [files.inline()], DOCKER_AUTH_CONFIG, helpers=False)
    _of_files(found, files.named(REGISTRY_AUTH_FILE), REGISTRY_AUTH_FILE)
    _of_keyring(found, chain)
    docker = files.docker()
    _of_store(found, chain, docker)
    _of_files(found, files.containers(), "auth.json")
    _of_files(found, [docker], "auths", helpers=False)
    others = {one.key.registry for one in found.logins if one.key is not None}
    found.logins[:0] = _of_environment(found, env, {*others, DOCKER_HUB})
    found.logins = list(_hide(_sendable(found)))
    return found


def _of_environment(found: Listing, env: Mapping[str, str], hosts: set[str]) -> list[Known]:
    logins = []
    for prefix in environment.prefixes(env):
        user, word = f"{prefix}_USERNAME", f"{prefix}_PASSWORD"
        if not env.get(user) or not env.get(word):
            found.broken.append(Broken(f"of {user} and {word} one is set alone", "set both"))
            continue
        meant = [Key(host) for host in sorted(hosts) if variable(host, "USERNAME") == user]
        for key in meant or (None,):
            logins.append(Known(key, env[user], "password", environment.NAME, f"{prefix}_*"))
    return logins


def _of_files(
    found: Listing, files: list[AuthFile | Gap], name: str, *, helpers: bool = True
) -> None:
    for file in files:
        if isinstance(file, Gap):
            if isinstance(file.outcome, Broken):
                found.broken.append(file.outcome)
            continue
        if helpers:
            _of_helpers(found, file)
        for key, login in file.logins().items():
            found.logins.append(Known(key, login.username, login.kind, name, file.place))


def _of_helpers(found: Listing, file: AuthFile) -> None:
    for registry, program in file.helpers.items():
        place = f"{PREFIX}{program}, named by {file.place}"
        found.logins.append(Known(Key(registry), "", None, "credHelpers", place))


def _of_keyring(found: Listing, chain: Chain) -> None:
    keyring = chain.keyring
    try:
        logins = keyring.logins
    except Broken as error:
        found.broken.append(error)
        return
    for key, login in logins.items():
        found.logins.append(Known(key, login.username, login.kind, keyring.name, keyring.place))


def _of_store(found: Listing, chain: Chain, docker: AuthFile | Gap) -> None:
    if isinstance(docker, Gap):
        # If it is broken, its own logins say so.
        return
    _of_helpers(found, docker)
    store = chain.store(docker)
    if store is None:
        return
    try:
        known = store.known()
    except Broken as error:
        found.broken.append(error)
        return
    for server, username in known.items():
        key = Key.read(server)
        if not key.path:
            found.logins.append(Known(key, username, None, store.name, store.place))


def _sendable(found: Listing) -> list[Known]:
    """The logins whose user names can be sent, and shown."""
    kept = []
    for login in found.logins:
        try:
            demand_sendable(login.username, "", login.place)
        except Broken as error:
            found.broken.append(error)
        else:
            kept.append(login)
    return kept


def _hide(logins: list[Known]) -> Iterator[Known]:
    """What an earlier source answers for is never asked of a later one."""
    seen: dict[Key, Known] = {}
    for login in logins:
        if login.key is None:
            yield login
            continue
        covering = [seen[key] for key in login.key.wider if key in seen]
        first = next((one for one in covering if one.source != login.source), None)
        yield login if first is None else replace(login, hidden_by=first.source)
        seen.setdefault(login.key, login)
