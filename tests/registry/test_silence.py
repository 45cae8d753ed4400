"""Servers that take connections and do not answer, or not to the end: bounded, and asked once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
from raw import Asked, RawServer, head, serve_raw, whole
from wire import FakeClock, serve

from regsync.config.load import Config
from regsync.errors import RegsyncError, Unreachable
from regsync.oci import mediatype
from regsync.oci.descriptor import Descriptor
from regsync.oci.digest import Digest
from regsync.oci.reference import Reference, Repository
from regsync.registry.hosts import JOBS
from regsync.registry.retry import ATTEMPTS, Waits
from regsync.stores.remote import Registries

DIGEST = str(Digest.of(b"x"))
FOUND = {"Content-Type": mediatype.OCI_MANIFEST, "Docker-Content-Digest": DIGEST}
SHORT = Waits(quick=0.05, quick_in_all=0.2, silence=0.05, in_all=0.2)


class Stuck:
    """Answers that stop until the test is over."""

    def __init__(self) -> None:
        self.over = threading.Event()

    def silence(self, asked: Asked) -> Iterator[bytes]:
        self.over.wait(30)
        return iter(())

    def dribble(self, asked: Asked) -> Iterator[bytes]:
        """Headers without an end, fast enough for every time-out that counts silence."""
        yield b"HTTP/1.1 200 OK\r\nX: "
        while not self.over.wait(0.01):
            yield b"a"

    def dribbled_body(self, asked: Asked) -> Iterator[bytes]:
        yield head("200 OK", {"Content-Length": "100000"})
        while not self.over.wait(0.01):
            yield b" "


@pytest.fixture
def stuck() -> Iterator[Stuck]:
    found = Stuck()
    yield found
    found.over.set()


def ask(
    question: Callable[[Registries], Any],
    greetings: dict[str, str] | None = None,
    waits: Waits = SHORT,
) -> Any:
    async def run() -> Any:
        clock = FakeClock()
        async with Registries(Config(), {}, clock=clock, certs_d=(), waits=waits) as registries:
            registries.expect(greetings or {})
            return await question(registries)

    return asyncio.run(run())


async def resolve_all(registries: Registries, names: list[str]) -> list[Any]:
    references = [Reference.parse(name) for name in names]
    return await asyncio.gather(
        *(registries.client(one.registry).resolve(one) for one in references),
        return_exceptions=True,
    )


def test_a_host_that_never_answers_is_pinged_once(stuck: Stuck) -> None:
    with serve_raw(stuck.silence) as server:
        names = [f"{server.host}/a{number}:1" for number in range(200)]
        results = ask(lambda registries: resolve_all(registries, names))
        stuck.over.set()
    assert [type(one) for one in results] == [Unreachable] * 200
    assert "it stopped answering" in str(results[0].why)
    assert len(server.seen) == 1


def test_a_host_that_was_there_in_another_run_costs_one_wave(stuck: Stuck) -> None:
    """Not a request for each of 200 references, four times each."""
    with serve_raw(stuck.silence) as server:
        names = [f"{server.host}/a{number}:1" for number in range(200)]
        greetings = {f"http://{server.host}": ""}
        results = ask(lambda registries: resolve_all(registries, names), greetings)
        stuck.over.set()
    assert [type(one) for one in results] == [Unreachable] * 200
    assert len(server.seen) <= JOBS


def test_silent_hosts_delay_nobody_else(stuck: Stuck) -> None:
    with ExitStack() as stack:
        silent = [stack.enter_context(serve_raw(stuck.silence)) for _ in range(5)]
        good = stack.enter_context(serve(lambda seen: (200, FOUND, b"")))
        names = [f"{one.host}/a{number}:1" for one in silent for number in range(40)]
        results = ask(lambda registries: resolve_all(registries, [*names, f"{good.host}/a:1"]))
        stuck.over.set()
    assert [type(one) for one in results[:-1]] == [Unreachable] * 200
    assert str(results[-1].digest) == DIGEST
    assert sum(len(one.seen) for one in silent) == 5


def test_one_answer_that_never_comes_spoils_no_other(stuck: Stuck) -> None:
    """A registry may be at a loss with one manifest and quick with all the others."""

    def answer(asked: Asked) -> Iterable[bytes]:
        if "/slow/" in asked.path:
            return stuck.silence(asked)
        if "/manifests/" not in asked.path:
            return whole("200 OK", b"{}")
        return [head("200 OK", FOUND | {"Content-Length": "9"})]

    async def question(registries: Registries) -> list[Any]:
        results = []
        for name in ("a", "slow", "b", "slow", "c", "slow", "slow", "d"):
            results += await resolve_all(registries, [f"{server.host}/{name}:1"])
        return results

    with serve_raw(answer) as server:
        results = ask(question)
        stuck.over.set()
    # Two in a row, and it counts as down.
    late = [isinstance(one, Unreachable) for one in results]
    assert late == [False, True, False, True, False, True, True, True]
    assert server.count("/d/") == 0
    assert server.count("/slow/") == 4, "a time-out is not repeated"


def test_an_answer_lifts_what_a_time_out_said(stuck: Stuck) -> None:
    """The first of two may be late where the second is there: both were under way at once."""
    gone = threading.Event()

    def answer(asked: Asked) -> Iterator[bytes]:
        if "/slow/" in asked.path:
            yield from stuck.silence(asked)
            return
        gone.wait(5)
        yield head("200 OK", FOUND | {"Content-Length": "9"})

    async def question(registries: Registries) -> Any:
        client = registries.client(server.host)
        good = asyncio.create_task(client.tags(Repository(server.host, "quick")))
        with pytest.raises(Unreachable):
            await client.resolve(Reference.parse(f"{server.host}/slow:1"))
        with pytest.raises(Unreachable):
            await client.resolve(Reference.parse(f"{server.host}/down:1"))
        gone.set()
        await asyncio.gather(good, return_exceptions=True)
        return await client.resolve(Reference.parse(f"{server.host}/a:1"))

    with serve_raw(answer) as server:
        greetings = {f"http://{server.host}": ""}
        waits = replace(SHORT, silence=10, in_all=10)
        assert str(ask(question, greetings, waits).digest) == DIGEST
        stuck.over.set()
    assert server.count("/down/") == 0


@pytest.mark.parametrize("kind", ["ping", "head", "get", "token", "blob"])
@pytest.mark.parametrize("how", ["headers", "body"])
def test_a_byte_now_and_then_is_no_answer(stuck: Stuck, kind: str, how: str) -> None:
    if how == "body" and kind in ("head", "blob"):
        return  # one has none; the other is watched while it is read (see `blobs.Pace`)
    part = {"ping": "/v2/", "head": "/manifests/", "get": "/tags/"}.get(kind, f"/{kind}")

    def answer(asked: Asked) -> Iterable[bytes]:
        if asked.path == part or (part != "/v2/" and part in asked.path):
            return stuck.dribble(asked) if how == "headers" else stuck.dribbled_body(asked)
        if kind == "token":
            return whole("401 No", b"", {"WWW-Authenticate": 'Bearer realm="/token"'})
        return whole("200 OK", b"{}")

    async def question(registries: Registries) -> None:
        client = registries.client(server.host)
        repository = Repository(server.host, "a")
        if kind == "get":
            await client.tags(repository)
        elif kind == "blob":
            blob = Descriptor("x/y", Digest.of(b"x"), 1)
            async with client.blob(repository, blob) as chunks:
                _ = [chunk async for chunk in chunks]
        else:
            await client.resolve(Reference.parse(f"{server.host}/a:1"))

    with serve_raw(answer) as server:
        with pytest.raises(Unreachable, match="too slowly"):
            ask(question)
        stuck.over.set()
    assert server.count(part) <= 2, "it is not repeated"


def test_a_longer_answer_has_more_time(stuck: Stuck) -> None:
    """A GET is repeated as it was."""

    def answer(asked: Asked) -> Iterable[bytes]:
        return stuck.silence(asked) if "/tags/" in asked.path else whole("200 OK", b"{}")

    with serve_raw(answer) as server:
        with pytest.raises(Unreachable):
            ask(
                lambda registries: registries.client(server.host).tags(Repository(server.host, "a"))
            )
        stuck.over.set()
    assert server.count("/tags/") == ATTEMPTS


def leading(server: RawServer | Any, to: str) -> Callable[[Asked], Iterable[bytes]]:
    return lambda asked: (
        whole("307 There", b"", {"Location": f"{to}{asked.path}"})
        if "/blobs/" in asked.path or "/manifests/" in asked.path
        else whole("200 OK", b"{}")
    )


@pytest.mark.parametrize("stream", [True, False])
def test_a_host_that_is_down_is_not_knocked_at_through_redirects(stream: bool) -> None:
    asked: list[str] = []
    gone = "http://127.0.0.1:1"

    async def question(registries: Registries) -> list[Any]:
        client = registries.client(server.host)

        async def one(number: int) -> None:
            if not stream:
                await client.resolve(Reference.parse(f"{server.host}/a:{number}"))
                return
            blob = Descriptor("x/y", Digest.of(str(number).encode()), 1)
            async with client.blob(Repository(server.host, "a"), blob) as chunks:
                asked.extend([str(chunk) async for chunk in chunks])

        failed = []
        for number in range(3):
            with pytest.raises(RegsyncError) as caught:
                await one(number)
            failed.append((caught.type, caught.value.why))
        return [failed, registries.requests()]

    with serve_raw(leading(None, gone)) as server:
        failed, requests = ask(question)
    assert {kind for kind, _ in failed} == {Unreachable}
    # Three that were led there, and one that went.
    assert requests["get" if stream else "head"] == 3 + 1


def test_a_stream_asks_no_registry_that_is_down() -> None:
    host = "127.0.0.1:1"

    async def question(registries: Registries) -> Any:
        client = registries.client(host)
        for number in range(3):
            blob = Descriptor("x/y", Digest.of(str(number).encode()), 1)
            with pytest.raises(Unreachable, match="refused"):
                async with client.blob(Repository(host, "a"), blob) as chunks:
                    _ = [chunk async for chunk in chunks]
        return registries.requests()

    assert ask(question, {f"http://{host}": ""})["get"] == 1
