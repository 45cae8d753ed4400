"""Docker Hub's own API: which tags carry a digest, and when they were pushed.

It stands beside the registry, at a host of its own and with a limit of its own (`X-RateLimit-*`),
and counts no pulls (docs.docker.com, "Docker Hub API"). It is asked without credentials, so private
repositories are not there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from regsync.clock import Clock
from regsync.errors import NotFound, RateLimited, ServerFailed
from regsync.oci.reference import Repository
from regsync.oci.strictjson import parse_object
from regsync.registry.hosts import Endpoint
from regsync.registry.message import Answer, Request, Tally
from regsync.registry.ratelimit import RateLimit
from regsync.registry.retry import Waits
from regsync.registry.taglists import TagList, TagRecord, read_hub
from regsync.registry.transport import Transport

PAGES, PAGE_SIZE = 3, 100
"""At most this much of a repository is read: the tags that were updated last come first."""
PAGE_LIMIT = 4 * 1024 * 1024
_NUMBER = re.compile(r"[0-9]{1,15}")


class HubApi:
    """Reads from Docker Hub's API."""

    def __init__(self, endpoint: Endpoint, clock: Clock, waits: Waits | None = None) -> None:
        self._endpoint = endpoint
        self._transport = Transport(endpoint, clock, waits)
        self.rate_limit: RateLimit | None = None

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    @property
    def tally(self) -> Tally:
        """The requests sent so far."""
        return self._transport.ledger.tally

    async def tags(self, repository: Repository) -> TagList:
        """The tags of a public repository, those updated last first.

        Raises:
            NotFound: there is no such repository, or it is private.
            RateLimited: this API has been asked too often.
            RegistryFailure: it cannot be asked, or what it answers cannot be read.
            InvalidManifest: the answer is no JSON object.
        """
        what = f"cannot list the tags of `{repository.familiar}` at {self._endpoint.registry}"
        namespace, _, name = repository.path.partition("/")
        if not name or "/" in name:
            raise NotFound(what, "a repository there is called NAMESPACE/NAME")
        records: list[TagRecord] = []
        for page in range(1, PAGES + 1):
            # Numbered by us: where the next page is would otherwise be for the server to say.
            url = (
                f"{self._endpoint.base}/v2/namespaces/{namespace}/repositories/{name}/tags"
                f"?page_size={PAGE_SIZE}&page={page}"
            )
            answer = await self._transport.send(Request(url, "GET", PAGE_LIMIT, what=what))
            self.rate_limit = self._limit(answer.headers) or self.rate_limit
            _demand(answer, what)
            fields = parse_object(answer.body, limit=PAGE_LIMIT, what="the list of tags")
            records += read_hub(fields)
            if not fields.get("next"):
                return TagList(self._endpoint.registry, tuple(records))
        return TagList(self._endpoint.registry, tuple(records), complete=False)

    def _limit(self, headers: Mapping[str, str]) -> RateLimit | None:
        limit, left = (
            _integer(headers.get(f"X-RateLimit-{n}", "")) for n in ("Limit", "Remaining")
        )
        return None if limit is None else RateLimit(self._endpoint.registry, limit, left)


def _demand(answer: Answer, what: str) -> None:
    if answer.status == 404:
        raise NotFound(what, "there is no such repository, or it is private")
    if answer.status == 429:
        raise RateLimited(what, "asked too often", retry_at=answer.retry_at)
    if answer.status != 200:
        raise ServerFailed(what, f"it answers {answer.status}")


def _integer(text: str) -> int | None:
    return int(text) if _NUMBER.fullmatch(text.strip()) else None
