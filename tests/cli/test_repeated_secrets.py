"""Registries and token servers that repeat what they were shown: it stays between us."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from logins import Machine
from wire import Reply, Seen, serve

from regsync.__main__ import main
from regsync.oci.digest import Digest

SECRET = "can/ary+c0de of=4f1d"
TOKEN = "can.ary-c0de_of-4f1d-which-is-a-token"
ENTRIES: dict[str, dict[str, str]] = {
    "password": {"username": "ann", "password": SECRET},
    "identity token": {"identitytoken": SECRET},
    "registry token": {"registrytoken": TOKEN},
}
GIVEN = "given-c0de-to-ann-for-this-run"
DIGEST = "sha256:" + "0" * 64


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def forms(secret: str) -> tuple[str, ...]:
    """How a server may repeat a secret, without what Base64 is padded with."""
    pairs = (_b64(text).rstrip("=") for text in (secret, f"ann:{secret}", f":{secret}"))
    return secret, *pairs, quote_plus(secret), quote(secret, safe="")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def image(folder: Path, name: str) -> None:
    """A layout with one image, called `name`."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def put(data: bytes) -> dict[str, Any]:
        digest = Digest.of(data)
        (blobs / digest.encoded).write_bytes(data)
        return {"digest": str(digest), "size": len(data)}

    kind = "application/vnd.oci.image."
    config = put(b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}')
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{kind}manifest.v1+json",
        "config": {"mediaType": f"{kind}config.v1+json", **config},
        "layers": [],
    }
    entry = {
        "mediaType": f"{kind}manifest.v1+json",
        **put(json.dumps(manifest).encode()),
        "annotations": {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": "1"},
    }
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')


def refuse(status: int, text: str) -> Reply:
    body = json.dumps({"errors": [{"code": f"DENIED {text}", "message": text}]}).encode()
    limit = {"ratelimit-limit": "100;w=21600", "docker-ratelimit-source": text}
    return status, {"Content-Type": "application/json", "Retry-After": "9999", **limit}, body


def hostile(status: int, text: str, scheme: str, at: str) -> Callable[[Seen], Reply]:
    """Greets as registries do; `token` or the rest repeats `text` once it was shown something."""
    realm = {"basic": 'Basic realm="r"', "bearer": 'Bearer realm="/token",service="s"'}[scheme]

    def answer(seen: Seen) -> Reply:
        if seen.path.startswith("/token"):
            if at == "token":
                return refuse(status, text)
            return 200, {}, json.dumps({"token": GIVEN}).encode()
        if seen.authorization is None:
            return 401, {"WWW-Authenticate": realm}, b""
        if seen.method == "HEAD":
            # So that a GET follows, whose answer has a body.
            return 405, {}, b""
        if status == 401:
            address = quote(text, safe="/:=&+")
            again = f'Bearer realm="http://127.0.0.1/{address}",service="{text}"'
            return 401, {"WWW-Authenticate": again}, refuse(status, text)[2]
        return refuse(status, text)

    return answer


COMMANDS = (
    "digest NAME -v",
    "tags REPO",
    "pull NAME --store oci:HOME/out",
    "status --store oci:HOME/images -v",
    "status --store oci:HOME/images --format json",
    "status --store oci:HOME/images --format html",
)


@pytest.mark.parametrize("kind", ENTRIES)
@pytest.mark.parametrize(
    ("status", "scheme", "at"),
    [
        (403, "basic", "registry"),
        (404, "bearer", "registry"),
        (401, "bearer", "registry"),
        (429, "bearer", "registry"),
        (403, "bearer", "token"),
    ],
)
def test_what_a_server_repeats_is_hidden(
    machine: Machine,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    status: int,
    scheme: str,
    at: str,
) -> None:
    secret = TOKEN if kind == "registry token" else SECRET
    given = scheme == "bearer" and at == "registry" and kind != "registry token"
    canaries = (*forms(secret), *(forms(GIVEN) if given else ()))
    for name, value in machine.env.items():
        monkeypatch.setenv(name, value)
    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(machine.home / name))
    with serve(hostile(status, " ".join(canaries), scheme, at)) as wire:
        machine.write(machine.config, {"auths": {wire.host: ENTRIES[kind]}})
        name = f"{wire.host}/team/app:1"
        image(machine.home / "images", name)
        for command in COMMANDS:
            words = (
                command.replace("NAME", name)
                .replace("REPO", name[:-2])
                .replace("HOME", str(machine.home))
                .split()
            )
            main(words)
            told = capfd.readouterr()
            if (
                status != 401
                and not (status == 404 and words[0] == "status")
                and not (scheme == "basic" and kind != "password")
            ):
                assert "***" in told.out + told.err, command
            for canary in canaries:
                assert canary.lower() not in (told.out + told.err).lower(), command
    for path in machine.home.rglob("*"):
        if path.is_file() and path != machine.config:
            data = path.read_bytes().lower()
            assert not any(canary.lower().encode() in data for canary in canaries), path
