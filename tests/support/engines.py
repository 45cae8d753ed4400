"""Real engines, found by `REGSYNC_TEST_ENGINES` or at Docker's usual socket."""

from __future__ import annotations

import base64
import json
import os
import socket
from collections.abc import Iterator
from functools import cached_property
from urllib.parse import quote

import httpx
import pytest

VARIABLE = "REGSYNC_TEST_ENGINES"
"""Engines as `NAME=unix:///PATH`, separated by spaces."""
DEFAULT = "/var/run/docker.sock"


def parameters() -> list[object]:
    """Sockets for `pytest.mark.parametrize`, or one that is skipped with the reason."""
    given = os.environ.get(VARIABLE, "").split()
    if not given:
        with socket.socket(socket.AF_UNIX) as knock:
            try:
                knock.connect(DEFAULT)
            except OSError as error:
                reason = f"no engine: {VARIABLE} is not set, and {DEFAULT}: {error.strerror}"
                return [pytest.param("", id="none", marks=pytest.mark.skip(reason=reason))]
        given = [f"docker=unix://{DEFAULT}"]
    return [
        pytest.param(address.removeprefix("unix://"), id=name)
        for name, _, address in (each.partition("=") for each in given)
    ]


class Engine(httpx.Client):
    """The image API of one engine; Podman's own API where that alone can do without TLS."""

    def __init__(self, socket: str) -> None:
        transport = httpx.HTTPTransport(uds=socket)
        super().__init__(base_url="http://engine", transport=transport, timeout=120)

    @cached_property
    def is_podman(self) -> bool:
        parts = self.get("/version").json().get("Components") or [{}]
        return bool(parts[0].get("Name") == "Podman Engine")

    def pull(self, reference: str, login: tuple[str, str] | None = None) -> None:
        if self.is_podman:
            url = f"/v4.0.0/libpod/images/pull?tlsVerify=false&reference={quote(reference)}"
        else:
            name, _, tag = reference.rpartition(":")
            url = f"/images/create?fromImage={quote(name)}&tag={tag}"
        self._stream(url, login)

    def push(self, reference: str, login: tuple[str, str] | None = None) -> None:
        name, _, tag = reference.rpartition(":")
        if self.is_podman:
            url = f"/v4.0.0/libpod/images/{quote(reference, safe='')}/push?tlsVerify=false"
        else:
            url = f"/images/{name}/push?tag={tag}"
        self._stream(url, login)

    def tag(self, source: str, target: str) -> None:
        name, _, tag = target.rpartition(":")
        answer = self.post(f"/images/{source}/tag", params={"repo": name, "tag": tag})
        assert answer.status_code == 201, answer.text

    def remove(self, reference: str) -> None:
        self.delete(f"/images/{reference}")

    def _stream(self, url: str, login: tuple[str, str] | None) -> None:
        user, password = login or ("", "")
        fields = {"username": user, "password": password} if login else {}
        auth = base64.urlsafe_b64encode(json.dumps(fields).encode()).decode()
        answer = self.post(url, headers={"X-Registry-Auth": auth})
        assert answer.status_code == 200, answer.text
        for line in self._events(answer.text):
            assert "error" not in line, line["error"]
            assert "errorDetail" not in line, line["errorDetail"]

    @staticmethod
    def _events(text: str) -> Iterator[dict[str, object]]:
        for line in text.splitlines():
            if line.strip():
                yield json.loads(line)
