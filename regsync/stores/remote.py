"""Every registry that one run asks: one client a login, made when it is first needed.

Most hosts have one login, or none. Where logins are kept by namespace, two repositories of one host
may be asked as different people, who share neither tokens nor connections.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from regsync.clock import Clock, SystemClock
from regsync.config.load import Config
from regsync.credentials.keys import Key
from regsync.oci.reference import DOCKER_HUB, Repository
from regsync.registry.budget import Budget
from regsync.registry.client import RegistryClient
from regsync.registry.hosts import CERTS_D, endpoint, hub_api
from regsync.registry.hubapi import HubApi
from regsync.registry.message import KINDS
from regsync.registry.ratelimit import RateLimit
from regsync.registry.retry import Waits
from regsync.registry.taglists import TagList
from regsync.stores.identities import Identities


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
        self._clock = clock or SystemClock()
        self._certs_d = certs_d
        self._waits = waits
        self._identities = Identities(env)
        self._clients: dict[tuple[str, Key], RegistryClient] = {}
        # One a host, whoever asks: several names of one account, and everybody without one, spend
        # the same pulls, and nobody tells beforehand.
        self._budgets: dict[str, Budget] = {}
        self._hub: HubApi | None = None
        self._expected: Mapping[str, str] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._identities.close()
        await asyncio.gather(*(client.aclose() for client in self._asked()))

    def client(self, where: str | Repository) -> RegistryClient:
        """The client for a repository, or for a host as such, e.g. `docker.io`.

        Asked again, or for another repository with the same login, it is the same one, so tokens
        and connections are shared. What is broken for one host is raised for this host alone, each
        time it is asked for; credentials are looked for with the client's first request.

        Raises:
            InvalidConfig: the settings of this host have no meaning.
            CredentialsBroken: the variables of this host may be meant for another one of this run.
            TlsFailed: a certificate that was configured cannot be read.
        """
        registry = where if isinstance(where, str) else where.registry
        self._identities.refuse_confusion(registry)
        key = self._identities.key(where)
        found = self._clients.get((registry, key))
        if found is None:
            reached = endpoint(registry, self._config.settings(registry), self._certs_d)
            found = RegistryClient(
                reached,
                partial(self._identities.credentials, registry, key),
                clock=self._clock,
                greeting=self._expected.get(reached.base),
                waits=self._waits,
                budget=self._budgets.setdefault(registry, Budget(reached.keep_pulls)),
            )
            self._clients[registry, key] = found
        return found

    def configured(self) -> frozenset[str]:
        """The hosts that the user has set something for."""
        return frozenset(self._config.hosts)

    def foresee(self, registries: Iterable[str]) -> None:
        """Know of hosts before any of them is asked: two that share variables are both refused."""
        self._identities.foresee(registries)

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
        records = await self.client(repository).tag_records(repository)
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

    def keeps_pulls(self, registry: str) -> bool:
        """Whether the user wants pulls of this registry's limit to be kept."""
        return bool(self._config.settings(registry).keep_pulls)

    def is_tight(self, registry: str) -> bool:
        """Whether pulls are to be kept of a limit that this registry has told."""
        return registry in self._budgets and self._budgets[registry].tight

    def rate_limits(self) -> list[RateLimit]:
        """What the registries last told of their limits, sorted by host.

        Of a host with several logins it is the one with the least left.
        """
        told = [client.rate_limit for client in self._asked()]
        known = [one for one in told if one is not None]
        tightest: dict[str, RateLimit] = {}
        for limit in sorted(known, key=lambda one: (one.registry, _left(one))):
            tightest.setdefault(limit.registry, limit)
        return list(tightest.values())

    def warnings(self) -> list[str]:
        """What the user should be told, once a host: e.g. that its certificate is not checked."""
        return list(
            dict.fromkeys(text for client in self._clients.values() for text in client.warnings)
        )


def _left(limit: RateLimit) -> int:
    return limit.limit if limit.remaining is None else limit.remaining
