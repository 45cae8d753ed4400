"""Docker's credential helpers: programs `docker-credential-NAME`.

The protocol of docker/docker-credential-helpers (`client/client.go`): `get`, the server on standard
input, a JSON object on standard output, and exit code 1 with a known text for "not there".
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass

from regsync.credentials.answers import Broken, Silence
from regsync.credentials.authfile import TOKEN_USER
from regsync.credentials.keys import Key
from regsync.credentials.programs import Finished, ProgramFailed, Programs
from regsync.identity import Credentials

NOT_FOUND = "credentials not found in native keychain"
"""What a helper says of a server that it does not know (`credentials/error.go`)."""
OURSELVES = "regsync"
PREFIX = "docker-credential-"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_NAME_LIMIT = 100


@dataclass(frozen=True)
class Helper:
    """One helper program, as a source.

    Attributes:
        name: What names it: `credHelpers` for one host, `credsStore` for all.
        program: What follows `docker-credential-`.
        place: The program and the file that names it.
        programs: Runs it.
        path: The PATH to look for it in.
    """

    name: str
    program: str
    place: str
    programs: Programs
    path: str

    @classmethod
    def of(
        cls, name: str, program: str, file: str, programs: Programs, env: Mapping[str, str]
    ) -> Helper:
        """The helper of that name, named by a file."""
        shown = program if _is_name(program) else "…"
        place = f"{PREFIX}{shown}, named by {file}"
        return cls(name, program, place, programs, env.get("PATH", os.defpath))

    def ask(self, key: Key) -> Credentials | Silence:
        """See `Source.ask`. What it fails with is never shown: it may be the secret."""
        if self.program == OURSELVES:
            return Silence("it would ask regsync itself", skipped=True)
        finished = self._run("get", key.server)
        try:
            text = finished.output.decode()
        except UnicodeDecodeError as error:
            raise self._broken("it does not answer in UTF-8", key) from error
        if finished.code != 0:
            if text.strip() == NOT_FOUND:
                return Silence(f"it knows no login for `{key.server}`")
            raise self._broken(f"it failed with exit code {finished.code}", key)
        try:
            told = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise self._broken("it does not answer in JSON", key) from error
        fields = told if isinstance(told, dict) else {}
        username, secret = fields.get("Username"), fields.get("Secret")
        if not isinstance(username, str) or not isinstance(secret, str):
            raise self._broken("its answer has no `Username` and `Secret`", key)
        self._demand_server(fields.get("ServerURL"), key)
        if not username and not secret:
            return Silence(f"it has an empty login for `{key.server}`")
        if not secret or not username or "\0" in secret:
            raise self._broken("its answer is half a login", key)
        if username == TOKEN_USER:
            return Credentials("", secret, self.place, "identity_token")
        return Credentials(username, secret, self.place)

    def known(self) -> dict[str, str]:
        """User names by server, of all that it keeps: its `list`, which tells no secret.

        Raises:
            Broken: it cannot be asked or understood; several helpers know no `list`.
        """
        if self.program == OURSELVES:
            return {}
        finished = self._run("list", "")
        try:
            told = json.loads(finished.output) if finished.code == 0 else None
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict):
            raise Broken(f"{PREFIX}{self.program} does not list what it keeps")
        return {url: name for url, name in told.items() if isinstance(name, str)}

    def _run(self, action: str, given: str) -> Finished:
        program = self._program()
        try:
            return self.programs.run([program, action], given.encode())
        except ProgramFailed as error:
            why = f"{PREFIX}{self.program}: {error}"
            raise Broken(why, _try(self.program, given) if action == "get" else None) from error

    def _program(self) -> str:
        if not _is_name(self.program):
            raise Broken(
                f"{self.place}: the name of the helper is none",
                "a helper's name holds letters, digits, `.`, `_` and `-`",
            )
        # What stands in the current folder is somebody's, and no program of the user's.
        folders = [folder for folder in self.path.split(os.pathsep) if os.path.isabs(folder)]
        found = shutil.which(f"{PREFIX}{self.program}", path=os.pathsep.join(folders) or os.devnull)
        if found is None:
            raise Broken(
                f"{self.place}: the program is not in PATH",
                "install it, or remove its name from the file",
            )
        return found

    def _demand_server(self, server: object, key: Key) -> None:
        """Several helpers leave it out; one that names another host has answered for that one."""
        if server is None or server == "":
            return
        if not isinstance(server, str) or Key.read(server).registry != key.registry:
            raise self._broken("it answers for another host", key)

    def _broken(self, why: str, key: Key) -> Broken:
        return Broken(f"{PREFIX}{self.program}: {why}", _try(self.program, key.server))


def _is_name(program: str) -> bool:
    return len(program) <= _NAME_LIMIT and _NAME.fullmatch(program) is not None


def _try(program: str, server: str) -> str:
    # What it says on success is the secret, which belongs on nobody's screen.
    asked = f"echo {server} | {PREFIX}{program} get >/dev/null; echo $?"
    return f"`{asked}` shows how it fails, and 0 where it works"
