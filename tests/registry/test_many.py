"""What many references cost: one HEAD each, and for each registry one ping and one token."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from wire import FakeClock, serve

from mock_registry import MockRegistry, seed
from regsync.config.load import Config
from regsync.errors import (
    LoginFailed,
    RateLimited,
    RegsyncError,
    ServerFailed,
    Unauthorized,
    Unreachable,
)
from regsync.identity import variable
from regsync.oci import mediatype
from regsync.oci.digest import Digest
from regsync.oci.reference import Reference
from regsync.registry.hosts import JOBS
from regsync.settings import HostSettings
from regsync.stores.remote import Registries

DIGEST = str(Digest.of(b"x"))
FOUND = (200, {"Content-Type": mediatype.OCI_MANIFEST, "Docker-Content-Digest": DIGEST}, b"")


class TokenRegistry:
    """A registry with tokens that remembers what each was granted."""

    def __init__(self, *, several: bool = True, private: str = "", fail: int = 0) -> None:
        self.several, self.private, self.fail = several, private, fail
        self.granted: dict[str, set[str]] = {}

    def __call__(self, seen: Any) -> Any:
        address = urlsplit(seen.path)
        if address.path == "/token":
            return self.token(parse_qs(address.query).get("scope", []), seen.authorization)
        name = address.path.removeprefix("/v2/").partition("/manifests/")[0]
        token = (seen.authorization or "").removeprefix("Bearer ")
        if name and f"repository:{name}:pull" in self.granted.get(token, ()):
            return FOUND
        return (401, {"WWW-Authenticate": 'Bearer realm="/token",service="s"'}, b"")

    def token(self, scopes: list[str], authorization: str | None) -> Any:
        if self.fail:
            return (self.fail, {}, b"")
        if any(self.private in scope for scope in scopes if self.private):
            return (403, {}, b"")
        if authorization:
            return (401, {}, b"")
        token = f"t{len(self.granted)}"
        self.granted[token] = set(scopes if self.several else scopes[:1])
        return (200, {}, json.dumps({"token": token, "expires_in": 300}).encode())


def ask(
    question: Callable[[Registries], Awaitable[Any]],
    *,
    env: dict[str, str] | None = None,
    clock: Any = None,
) -> Any:
    async def run() -> Any:
        clock_ = clock or FakeClock()
        async with Registries(Config(), env or {}, clock=clock_, certs_d=()) as registries:
            return await question(registries)

    return asyncio.run(run())


async def resolve_all(registries: Registries, names: list[str]) -> list[Any]:
    references = [Reference.parse(name) for name in names]
    return await asyncio.gather(
        *(registries.client(one.registry).resolve(one) for one in references),
        return_exceptions=True,
    )


@pytest.mark.parametrize("prepared", [False, True])
@pytest.mark.parametrize("several", [True, False], ids=["one token", "the first scope only"])
def test_fifty_references_over_three_registries(several: bool, prepared: bool) -> None:
    with ExitStack() as stack:
        wires = [stack.enter_context(serve(TokenRegistry(several=several))) for _ in range(3)]
        names = [f"{wires[number % 3].host}/team/app{number}:1" for number in range(50)]

        async def question(registries: Registries) -> Any:
            if prepared:
                for wire in wires:
                    mine = [Reference.parse(name) for name in names if wire.host in name]
                    await registries.client(wire.host).prepare(one.repository for one in mine)
            return await resolve_all(registries, names), registries.requests()

        results, requests = ask(question)
    assert [str(result.digest) for result in results] == [DIGEST] * 50
    served = {
        "head": sum(wire.count("HEAD", "/manifests/") for wire in wires),
        "get": sum(wire.count("GET", "/manifests/") for wire in wires),
        "token": sum(wire.count("GET", "/token") for wire in wires),
        "ping": sum(one.path == "/v2/" for wire in wires for one in wire.seen),
        "counted_pulls": 0,
    }
    assert requests == served
    assert (requests["get"], requests["ping"]) == (0, 3)
    if several:
        assert (requests["head"], requests["token"]) == (50, 3)
    else:
        # One token each; what the shared one was tried for in vain is a HEAD more.
        assert requests["token"] == 50
        assert requests["head"] <= 50 + 47


def test_one_repository_that_is_refused_does_not_spoil_the_others() -> None:
    with serve(TokenRegistry(private="secret")) as wire:
        names = [f"{wire.host}/{name}:1" for name in ("a", "secret", "b")]
        a, secret, b = ask(lambda registries: resolve_all(registries, names))
    assert (str(a.digest), str(b.digest)) == (DIGEST, DIGEST)
    assert isinstance(secret, Unauthorized)


def test_a_password_that_is_refused_is_tried_once() -> None:
    """Many attempts would lock the account."""
    with serve(TokenRegistry()) as wire:
        env = {variable(wire.host, "USERNAME"): "u", variable(wire.host, "PASSWORD"): "wrong-4f"}
        names = [f"{wire.host}/a{number}:1" for number in range(20)]
        results = ask(lambda registries: resolve_all(registries, names), env=env)
    assert [type(result) for result in results] == [LoginFailed] * 20
    assert wire.count("GET", "/token") == 1


@pytest.mark.parametrize("kind", ["ping", "token"])
def test_a_server_that_fails_is_not_asked_again_by_each_reference(kind: str) -> None:
    server = TokenRegistry(fail=503) if kind == "token" else lambda seen: (503, {}, b"")
    clock = FakeClock()
    with serve(server) as wire:
        names = [f"{wire.host}/a{number}:1" for number in range(20)]
        results = ask(lambda registries: resolve_all(registries, names), clock=clock)
    assert [type(result) for result in results] == [ServerFailed] * 20
    assert len(wire.seen) <= 5
    assert clock.elapsed < 10


def test_dead_hosts_are_knocked_at_once_and_hold_up_nobody() -> None:
    with ExitStack() as stack:
        wire = stack.enter_context(serve(TokenRegistry()))
        held = [stack.enter_context(socket.socket()) for _ in range(5)]
        for one in held:
            one.bind(("127.0.0.1", 0))
        dead = [f"127.0.0.1:{one.getsockname()[1]}/a{name}:1" for one in held for name in range(20)]
        clock = FakeClock()

        async def question(registries: Registries) -> Any:
            return await resolve_all(registries, [*dead, f"{wire.host}/a:1"]), registries.requests()

        results, requests = ask(question, clock=clock)
    assert [type(result) for result in results[:-1]] == [Unreachable] * len(dead)
    assert str(results[-1].digest) == DIGEST
    assert requests["ping"] == 5 + 1
    assert clock.elapsed == 0
    assert len({id(result) for result in results[:-1]}) == len(dead), "each has its own error"


def test_errors_are_told_in_full_to_all_who_waited() -> None:
    with serve(lambda seen: (429, {"Retry-After": "3600"}, b"")) as wire:
        names = [f"{wire.host}/a{number}:1" for number in range(3)]
        results: list[RegsyncError] = ask(lambda registries: resolve_all(registries, names))
    for result in results:
        assert (result.what, result.why) == (results[0].what, results[0].why)
        assert result.retry_at == results[0].retry_at is not None  # type: ignore[attr-defined]
    assert len(wire.seen) == 1


def test_a_limit_stops_those_who_wait_for_their_turn() -> None:
    def limited(seen: Any) -> Any:
        return (429, {"Retry-After": "3600"}, b"") if "/manifests/" in seen.path else (200, {}, b"")

    with serve(limited) as wire:
        names = [f"{wire.host}/a:{number}" for number in range(200)]
        results = ask(lambda registries: resolve_all(registries, names))
    assert [type(result) for result in results] == [RateLimited] * 200
    assert wire.count("HEAD", "/manifests/") <= JOBS


def test_requests_at_once_are_bounded() -> None:
    """The first wait for a fourth that must not come while they wait."""
    lock, fourth, now, most = threading.Lock(), threading.Event(), 0, 0

    def busy(seen: Any) -> Any:
        nonlocal now, most
        if "/manifests/" not in seen.path:
            return (200, {}, b"")
        with lock:
            now += 1
            most = max(most, now)
            first = most <= 3 and not fourth.is_set()
            if now == 4:
                fourth.set()
        if first:
            fourth.wait(0.2)
            fourth.set()
        with lock:
            now -= 1
        return FOUND

    async def run(host: str) -> None:
        config = Config(None, {host: HostSettings(jobs=3)})
        async with Registries(config, {}, certs_d=()) as registries:
            await resolve_all(registries, [f"{host}/a:{number}" for number in range(20)])

    with serve(busy) as wire:
        asyncio.run(run(wire.host))
    assert wire.count("HEAD", "/manifests/") == 20
    assert most <= 3


def test_a_host_that_takes_no_connection_is_left_alone_for_a_moment() -> None:
    clock = FakeClock()

    async def question(registries: Registries) -> list[int]:
        counts = []
        for seconds in (0, 0, 3600):
            clock.elapsed += seconds
            await resolve_all(registries, ["127.0.0.1:1/a:1"])
            counts.append(registries.requests()["ping"])
        return counts

    assert ask(question, clock=clock) == [1, 1, 2]


def test_a_server_that_grants_the_first_scope_only_is_tried_in_vain_once() -> None:
    with serve(TokenRegistry(several=False)) as wire:
        names = [Reference.parse(f"{wire.host}/a{number}:1") for number in range(5)]

        async def question(registries: Registries) -> dict[str, int]:
            client = registries.client(wire.host)
            await client.prepare(name.repository for name in names)
            for name in names:
                await client.resolve(name)
            return registries.requests()

        requests = ask(question)
    assert (requests["token"], requests["head"]) == (5, 5 + 1)


def prepare(host: str, count: int, *, password: str) -> Any:
    env = {variable(host, "USERNAME"): "u", variable(host, "PASSWORD"): password}

    async def question(registries: Registries) -> dict[str, int]:
        names = [Reference.parse(f"{host}/team/a{number}:1") for number in range(count)]
        with suppress(LoginFailed):
            await registries.client(host).prepare(one.repository for one in names)
        return registries.requests()

    return ask(question, env=env)


def test_a_wrong_password_is_sent_once_for_two_hundred_repositories() -> None:
    more = threading.Event()
    registry = TokenRegistry()

    def answer(seen: Any) -> Any:
        if seen.path.startswith("/token"):
            # Not before those that would be sent at once have come.
            if wire.count("GET", "/token") > 1:
                more.set()
            more.wait(0.2)
        return registry(seen)

    with serve(answer) as wire:
        assert prepare(wire.host, 200, password="wrong-4f")["token"] == 1
        assert wire.count("GET", "/token") == 1


def test_a_right_password_costs_one_round_trip_more() -> None:
    """Eight requests, seven of them at once: each of those waits for the others."""
    together = threading.Barrier(7)
    first = threading.Event()
    registry = TokenRegistry()

    def answer(seen: Any) -> Any:
        if not seen.path.startswith("/token"):
            return registry(seen)
        if first.is_set():
            together.wait(10)
        first.set()
        return registry.token(parse_qs(urlsplit(seen.path).query).get("scope", []), None)

    with serve(answer) as wire:
        assert prepare(wire.host, 200, password="right")["token"] == 8
        assert wire.count("GET", "/token") == 8
    assert not together.broken


def test_what_docker_hub_hides_costs_no_second_token_once_others_were_let_in() -> None:
    with MockRegistry(hub=100).serve() as hub:
        for number in range(3):
            hub.put(f"team/a{number}", seed.image("linux/amd64", layers=[str(number)]), "1")
        names = [f"{hub.host}/team/{name}:1" for name in ("a0", "a1", "a2", "missing")]

        async def question(registries: Registries) -> dict[str, int]:
            client = registries.client(hub.host)
            await client.prepare(Reference.parse(name).repository for name in names)
            for name in names:
                with suppress(Unauthorized):
                    await client.resolve(Reference.parse(name))
            return registries.requests()

        requests = ask(question)
        assert (requests["token"], requests["head"]) == (1, 4)
        assert (hub.log.token_requests, hub.log.manifest_heads) == (1, 4)


@pytest.mark.parametrize(
    ("then", "now", "requests"),
    [
        ({}, {}, {"ping": 0, "token": 0, "head": 1}),
        ({"auth": "bearer"}, {"auth": "bearer"}, {"ping": 0, "token": 1, "head": 1}),
        # What is no longer true costs a request and changes no answer.
        ({}, {"auth": "bearer"}, {"ping": 0, "token": 1, "head": 2}),
        ({"auth": "bearer"}, {}, {"ping": 1, "token": 1, "head": 1}),
    ],
)
def test_a_registry_that_greeted_before_is_not_pinged(
    then: dict[str, Any], now: dict[str, Any], requests: dict[str, int]
) -> None:
    async def greet(host: str, expected: dict[str, str]) -> tuple[dict[str, str], dict[str, int]]:
        async with Registries(Config(), {}, certs_d=()) as registries:
            registries.expect(expected)
            name = Reference.parse(f"{host}/team/app:1")
            await registries.client(host).prepare([name.repository])
            await registries.client(host).resolve(name)
            return registries.greetings(), registries.requests()

    image = seed.image("linux/amd64")
    with MockRegistry(public="*", **then).serve() as before:
        port = int(before.host.rpartition(":")[2])
        before.put("team/app", image, "1")
        told, _ = asyncio.run(greet(before.host, {}))
    with MockRegistry(public="*", port=port, **now).serve() as after:
        after.put("team/app", image, "1")
        _, counted = asyncio.run(greet(after.host, told))
    assert {kind: counted[kind] for kind in requests} == requests


def test_a_greeting_names_no_repository() -> None:
    with MockRegistry(auth="bearer").serve() as registry:
        name = Reference.parse(f"{registry.host}/secret/project:1")

        async def question(registries: Registries) -> dict[str, str]:
            with suppress(Unauthorized):
                await registries.client(registry.host).resolve(name)
            return registries.greetings()

        [greeting] = ask(question).values()
    assert greeting.startswith("bearer realm=")
    assert "secret" not in greeting


def test_a_proxy_that_fails_says_nothing_of_tokens() -> None:
    narrow = TokenRegistry(several=False)

    def answer(seen: Any) -> Any:
        return (502, {}, b"") if seen.path.startswith("/v2/b/") else narrow(seen)

    with serve(answer) as registry:
        references = [Reference.parse(f"{registry.host}/{name}:1") for name in "abc"]

        async def question(registries: Registries) -> Any:
            client = registries.client(registry.host)
            await client.prepare(one.repository for one in references)
            with pytest.raises(ServerFailed):
                await client.resolve(references[1])
            return await client.resolve(references[2])

        assert str(ask(question).digest) == DIGEST
