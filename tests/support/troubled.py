"""Registries that are wrong in one way each, and what `doctor` makes of them."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from wire import Reply, Seen, serve

from regsync.clock import SystemClock
from regsync.oci import mediatype
from regsync.oci.digest import Digest
from regsync.operations.doctor.examine import Subject, examine_registry
from regsync.operations.doctor.steps import Outcome, Step
from regsync.registry.retry import Waits

RAW = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": mediatype.OCI_MANIFEST,
        "config": {
            "mediaType": mediatype.OCI_CONFIG,
            "digest": str(Digest.of(b"{}")),
            "size": 2,
        },
        "layers": [],
    }
).encode()
TYPED = {"Content-Type": mediatype.OCI_MANIFEST}
FOUND: Reply = (200, TYPED | {"Docker-Content-Digest": str(Digest.of(RAW))}, RAW)
OPEN: Reply = (200, {"Docker-Distribution-Api-Version": "registry/2.0"}, b"{}")
SECRET = "canary-7d1f"
WAITS = Waits(connect=0.3, quick=0.3, quick_in_all=0.6, silence=0.3, in_all=0.6)


class Shifted(SystemClock):
    """The machine's clock, set wrong."""

    def __init__(self, hours: float) -> None:
        self.by = timedelta(hours=hours)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.by


@dataclass
class Scene:
    """What is asked about, and what the user has set.

    Attributes:
        subject: What `doctor` is given.
        settings: The text of `regsync.toml`.
        env: More of the environment.
        hours: How far this machine's clock is ahead.
    """

    subject: str
    settings: str = ""
    env: dict[str, str] = field(default_factory=dict)
    hours: float = 0.0


def examine(scene: Scene, home: Path) -> tuple[Step, ...]:
    """All steps, in a home of its own."""
    config = home / "regsync.toml"
    config.write_text(scene.settings)
    env = {"HOME": str(home), "PATH": "", "REGSYNC_CONFIG": str(config), **scene.env}
    return asyncio.run(
        examine_registry(
            Subject.parse(scene.subject), env, clock=Shifted(scene.hours), certs_d=(), waits=WAITS
        )
    )


def trouble(steps: tuple[Step, ...]) -> Step:
    """The first step that is not as it should be."""
    return next(step for step in steps if step.outcome in (Outcome.WARNING, Outcome.FAILED))


def registry(
    manifest: Reply = FOUND,
    ping: Reply = OPEN,
    token: Reply | None = None,
    tags: Reply = (200, {}, b'{"tags":["1"]}'),
) -> Callable[[Seen], Reply]:
    """A registry; with `token` it wants one, from `/token`."""

    def answer(seen: Seen) -> Reply:
        if seen.path.startswith("/token"):
            assert token is not None
            return token
        if token is not None and not (seen.authorization or "").startswith("Bearer "):
            return bearer("/token")
        if "/manifests/" in seen.path:
            return manifest
        return tags if "/tags/" in seen.path else ping

    return answer


def bearer(realm: str) -> Reply:
    """A challenge."""
    return 401, {"WWW-Authenticate": f'Bearer realm="{realm}",service="s"'}, b""


def token(**claims: Any) -> Reply:
    """A token that says something of itself; without claims one that does not."""
    if not claims:
        return 200, {}, b'{"token":"opaque"}'
    parts = [json.dumps(part).encode() for part in ({"alg": "none"}, claims)]
    words = [base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts]
    return 200, {}, json.dumps({"token": ".".join([*words, "c2ln"])}).encode()


def login(host: str) -> dict[str, str]:
    """A login in the environment."""
    from regsync.identity import variable

    return {variable(host, "USERNAME"): "ann", variable(host, "PASSWORD"): SECRET}


@contextmanager
def at(
    answer: Callable[[Seen], Reply], *, logged_in: bool = False, as_host: str = "", hours: float = 0
) -> Iterator[Scene]:
    """A registry on this machine, asked for one image.

    Args:
        as_host: The host that it stands in for, by an `endpoint` that credentials may go to.
    """
    with serve(answer) as wire:
        host = as_host or wire.host
        settings = ""
        if as_host:
            settings = (
                f'[registry."{as_host}"]\nendpoint = "http://{wire.host}"\nendpoint_auth = true\n'
            )
        env = login(host) if logged_in else {}
        yield Scene(f"{host}/team/app:1", settings, env, hours)


def tls_settings(host: str, ca_file: Path | None = None) -> str:
    """TLS for a registry on this machine."""
    more = f'ca_file = "{ca_file}"\n' if ca_file is not None else ""
    return f'[registry."{host}"]\ntls = "on"\n{more}'


@contextmanager
def silent_port() -> Iterator[str]:
    """A port that takes connections, and is not read from."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        held: list[socket.socket] = []

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    held.append(listener.accept()[0])

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for one in held:
                one.close()


@contextmanager
def full_port() -> Iterator[str]:
    """A port whose queue is full: the kernel answers to no further connection."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        held = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                one.connect(listener.getsockname())
            held.append(one)
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            for one in held:
                one.close()


def server_context(ca: Any, name: str = "127.0.0.1", **more: Any) -> ssl.SSLContext:
    """A server's side of TLS, its certificate issued by `ca`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(name, **more).configure_cert(context)
    return context
