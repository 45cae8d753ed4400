"""Manifests of one registry: what a tag points to, and what that is, verified."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from regsync.errors import ContentError, Unverified
from regsync.oci import manifest, mediatype
from regsync.oci.digest import Digest
from regsync.oci.manifest import Index, Manifest
from regsync.oci.reference import Reference
from regsync.oci.scope import Scope
from regsync.registry.budget import Budget
from regsync.registry.message import Answer, Request
from regsync.registry.session import Session

_ACCEPT = {"Accept": ", ".join(mediatype.ACCEPT_MANIFESTS)}
# Statuses of servers, or proxies before them, that know GET and not HEAD.
_NO_HEAD = frozenset({400, 405, 501})


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a reference points to now: the digest, and what HEAD told beside it."""

    digest: Digest
    media_type: str
    size: int | None = None


class Manifests:
    """Asks for manifests.

    Args:
        base: The registry's origin, e.g. `https://quay.io`.
        budget: How many counted pulls may be spent.
    """

    def __init__(self, base: str, session: Session, budget: Budget) -> None:
        self._base = base
        self._session = session
        self._budget = budget

    async def resolve(self, reference: Reference) -> Resolved:
        """The digest that a reference points to: one HEAD, where the registry is as it should be.

        Without a usable `Docker-Content-Digest` the manifest is fetched and hashed; no field of
        a JSON document is ever taken for a digest.

        Raises:
            RegsyncError: not found, not allowed, not reachable, or not what it claims to be.
        """
        answer = await self._ask("HEAD", reference)
        if answer.status not in _NO_HEAD:
            self._session.demand(answer, reference.repository, _cannot(reference))
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
        found = await self.read(reference)
        digest = reference.digest or found.digest
        return Resolved(digest, found.media_type, len(found.raw))

    async def read(self, reference: Reference) -> Manifest | Index:
        """The manifest or index that a reference points to, verified.

        Raises:
            Unverified: the bytes do not fit the digest asked for or told.
            InvalidManifest: see `oci.manifest.parse`.
            RegsyncError: see `resolve`.
        """
        if self._budget.blind:
            # Costs nothing, and tells how many pulls there are to keep some of.
            await self._ask("HEAD", reference)
        answer = await self._ask("GET", reference)
        self._session.demand(answer, reference.repository, _cannot(reference))
        for expected in (reference.digest, answer.digest):
            if expected is not None and not expected.matches(answer.body):
                raise Unverified(
                    _cannot(reference), f"the bytes are not those of {expected.short}…"
                )
        try:
            return manifest.parse(answer.body, answer.headers.get("Content-Type"))
        except ContentError as error:
            raise type(error)(_cannot(reference), error.why or error.what) from error

    async def _ask(self, method: Literal["GET", "HEAD"], reference: Reference) -> Answer:
        repository = reference.repository
        url = f"{self._base}/v2/{repository.path}/manifests/{reference.target}"
        kind: Literal["head", "manifest"] = "head" if method == "HEAD" else "manifest"
        what = _cannot(reference)
        request = Request(url, method, manifest.SIZE_LIMIT, _ACCEPT, kind=kind, what=what)
        return await self._session.send(request, Scope.pull(repository.path))

    def _agree(self, reference: Reference, asked: Digest, told: Digest | None) -> Digest:
        # An answer in another algorithm neither proves nor disproves: the digest asked for stands.
        if told is not None and told.algorithm == asked.algorithm and told != asked:
            raise Unverified(_cannot(reference), f"the registry answers with {told.short}…")
        return asked


def _cannot(reference: Reference) -> str:
    return f"cannot read `{reference.familiar}`"
