"""The format that docker's `config.json` and the containers tools' `auth.json` share.

Fields as in docker/cli `cli/config/configfile` and containers-auth.json(5); read only.
"""

from __future__ import annotations

import base64
import binascii
import json
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from regsync.credentials.answers import Broken, Silence
from regsync.credentials.keys import HUB_SERVER, Key
from regsync.identity import Credentials, Kind
from regsync.oci.strictjson import amount

SIZE_LIMIT = 4 * 1024 * 1024
TOKEN_USER = "<token>"
"""The user name that says that the secret is an identity token (docker-credential-helpers)."""

_MEND = "mend it, or point its variable elsewhere"


@dataclass(frozen=True)
class AuthFile:
    """What one file, or one variable with a file's text, says.

    Attributes:
        place: Where it stands, for messages.
        auths: Entries by key, not yet looked into.
        helpers: Names of helper programs by registry.
        store: The name of the helper program for all other registries.
    """

    place: str
    auths: Mapping[Key, object] = field(default_factory=dict, repr=False)
    helpers: Mapping[str, str] = field(default_factory=dict)
    store: str | None = None

    @classmethod
    def parse(cls, data: bytes, place: str) -> Self:
        """Read the text of a file.

        Raises:
            Broken: not JSON, too large, or of another shape.
        """
        if len(data) > SIZE_LIMIT:
            raise Broken(f"{place} is larger than {amount(SIZE_LIMIT)}", _MEND)
        try:
            document = json.loads(data.strip() or b"{}")
        except (ValueError, RecursionError) as error:
            raise Broken(f"{place} is not JSON", _MEND) from error
        if not isinstance(document, dict):
            raise Broken(f"{place} is not a JSON object", _MEND)
        auths = _object(document, "auths", place)
        helpers = _object(document, "credHelpers", place)
        store = document.get("credsStore") or None
        named = [*helpers.values(), store]
        if not all(name is None or isinstance(name, str) for name in named):
            raise Broken(f"{place}: the name of a helper is not a text", _MEND)
        return cls(
            place,
            _by_key(auths),
            # Of a whole host alone, as docker and containers/image have it.
            {key.registry: name for key, name in _by_key(helpers).items() if name and not key.path},
            store,
        )

    def find(self, key: Key) -> Credentials | None:
        """The entry of the longest key that covers `key` and holds a login.

        Raises:
            Broken: the entry cannot be understood.
        """
        for each in key.wider:
            found = _login(self.auths.get(each), f"{self.place}, `{each}`")
            if found is not None:
                return found
        return None

    def logins(self) -> dict[Key, Credentials]:
        """Every login in it; entries that cannot be understood are left out."""
        found = {}
        for key in self.auths:
            try:
                login = _login(self.auths[key], f"{self.place}, `{key}`")
            except Broken:
                continue
            if login is not None:
                found[key] = login
        return found


def load(path: Path) -> AuthFile | None:
    """Read a file; None where it is not there.

    Raises:
        Broken: it cannot be read or understood.
    """
    try:
        # Opening a pipe would wait for somebody to write into it.
        if not stat.S_ISREG(path.stat().st_mode):
            raise Broken(f"{path} is not a file", _MEND)
        with path.open("rb") as stream:
            return AuthFile.parse(stream.read(SIZE_LIMIT + 1), str(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise Broken(f"{path}: {(reason or str(error)).lower()}", _MEND) from error


@dataclass(frozen=True)
class Auths:
    """The logins that a file itself holds, as a source."""

    file: AuthFile
    name: str

    @property
    def place(self) -> str:
        """The file."""
        return self.file.place

    def ask(self, key: Key) -> Credentials | Silence:
        """See `Source.ask`."""
        return self.file.find(key) or Silence(f"no login for `{key}`")


def _by_key(entries: Mapping[str, Any]) -> dict[Key, Any]:
    """Entries by key; of several spellings of one, the one that its own tool writes counts."""
    found: dict[Key, Any] = {}
    for text in sorted(entries, key=_rank):
        found.setdefault(Key.read(text), entries[text])
    return found


def _rank(text: str) -> int:
    return 0 if text == HUB_SERVER else 1 if text == str(Key.read(text)) else 2


def _object(document: Mapping[str, Any], name: str, place: str) -> Mapping[str, Any]:
    value = document.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Broken(f"{place}: `{name}` is not an object", _MEND)
    return value


def _login(entry: object, source: str) -> Credentials | None:
    if entry is None:
        return None
    if not isinstance(entry, dict):
        raise Broken(f"{source} is not an object", _MEND)
    username, secret = _pair(entry, source)
    if secret:
        kind: Kind = "identity_token" if username == TOKEN_USER else "password"
        return Credentials("" if username == TOKEN_USER else username, secret, source, kind)
    for name, kind in _TOKENS.items():
        token = entry.get(name)
        if token is None or token == "":
            continue
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise Broken(f"{source}: `{name}` is not a token", _MEND)
        return Credentials(username, token, source, kind)
    if username:
        raise Broken(f"{source} has a user name, and neither a password nor a token", _MEND)
    # With a `credsStore`, docker leaves an empty entry behind as a mark.
    return None


_TOKENS: Mapping[str, Kind] = {
    "identitytoken": "identity_token",
    "registrytoken": "registry_token",
}


def _pair(entry: Mapping[str, Any], source: str) -> tuple[str, str]:
    encoded = entry.get("auth")
    if not encoded:
        username, secret = entry.get("username") or "", entry.get("password") or ""
        if not isinstance(username, str) or not isinstance(secret, str):
            raise Broken(f"{source}: `username` or `password` is not a text", _MEND)
        return username, secret
    try:
        pair = base64.b64decode(encoded, validate=True).decode("utf-8").rstrip("\0")
    except (binascii.Error, ValueError, TypeError) as error:
        raise Broken(f"{source}: `auth` is not base64", _MEND) from error
    username, colon, secret = pair.partition(":")
    if not colon or not username:
        raise Broken(f"{source}: `auth` is not USER:PASSWORD", _MEND)
    return username, secret
