"""One registry, as operations see it: resolve a tag, read a manifest, list tags."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from regsync.clock import Clock, SystemClock
from regsync.errors import (
    ContentError,
    InvalidManifest,
    NotARegistry,
    NotFound,
    Unverified,
)
from regsync.identity import Credentials
from regsync.oci import manifest, mediatype
from regsync.oci.descriptor import Descriptor
from regsync.oci.digest import Digest
from regsync.oci.manifest import Index, Manifest
from regsync.oci.reference import Reference, Repository
from regsync.oci.scope import Scope
from regsync.oci.strictjson import parse_object
from regsync.registry import failures, listing
from regsync.registry.auth import Authenticator, Lookup
from regsync.registry.blobs import Pace, Reader, Source
from regsync.registry.budget import Budget
from regsync.registry.hosts import Endpoint
from regsync.registry.message import Answer, Request, Tally
from regsync.registry.ratelimit import RateLimit
from regsync.registry.retry import Waits
from regsync.registry.taglists import TagRecord, read_google
from regsync.registry.transport import Transport, Witness

if TYPE_CHECKING:
    from hashlib import _Hash

CONFIG_LIMIT = 8 * 1024 * 1024
"""Bytes that a config may have."""
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
        return self._transport.ledger.rate_limit

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user should be told once about asking this registry."""
        if self._endpoint.verify or not self._endpoint.base.startswith("https:"):
            return ()
        return (f"the certificate of `{self._endpoint.registry}` is not checked (tls = insecure)",)

    async def identify(self) -> None:
        """Find out who we are to this registry; no request is sent.

        Raises:
            CredentialsBroken: it cannot be told.
        """
        await self._auth.identify()

    async def prepare(self, repositories: Iterable[Repository]) -> None:
        """Get what is needed to read many repositories, in as few requests as possible."""
        await self._auth.prepare(Scope.pull(repository.path) for repository in repositories)

    async def log_in(self) -> None:
        """Show who we are, for no repository: whether the login itself is good.

        Raises:
            LoginFailed: it is refused.
            RegsyncError: the registry or its token endpoint cannot be asked.
        """
        await self._auth.log_in()

    async def resolve(self, reference: Reference) -> Resolved:
        """The digest that a reference points to: one HEAD, where the registry is as it should be.

        Without a usable `Docker-Content-Digest` the manifest is fetched and hashed; no field of
        a JSON document is ever taken for a digest.

        Raises:
            RegsyncError: not found, not allowed, not reachable, or not what it claims to be.
        """
        answer = await self._manifest("HEAD", reference)
        if answer.status not in _NO_HEAD:
            self._demand(answer, reference.repository, _cannot(reference))
            digest = answer.digest
            if reference.digest is not None:
                digest = self._agree(reference, reference.digest, digest)
            if digest is not None and not answer.is_page:
                length = answer.headers.get("Content-Length", "")
                return Resolved(
                    digest,
                    answer.media_type,
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
        if self._transport.ledger.budget.blind:
            # Costs nothing, and tells how many pulls there are to keep some of.
            await self._manifest("HEAD", reference)
        answer = await self._manifest("GET", reference)
        self._demand(answer, reference.repository, _cannot(reference))
        for expected in (reference.digest, answer.digest):
            if expected is not None and not expected.matches(answer.body):
                raise Unverified(
                    _cannot(reference), f"the bytes are not those of {expected.short}…"
                )
        try:
            return manifest.parse(answer.body, answer.headers.get("Content-Type"))
        except ContentError as error:
            raise type(error)(_cannot(reference), error.why or error.what) from error

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

    async def exists(self, repository: Repository) -> bool:
        """Whether a repository is there and may be read: a GET, and no pull to Docker Hub.

        Raises:
            RegsyncError: see `resolve`; only a plain "not found" is an answer.
        """
        what = f"cannot look for `{repository.familiar}`"
        url = f"{self._endpoint.base}/v2/{repository.path}/tags/list?n=1"
        try:
            await self._get_list(url, repository, what)
        except NotFound:
            return False
        return True

    async def tags(self, repository: Repository, *, pages: int = listing.PAGES) -> list[str]:
        """All tags of a repository, in the registry's order, each once.

        Args:
            pages: How many pages may be asked for.

        Raises:
            ServerFailed: the pages lead elsewhere, never end, or are no tag list.
            RegsyncError: see `resolve`.
        """
        what = f"cannot list the tags of `{repository.familiar}`"
        url = f"{self._endpoint.base}/v2/{repository.path}/tags/list"
        return await listing.tags(
            url, lambda url: self._get_list(url, repository, what), what, pages=pages
        )

    async def tag_records(self, repository: Repository) -> tuple[TagRecord, ...] | None:
        """Which tags carry which digest, where the tag list tells; None where it lists names alone.

        One page: registries that tell it have no others.

        Raises:
            InvalidManifest: the answer is no JSON object.
            RegsyncError: see `resolve`.
        """
        what = f"cannot list the tags of `{repository.familiar}`"
        url = f"{self._endpoint.base}/v2/{repository.path}/tags/list"
        answer = await self._get_list(url, repository, what)
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
        async with aclosing(reader.chunks()) as chunks:
            yield chunks

    async def _small(self, repository: Repository, descriptor: Descriptor) -> bytes:
        async with self.blob(repository, descriptor) as chunks:
            return b"".join([chunk async for chunk in chunks])

    async def _manifest(self, method: Literal["GET", "HEAD"], reference: Reference) -> Answer:
        repository = reference.repository
        url = f"{self._endpoint.base}/v2/{repository.path}/manifests/{reference.target}"
        kind: Literal["head", "manifest"] = "head" if method == "HEAD" else "manifest"
        what = _cannot(reference)
        request = Request(url, method, manifest.SIZE_LIMIT, _ACCEPT, kind=kind, what=what)
        return await self._authorized(request, Scope.pull(repository.path))

    async def _get_list(self, url: str, repository: Repository, what: str) -> Answer:
        request = Request(url, "GET", listing.PAGE_LIMIT, what=what)
        answer = await self._authorized(request, Scope.pull(repository.path))
        self._demand(answer, repository, what)
        return answer

    async def _authorized(self, request: Request, scope: Scope) -> Answer:
        request = self._auth.sign(request, await self._auth.authorization(scope))
        answer = await self._transport.send(request)
        # Once for a token that another repository spoiled or that expired, never in a circle.
        if answer.status in (401, 403) and answer.url == request.url:
            renewed = await self._auth.renew(scope, request.authorization, answer)
            if renewed is not None:
                answer = await self._transport.send(self._auth.sign(request, renewed))
        if answer.shows_registry:
            self._auth.note_registry()
        elif answer.status == 404 and (answer.is_text or not await self._auth.is_registry()):
            # A router whose registry is away says so too, and nothing of it has gone.
            raise failures.no_registry(request.what, answer.body)
        # A proxy that fails or limits has looked at no token.
        if answer.status in (200, 404):
            self._auth.granted(scope)
        return answer

    def _demand(self, answer: Answer, repository: Repository, what: str) -> None:
        """Raise unless an answer is 200 and no web page."""
        if answer.status != 200:
            raise failures.from_status(
                answer.status,
                answer.body,
                what=what,
                refusal=self._auth.refusal(Scope.pull(repository.path)),
                absent="no such tag or repository",
                retry_at=answer.retry_at,
                used_up=answer.is_used_up,
            )
        if answer.is_page and answer.body:
            raise NotARegistry(what, "it answers with a web page", failures.PAGE_HINT)

    def _agree(self, reference: Reference, asked: Digest, told: Digest | None) -> Digest:
        # An answer in another algorithm neither proves nor disproves: the digest asked for stands.
        if told is not None and told.algorithm == asked.algorithm and told != asked:
            raise Unverified(_cannot(reference), f"the registry answers with {told.short}…")
        return asked


def _cannot(reference: Reference) -> str:
    return f"cannot read `{reference.familiar}`"
