"""200 images and five registries that are dead, each in its own way: bounded, and remembered."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from desk import Desk, said

from mock_registry import Fault, MockRegistry, User, seed
from regsync.operations.verdict import Cause, Kind
from regsync.registry.hosts import JOBS
from regsync.registry.retry import ATTEMPTS, Waits
from regsync.settings import HostSettings

# Long enough in all that a busy machine is not taken for a slow answer.
SHORT = Waits(connect=0.3, quick=0.1, quick_in_all=20, silence=0.1, in_all=20)
GOOD = "good.example"
EACH, REST = 20, 100


@dataclass
class Listener:
    """Something that takes connections."""

    address: str
    connections: list[socket.socket] = field(default_factory=list)


@contextmanager
def listening(*, reset: bool = False) -> Iterator[Listener]:
    """Take connections and say nothing on them, or reset each one."""
    server = socket.create_server(("127.0.0.1", 0), backlog=256)
    found = Listener(f"127.0.0.1:{server.getsockname()[1]}")

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = server.accept()
                found.connections.append(connection)
                if reset:
                    linger = struct.pack("ii", 1, 0)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    connection.close()

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield found
    finally:
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()
        for connection in found.connections:
            connection.close()


def test_a_limit_of_one_login_is_not_that_of_another(tmp_path: Path) -> None:
    """Two logins of one host, of which the token server refuses the first by its limit."""
    image = seed.image("linux/amd64", layers=["all"])
    with MockRegistry(auth="bearer", users=[User("ann", "a"), User("bob", "b")]).serve() as hub:
        names = [f"{hub.host}/{team}/app:1" for team in ("one", "two")]
        desk = Desk(tmp_path)
        desk.build(dict.fromkeys(names, image))
        for team in ("one", "two"):
            hub.put(f"{team}/app", image, "1")
        pairs = {"one": b"ann:a", "two": b"bob:b"}
        auths = {
            f"{hub.host}/{team}": {"auth": base64.b64encode(pair).decode()}
            for team, pair in pairs.items()
        }
        desk.env = {"DOCKER_AUTH_CONFIG": json.dumps({"auths": auths})}
        hub.faults.add(Fault("token", status=429, headers={"Retry-After": "9000"}, times=1))
        verdicts = said(desk.status())
    assert sorted(verdicts.values()) == ["unknown/rate_limited", "up_to_date/exact"]


@pytest.mark.parametrize("greeted", [False, True], ids=["new", "known"])
def test_two_hundred_images_and_five_dead_hosts(tmp_path: Path, greeted: bool) -> None:
    """The same whether the hosts are new or have greeted us in an earlier run."""
    image = seed.image("linux/amd64", layers=["all"])
    dead = [f"{way}.example" for way in ("refused", "nowhere", "silent", "tls", "reset")]
    names = [f"{host}/team/app{n}:1" for host in dead for n in range(EACH)]
    names += [f"{GOOD}/team/app{n}:1" for n in range(REST)]
    assert len(names) == 200
    desk = Desk(tmp_path)
    desk.build(dict.fromkeys(names, image))
    with ExitStack() as stack:
        good = stack.enter_context(MockRegistry().serve())
        for n in range(REST):
            good.put(f"team/app{n}", image, "1")
        desk.hosts = {host: HostSettings(endpoint=good.url) for host in (*dead, GOOD)}
        first = desk.status()
        assert first.summary == {"up_to_date": 200}

        silent, hanging = (stack.enter_context(listening()) for _ in range(2))
        resetting = stack.enter_context(listening(reset=True))
        with socket.create_server(("127.0.0.1", 0)) as closed:
            refused = f"127.0.0.1:{closed.getsockname()[1]}"
        addresses = [
            f"http://{refused}",
            "https://registry.invalid",
            f"http://{silent.address}",
            f"https://{hanging.address}",
            f"http://{resetting.address}",
        ]
        for host, address in zip(dead, addresses, strict=True):
            desk.hosts = {**desk.hosts, host: HostSettings(endpoint=address)}
        if greeted:
            with desk.memory as memory:
                memory.keep(greetings=dict.fromkeys(addresses, ""))
        good.log.clear()
        report = desk.status(waits=SHORT)
        connections = Counter(
            silent=len(silent.connections),
            hanging=len(hanging.connections),
            resetting=len(resetting.connections),
        )
        assert good.log.manifest_heads == len(good.log) == REST

    lost = [entry for entry in report.entries if entry.reference.registry in dead]  # type: ignore[union-attr]
    assert len(lost) == 100
    assert {(entry.verdict.kind, entry.verdict.cause) for entry in lost} == {
        (Kind.UNKNOWN, Cause.UNREACHABLE)
    }
    assert {entry.verdict.last_known.kind for entry in lost if entry.verdict.last_known} == {
        Kind.UP_TO_DATE
    }
    assert all(entry.verdict.last_known is not None for entry in lost)
    assert report.summary == {"up_to_date": REST, "unknown": 100}
    assert report.exit_code(ask_stale=True) == 3
    # One greeting found them out; or one wave of HEADs, and what breaks is tried again.
    once, again = (min(EACH, JOBS), EACH * ATTEMPTS) if greeted else (1, ATTEMPTS)
    assert connections["silent"] <= once
    assert connections["hanging"] <= once
    assert connections["resetting"] <= again
