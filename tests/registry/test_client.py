"""The client on a real socket, against servers that behave and servers that do not."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from wire import FakeClock, serve

from regsync.errors import (
    ContentError,
    LoginFailed,
    NotARegistry,
    NotFound,
    RateLimited,
    RegsyncError,
    ServerFailed,
    Unauthorized,
    Unreachable,
)
from regsync.identity import Credentials
from regsync.oci import mediatype
from regsync.oci.digest import Digest
from regsync.oci.reference import Reference, Repository
from regsync.registry.client import RegistryClient
from regsync.registry.hosts import endpoint

DESCRIPTOR = {"mediaType": mediatype.OCI_CONFIG, "digest": str(Digest.of(b"{}")), "size": 2}
RAW = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": mediatype.OCI_MANIFEST,
        "config": DESCRIPTOR,
        "layers": [],
    }
).encode()
DIGEST = Digest.of(RAW)
TYPED = {"Content-Type": mediatype.OCI_MANIFEST}
GOOD = (200, TYPED | {"Docker-Content-Digest": str(DIGEST)}, RAW)
PING = (200, {}, b"{}")
SECRET = "canary-7c1f"


def ask(
    wire: Any,
    question: Callable[[RegistryClient], Awaitable[Any]],
    *,
    credentials: Credentials | None = None,
    clock: Any = None,
) -> Any:
    async def run() -> Any:
        where = endpoint(wire if isinstance(wire, str) else wire.host, certs_d=())
        async with RegistryClient(where, credentials, clock=clock or FakeClock()) as client:
            return await question(client)

    return asyncio.run(run())


def resolve(wire: Any, name: str = "a/b:1", **more: Any) -> Any:
    host = wire if isinstance(wire, str) else wire.host
    return ask(wire, lambda client: client.resolve(Reference.parse(f"{host}/{name}")), **more)


def manifests(reply: Any) -> Callable[[Any], Any]:
    return lambda seen: reply if "/manifests/" in seen.path else PING


def test_one_head_resolves() -> None:
    with serve(manifests(GOOD)) as wire:
        found = resolve(wire)
    assert (found.digest, found.media_type, found.size) == (
        DIGEST,
        mediatype.OCI_MANIFEST,
        len(RAW),
    )
    assert [one.method for one in wire.seen] == ["GET", "HEAD"]


@pytest.mark.parametrize("told", [None, "", "sha256:short", "md5:" + "a" * 32])
def test_without_a_digest_header_the_bytes_are_hashed(told: str | None) -> None:
    headers = TYPED | ({} if told is None else {"Docker-Content-Digest": told})
    with serve(manifests((200, headers, RAW))) as wire:
        assert resolve(wire).digest == DIGEST


def test_head_not_allowed() -> None:
    with serve(
        lambda seen: (405, {}, b"") if seen.method == "HEAD" else manifests(GOOD)(seen)
    ) as wire:
        assert resolve(wire).digest == DIGEST


def test_a_lying_digest_header_is_caught() -> None:
    lie = TYPED | {"Docker-Content-Digest": str(Digest.of(b"else"))}
    with serve(manifests((200, lie, RAW))) as wire, pytest.raises(ContentError):
        ask(wire, lambda client: client.manifest(Reference.parse(f"{wire.host}/a:1")))
    with serve(manifests((200, lie, RAW))) as wire, pytest.raises(ContentError):
        resolve(wire, f"a@{DIGEST}")


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ((404, {}, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}'), NotFound),
        ((401, {}, b""), Unauthorized),
        ((403, {}, b""), Unauthorized),
        ((500, {}, b"<html>"), ServerFailed),
        ((418, {}, b""), ServerFailed),
        ((302, {"Location": "https://169.254.169.254/"}, b""), ServerFailed),
        ((302, {"Location": "/v2/a/b/manifests/1"}, b""), ServerFailed),
        ((302, {}, b""), ServerFailed),
        ((200, {"Content-Type": "text/html"}, b"<html>"), NotARegistry),
        ((200, TYPED, b"{" + b" " * (9 * 1024 * 1024)), ServerFailed),
        ((200, TYPED | {"Content-Encoding": "gzip"}, RAW), ServerFailed),
        ((200, TYPED, RAW[:-1] + b',"manifests":[]}'), ContentError),
    ],
)
def test_failures(reply: Any, error: type[RegsyncError]) -> None:
    with serve(manifests(reply)) as wire, pytest.raises(error):
        resolve(wire)


def test_nothing_listens() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        clock = FakeClock()
        with pytest.raises(Unreachable, match="refused"):
            resolve(f"127.0.0.1:{held.getsockname()[1]}", clock=clock)
    assert clock.elapsed == 0, "a refused connection is not retried"


def test_five_hundreds_pass() -> None:
    replies = iter([(503, {}, b""), (502, {}, b""), GOOD])
    with serve(lambda seen: next(replies) if "/manifests/" in seen.path else PING) as wire:
        assert resolve(wire).digest == DIGEST
    assert wire.count("HEAD", "/manifests/") == 3


def test_retry_after_is_obeyed() -> None:
    replies = iter([(429, {"Retry-After": "7"}, b""), GOOD])
    clock = FakeClock()
    with serve(lambda seen: next(replies) if "/manifests/" in seen.path else PING) as wire:
        assert resolve(wire, clock=clock).digest == DIGEST
    assert clock.elapsed >= 7


def test_a_long_retry_after_fails_at_once_and_closes_the_host() -> None:
    clock = FakeClock()

    async def twice(client: RegistryClient) -> list[Any]:
        names = [Reference.parse(f"{wire.host}/a:{tag}") for tag in (1, 2)]
        return [
            await asyncio.gather(client.resolve(name), return_exceptions=True) for name in names
        ]

    with serve(manifests((429, {"Retry-After": "3600"}, b""))) as wire:
        results = [error for (error,) in ask(wire, twice, clock=clock)]
    assert all(isinstance(error, RateLimited) for error in results)
    assert results[0].retry_at is not None
    assert results[0].retry_at.hour == 1
    assert clock.elapsed == 0
    assert wire.count("HEAD", "/manifests/") == 1


@pytest.mark.parametrize(("limited", "other"), [("HEAD", RateLimited), ("GET", type(None))])
def test_a_limit_on_heads_is_one_on_gets_and_not_the_reverse(
    limited: str, other: type[Exception]
) -> None:
    """Docker Hub counts GETs of manifests alone; who is refused a HEAD is refused a GET."""

    def answer(seen: Any) -> Any:
        if "/manifests/" in seen.path and seen.method == limited:
            return (429, {"Retry-After": "3600"}, b"")
        return manifests(GOOD)(seen)

    async def both(client: RegistryClient) -> list[type[Any]]:
        name = Reference.parse(f"{wire.host}/a:1")
        found: list[type[Any]] = []
        for method in (limited, "GET" if limited == "HEAD" else "HEAD"):
            try:
                await (client.resolve(name) if method == "HEAD" else client.manifest(name))
                found.append(type(None))
            except RateLimited as error:
                found.append(type(error))
        return found

    with serve(answer) as wire:
        assert ask(wire, both) == [RateLimited, other]
    assert wire.count("GET", "/manifests/") == (limited == "GET")


class TokenServer:
    """A registry with tokens: one per request, remembered with the scopes it was asked for."""

    def __init__(self, *, several: bool = True) -> None:
        self.several = several
        self.granted: dict[str, list[str]] = {}

    def __call__(self, seen: Any) -> Any:
        if seen.path.startswith("/token"):
            if seen.authorization not in (None, Credentials("u", SECRET).basic()):
                return (401, {}, b"")
            scopes = seen.path.split("scope=")[1:]
            token = f"t{len(self.granted)}"
            self.granted[token] = scopes if self.several else scopes[:1]
            return (200, {}, json.dumps({"token": token, "expires_in": 300}).encode())
        token = (seen.authorization or "").removeprefix("Bearer ")
        name = seen.path.removeprefix("/v2/").partition("/manifests")[0]
        if name and any(
            f"%3A{name.replace('/', '%2F')}%3A" in s for s in self.granted.get(token, [])
        ):
            return GOOD
        challenge = f'Bearer realm="/token",service="s",scope="repository:{name}:pull"'
        return (401, {"WWW-Authenticate": challenge}, b"")


@pytest.mark.parametrize(("several", "tokens"), [(True, 1), (False, 5)])
def test_one_token_for_many_repositories_where_granted(several: bool, tokens: int) -> None:
    async def all_of_them(client: RegistryClient) -> None:
        names = [Reference.parse(f"{wire.host}/a/r{number}:1") for number in range(5)]
        await client.prepare(name.repository for name in names)
        await asyncio.gather(*(client.resolve(name) for name in names))

    with serve(TokenServer(several=several)) as wire:
        ask(wire, all_of_them)
    assert wire.count("GET", "/token") == tokens
    assert sum(one.path == "/v2/" for one in wire.seen) == 1
    assert wire.count("GET", "/manifests/") == 0


def test_many_at_once_share_one_token() -> None:
    async def at_once(client: RegistryClient) -> None:
        name = Reference.parse(f"{wire.host}/a/b:1")
        await asyncio.gather(*(client.resolve(name) for _ in range(8)))

    with serve(TokenServer()) as wire:
        ask(wire, at_once)
    assert wire.count("GET", "/token") == 1


def test_wrong_password() -> None:
    with serve(TokenServer()) as wire, pytest.raises(LoginFailed) as caught:
        resolve(wire, credentials=Credentials("u", "other"))
    assert "other" not in str(caught.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_credentials_do_not_follow_redirects_or_realms(status: int) -> None:
    with serve(lambda seen: (200, {}, b'{"token":"stolen"}')) as thief:

        def registry(seen: Any) -> Any:
            if "/manifests/" in seen.path and (seen.authorization or "").startswith("Basic"):
                return (status, {"Location": f"http://{thief.host}/blob"}, b"")
            return (401, {"WWW-Authenticate": 'Basic realm="r"'}, b"")

        with serve(registry) as wire, pytest.raises(RegsyncError):
            resolve(wire, credentials=Credentials("u", SECRET))
        realm = {"WWW-Authenticate": f'Bearer realm="http://{thief.host}/token"'}
        with serve(lambda seen: (401, realm, b"")) as wire, pytest.raises(RegsyncError):
            resolve(wire, credentials=Credentials("u", SECRET))
    assert len(thief.seen) >= 2
    assert [one.authorization for one in thief.seen] == [None] * len(thief.seen)


@pytest.mark.parametrize(("status", "answer"), [(200, True), (404, False)])
def test_whether_a_digest_is_still_served(status: int, answer: bool) -> None:
    reply = GOOD if status == 200 else (404, {}, b"")
    with serve(manifests(reply)) as wire:
        repository = Repository(wire.host, "a/b")
        assert ask(wire, lambda client: client.served(repository, DIGEST)) is answer
    assert [(one.method, one.path) for one in wire.seen[1:]] == [
        ("HEAD", f"/v2/a/b/manifests/{DIGEST}")
    ]


@pytest.mark.parametrize(("status", "answer"), [(200, True), (404, False)])
def test_whether_a_repository_is_there(status: int, answer: bool) -> None:
    with serve(lambda seen: (status if "/tags/" in seen.path else 200, {}, b"{}")) as wire:
        repository = Repository(wire.host, "a/b")
        assert ask(wire, lambda client: client.exists(repository)) is answer
    assert [(one.method, one.path) for one in wire.seen[1:]] == [("GET", "/v2/a/b/tags/list?n=1")]


@pytest.mark.parametrize("reply", [(401, {}, b""), (500, {}, b""), (404, {}, b"<html>")])
def test_what_cannot_be_told_is_not_no(reply: Any) -> None:
    with serve(lambda seen: reply if "/a/b/" in seen.path else PING) as wire:
        repository = Repository(wire.host, "a/b")
        with pytest.raises((Unauthorized, ServerFailed, NotARegistry)):
            ask(wire, lambda client: client.exists(repository))


def test_who_is_nobody() -> None:
    """Who has no credentials; whose are held back from a token server elsewhere is somebody."""

    async def resolved(client: RegistryClient) -> bool:
        await client.resolve(Reference.parse(f"{wire.host}/a/b:1"))
        return client.anonymous

    mine = Credentials("u", SECRET)
    with serve(TokenServer()) as wire:
        assert ask(wire, resolved) is True
        assert ask(wire, resolved, credentials=mine) is False
    with serve(TokenServer()) as tokens:
        realm = {"WWW-Authenticate": f'Bearer realm="http://{tokens.host}/token"'}
        with serve(lambda seen: GOOD if seen.authorization else (401, realm, b"")) as wire:
            assert ask(wire, resolved, credentials=mine) is False
    assert [one.authorization for one in tokens.seen] == [None]


def tags(wire: Any) -> Any:
    return ask(wire, lambda client: client.tags(Repository(wire.host, "a/b")))


def test_tags_over_pages() -> None:
    def pages(seen: Any) -> Any:
        if "last=2" in seen.path:
            return (200, {}, b'{"tags":["2","3","sha256:dead"]}')
        if "tags" in seen.path:
            return (200, {"Link": '</v2/a/b/tags/list?last=2>; rel="next"'}, b'{"tags":["1","2"]}')
        return PING

    with serve(pages) as wire:
        assert tags(wire) == ["1", "2", "3"]


def test_no_tags_is_an_empty_list() -> None:
    with serve(lambda seen: (200, {}, b'{"tags":null}')) as wire:
        assert tags(wire) == []


@pytest.mark.parametrize("link", ["/v2/a/b/tags/list", "http://127.0.0.1:9/v2/a/b/tags/list", "/x"])
def test_pages_that_lead_nowhere(link: str) -> None:
    with (
        serve(lambda seen: (200, {"Link": f"<{link}>; rel=next"}, b'{"tags":["1"]}')) as wire,
        pytest.raises(ServerFailed),
    ):
        tags(wire)


def test_secrets_do_not_show() -> None:
    assert SECRET not in repr(Credentials("u", SECRET))
