"""A user's machine with logins in every place where there can be one."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import keyrings

from regsync.credentials import logins
from regsync.credentials.keys import Key
from regsync.identity import Kind, variable

SECRET = "canary-4f1d"
SUPPORT = Path(__file__).parent


def pair(username: str, secret: str = SECRET) -> dict[str, str]:
    """An entry of `auths`."""
    return {"auth": base64.b64encode(f"{username}:{secret}".encode()).decode()}


class Machine:
    """A home, a PATH with helper programs, a keyring, and the environment that shows them.

    Each `put_*` places one login, whose user name is that of its source.
    """

    def __init__(self, folder: Path) -> None:
        self.home, self.bin, self.run = folder / "home", folder / "bin", folder / "run"
        for each in (self.home, self.bin, self.run):
            each.mkdir()
        self.config = self.home / ".docker" / "config.json"
        self.index = self.home / ".config" / "regsync" / logins.FILE
        self.vault = folder / "vault.json"
        self.env = {
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "PATH": f"{self.bin}{os.pathsep}/usr/bin{os.pathsep}/bin",
            "PYTHONPATH": str(SUPPORT),
            "PYTHON_KEYRING_BACKEND": "keyrings.Memory",
            keyrings.FILE: str(self.vault),
        }

    def write(self, path: Path, document: Any) -> str:
        """Merge a document into a JSON file, or put a text there; returns its path."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(document, str):
            path.write_text(document)
        else:
            before = json.loads(path.read_text()) if path.exists() else {}
            path.write_text(json.dumps(before | document))
        return str(path)

    def put_environment(self, host: str, secret: str = SECRET) -> None:
        self.env |= {variable(host, "USERNAME"): "environment", variable(host, "PASSWORD"): secret}

    def put_regsync_auth_file(self, key: str) -> None:
        auths = {"auths": {key: pair("REGSYNC_AUTH_FILE")}}
        self.env["REGSYNC_AUTH_FILE"] = self.write(self.home / "one.json", auths)

    def put_docker_auth_config(self, key: str) -> None:
        auths = {"auths": {key: pair("DOCKER_AUTH_CONFIG")}}
        self.env["DOCKER_AUTH_CONFIG"] = json.dumps(auths)

    def put_registry_auth_file(self, key: str) -> None:
        auths = {"auths": {key: pair("REGISTRY_AUTH_FILE")}}
        self.env["REGISTRY_AUTH_FILE"] = self.write(self.home / "two.json", auths)

    def put_keyring(self, key: str, kind: Kind = "password", secret: str = SECRET) -> None:
        login = logins.Login(Key.read(key), "keyring", kind)
        logins.record(self.index, login)
        self.write(self.vault, {f"{login.service} keyring": secret})

    def put_cred_helpers(self, key: str) -> None:
        self.write(self.config, {"credHelpers": {key: "one"}})
        self.helper("one", answer(key, "credHelpers"))

    def put_creds_store(self, key: str) -> None:
        self.write(self.config, {"credsStore": "all"})
        self.helper("all", answer(key, "credsStore"))

    def put_auth_json(self, key: str) -> None:
        self.env["XDG_RUNTIME_DIR"] = str(self.run)
        self.write(self.run / "containers" / "auth.json", {"auths": {key: pair("auth.json")}})

    def put_second_auth_json(self, key: str) -> None:
        path = self.home / ".config" / "containers" / "auth.json"
        self.write(path, {"auths": {key: pair("second auth.json")}})

    def put_auths(self, key: str) -> None:
        self.write(self.config, {"auths": {key: pair("auths")}})

    def helper(self, name: str, script: str, mode: int = 0o755) -> None:
        """A program `docker-credential-NAME`; each start is noted in a file beside it."""
        file = self.bin / f"docker-credential-{name}"
        file.write_text(f'#!/bin/sh\necho "$1" >> "$0.asked"\n{script}\n')
        file.chmod(mode)

    def asked(self, name: str) -> list[str]:
        """What a helper was started for."""
        file = self.bin / f"docker-credential-{name}.asked"
        return file.read_text().split() if file.exists() else []

    @property
    def keyring_asked(self) -> list[str]:
        """The services that `keyrings.Memory` was asked for."""
        file = self.vault.with_suffix(".asked")
        return file.read_text().split() if file.exists() else []


PUTS = (
    Machine.put_environment,
    Machine.put_regsync_auth_file,
    Machine.put_docker_auth_config,
    Machine.put_registry_auth_file,
    Machine.put_keyring,
    Machine.put_cred_helpers,
    Machine.put_creds_store,
    Machine.put_auth_json,
    Machine.put_second_auth_json,
    Machine.put_auths,
)
"""Every source, in the order in which they are asked."""

NAMES = (
    "environment",
    "REGSYNC_AUTH_FILE",
    "DOCKER_AUTH_CONFIG",
    "REGISTRY_AUTH_FILE",
    "keyring",
    "credHelpers",
    "credsStore",
    "auth.json",
    "second auth.json",
    "auths",
)
"""The user name that each of `PUTS` leaves."""


def answer(server: str, username: str, secret: str = SECRET) -> str:
    """A helper's script that knows one server, and says so of others as helpers do."""
    told = json.dumps({"ServerURL": server, "Username": username, "Secret": secret})
    return (
        f'[ "$1" = list ] && {{ echo \'{{"{server}": "{username}"}}\'; exit 0; }}\n'
        f'read server; [ "$server" = "{server}" ] && {{ echo \'{told}\'; exit 0; }}\n'
        "echo 'credentials not found in native keychain'; exit 1"
    )
