"""Credentials of docker's `config.json` (docker/cli `cli/config/configfile`), read only."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from regsync.errors import CredentialsBroken
from regsync.identity import Credentials, variable
from regsync.oci.reference import DOCKER_HUB
from regsync.oci.strictjson import amount

SIZE_LIMIT = 4 * 1024 * 1024
_HUB_KEYS = ("https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io")


def path(env: Mapping[str, str]) -> Path | None:
    """Where docker keeps its configuration; None without DOCKER_CONFIG and HOME."""
    if folder := env.get("DOCKER_CONFIG"):
        return Path(folder) / "config.json"
    home = env.get("HOME") or env.get("USERPROFILE")
    return Path(home) / ".docker" / "config.json" if home else None


def find(registry: str, env: Mapping[str, str]) -> Credentials | None:
    """The `auths` entry of a host, or None where there is none.

    Raises:
        CredentialsBroken: the file or the entry cannot be read.
    """
    file = path(env)
    if file is None:
        return None
    try:
        with file.open("rb") as stream:
            data = stream.read(SIZE_LIMIT + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _broken(registry, f"{file}: {error.strerror or error}") from error
    return parse(data, registry, str(file))


def parse(data: bytes, registry: str, source: str) -> Credentials | None:
    """The entry of a host in the text of a `config.json`.

    Raises:
        CredentialsBroken: not JSON, too large, or the host's entry is malformed.
    """
    if len(data) > SIZE_LIMIT:
        raise _broken(registry, f"{source} is larger than {amount(SIZE_LIMIT)}")
    try:
        document = json.loads(data or b"{}")
    except (ValueError, RecursionError) as error:
        raise _broken(registry, f"{source} is not JSON") from error
    auths = document.get("auths") if isinstance(document, dict) else None
    if auths is None and isinstance(document, dict):
        return None
    if not isinstance(auths, dict):
        raise _broken(registry, f"{source}: `auths` is not an object")
    entry = _entry(auths, registry)
    return None if entry is None else _read(entry, registry, source)


def _entry(auths: Mapping[str, Any], registry: str) -> Mapping[str, Any] | None:
    wanted = _HUB_KEYS if registry == DOCKER_HUB else (registry,)
    for key in wanted:
        if isinstance(auths.get(key), dict):
            return auths[key]  # type: ignore[no-any-return]  # the line above says what it is
    for key, entry in auths.items():
        if isinstance(entry, dict) and host_of(key) in wanted:
            return entry
    return None


def host_of(key: str) -> str:
    """The host of a key, which may carry a scheme and a path: `https://h/v1/` → `h`."""
    return key.partition("://")[2].partition("/")[0] if "://" in key else key.partition("/")[0]


def _read(entry: Mapping[str, Any], registry: str, source: str) -> Credentials | None:
    encoded = entry.get("auth")
    tokens = [name for name in ("identitytoken", "registrytoken") if entry.get(name)]
    if not encoded:
        username, secret = entry.get("username"), entry.get("password")
        if isinstance(username, str) and isinstance(secret, str) and username and secret:
            return Credentials(username, secret, source)
        if tokens:
            raise _only_a_token(registry, source, tokens[0])
        # With a `credsStore`, docker leaves an empty entry behind as a mark.
        return None
    try:
        pair = base64.b64decode(encoded, validate=True).decode("utf-8").rstrip("\0")
    except (binascii.Error, ValueError, TypeError) as error:
        raise _broken(registry, f"{source}: `auth` of this host is not base64") from error
    username, colon, secret = pair.partition(":")
    if not colon or not username:
        raise _broken(registry, f"{source}: `auth` of this host is not USER:PASSWORD")
    if not secret and tokens:
        raise _only_a_token(registry, source, tokens[0])
    if not secret:
        raise _broken(registry, f"{source}: `auth` of this host has an empty password")
    return Credentials(username, secret, source)


def _only_a_token(registry: str, source: str, field: str) -> CredentialsBroken:
    """Azure's and others' logins leave a token in place of a password (docker/cli `AuthConfig`)."""
    return CredentialsBroken(
        f"cannot log in to `{registry}`",
        f"{source} holds an identity token (`{field}`), which regsync cannot use yet",
        f"set {variable(registry, 'USERNAME')} and {variable(registry, 'PASSWORD')}",
    )


def _broken(registry: str, why: str) -> CredentialsBroken:
    return CredentialsBroken(
        f"cannot log in to `{registry}`", why, "mend the file, or point DOCKER_CONFIG elsewhere"
    )
