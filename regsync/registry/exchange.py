"""Tokens from a registry's token server.

As in distribution's "Token Authentication Specification": one request serves many repositories
where the server grants that, and each repository gets its own where it does not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from regsync.clock import Clock
from regsync.errors import LoginFailed, ServerFailed, Unauthorized
from regsync.identity import Credentials
from regsync.oci.scope import Scope
from regsync.registry import failures, refusals, tokens
from regsync.registry.door import Door
from regsync.registry.failures import Refusal
from regsync.registry.origin import Origin, RefusedAddress, realm
from regsync.registry.tokens import Token
from regsync.registry.transport import Transport
from regsync.registry.wallet import Wallet


class Exchange:
    """Fetches tokens for scopes; its callers see to it that one at a time does.

    Attributes:
        login: Who is logged in; None for nobody.
    """

    def __init__(self, transport: Transport, door: Door, wallet: Wallet, clock: Clock) -> None:
        self.login: Credentials | None = None
        self._transport = transport
        self._door = door
        self._wallet = wallet
        self._clock = clock
        # Whether the token server has taken the login.
        self._accepted = False
        self._foreign_realm: Origin | None = None

    @property
    def credentials(self) -> Credentials | None:
        """What may be sent."""
        return self.login if self._transport.endpoint.sends_credentials else None

    async def get(self, scopes: Iterable[Scope], waiting: Iterable[Scope]) -> None:
        """Fetch a token for every scope that has none, where the registry wants tokens.

        Args:
            waiting: Scopes that others wait for: asked for along with these.

        Raises:
            RegsyncError: the token server cannot be asked or refuses.
        """
        if self._door.scheme != "bearer":
            return
        missing = [scope for scope in scopes if self._wallet.find(scope) is None]
        if not missing:
            return
        wanted = (scope for scope in waiting if scope not in missing)
        others = [scope for scope in wanted if self._wallet.find(scope) is None]
        batches = self._wallet.batches(missing, others)
        if self.credentials is not None and not self._accepted:
            # A wrong password that is sent many times at once would lock the account.
            await self._fetch_batch(batches.pop(0))
        await self._fetch_all(batches)
        for scope in missing:
            if self._wallet.find(scope) is None:
                await self._fetch_batch([scope])

    async def fetch(self, scopes: list[Scope]) -> Token:
        """One token for some scopes, or for none: that asks about the login alone.

        Raises:
            LoginFailed: the credentials themselves were refused.
            RegsyncError: see `get`.
        """
        challenge, endpoint = self._door.challenge, self._transport.endpoint
        assert challenge is not None  # noqa: S101 - callers look first
        what = f"cannot get a token for `{endpoint.registry}`"
        try:
            target = realm(
                endpoint.origin,
                f"{endpoint.base}/v2/",
                challenge.realm or "",
                endpoint.token_server,
            )
        except RefusedAddress as error:
            raise ServerFailed(what, f"its token address was refused: {error}") from error
        credentials = self.credentials if target.credentials else None
        self._foreign_realm = None if target.credentials else Origin.of(target.url)
        request = tokens.request(target.url, challenge.service, scopes, credentials, what)
        answer = await self._transport.send(request)
        if credentials and answer.status in tokens.REFUSALS[credentials.kind]:
            raise refusals.login_failed(what, answer.status, credentials)
        if answer.status == 404:
            # No word of the repository, which may be there.
            raise ServerFailed(what, "404 Not Found: there is no token endpoint at its address")
        if answer.status != 200:
            raise failures.from_status(
                answer.status,
                answer.body,
                what=what,
                refusal=self.refusal(scopes[0]) if scopes else None,
                retry_at=answer.retry_at,
            )
        now = self._clock.monotonic()
        token = tokens.parse(answer.body, received=now, shared=len(scopes) > 1, what=what)
        issuer = Origin.of(target.url)
        if credentials is None:
            return replace(token, issuer=issuer)
        self._accepted = True
        # One that the user trusts with the login itself may see again what it gave for it.
        return replace(token, issuer=issuer) if issuer == endpoint.token_server else token

    def refusal(self, scope: Scope) -> Refusal:
        """What to say where the registry refuses `scope`: as whom it was asked."""
        return refusals.refusal(
            scope,
            self._transport.endpoint,
            self.login,
            scheme=self._door.scheme,
            foreign_realm=self._foreign_realm,
        )

    async def _fetch_all(self, batches: Iterable[list[Scope]]) -> None:
        """Fetch several at once; the first that fails ends the others, and none is left behind."""
        try:
            async with asyncio.TaskGroup() as group:
                for batch in batches:
                    group.create_task(self._fetch_batch(batch))
        except ExceptionGroup as failed:
            found = failed.exceptions
            # Kept for good by whoever asked, so it counts more than what else went wrong.
            raise next((one for one in found if isinstance(one, LoginFailed)), found[0]) from None

    async def _fetch_batch(self, scopes: list[Scope]) -> None:
        try:
            token = await self.fetch(scopes)
        except Unauthorized:
            # One that may not be read must not spoil the others: they are asked for alone.
            if len(scopes) == 1:
                raise
            return
        self._wallet.keep(scopes, token)
