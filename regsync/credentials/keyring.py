"""regsync's own logins, kept in the keyring of this machine.

The keyring is asked by a process of its own (`keyringworker.py`): a backend may wait for a prompt
for ever, and a thread that hangs cannot be ended.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from regsync.credentials import logins
from regsync.credentials.answers import Broken, Silence
from regsync.credentials.keys import Key, longest
from regsync.credentials.logins import Login
from regsync.credentials.programs import ProgramFailed, Programs
from regsync.identity import Credentials, variable

NAME = "keyring"
_WORKER = Path(__file__).with_name("keyringworker.py")
_WORDS = {
    "NoKeyringError": "there is no keyring here",
    "KeyringLocked": "the keyring is locked",
    "InitError": "the keyring cannot be opened",
    "ImportError": "its backend cannot be loaded (PYTHON_KEYRING_BACKEND, keyringrc.cfg)",
}


@dataclass(frozen=True)
class Keyring:
    """The logins of the index, as a source.

    Attributes:
        index: The file that says which logins there are; None without a home.
        programs: Runs the worker.
    """

    index: Path | None
    programs: Programs
    name: str = NAME

    @property
    def place(self) -> str:
        """The index: which keyring answers is known to the keyring library alone."""
        return str(self.index) if self.index is not None else ""

    @cached_property
    def logins(self) -> dict[Key, Login]:
        """What the index says.

        Raises:
            Broken: see `logins.read`.
        """
        return {} if self.index is None else logins.read(self.index)

    def ask(self, key: Key) -> Credentials | Silence:
        """See `Source.ask`. The keyring is asked only for what the index names."""
        login = self.logins.get(longest(key, self.logins))
        if login is None:
            return Silence("no login of regsync's own", skipped=True)
        variables = f"set {variable(key.registry, 'USERNAME')} and _PASSWORD"
        hint = f"choose another backend (PYTHON_KEYRING_BACKEND), or {variables}"
        told = self._told(login, hint)
        if isinstance(errors := told.get("error"), list):
            locked = "KeyringLocked" in errors
            raise Broken(_reason(errors), f"unlock the keyring, or {variables}" if locked else hint)
        secret = told.get("secret")
        if not isinstance(secret, str) or not secret:
            # The null backend answers so, and drops what it is given (jaraco/keyring).
            lost = (
                f"the keyring has no `{login.service}` of `{login.username}`, which was put there"
            )
            raise Broken(lost, hint)
        return Credentials(login.username, secret, f"the keyring, `{login.service}`", login.kind)

    def _told(self, login: Login, hint: str) -> dict[str, object]:
        if not sys.executable:
            raise Broken("no Python is known that could ask the keyring", hint)
        # -P: what lies in the folder of the worker, or in the current one, is not imported.
        command = [sys.executable, "-P", str(_WORKER)]
        given = json.dumps({"service": login.service, "username": login.username})
        try:
            finished = self.programs.run(command, given.encode())
            told = json.loads(finished.output)
        except ProgramFailed as error:
            raise Broken(f"the keyring: {error}", hint) from error
        except (ValueError, RecursionError) as error:
            raise Broken("the keyring fails without a word", hint) from error
        return told if isinstance(told, dict) else {}


def _reason(errors: Iterable[object]) -> str:
    """What an exception of a backend means, by the names of its classes; never its text."""
    names = [name for name in errors if isinstance(name, str)]
    known = next((_WORDS[name] for name in names if name in _WORDS), None)
    return known or f"the keyring failed ({', '.join(names[:1])})"
