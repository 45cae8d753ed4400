"""Which 404 is believed: a registry's own, and not that of a router whose registry is away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from wire import FakeClock, Reply, Seen, serve

from regsync.config.load import Config
from regsync.errors import NotARegistry, NotFound, RegsyncError, ServerFailed
from regsync.oci import mediatype
from regsync.oci.digest import Digest
from regsync.oci.reference import Reference, Repository
from regsync.stores.remote import Registries

HEADER = {"Docker-Distribution-Api-Version": "registry/2.0"}
BEARER = {"WWW-Authenticate": 'Bearer realm="/token",service="s"'}
UNKNOWN = b'{"errors":[{"code":"NAME_UNKNOWN","message":"no such repository"}]}'
ROUTER = (404, {"Content-Type": "text/plain; charset=utf-8"}, b"404 page not found\n")
FOUND = (
    200,
    {"Content-Type": mediatype.OCI_MANIFEST, "Docker-Content-Digest": str(Digest.of(b"x"))},
    b"",
)


def ask(
    host: str, question: Callable[[Registries], Awaitable[Any]], greeting: str | None = None
) -> Any:
    async def run() -> Any:
        async with Registries(Config(), {}, clock=FakeClock(), certs_d=()) as registries:
            registries.expect({} if greeting is None else {f"http://{host}": greeting})
            return await question(registries)

    return asyncio.run(run())


def fails(answer: Callable[[Seen], Reply], greeting: str | None = None) -> tuple[Any, Any, int]:
    """Why a tag and a list of tags cannot be read, and the pings that it took."""
    with serve(answer) as wire:

        async def question(registries: Registries) -> list[type[RegsyncError]]:
            client = registries.client(wire.host)
            found = []
            with pytest.raises(RegsyncError) as caught:
                await client.resolve(Reference.parse(f"{wire.host}/team/app:1"))
            found.append(caught.type)
            with pytest.raises(RegsyncError) as caught:
                await client.tags(Repository(wire.host, "team/app"))
            return [*found, caught.type]

        head, tags = ask(wire.host, question, greeting)
    return head, tags, sum(one.path == "/v2/" for one in wire.seen)


def missing(ping: Reply, reply: Reply) -> Callable[[Seen], Reply]:
    return lambda seen: ping if seen.path == "/v2/" else reply


@pytest.mark.parametrize("greeting", [None, ""])
@pytest.mark.parametrize(
    ("ping", "reply"),
    [
        ((200, HEADER, b"{}"), (404, HEADER, UNKNOWN)),
        # Neither the header nor JSON with the 404, and one of them at the door.
        ((200, HEADER, b""), (404, {}, b"")),
        ((200, {}, b"{}"), (404, {}, b"")),
        ((200, {}, b""), (404, {}, b'{"detail":"Not Found"}')),
        # No door at all, and answers that only registries give.
        ((404, {}, b""), (404, HEADER, b"404 page not found\n")),
    ],
)
def test_a_registrys_own_404(ping: Reply, reply: Reply, greeting: str | None) -> None:
    head, tags, pings = fails(missing(ping, reply), greeting)
    assert (head, tags) == (NotFound, NotFound)
    assert pings <= 1


def test_a_remembered_registry_with_the_header_is_not_pinged() -> None:
    answer = missing(ROUTER, (404, HEADER, UNKNOWN))
    assert fails(answer, "") == (NotFound, NotFound, 0)


@pytest.mark.parametrize("challenge", [BEARER, {"WWW-Authenticate": 'Basic realm="r"'}])
def test_a_challenge_is_a_registrys(challenge: dict[str, str]) -> None:
    def answer(seen: Seen) -> Reply:
        if seen.path.startswith("/token"):
            return 200, {}, b'{"token":"t"}'
        return (401, challenge, b"") if seen.path == "/v2/" else (404, {}, b"")

    assert fails(answer) == (NotFound, NotFound, 1)


@pytest.mark.parametrize("greeting", [None, "", 'bearer realm="/token"'])
@pytest.mark.parametrize(
    "reply",
    [ROUTER, (404, {"Content-Type": "text/html"}, b"<html>nginx"), (404, {}, b"")],
    ids=["Go", "nginx", "Envoy"],
)
def test_a_router_whose_registry_is_away(reply: Reply, greeting: str | None) -> None:
    def answer(seen: Seen) -> Reply:
        # Its token server is another one, and there.
        return (200, {}, b'{"token":"t"}') if seen.path.startswith("/token") else reply

    assert fails(answer, greeting)[:2] == (NotARegistry, NotARegistry)


def test_text_is_no_registrys_answer_whatever_it_said_before() -> None:
    """The router lost its registry in the middle of a run."""
    assert fails(missing((200, HEADER, b"{}"), ROUTER))[1] is NotARegistry


def test_another_tag_that_was_found_is_enough() -> None:
    def answer(seen: Seen) -> Reply:
        if seen.path == "/v2/":
            return ROUTER
        return FOUND if seen.path.endswith("/1") else (404, {}, b"")

    async def question(registries: Registries) -> None:
        client = registries.client(wire.host)
        await client.resolve(Reference.parse(f"{wire.host}/a:1"))
        with pytest.raises(NotFound):
            await client.resolve(Reference.parse(f"{wire.host}/a:2"))

    with serve(answer) as wire:
        ask(wire.host, question, "")
    assert wire.count("GET", "/v2/") == 0


def test_many_that_are_missing_share_one_ping() -> None:
    async def question(registries: Registries) -> list[Any]:
        client = registries.client(wire.host)
        names = [Reference.parse(f"{wire.host}/a:{number}") for number in range(20)]
        return await asyncio.gather(*map(client.resolve, names), return_exceptions=True)

    with serve(missing((200, {}, b"{}"), (404, {}, b""))) as wire:
        results = ask(wire.host, question, "")
    assert [type(one) for one in results] == [NotFound] * 20
    assert sum(one.path == "/v2/" for one in wire.seen) == 1


def test_a_token_server_that_is_away_says_nothing_of_repositories() -> None:
    def answer(seen: Seen) -> Reply:
        return (404, {}, b"") if seen.path.startswith("/token") else (401, BEARER, b"")

    assert fails(answer)[:2] == (ServerFailed, ServerFailed)
