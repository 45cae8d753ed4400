"""Every registry that one run asks: one client a host, made when it is first needed."""

from __future__ import annotations

import asyncio
import copy
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from regsync.clock import Clock, SystemClock
from regsync.config.load import Config
from regsync.credentials import chain
from regsync.errors import CredentialsBroken
from regsync.identity import variable
from regsync.oci.reference import DOCKER_HUB, Repository
from regsync.registry.client import RegistryClient
from regsync.registry.hosts import CERTS_D, endpoint, hub_api
from regsync.registry.hubapi import HubApi
from regsync.registry.message import KINDS
from regsync.registry.ratelimit import RateLimit
from regsync.registry.retry import Waits
from regsync.registry.taglists import TagList


class Registries:
    """The registries of one run. Use as an async context manager: it closes them all.

    Args:
        config: What the user set.
        env: The environment, in which credentials are looked for.
        clock: Time, for tests.
        certs_d: Folders in which certificates are found by host.
        waits: How long a server may take, for tests.
    """

    def __init__(
        self,
        config: Config,
        env: Mapping[str, str],
        *,
        clock: Clock | None = None,
        certs_d: tuple[Path, ...] = CERTS_D,
        waits: Waits | None = None,
    ) -> None:
        self._config = config
        self._env = env
        self._clock = clock or SystemClock()
        self._certs_d = certs_d
        self._waits = waits
        self._clients: dict[str, RegistryClient] = {}
        self._hub: HubApi | None = None
        # Hosts by the variable that their user name is looked for in.
        self._named: dict[str, str] = {}
        self._confused: dict[str, CredentialsBroken] = {}
        self._expected: Mapping[str, str] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.gather(*(client.aclose() for client in self._asked()))

    def client(self, registry: str) -> RegistryClient:
        """The client of one registry host, e.g. `docker.io` or `127.0.0.1:5000`.

        Asked again, it is the same one, so tokens and connections are shared. What is broken for
        one host is raised for this host alone, each time it is asked for.

        Raises:
            InvalidConfig: the settings of this host have no meaning.
            CredentialsBroken: a source of credentials is configured and cannot be read, or its
                variables may be meant for another host of this run.
            TlsFailed: a certificate that was configured cannot be read.
        """
        self._refuse_confusion(registry)
        found = self._clients.get(registry)
        if found is None:
            where = endpoint(registry, self._config.settings(registry), self._certs_d)
            credentials = chain.find(registry, self._env)
            greeting = self._expected.get(where.base)
            found = RegistryClient(
                where, credentials, clock=self._clock, greeting=greeting, waits=self._waits
            )
            self._clients[registry] = found
        return found

    def _refuse_confusion(self, registry: str) -> None:
        """`a-b.example` and `a.b.example` share variables: whose is the password?"""
        user, word = (variable(registry, field) for field in ("USERNAME", "PASSWORD"))
        other = self._named.setdefault(user, registry)
        if other != registry and (self._env.get(user) or self._env.get(word)):
            for host in (registry, other):
                self._confused[host] = CredentialsBroken(
                    f"cannot log in to `{host}`",
                    f"{user} may be meant for `{other}` or for `{registry}`; both are asked here",
                    "ask for one of them at a time, or use `docker login`",
                )
        if registry in self._confused:
            raise copy.copy(self._confused[registry])

    async def tag_list(self, repository: Repository) -> TagList | None:
        """Which tags carry which digest; None where this registry does not tell.

        Docker Hub is asked at its own API, any other registry for its tag list.

        Raises:
            RegsyncError: see `client`, `HubApi.tags` and `RegistryClient.tag_records`.
        """
        if repository.registry == DOCKER_HUB:
            if self._hub is None:
                where = hub_api(self._config.settings(DOCKER_HUB))
                self._hub = HubApi(where, self._clock, self._waits)
            return await self._hub.tags(repository)
        records = await self.client(repository.registry).tag_records(repository)
        return None if records is None else TagList(repository.registry, records)

    def _asked(self) -> list[RegistryClient | HubApi]:
        return [*self._clients.values(), *([self._hub] if self._hub is not None else [])]

    def expect(self, greetings: Mapping[str, str]) -> None:
        """Spare registries the ping whose answer is known from an earlier run.

        Args:
            greetings: What `greetings` returned then. One that is no longer true costs a request.
        """
        self._expected = greetings

    def greetings(self) -> dict[str, str]:
        """How the registries of this run greeted, by endpoint; see `RegistryClient.greeting`."""
        told = {client.endpoint.base: client.greeting for client in self._clients.values()}
        return {base: greeting for base, greeting in told.items() if greeting is not None}

    def requests(self) -> dict[str, int]:
        """Requests sent so far, retries and redirects included, by kind.

        `get` is GETs of manifests, blobs and tag lists; `ping` and `token` stand apart;
        `counted_pulls` is manifests that were served to a GET, which is what Docker Hub counts.
        """
        total: Counter[str] = Counter()
        for client in self._asked():
            total.update(client.tally.sent)
        return {kind: total[kind] for kind in KINDS}

    def rate_limits(self) -> list[RateLimit]:
        """What the registries last told of their limits, sorted by host."""
        told = (client.rate_limit for client in self._asked())
        return sorted((one for one in told if one is not None), key=lambda one: one.registry)

    def warnings(self) -> list[str]:
        """What the user should be told, once a host: e.g. that its certificate is not checked."""
        return [text for client in self._clients.values() for text in client.warnings]
