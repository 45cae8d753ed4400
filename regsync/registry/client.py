"""One registry, as operations see it: resolve a tag, read a manifest, list tags."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractContextManager, aclosing, asynccontextmanager
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Self

from regsync.clock import Clock, SystemClock
from regsync.errors import InvalidManifest, NotFound, Unverified
from regsync.identity import Credentials
from regsync.oci.descriptor import Descriptor
from regsync.oci.digest import Digest
from regsync.oci.manifest import Index, Manifest
from regsync.oci.reference import Reference, Repository
from regsync.oci.scope import Scope
from regsync.oci.strictjson import parse_object
from regsync.registry import listing
from regsync.registry.auth import Authenticator, Lookup
from regsync.registry.blobs import Pace, Reader, Source
from regsync.registry.budget import Budget
from regsync.registry.discretion import discreet
from regsync.registry.hosts import Endpoint
from regsync.registry.manifests import Manifests, Resolved
from regsync.registry.message import Answer, Request, Tally
from regsync.registry.ratelimit import RateLimit
from regsync.registry.retry import Waits
from regsync.registry.session import Session
from regsync.registry.taglists import TagRecord, read_google
from regsync.registry.transport import Transport, Witness

if TYPE_CHECKING:
    from hashlib import _Hash

CONFIG_LIMIT = 8 * 1024 * 1024
"""Bytes that a config may have."""


class RegistryClient:
    """Reads from one registry. Use as an async context manager."""

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: Credentials | Lookup | None = None,
        *,
        clock: Clock | None = None,
        greeting: str | None = None,
        waits: Waits | None = None,
        witness: Witness | None = None,
        budget: Budget | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._clock = clock or SystemClock()
        self._transport = Transport(endpoint, self._clock, waits, witness, budget)
        self._auth = Authenticator(self._transport, credentials, self._clock, greeting)
        self._session = Session(self._transport, self._auth)
        self._manifests = Manifests(endpoint.base, self._session, self._transport.ledger.budget)

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
        await self._transport.aclose()

    @property
    def endpoint(self) -> Endpoint:
        """How it is reached."""
        return self._endpoint

    @property
    def greeting(self) -> str | None:
        """The challenge that the registry answers a ping with, empty where it has none.

        None as long as it is not known. Given to a client of a later run, it saves the ping.
        """
        return self._auth.greeting

    @property
    def tally(self) -> Tally:
        """The requests sent so far."""
        return self._transport.ledger.tally

    @property
    def anonymous(self) -> bool:
        """Whether nobody is logged in; a 401 may then mean "not there". Known after a request."""
        return self._auth.anonymous

    @property
    def rate_limit(self) -> RateLimit | None:
        """What the registry last told of its limits; None where it tells nothing."""
        told = self._transport.ledger.rate_limit
        if told is None or told.source is None:
            return told
        return replace(told, source=self._auth.hide(told.source))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user should be told once about asking this registry."""
        if self._endpoint.verify or not self._endpoint.base.startswith("https:"):
            return ()
        return (f"the certificate of `{self._endpoint.registry}` is not checked (tls = insecure)",)

    def discretion(self) -> AbstractContextManager[None]:
        """Errors that leave here hold no secret, whatever the registry wrote."""
        return self._auth.discretion()

    async def identify(self) -> None:
        """Find out who we are to this registry; no request is sent.

        Raises:
            CredentialsBroken: it cannot be told.
        """
        await self._auth.identify()

    @discreet
    async def prepare(self, repositories: Iterable[Repository]) -> None:
        """Get what is needed to read many repositories, in as few requests as possible."""
        await self._auth.prepare(Scope.pull(repository.path) for repository in repositories)

    @discreet
    async def log_in(self) -> None:
        """Show who we are, for no repository: whether the login itself is good.

        Raises:
            LoginFailed: it is refused.
            RegsyncError: the registry or its token endpoint cannot be asked.
        """
        await self._auth.log_in()

    @discreet
    async def resolve(self, reference: Reference) -> Resolved:
        """The digest that a reference points to; see `Manifests.resolve`."""
        return await self._manifests.resolve(reference)

    @discreet
    async def manifest(self, reference: Reference) -> Manifest | Index:
        """The manifest or index that a reference points to, verified; see `Manifests.read`."""
        return await self._manifests.read(reference)

    async def served(self, repository: Repository, digest: Digest) -> bool:
        """Whether a repository still serves a manifest by its digest: one HEAD, never counted.

        Raises:
            RegsyncError: see `resolve`; only a plain "not found" is an answer.
        """
        try:
            await self.resolve(Reference(repository, digest=digest))
        except NotFound:
            return False
        return True

    @discreet
    async def exists(self, repository: Repository) -> bool:
        """Whether a repository is there and may be read: a GET, and no pull to Docker Hub.

        Raises:
            RegsyncError: see `resolve`; only a plain "not found" is an answer.
        """
        what = f"cannot look for `{repository.familiar}`"
        try:
            await self._get_list(f"{self._list_of(repository)}?n=1", repository, what)
        except NotFound:
            return False
        return True

    @discreet
    async def tags(self, repository: Repository, *, pages: int = listing.PAGES) -> list[str]:
        """All tags of a repository, in the registry's order, each once.

        Args:
            pages: How many pages may be asked for.

        Raises:
            ServerFailed: the pages lead elsewhere, never end, or are no tag list.
            RegsyncError: see `resolve`.
        """
        what = _cannot_list(repository)
        return await listing.tags(
            self._list_of(repository),
            lambda url: self._get_list(url, repository, what),
            what,
            pages=pages,
        )

    @discreet
    async def tag_records(self, repository: Repository) -> tuple[TagRecord, ...] | None:
        """Which tags carry which digest, where the tag list tells; None where it lists names alone.

        One page: registries that tell it have no others.

        Raises:
            InvalidManifest: the answer is no JSON object.
            RegsyncError: see `resolve`.
        """
        answer = await self._get_list(
            self._list_of(repository), repository, _cannot_list(repository)
        )
        return read_google(parse_object(answer.body, limit=listing.PAGE_LIMIT, what="the tag list"))

    async def config(self, repository: Repository, descriptor: Descriptor) -> bytes:
        """A small blob, whole and verified: a config of an image or an artifact.

        Raises:
            Unverified: other bytes than the descriptor says, twice.
            InvalidManifest: the descriptor claims more than `CONFIG_LIMIT` bytes.
            RegsyncError: see `resolve`.
        """
        if descriptor.size > CONFIG_LIMIT:
            raise InvalidManifest(
                f"cannot read the config {descriptor.digest.short} of `{repository.familiar}`",
                f"it claims {descriptor.size} bytes; {CONFIG_LIMIT} are accepted",
            )
        try:
            return await self._small(repository, descriptor)
        except Unverified:
            # Once more, from the beginning: a proxy between may have spoiled it.
            return await self._small(repository, descriptor)

    @asynccontextmanager
    async def blob(
        self,
        repository: Repository,
        descriptor: Descriptor,
        *,
        offset: int = 0,
        seen: _Hash | None = None,
        on_bytes: Callable[[int], None] | None = None,
        pace: Pace | None = None,
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open a blob at an offset; iterate to its end, and its bytes are the right ones.

        It is streamed in constant memory and continued where a connection breaks. The descriptor's
        `urls` are never fetched. See `blobs.Reader` for the arguments.

        Raises:
            Unverified: while iterating, at the latest at the end: what came before is not to be
                used then. Read again from 0 once before giving up.
            RegsyncError: see `resolve`.
        """
        source = Source(
            self._transport,
            self._auth,
            f"{self._endpoint.base}/v2/{repository.path}/blobs/{descriptor.digest}",
            Scope.pull(repository.path),
            f"cannot read {descriptor.digest.short} of `{repository.familiar}`",
        )
        reader = Reader(
            source,
            descriptor,
            clock=self._clock,
            offset=offset,
            seen=seen,
            on_bytes=on_bytes,
            pace=pace,
        )
        with self.discretion():
            async with aclosing(reader.chunks()) as chunks:
                yield chunks

    async def _small(self, repository: Repository, descriptor: Descriptor) -> bytes:
        async with self.blob(repository, descriptor) as chunks:
            return b"".join([chunk async for chunk in chunks])

    def _list_of(self, repository: Repository) -> str:
        return f"{self._endpoint.base}/v2/{repository.path}/tags/list"

    async def _get_list(self, url: str, repository: Repository, what: str) -> Answer:
        request = Request(url, "GET", listing.PAGE_LIMIT, what=what)
        answer = await self._session.send(request, Scope.pull(repository.path))
        self._session.demand(answer, repository, what)
        return answer


def _cannot_list(repository: Repository) -> str:
    return f"cannot list the tags of `{repository.familiar}`"
