"""Who we are to one registry: challenges answered, tokens kept by scope.

Token exchange as in distribution's "Token Authentication Specification". One ping learns the
challenge, one token request serves many repositories where the server grants that, and each
repository gets its own where it does not.
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
    ServerFailed,
    Unauthorized,
)
from regsync.identity import Credentials
from regsync.oci.scope import Scope, union
from regsync.redaction import Redaction
from regsync.registry import failures, refusals, tokens
from regsync.registry.door import Door, challenge_of
from regsync.registry.failures import Refusal
from regsync.registry.message import Answer, Request
from regsync.registry.origin import Origin, RefusedAddress, realm
from regsync.registry.tokens import Token
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
        self._found: Credentials | None = None
        self._clock = clock
        self._door = Door(transport, greeting)
        self._redaction = Redaction()
        self._wallet = Wallet(clock, self._redaction)
        # Scopes that somebody waits for: who holds the lock asks for the others' as well.
        self._wanted: dict[Scope, None] = {}
        self._lock = asyncio.Lock()
        self._failures: list[RegsyncError] = []
        self._refused: LoginFailed | None = None
        # Whether the password of Basic auth has opened something.
        self._accepted = False
        self._foreign_realm: Origin | None = None
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
        return self._found is None

    @property
    def _credentials(self) -> Credentials | None:
        """What may be sent."""
        return self._found if self._transport.endpoint.sends_credentials else None

    @property
    def _password(self) -> Credentials | None:
        """What may be sent as Basic auth."""
        found = self._credentials
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
        self._found = found
        if found is not None:
            self._redaction.add(found)
        sent = self._credentials
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
                    await self._get_tokens(wanted)
                except RegsyncError as error:
                    if not self._door.assumed:
                        raise
                    before = self.greeting
                    self._door.forget()
                    await self._door.ping()
                    if isinstance(error, LoginFailed) and self.greeting == before:
                        # Refused by the right server: once more could lock the account.
                        raise
                    await self._get_tokens(wanted)
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
                await self._fetch([])
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
            token = await self._fetch(asked or [scope])
            self._wallet.keep_own(scope, token)
            return f"Bearer {token.value}"

    def refusal(self, scope: Scope) -> Refusal:
        """What to say where the registry refuses `scope`: as whom it was asked."""
        return refusals.refusal(
            scope,
            self._transport.endpoint,
            self._found,
            scheme=self._door.scheme,
            foreign_realm=self._foreign_realm,
        )

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

    async def _get_tokens(self, scopes: Iterable[Scope]) -> None:
        if self._door.scheme != "bearer":
            return
        missing = [scope for scope in scopes if self._wallet.find(scope) is None]
        if not missing:
            return
        wanted = (scope for scope in self._wanted if scope not in missing)
        others = [scope for scope in wanted if self._wallet.find(scope) is None]
        batches = self._wallet.batches(missing, others)
        await asyncio.gather(*(self._fetch_batch(batch) for batch in batches))
        for scope in missing:
            if self._wallet.find(scope) is None:
                await self._fetch_batch([scope])

    async def _fetch_batch(self, scopes: list[Scope]) -> None:
        try:
            token = await self._fetch(scopes)
        except Unauthorized:
            # One that may not be read must not spoil the others: they are asked for alone.
            if len(scopes) == 1:
                raise
            return
        self._wallet.keep(scopes, token)

    async def _fetch(self, scopes: list[Scope]) -> Token:
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
        credentials = self._credentials if target.credentials else None
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
        # One that the user trusts with the login itself may see again what it gave for it.
        shared = not credentials or issuer == endpoint.token_server
        return replace(token, issuer=issuer) if shared else token
