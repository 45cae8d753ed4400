"""Who answers the judge: each question is asked once, however many verdicts need the answer.

Documents are immutable, so they are kept for ever under their digests; a registry that cannot be
reached is found out once, and its other references do not wait for it again.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from regsync.errors import (
    AuthError,
    InsecureRegistry,
    NotFound,
    Offline,
    RegsyncError,
    TlsFailed,
    Unauthorized,
    Unreachable,
)
from regsync.oci import manifest
from regsync.oci.descriptor import Descriptor
from regsync.oci.digest import Digest
from regsync.oci.imageconfig import ImageConfig
from regsync.oci.manifest import Index, Manifest
from regsync.oci.reference import Reference, Repository
from regsync.operations.questions import (
    Absent,
    AtHand,
    Config,
    Document,
    Exists,
    Held,
    Hidden,
    Holds,
    Inquiry,
    Question,
    Serves,
)
from regsync.registry.client import RegistryClient
from regsync.state.documents import Documents
from regsync.stores.remote import Registries

Result = TypeVar("Result")
_OF_HOSTS = (Unreachable, TlsFailed, InsecureRegistry)
"""What fails for everybody who asks a host."""


class Oracle:
    """Answers questions from the document cache and from registries.

    Args:
        registries: Every registry of this run.
        documents: Manifests, indexes and configs by digest.
        offline: Answer from the cache alone.
    """

    def __init__(
        self, registries: Registries, documents: Documents, *, offline: bool = False
    ) -> None:
        self._registries = registries
        self._documents = documents
        self._offline = offline
        self._answers: dict[Question, asyncio.Task[Any]] = {}
        # By host, or by client where it may be the fault of one login.
        self._down: dict[str | RegistryClient, RegsyncError] = {}
        self._read: dict[Digest, Manifest | Index] = {}

    async def prepare(self, repositories: Iterable[Repository]) -> None:
        """Greet every registry once, and get one token for all its repositories."""
        if self._offline:
            return
        by_registry: dict[str, set[Repository]] = defaultdict(set)
        for repository in repositories:
            by_registry[repository.registry].add(repository)
        self._registries.foresee(by_registry)
        await asyncio.gather(
            *(self._greet(registry, found) for registry, found in by_registry.items())
        )

    async def settle(self, inquiry: Inquiry[Result]) -> Result:
        """Answer an inquiry until it knows.

        Raises:
            RegsyncError: an answer could not be had, and the inquiry cannot do without.
        """
        try:
            question = next(inquiry)
            while True:
                try:
                    answer = await self._answer(question)
                except RegsyncError as error:
                    question = inquiry.throw(error)
                else:
                    question = inquiry.send(answer)
        except StopIteration as done:
            result: Result = done.value
            return result

    def held(self) -> dict[Reference, Digest]:
        """What tags were found to hold so far."""
        found = {}
        for question, task in self._answers.items():
            if not isinstance(question, Holds) or question.reference.digest is not None:
                continue
            if task.done() and not task.cancelled() and task.exception() is None:
                answer = task.result()
                if isinstance(answer, Digest):
                    found[question.reference] = answer
        return found

    async def _greet(self, registry: str, repositories: set[Repository]) -> None:
        by_client: dict[RegistryClient, list[Repository]] = defaultdict(list)
        try:
            for repository in sorted(repositories):
                by_client[self._registries.client(repository)].append(repository)
        except AuthError:
            return
        except RegsyncError as error:
            self._down[registry] = error
            return
        except Exception:
            # Nobody foresaw it: it will be met again by the rows, and stay in each.
            return
        outcomes = await asyncio.gather(
            *(client.prepare(found) for client, found in by_client.items()), return_exceptions=True
        )
        for client, outcome in zip(by_client, outcomes, strict=True):
            # A token for all of them was refused, perhaps for the sake of one: each asks alone.
            if isinstance(outcome, RegsyncError) and not isinstance(outcome, AuthError):
                # A limit, and what a token server says, is told to one login.
                self._down[registry if isinstance(outcome, _OF_HOSTS) else client] = outcome

    async def _answer(self, question: Question) -> Any:
        if isinstance(question, AtHand):
            # Not remembered: what is not at hand now may be by the next time.
            return self._at_hand(question.digest)
        task = self._answers.get(question)
        if task is None:
            task = asyncio.ensure_future(self._ask(question))
            self._answers[question] = task
        return await task

    def _ask(
        self, question: Holds | Document | Config | Serves | Exists
    ) -> Coroutine[Any, Any, Any]:
        match question:
            case Holds(reference):
                return self._holds(reference)
            case Document(repository, digest):
                return self._document(repository, digest)
            case Config(repository, descriptor):
                return self._config(repository, descriptor)
            case Serves(repository, digest):
                return self._serves(repository, digest)
            case Exists(repository):
                return self._exists(repository)

    def _client(self, repository: Repository) -> RegistryClient:
        registry = repository.registry
        if self._offline:
            raise Offline(f"`{registry}` was not asked", "offline, as you wished")
        if registry in self._down:
            raise self._down[registry]
        client = self._registries.client(repository)
        if client in self._down:
            raise self._down[client]
        return client

    async def _holds(self, reference: Reference) -> Held:
        client = self._client(reference.repository)
        try:
            return (await client.resolve(reference)).digest
        except NotFound:
            return Absent()
        except Unauthorized as error:
            if client.anonymous:
                return Hidden(error)
            raise

    def _at_hand(self, digest: Digest) -> Manifest | Index | None:
        if digest not in self._read:
            kept = self._documents.get(digest)
            if kept is None:
                return None
            try:
                self._read[digest] = manifest.parse(kept)
            except RegsyncError:
                return None
        return self._read[digest]

    async def _document(self, repository: Repository, digest: Digest) -> Manifest | Index:
        kept = self._documents.get(digest)
        if kept is not None:
            return manifest.parse(kept)
        client = self._client(repository)
        found = await client.manifest(Reference(repository, digest=digest))
        self._documents.put(digest, found.raw)
        self._read[digest] = found
        return found

    async def _config(self, repository: Repository, descriptor: Descriptor) -> ImageConfig:
        kept = self._documents.get(descriptor.digest)
        if kept is None:
            kept = await self._client(repository).config(repository, descriptor)
            self._documents.put(descriptor.digest, kept)
        return ImageConfig.parse(kept)

    async def _serves(self, repository: Repository, digest: Digest) -> bool:
        return await self._client(repository).served(repository, digest)

    async def _exists(self, repository: Repository) -> bool:
        return await self._client(repository).exists(repository)
