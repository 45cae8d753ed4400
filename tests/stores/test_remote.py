"""The registries of one run: shared where they work, apart where they do not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from wire import FakeClock, serve

from regsync.config.load import Config
from regsync.errors import CredentialsBroken, InvalidConfig, TlsFailed
from regsync.identity import variable
from regsync.oci import mediatype
from regsync.oci.digest import Digest
from regsync.oci.reference import Reference, Repository
from regsync.registry.ratelimit import RateLimit
from regsync.settings import HostSettings
from regsync.stores.remote import Registries

CONFIG = {"mediaType": mediatype.OCI_CONFIG, "digest": str(Digest.of(b"{}")), "size": 2}
RAW = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": mediatype.OCI_MANIFEST,
        "config": CONFIG,
        "layers": [],
    }
).encode()
TYPED = {"Content-Type": mediatype.OCI_MANIFEST, "Docker-Content-Digest": str(Digest.of(RAW))}
LIMITS = {
    "RateLimit-Limit": "100;w=21600",
    "RateLimit-Remaining": "97;w=21600",
    "Docker-RateLimit-Source": "192.0.2.7",
}


def registry(seen: Any) -> Any:
    if "/manifests/" in seen.path:
        return (200, TYPED | LIMITS, RAW)
    if "/tags/" in seen.path:
        return (200, {}, b'{"tags":["1"]}')
    return (200, {}, b"{}")


def run(
    question: Callable[[Registries], Awaitable[Any]],
    *,
    hosts: dict[str, HostSettings] | None = None,
    env: dict[str, str] | None = None,
) -> Any:
    async def work() -> Any:
        config = Config(None, hosts or {})
        async with Registries(config, env or {}, clock=FakeClock(), certs_d=()) as registries:
            return await question(registries)

    return asyncio.run(work())


def test_requests_and_limits_are_summed_over_all() -> None:
    with serve(registry) as one, serve(registry) as two:

        async def question(registries: Registries) -> Any:
            for wire in (one, two):
                client = registries.client(wire.host)
                assert registries.client(wire.host) is client
                await client.resolve(Reference.parse(f"{wire.host}/a:1"))
            await client.manifest(Reference.parse(f"{two.host}/a:1"))
            await client.tags(Repository(two.host, "a"))
            return registries.requests(), registries.rate_limits()

        requests, limits = run(question)
        assert limits == sorted(
            (RateLimit(wire.host, 100, 97, 21600, "192.0.2.7") for wire in (one, two)),
            key=lambda limit: limit.registry,
        )
    assert requests == {"head": 2, "get": 2, "token": 0, "ping": 2, "counted_pulls": 1}
    assert len(one.seen) + len(two.seen) == sum(requests.values()) - requests["counted_pulls"]


def test_a_manifest_that_is_missing_is_no_pull() -> None:
    with serve(lambda seen: (404, {}, b"") if "/a/" in seen.path else registry(seen)) as wire:

        async def question(registries: Registries) -> dict[str, int]:
            client = registries.client(wire.host)
            await asyncio.gather(
                client.manifest(Reference.parse(f"{wire.host}/a:1")), return_exceptions=True
            )
            return registries.requests()

        requests = run(question)
    assert (requests["get"], requests["counted_pulls"]) == (1, 0)


def test_nothing_is_made_before_it_is_asked_for() -> None:
    async def question(registries: Registries) -> Any:
        return registries.requests(), registries.rate_limits(), registries.warnings()

    empty = {"head": 0, "get": 0, "token": 0, "ping": 0, "counted_pulls": 0}
    assert run(question) == (empty, [], [])


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        (HostSettings(endpoint="ftp://x"), InvalidConfig),
        (HostSettings(endpoint="https://x/path"), InvalidConfig),
        (HostSettings(tls="on", ca_file=Path("/nowhere/ca.pem")), TlsFailed),
        (HostSettings(), CredentialsBroken),
    ],
)
def test_what_is_broken_for_one_host_stops_that_host_alone(
    settings: HostSettings, error: type[Exception]
) -> None:
    env = {"REGSYNC_BROKEN_EXAMPLE_USERNAME": "u"} if error is CredentialsBroken else {}

    async def question(registries: Registries) -> Any:
        for _ in range(2):
            with pytest.raises(error):
                await registries.client("broken.example").identify()
        return await registries.client(wire.host).resolve(Reference.parse(f"{wire.host}/a:1"))

    with serve(registry) as wire:
        assert run(question, hosts={"broken.example": settings}, env=env).digest == Digest.of(RAW)


A, B = "registry.example.com", "registry-example.com"


@pytest.mark.parametrize("hosts", [(A, B), (B, A), (A, "other.example.com", B)])
def test_hosts_that_share_variables_are_both_refused(hosts: tuple[str, ...]) -> None:
    env = {variable(A, "USERNAME"): "u", variable(A, "PASSWORD"): "canary-7a90"}

    async def question(registries: Registries) -> dict[str, CredentialsBroken]:
        registries.client(hosts[0])
        refused = {}
        for host in (*hosts, *hosts):
            try:
                registries.client(host)
            except CredentialsBroken as error:
                refused[host] = error
        return refused

    refused = run(question, env=env)
    assert refused.keys() == {A, B}
    for host, error in refused.items():
        assert host in error.what
        assert A in (error.why or "")
        assert B in (error.why or "")


@pytest.mark.parametrize(("env", "hosts"), [({}, (A, B)), ({variable(A, "USERNAME"): "u"}, (A, A))])
def test_hosts_that_share_no_credentials_do_no_harm(
    env: dict[str, str], hosts: tuple[str, ...]
) -> None:
    if env:
        env = env | {variable(A, "PASSWORD"): "canary-7a90"}

    async def question(registries: Registries) -> list[str]:
        return [registries.client(host).endpoint.registry for host in hosts]

    assert run(question, env=env) == list(hosts)


def test_an_unchecked_certificate_is_told_once() -> None:
    async def question(registries: Registries) -> list[str]:
        for host in ("a.example", "a.example", "b.example"):
            registries.client(host)
        return registries.warnings()

    (warning,) = run(question, hosts={"a.example": HostSettings(tls="insecure")})
    assert "a.example" in warning
