"""One request in somebody's name: signed, asked once more where that helps, and judged."""

from __future__ import annotations

from regsync.errors import NotARegistry
from regsync.oci.reference import Repository
from regsync.oci.scope import Scope
from regsync.registry import failures
from regsync.registry.auth import Authenticator
from regsync.registry.message import Answer, Request
from regsync.registry.transport import Transport


class Session:
    """Sends requests to one registry as one person."""

    def __init__(self, transport: Transport, auth: Authenticator) -> None:
        self._transport = transport
        self._auth = auth

    async def send(self, request: Request, scope: Scope) -> Answer:
        """Send a request that needs `scope`, once more where its token was good no longer.

        Raises:
            NotARegistry: a 404 that no registry gave.
            RegsyncError: see `Authenticator.prepare`, `Transport.send`.
        """
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

    def demand(self, answer: Answer, repository: Repository, what: str) -> None:
        """Go on only with what was asked for.

        Raises:
            RegsyncError: an answer that is not 200, or is a web page; what it is about is `what`.
        """
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
