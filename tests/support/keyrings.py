"""Backends of the keyring library that behave and misbehave; named in PYTHON_KEYRING_BACKEND."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

FILE = "REGSYNC_TEST_KEYRING"
"""The variable that names the file of `Memory`."""


class _Backend(KeyringBackend):
    priority = 1  # type: ignore[assignment]

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError

    def delete_password(self, service: str, username: str) -> None:
        raise NotImplementedError

    def get_password(self, service: str, username: str) -> str | None:
        raise NotImplementedError


class Memory(_Backend):
    """Remembers in a file: `{"SERVICE USERNAME": SECRET}`; counts each question in another one."""

    def get_password(self, service: str, username: str) -> str | None:
        file = Path(os.environ[FILE])
        with file.with_suffix(".asked").open("a") as stream:
            stream.write(f"{service}\n")
        sys.stdout.write("a backend that talks\n")
        found: str | None = json.loads(file.read_text()).get(f"{service} {username}")
        return found


class Hanging(_Backend):
    """Waits for a prompt that nobody answers."""

    def get_password(self, service: str, username: str) -> str | None:
        time.sleep(60)
        return None


class Locked(_Backend):
    """Locked, and tells more of it than it should."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked(Path(os.environ[FILE]).read_text())


class Leaky(_Backend):
    """Fails with the secret in its text, and prints it."""

    def get_password(self, service: str, username: str) -> str | None:
        text = Path(os.environ[FILE]).read_text()
        sys.stdout.write(text)
        sys.stdout.flush()
        raise RuntimeError(text)


class Dead(_Backend):
    """Takes the process with it."""

    def get_password(self, service: str, username: str) -> str | None:
        os._exit(3)
