"""Whose password is refused: by the door, by one repository, or by a server of another time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from wire import FakeClock, Reply, Seen, serve

from regsync.config.load import Config
from regsync.errors import LoginFailed, ServerFailed, Unauthorized
from regsync.identity import Credentials, variable
from regsync.oci import mediatype
from regsync.oci.descriptor import Descriptor
from regsync.oci.digest import Digest
from regsync.oci.reference import Reference, Repository
from regsync.stores.remote import Registries

OTHER = Digest.of(b"x")
DIGEST = str(OTHER)
FOUND = (200, {"Content-Type": mediatype.OCI_MANIFEST, "Docker-Content-Digest": DIGEST}, b"")
BASIC = (401, {"WWW-Authenticate": 'Basic realm="r"'}, b"")
RIGHT = Credentials("u", "canary-5b3e").basic()


def ask(
    host: str,
    question: Callable[[Registries], Awaitable[Any]],
    *,
    greeting: str | None = None,
    clock: FakeClock | None = None,
) -> Any:
    """With the credentials of `RIGHT`."""
    env = {variable(host, "USERNAME"): "u", variable(host, "PASSWORD"): "canary-5b3e"}

    async def run() -> Any:
        async with Registries(Config(), env, clock=clock or FakeClock(), certs_d=()) as registries:
            registries.expect({} if greeting is None else {f"http://{host}": greeting})
            return await question(registries)

    return asyncio.run(run())


def outcomes(host: str, names: str, **more: Any) -> list[str]:
    """What becomes of repositories that are asked for one after the other."""

    async def question(registries: Registries) -> list[str]:
        found = []
        for name in names.split():
            try:
                await registries.client(host).resolve(Reference.parse(f"{host}/{name}:1"))
                found.append("found")
            except (LoginFailed, Unauthorized) as error:
                found.append(error.code)
        return found

    return ask(host, question, **more)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("names", "told", "pings"),
    [
        ("open secret open secret", ["found", "unauthorized", "found", "unauthorized"], 1),
        # Nothing was opened yet: the door is asked with the password, once.
        ("secret secret open", ["unauthorized", "unauthorized", "found"], 2),
    ],
)
def test_basic_a_repository_that_is_refused_spoils_no_other(
    names: str, told: list[str], pings: int
) -> None:
    def answer(seen: Seen) -> Reply:
        if seen.authorization != RIGHT or "/secret/" in seen.path:
            return BASIC
        return (200, {}, b"{}") if seen.path == "/v2/" else FOUND

    with serve(answer) as wire:
        assert outcomes(wire.host, names) == told
    assert sum(one.path == "/v2/" for one in wire.seen) == pings


def test_basic_a_password_that_is_refused_is_not_tried_by_each_reference() -> None:
    with serve(lambda seen: BASIC) as wire:
        assert outcomes(wire.host, "a b c d") == ["login_failed"] * 4
    # With the manifest, and at the door.
    assert [one.authorization for one in wire.seen].count(RIGHT) == 2


def test_basic_a_password_that_is_denied_is_told_apart_from_a_repository_that_is() -> None:
    """ECR says 403 without a challenge to both, and to HEAD without a word."""

    def answer(seen: Seen, *, opens: bool) -> Reply:
        if seen.authorization is None:
            return BASIC
        if opens and (seen.path == "/v2/" or "/open/" in seen.path):
            return FOUND
        return 403, {}, b'{"errors": [{"code": "DENIED", "message": "it has expired"}]}'

    with serve(partial(answer, opens=True)) as wire:
        assert outcomes(wire.host, "secret open secret") == [
            "unauthorized",
            "found",
            "unauthorized",
        ]
    assert sum(one.path == "/v2/" for one in wire.seen) == 2
    with serve(partial(answer, opens=False)) as wire:
        assert outcomes(wire.host, "secret open secret") == ["login_failed"] * 3
    assert [one.authorization for one in wire.seen].count(RIGHT) == 2


def tokens(realm: str, *, refuses: bool = False) -> Callable[[Seen], Reply]:
    def answer(seen: Seen) -> Reply:
        if seen.path.startswith(realm):
            told = json.dumps({"token": "t", "expires_in": 300}).encode()
            return (401, {}, b"") if refuses else (200, {}, told)
        if seen.path.startswith("/old"):
            return 401, {}, b""
        if seen.authorization == "Bearer t":
            return FOUND
        return 401, {"WWW-Authenticate": f'Bearer realm="{realm}"'}, b""

    return answer


def basic(seen: Seen) -> Reply:
    if seen.path.startswith("/old"):
        return 401, {}, b""
    return FOUND if seen.authorization == RIGHT else BASIC


@pytest.mark.parametrize("server", [basic, tokens("/new")], ids=["basic", "another realm"])
def test_a_token_server_of_an_earlier_run_that_refuses_is_not_believed(server: Any) -> None:
    with serve(server) as wire:
        assert outcomes(wire.host, "a b", greeting='bearer realm="/old"') == ["found"] * 2
    assert wire.count("GET", "/old") == 1
    assert sum(one.path == "/v2/" for one in wire.seen) == 1


def test_a_token_server_that_is_still_the_right_one_is_believed() -> None:
    """And the password is not tried there a second time."""
    with serve(tokens("/new", refuses=True)) as wire:
        told = outcomes(wire.host, "a b", greeting='bearer realm="/new"')
    assert told == ["login_failed"] * 2
    assert wire.count("GET", "/new") == 1
    assert sum(one.path == "/v2/" for one in wire.seen) == 1


@pytest.mark.parametrize(("seconds", "count"), [(49, 1), (51, 2)])
def test_a_token_is_used_until_shortly_before_it_expires(seconds: float, count: int) -> None:
    clock = FakeClock()

    def answer(seen: Seen) -> Reply:
        status, headers, body = tokens("/new")(seen)
        return status, headers, body.replace(b"300", b"60")

    async def question(registries: Registries) -> None:
        for _ in range(2):
            await registries.client(wire.host).resolve(Reference.parse(f"{wire.host}/a:1"))
            clock.elapsed += seconds

    with serve(answer) as wire:
        ask(wire.host, question, clock=clock)
    assert wire.count("GET", "/new") == count
    assert wire.count("HEAD", "/manifests/") == 2, "none is sent with a token that is over"


@pytest.mark.parametrize("kind", ["manifests", "blobs"])
def test_a_challenge_from_elsewhere_is_not_answered(kind: str) -> None:
    """A store that the registry leads to has its own 401, and no say in whom to ask for tokens."""
    with serve(tokens("/stolen")) as store:

        def answer(seen: Seen) -> Reply:
            if f"/{kind}/" in seen.path and seen.authorization == "Bearer t":
                return 307, {"Location": f"http://{store.host}/x"}, b""
            return tokens("/own")(seen)

        async def question(registries: Registries) -> None:
            client = registries.client(wire.host)
            if kind == "manifests":
                with pytest.raises(Unauthorized):
                    await client.resolve(Reference.parse(f"{wire.host}/a:1"))
                return
            with pytest.raises(ServerFailed, match=r"refuses \(401\)"):
                await client.config(Repository(wire.host, "a"), Descriptor("x/y", OTHER, 1))

        with serve(answer) as wire:
            ask(wire.host, question)
    assert store.count("GET", "/stolen") == wire.count("GET", "/stolen") == 0
    assert wire.count("GET", "/own") == 1
    assert [one.authorization for one in store.seen] == [None] * len(store.seen)


@pytest.mark.parametrize("greeting", [None, 'bearer realm="http://127.0.0.1:1/token"'])
def test_a_challenge_after_the_login_is_not_what_is_kept(greeting: str | None) -> None:
    """It may repeat the password, in a realm that would be written down."""

    def answer(seen: Seen) -> Reply:
        if seen.path.startswith("/token"):
            return 200, {}, b'{"token": "t"}'
        own = 'Bearer realm="/token"' if seen.path == "/v2/" else 'Bearer realm="/token/canary"'
        return 401, {"WWW-Authenticate": own}, b""

    async def question(registries: Registries) -> dict[str, str]:
        with pytest.raises(Unauthorized):
            await registries.client(host).resolve(Reference.parse(f"{host}/a:1"))
        return registries.greetings()

    with serve(answer) as wire:
        host = wire.host
        kept = ask(host, question, greeting=greeting)
    assert list(kept.values()) == ['bearer realm="/token"']


def test_a_greeting_that_holds_the_password_is_not_kept() -> None:
    async def question(registries: Registries) -> dict[str, str]:
        with pytest.raises(LoginFailed):
            await registries.client(host).resolve(Reference.parse(f"{host}/a:1"))
        return registries.greetings()

    with serve(lambda seen: (401, {"WWW-Authenticate": 'Basic realm="canary-5b3e"'}, b"")) as wire:
        host = wire.host
        assert ask(host, question) == {}
