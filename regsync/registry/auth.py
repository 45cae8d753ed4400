"""Who we are to one registry: challenges answered, tokens kept by scope.

One ping learns the challenge; what a token server grants is `exchange.py`'s.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace

from regsync.clock import Clock
from regsync.errors import (
    LoginFailed,
    RateLimited,
    RegistryFailure,
    RegsyncError,
)
from regsync.identity import Credentials
from regsync.oci.scope import Scope, union
from regsync.redaction import Redaction
from regsync.registry import tokens
from regsync.registry.door import Door, challenge_of
from regsync.registry.exchange import Exchange
from regsync.registry.failures import Refusal
from regsync.registry.message import Answer, Request
from regsync.registry.transport import Transport
from regsync.registry.wallet import Wallet

Lookup = Callable[[], Awaitable[Credentials | None]]
"""Finds the credentials when they are first needed; None for nobody's."""


class Authenticator:
    """Turns scopes into `Authorization` headers for one registry.

    Args:
        credentials: Who we are, or how that is found out before the first request.
    """

    def __init__(
        self,
        transport: Transport,
        credentials: Credentials | Lookup | None,
        clock: Clock,
        greeting: str | None = None,
    ) -> None:
        self._transport = transport
        self._lookup = credentials if callable(credentials) else None
        self._door = Door(transport, greeting)
        self._redaction = Redaction()
        self._wallet = Wallet(clock, self._redaction)
        self._exchange = Exchange(transport, self._door, self._wallet, clock)
        # Scopes that somebody waits for: who holds the lock asks for the others' as well.
        self._wanted: dict[Scope, None] = {}
        self._lock = asyncio.Lock()
        self._failures: list[RegsyncError] = []
        self._refused: LoginFailed | None = None
        # Whether the password of Basic auth has opened something.
        self._accepted = False
        if not callable(credentials):
            self._become(credentials)

    @property
    def greeting(self) -> str | None:
        """See `RegistryClient.greeting`."""
        told = self._door.greeting
        # It is written down, and a server that repeats a secret has it in its realm perhaps.
        return told if told is None or self.hide(told) == told else None

    def hide(self, text: str) -> str:
        """What a server wrote, without what it was shown and what it gave."""
        return self._redaction.hide(text)

    @contextmanager
    def discretion(self) -> Iterator[None]:
        """Errors that leave here hold no secret, whatever the server wrote."""
        try:
            yield
        except RegsyncError as error:
            error.rewrite(self.hide)
            raise

    @property
    def anonymous(self) -> bool:
        """Whether nobody is logged in; credentials that may not go there are somebody's.

        Known after `identify`, and after every request.
        """
        return self._exchange.login is None

    @property
    def _password(self) -> Credentials | None:
        """What may be sent as Basic auth."""
        found = self._exchange.credentials
        return found if found is not None and found.kind == "password" else None

    async def identify(self) -> None:
        """Find out who we are, where that was left open.

        Raises:
            CredentialsBroken: it cannot be told; nothing is to be sent then.
        """
        if self._lookup is not None:
            self._become(await self._lookup())
            self._lookup = None

    def _become(self, found: Credentials | None) -> None:
        if found is not None:
            self._redaction.add(found)
        self._exchange.login = found
        sent = self._exchange.credentials
        if sent is not None and sent.kind == "registry_token":
            self._wallet.login = tokens.given(sent)

    async def prepare(self, scopes: Iterable[Scope]) -> None:
        """Fetch tokens for many scopes in as few requests as the server allows.

        Raises:
            RegsyncError: the registry or its token endpoint cannot be asked or refuses.
        """
        await self.identify()
        wanted = union(scopes)
        self._wanted.update(dict.fromkeys(wanted))
        try:
            async with self._turn():
                await self._door.ping()
                try:
                    await self._exchange.get(wanted, self._wanted)
                except RegsyncError as error:
                    if not self._door.assumed:
                        raise
                    before = self.greeting
                    self._door.forget()
                    await self._door.ping()
                    if isinstance(error, LoginFailed) and self.greeting == before:
                        # Refused by the right server: once more could lock the account.
                        raise
                    await self._exchange.get(wanted, self._wanted)
        finally:
            for scope in wanted:
                self._wanted.pop(scope, None)

    async def authorization(self, scope: Scope) -> str | None:
        """The header for a request that needs `scope`; None where the registry asks for none.

        Many that ask at once share one ping and, where the server grants that, one token.

        Raises:
            RegsyncError: see `prepare`.
        """
        if self._refused is not None:
            raise copy.copy(self._refused)
        await self.identify()
        if not self._door.known or self._door.scheme == "bearer":
            token = self._wallet.find(scope) if self._door.known else None
            if token is None:
                await self.prepare([scope])
        if self._door.scheme == "basic":
            return self._password.basic() if self._password else None
        if self._door.scheme is None:
            return None
        token = self._wallet.find(scope)
        return f"Bearer {token.value}" if token else None

    def sign(self, request: Request, header: str | None) -> Request:
        """A request with a header that `authorization` or `renew` returned."""
        return replace(request, authorization=header, issuer=self._wallet.issuer(header))

    async def log_in(self) -> None:
        """See `RegistryClient.log_in`."""
        await self.identify()
        async with self._turn():
            await self._door.ping()
            if self._door.scheme == "bearer" and self._wallet.login is None:
                await self._exchange.fetch([])
            elif self._door.scheme == "basic" and self._password is not None:
                await self._door.try_password(self._password)
                self._accepted = True

    def note_registry(self) -> None:
        """The registry has shown that it is one."""
        self._door.shown = True

    async def is_registry(self) -> bool:
        """Whether the host has shown in this run that it is a registry: a ping, where it has not.

        Raises:
            RegsyncError: see `prepare`.
        """
        if not self._door.shown:
            async with self._turn():
                if not self._door.shown and self._door.assumed:
                    self._door.forget()
                    await self._door.ping()
        return self._door.shown

    def granted(self, scope: Scope) -> None:
        """A request for `scope` was let in: what that tells of tokens for several scopes."""
        if self._door.scheme == "basic":
            self._accepted = True
        self._wallet.note_granted(scope)

    async def renew(self, scope: Scope, refused: str | None, answer: Answer) -> str | None:
        """Another header after a 401 or 403, or None where asking again cannot help.

        A token for many repositories that was refused is replaced by one for this repository,
        unless the server is known to grant them all: then this one is missing or private. A token
        that expired early is replaced too. Some registries say 403 without a challenge: GHCR to
        such a token, ECR to a password that is wrong.

        Raises:
            LoginFailed: the credentials themselves were refused.
            RegsyncError: see `prepare`.
        """
        denied = answer.status == 403
        challenge = self._door.challenge if denied else challenge_of(answer)
        if challenge is None:
            return None
        async with self._turn():
            current = self._wallet.find(scope) if challenge.scheme == "bearer" else None
            if current is not None and f"Bearer {current.value}" != refused:
                return f"Bearer {current.value}"
            if not denied:
                await self._door.note(challenge, shown=refused)
            if challenge.scheme == "basic":
                if self._password is None:
                    return None
                header = self._password.basic()
                if header != refused:
                    return header
                if not self._accepted:
                    await self._door.try_password(self._password)
                    self._accepted = True
                return None
            error = "insufficient_scope" if denied else challenge.error
            if not self._wallet.may_renew(scope, current, error):
                return None
            asked = [other for other in Scope.parse_all(challenge.scope) if other.covers(scope)]
            token = await self._exchange.fetch(asked or [scope])
            self._wallet.keep_own(scope, token)
            return f"Bearer {token.value}"

    def refusal(self, scope: Scope) -> Refusal:
        """What to say where the registry refuses `scope`: as whom it was asked."""
        return self._exchange.refusal(scope)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """One at a time. What failed for one has failed for all that waited: nobody knocks again.

        A refused login is kept for good: repeated with each reference it would lock the account.
        """
        known = len(self._failures)
        async with self._lock:
            if self._refused is not None:
                raise copy.copy(self._refused)
            if len(self._failures) > known:
                raise copy.copy(self._failures[-1])
            try:
                yield
            except LoginFailed as error:
                self._refused = error
                raise
            except (RegistryFailure, RateLimited) as error:
                self._failures.append(error)
                raise
