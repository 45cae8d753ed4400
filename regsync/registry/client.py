"""One registry, as operations see it: resolve a tag, read a manifest, list tags."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from regsync.clock import Clock, SystemClock
from regsync.errors import InvalidDigest, NotARegistry, ServerFailed, Unverified
from regsync.identity import Credentials
from regsync.oci import manifest, mediatype
from regsync.oci.digest import Digest
from regsync.oci.manifest import Index, Manifest
from regsync.oci.paging import next_link
from regsync.oci.reference import Reference, Repository
from regsync.oci.scope import Scope
from regsync.oci.strictjson import parse_object
from regsync.registry import failures
from regsync.registry.auth import Authenticator
from regsync.registry.hosts import Endpoint
from regsync.registry.origin import RefusedAddress, page
from regsync.registry.ratelimit import RateLimit
from regsync.registry.transport import Answer, Tally, Transport, open_http

PAGE_LIMIT = 16 * 1024 * 1024
PAGES, TAGS = 10_000, 1_000_000
_ACCEPT = {"Accept": ", ".join(mediatype.ACCEPT_MANIFESTS)}
# Statuses of servers, or proxies before them, that know GET and not HEAD.
_NO_HEAD = frozenset({400, 405, 501})


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a reference points to now: the digest, and what HEAD told beside it."""

    digest: Digest
    media_type: str
    size: int | None = None


class RegistryClient:
    """Reads from one registry. Use as an async context manager."""

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: Credentials | None = None,
        *,
        clock: Clock | None = None,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self._http = http or open_http(endpoint)
        self._transport = Transport(endpoint, self._http, clock or SystemClock())
        self._auth = Authenticator(self._transport, credentials, clock or SystemClock())
        self._endpoint = endpoint

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    @property
    def tally(self) -> Tally:
        """The requests sent so far."""
        return self._transport.tally

    @property
    def rate_limit(self) -> RateLimit | None:
        """What the registry last told of its limits; None where it tells nothing."""
        return self._transport.rate_limit

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user should be told once about asking this registry."""
        if self._endpoint.verify or not self._endpoint.base.startswith("https:"):
            return ()
        return (f"the certificate of `{self._endpoint.registry}` is not checked (tls = insecure)",)

    async def prepare(self, repositories: Iterable[Repository]) -> None:
        """Get what is needed to read many repositories, in as few requests as possible."""
        await self._auth.prepare(Scope.pull(repository.path) for repository in repositories)

    async def resolve(self, reference: Reference) -> Resolved:
        """The digest that a reference points to: one HEAD, where the registry is as it should be.

        Without a usable `Docker-Content-Digest` the manifest is fetched and hashed; no field of
        a JSON document is ever taken for a digest.

        Raises:
            RegsyncError: not found, not allowed, not reachable, or not what it claims to be.
        """
        answer = await self._manifest("HEAD", reference)
        if answer.status not in _NO_HEAD:
            self._demand(answer, reference)
            digest = _told_digest(answer)
            if reference.digest is not None:
                digest = self._agree(reference, reference.digest, digest)
            if digest is not None and not _is_page(answer):
                length = answer.headers.get("Content-Length", "")
                return Resolved(
                    digest,
                    mediatype.base(answer.headers.get("Content-Type", "")),
                    int(length) if length.isascii() and length.isdigit() else None,
                )
        found = await self.manifest(reference)
        digest = reference.digest or found.digest
        return Resolved(digest, found.media_type, len(found.raw))

    async def manifest(self, reference: Reference) -> Manifest | Index:
        """The manifest or index that a reference points to, verified.

        Raises:
            Unverified: the bytes do not fit the digest asked for or told.
            InvalidManifest: see `oci.manifest.parse`.
            RegsyncError: see `resolve`.
        """
        answer = await self._manifest("GET", reference)
        self._demand(answer, reference)
        if _is_page(answer):
            raise NotARegistry(_cannot(reference), "it answers with a web page")
        for expected in (reference.digest, _told_digest(answer)):
            if expected is not None and not expected.matches(answer.body):
                raise Unverified(
                    _cannot(reference), f"the bytes are not those of {expected.short}…"
                )
        return manifest.parse(answer.body, answer.headers.get("Content-Type"))

    async def tags(self, repository: Repository) -> list[str]:
        """All tags of a repository, in the registry's order, each once.

        Raises:
            ServerFailed: the pages lead elsewhere, never end, or are no tag list.
            RegsyncError: see `resolve`.
        """
        what = f"cannot list the tags of `{repository.familiar}`"
        url: str | None = f"{self._endpoint.base}/v2/{repository.path}/tags/list"
        found: dict[str, None] = {}
        seen: set[str] = set()
        while url is not None:
            if url in seen or len(seen) >= PAGES or len(found) > TAGS:
                raise ServerFailed(what, "its pages never end")
            seen.add(url)
            answer = await self._authorized("GET", url, Scope.pull(repository.path), PAGE_LIMIT)
            if answer.status != 200:
                raise failures.from_status(
                    answer.status, answer.body, what=what, retry_at=answer.retry_at
                )
            if _is_page(answer):
                raise NotARegistry(what, "it answers with a web page")
            fields = parse_object(answer.body, limit=PAGE_LIMIT, what="the list of tags")
            found.update(dict.fromkeys(_tags(fields)))
            link = next_link(answer.headers.get_list("Link"))
            try:
                url = page(url, link) if link else None
            except RefusedAddress as error:
                raise ServerFailed(what, str(error)) from error
        return list(found)

    async def _manifest(self, method: str, reference: Reference) -> Answer:
        repository = reference.repository
        url = f"{self._endpoint.base}/v2/{repository.path}/manifests/{reference.target}"
        return await self._authorized(
            method,
            url,
            Scope.pull(repository.path),
            manifest.SIZE_LIMIT,
            _ACCEPT,
            kind="manifest" if method == "GET" else None,
        )

    async def _authorized(
        self,
        method: str,
        url: str,
        scope: Scope,
        limit: int,
        headers: dict[str, str] | None = None,
        kind: str | None = None,
    ) -> Answer:
        header = await self._auth.authorization(scope)
        answer = await self._transport.send(
            method, url, limit=limit, headers=headers, authorization=header, kind=kind
        )
        # Once for a token that another repository spoiled or that expired, never in a circle.
        if answer.status == 401 and answer.url == url:
            renewed = await self._auth.renew(scope, header, answer)
            if renewed is not None:
                answer = await self._transport.send(
                    method, url, limit=limit, headers=headers, authorization=renewed, kind=kind
                )
        return answer

    def _demand(self, answer: Answer, reference: Reference) -> None:
        if answer.status != 200:
            raise failures.from_status(
                answer.status,
                answer.body,
                what=_cannot(reference),
                scope=str(Scope.pull(reference.repository.path)),
                retry_at=answer.retry_at,
            )

    def _agree(self, reference: Reference, asked: Digest, told: Digest | None) -> Digest:
        # An answer in another algorithm neither proves nor disproves: the digest asked for stands.
        if told is not None and told.algorithm == asked.algorithm and told != asked:
            raise Unverified(_cannot(reference), f"the registry answers with {told.short}…")
        return asked


def _told_digest(answer: Answer) -> Digest | None:
    try:
        return Digest.parse(answer.headers.get("Docker-Content-Digest", ""))
    except InvalidDigest:
        return None


def _is_page(answer: Answer) -> bool:
    return mediatype.base(answer.headers.get("Content-Type", "")) in (
        "text/html",
        "application/xhtml+xml",
    )


def _tags(fields: dict[str, Any]) -> list[str]:
    """The tags of one page; Nexus sends `null`, Artifactory lists digests among them."""
    values = fields.get("tags") or []
    if not isinstance(values, list):
        return []
    return [tag for tag in values if isinstance(tag, str) and ":" not in tag]


def _cannot(reference: Reference) -> str:
    return f"cannot read `{reference.familiar}`"
