"""The index of regsync's own logins: which keys have one, and whose. It holds no secret.

```json
{"version": 1, "logins": {"quay.io/team": {"username": "ann", "kind": "password"}}}
```

A keyring cannot be asked what it holds, and asking it costs a process and perhaps a prompt; so it
is asked for what stands here alone. The secret is the keyring's item of service `regsync:KEY` and
that user name.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regsync import filelock
from regsync.credentials.answers import Broken
from regsync.credentials.keys import Key
from regsync.errors import CredentialsBroken, StoreLocked
from regsync.identity import Kind

FILE = "logins.json"
SIZE_LIMIT = 1024 * 1024
LOCK_SECONDS = 5.0
"""How long another run may hold the file; each writes for milliseconds."""
_PAUSE = 0.02
_VERSION = 1
_KINDS: tuple[Kind, ...] = ("password", "identity_token")


@dataclass(frozen=True, slots=True)
class Login:
    """One login that regsync keeps in the keyring."""

    key: Key
    username: str
    kind: Kind = "password"

    @property
    def service(self) -> str:
        """The service of the keyring's item, e.g. `regsync:quay.io/team`."""
        return f"regsync:{self.key}"


def path(env: Mapping[str, str]) -> Path | None:
    """The file, beside the user's `regsync.toml`; None where the user has no home."""
    # Without HOME the password database would answer, and for daemons it names odd places.
    if not any(env.get(name) for name in ("HOME", "XDG_CONFIG_HOME", "APPDATA")):
        return None
    import platformdirs

    found = Path(platformdirs.user_config_dir("regsync", appauthor=False)) / FILE
    return found if found.is_absolute() else None


def read(file: Path) -> dict[Key, Login]:
    """All logins by key; none where there is no file.

    Raises:
        Broken: it cannot be read or understood, or was written by a later release.
    """
    try:
        # Opening a pipe would wait for somebody to write into it.
        if not stat.S_ISREG(file.stat().st_mode):
            raise Broken(f"{file} is not a file", _hint(file))
        with file.open("rb") as stream:
            data = stream.read(SIZE_LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise Broken(f"{file}: {(error.strerror or str(error)).lower()}", _hint(file)) from error
    try:
        document = json.loads(data) if len(data) <= SIZE_LIMIT else None
        if isinstance(document, dict) and document.get("version") != _VERSION:
            raise Broken(f"{file} was written by another release of regsync", _hint(file))
        return {login.key: login for login in _parse(document)}
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise Broken(f"{file} is not an index of logins", _hint(file)) from error


def record(file: Path, login: Login) -> None:
    """Add a login, in place of the one that its key has.

    Raises:
        CredentialsBroken: the file cannot be read or written; it is as it was.
        StoreLocked: another run has been writing to it for too long.
    """
    with _changing(file) as logins:
        logins[login.key] = login


def remove(file: Path, key: Key) -> Login | None:
    """Remove the login of a key; returns it, or None where there was none.

    Raises:
        CredentialsBroken: see `record`.
        StoreLocked: see `record`.
    """
    with _changing(file) as logins:
        return logins.pop(key, None)


@contextmanager
def _changing(file: Path) -> Iterator[dict[Key, Login]]:
    """The logins, to be changed; what is left at the end is written, in one step, under a lock."""
    what = "cannot write down the login"
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(file):
            logins = read(file)
            before = dict(logins)
            yield logins
            if logins != before:
                _write(file, logins)
    except Broken as error:
        raise CredentialsBroken(what, error.why, error.hint) from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CredentialsBroken(what, f"{file}: {reason}", "give it a place to be kept") from error


def _write(file: Path, logins: Mapping[Key, Login]) -> None:
    document = {
        "version": _VERSION,
        "logins": {
            str(key): {"username": logins[key].username, "kind": logins[key].kind}
            for key in sorted(logins)
        },
    }
    partial = file.with_name(f".{FILE}-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8") as stream:
            stream.write(json.dumps(document, indent=2) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(partial, file)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    # A file of its own: the index is replaced, and a lock on the old one would hold nobody back.
    lock = file.with_name(f".{FILE}.lock")
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        until = time.monotonic() + LOCK_SECONDS
        while not filelock.take(descriptor):
            if time.monotonic() > until:
                raise StoreLocked(
                    "cannot write down the login",
                    f"another run has held {lock} for {LOCK_SECONDS:.0f} seconds",
                    "wait for it to end, then repeat the command",
                )
            time.sleep(_PAUSE)
        yield
    finally:
        os.close(descriptor)


def _parse(document: Any) -> Iterator[Login]:
    for text, fields in document["logins"].items():
        username, kind = fields["username"], fields.get("kind", "password")
        if not isinstance(username, str) or not username or kind not in _KINDS:
            raise ValueError("no login")
        yield Login(Key.read(text), username, kind)


def _hint(file: Path) -> str:
    return f"move {file} away; logins of other sources are used then, or set the variables"
