"""The books of one registry: what was sent, what it tells of limits, what may still be spent."""

from __future__ import annotations

import httpx

from regsync.clock import Clock
from regsync.registry.budget import Budget
from regsync.registry.hosts import Endpoint
from regsync.registry.message import Request, Tally
from regsync.registry.origin import Origin
from regsync.registry.ratelimit import RateLimit, parse


class Ledger:
    """Keeps the books while requests are sent.

    Attributes:
        tally: The requests sent.
        rate_limit: What the registry last told; None where it tells nothing.
        budget: Which pulls may still be spent.
    """

    def __init__(self, endpoint: Endpoint, clock: Clock, budget: Budget | None = None) -> None:
        self.tally = Tally()
        self.rate_limit: RateLimit | None = None
        self.budget = budget or Budget(endpoint.keep_pulls)
        self._endpoint = endpoint
        self._clock = clock

    async def send(
        self, http: httpx.AsyncClient, sent: httpx.Request, request: Request
    ) -> httpx.Response:
        """Send once; a pull that may be counted is taken out of the budget before.

        Raises:
            KeptBack: it would be one of the pulls to keep.
            httpx.HTTPError: there is no answer.
        """
        if request.kind != "manifest":
            self.tally.sent[request.kind] += 1
            response = await http.send(sent, stream=True)
            told = self._told(response)
            if request.kind == "head":
                self.budget.note(told)
            return response
        if self.budget.unsure:
            # One goes ahead: it may tell a limit of which the others must not spend the last.
            async with self.budget.first:
                if self.budget.unsure:
                    return await self._pull(http, sent, request)
        return await self._pull(http, sent, request)

    async def _pull(
        self, http: httpx.AsyncClient, sent: httpx.Request, request: Request
    ) -> httpx.Response:
        self.budget.reserve(request.what)
        self.tally.sent["get"] += 1
        told, counted = None, True
        try:
            response = await http.send(sent, stream=True)
            told, counted = self._told(response), not response.is_client_error
        finally:
            self.budget.settle(told, counted=counted)
        if response.status_code == 200:
            self.tally.sent["counted_pulls"] += 1
        return response

    def _told(self, response: httpx.Response) -> RateLimit | None:
        # Limits told elsewhere, e.g. by a store of blobs, are not the registry's.
        if Origin.of(str(response.request.url)) != self._endpoint.origin:
            return None
        now, refused = self._clock.now(), response.status_code == 429
        told = parse(response.headers, self._endpoint.registry, now, refused=refused)
        if told is not None:
            told = self.rate_limit = told.after(self.rate_limit, now)
        return told
