"""Who sees a token: the registry, and of those it leads to only who gave it to nobody special."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack

import pytest
from wire import FakeClock, Reply, Seen, Wire, serve

from regsync.identity import Credentials
from regsync.oci import mediatype
from regsync.oci.digest import Digest
from regsync.oci.reference import Reference
from regsync.registry.client import RegistryClient
from regsync.registry.hosts import endpoint

FOUND: Reply = (
    200,
    {"Content-Type": mediatype.OCI_INDEX, "Docker-Content-Digest": str(Digest.of(b"x"))},
    b"",
)
TOKEN: Reply = (200, {}, b'{"token": "t", "expires_in": 300}')
Answer = Callable[[Seen], Reply]


class Hosts:
    """A registry, a token server and a stranger, that send a manifest's request around."""

    def __init__(self, stack: ExitStack, *, realm: str, chain: list[str]) -> None:
        self.found: dict[str, list[str | None]] = {}
        self._realm, self._chain = realm, chain
        self.wires: dict[str, Wire] = {}
        for name in ("registry", "issuer", "stranger"):
            self.wires[name] = stack.enter_context(serve(self._at(name)))

    def _at(self, name: str) -> Answer:
        def answer(seen: Seen) -> Reply:
            if seen.path.startswith("/token"):
                return TOKEN
            if seen.path == "/v2/":
                realm = f"http://{self.wires[self._realm].host}/token"
                return 401, {"WWW-Authenticate": f'Bearer realm="{realm}"'}, b""
            self.found.setdefault(name, []).append(seen.authorization)
            if not self._chain:
                return FOUND
            return 307, {"Location": f"http://{self.wires[self._chain.pop(0)].host}/x"}, b""

        return answer

    def resolve(self, credentials: Credentials | None = None) -> None:
        async def work() -> None:
            host = self.wires["registry"].host
            where = endpoint(host, certs_d=())
            async with RegistryClient(where, credentials, clock=FakeClock()) as client:
                await client.resolve(Reference.parse(f"{host}/a/b:1"))

        asyncio.run(work())


@pytest.mark.parametrize(
    ("realm", "chain", "found"),
    [
        # As lscr.io leads to ghcr.io, which gives the tokens too.
        ("issuer", ["issuer"], {"registry": ["Bearer t"], "issuer": ["Bearer t"]}),
        ("issuer", ["stranger"], {"registry": ["Bearer t"], "stranger": [None]}),
        (
            "issuer",
            ["issuer", "stranger"],
            {"registry": ["Bearer t"], "issuer": ["Bearer t"], "stranger": [None]},
        ),
        ("issuer", ["stranger", "registry"], {"registry": ["Bearer t", None], "stranger": [None]}),
        (
            "registry",
            ["stranger", "issuer", "registry"],
            # Nobody's token, back where it came from.
            {"registry": ["Bearer t", "Bearer t"], "stranger": [None], "issuer": [None]},
        ),
    ],
)
def test_nobodys_token(realm: str, chain: list[str], found: dict[str, list[str | None]]) -> None:
    with ExitStack() as stack:
        hosts = Hosts(stack, realm=realm, chain=chain)
        hosts.resolve()
        assert hosts.found == found


@pytest.mark.parametrize("chain", [["issuer"], ["stranger"], ["stranger", "registry"]])
def test_somebodys_token(chain: list[str]) -> None:
    """It was given for a password, and does not come back with the chain either."""
    with ExitStack() as stack:
        hosts = Hosts(stack, realm="registry", chain=list(chain))
        hosts.resolve(Credentials("ann", "secret"))
        registry, *others = hosts.found.pop("registry"), *hosts.found.values()
        assert registry == ["Bearer t", None][: 1 + chain.count("registry")]
        assert others == [[None]]


def test_the_login_that_is_a_token() -> None:
    with ExitStack() as stack:
        hosts = Hosts(stack, realm="issuer", chain=["issuer"])
        hosts.resolve(Credentials("", "mine", kind="registry_token"))
        assert hosts.found == {"registry": ["Bearer mine"], "issuer": [None]}
        assert all("/token" not in seen.path for seen in hosts.wires["issuer"].seen)
