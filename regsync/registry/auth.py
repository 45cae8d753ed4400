"""Who we are to one registry: challenges answered, tokens kept by scope.

Token exchange as in distribution's "Token Authentication Specification". One ping learns the
challenge, one token request serves many repositories where the server grants that, and each
repository gets its own where it does not.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace

from regsync.clock import Clock
from regsync.errors import (
    LoginFailed,
    NotARegistry,
    RateLimited,
    RegistryFailure,
    RegsyncError,
    ServerFailed,
    Unauthorized,
)
from regsync.identity import Credentials, variable
from regsync.oci import challenge as challenges
from regsync.oci.challenge import Challenge
from regsync.oci.scope import Scope, union
from regsync.registry import failures, tokens
from regsync.registry.failures import Refusal
from regsync.registry.message import Answer, Request
from regsync.registry.origin import Origin, RefusedAddress, realm
from regsync.registry.tokens import Token
from regsync.registry.transport import Transport


class Authenticator:
    """Turns scopes into `Authorization` headers for one registry."""

    def __init__(
        self,
        transport: Transport,
        credentials: Credentials | None,
        clock: Clock,
        greeting: str | None = None,
    ) -> None:
        self._transport = transport
        self._found = credentials
        self._credentials = credentials if transport.endpoint.sends_credentials else None
        self._clock = clock
        self._challenge = challenges.choose(challenges.parse([greeting or ""]))
        self._pinged = greeting is not None
        # Known from an earlier run alone: may be true no longer.
        self._assumed = self._pinged
        # Whether an answer of this run was one that only registries give.
        self._shown = False
        self._tokens: dict[Scope, Token] = {}
        # What the server makes of several scopes at once: grants them all, or the first alone.
        self._wide = self._narrow = False
        self._replaced: set[Scope] = set()
        # Scopes that somebody waits for: who holds the lock asks for the others' as well.
        self._wanted: dict[Scope, None] = {}
        self._lock = asyncio.Lock()
        self._failures: list[RegsyncError] = []
        self._refused: LoginFailed | None = None
        # Whether the password of Basic auth has opened something.
        self._accepted = False
        self._foreign_realm: Origin | None = None

    @property
    def greeting(self) -> str | None:
        """See `RegistryClient.greeting`."""
        if not self._pinged:
            return None
        if self._challenge is None:
            return ""
        # A scope in it would be that of one request, and the name of somebody's repository.
        told = self._challenge.parameters
        lasting = {name: told[name] for name in ("realm", "service") if name in told}
        return str(Challenge(self._challenge.scheme, lasting))

    @property
    def anonymous(self) -> bool:
        """Whether nobody is logged in; credentials that may not go there are somebody's."""
        return self._found is None

    async def prepare(self, scopes: Iterable[Scope]) -> None:
        """Fetch tokens for many scopes in as few requests as the server allows.

        Raises:
            RegsyncError: the registry or its token endpoint cannot be asked or refuses.
        """
        wanted = union(scopes)
        self._wanted.update(dict.fromkeys(wanted))
        try:
            async with self._turn():
                await self._ping()
                try:
                    await self._get_tokens(wanted)
                except RegsyncError as error:
                    if not self._assumed:
                        raise
                    before = self.greeting
                    self._pinged = self._assumed = False
                    await self._ping()
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
        if self._pinged and (token := self._cached(scope)):
            return f"Bearer {token.value}"
        if not self._pinged or (self._challenge and self._challenge.scheme == "bearer"):
            await self.prepare([scope])
        if self._challenge is None:
            return None
        if self._challenge.scheme == "basic":
            return self._credentials.basic() if self._credentials else None
        cached = self._cached(scope)
        return f"Bearer {cached.value}" if cached else None

    async def log_in(self) -> None:
        """See `RegistryClient.log_in`."""
        async with self._turn():
            await self._ping()
            if self._challenge is not None and self._challenge.scheme == "bearer":
                await self._fetch([])
            elif self._challenge is not None and self._credentials is not None:
                await self._try_password(self._credentials.basic())

    def note_registry(self) -> None:
        """The registry has shown that it is one."""
        self._shown = True

    async def is_registry(self) -> bool:
        """Whether the host has shown in this run that it is a registry: a ping, where it has not.

        Raises:
            RegsyncError: see `prepare`.
        """
        if not self._shown:
            async with self._turn():
                if not self._shown and self._assumed:
                    self._pinged = self._assumed = False
                    await self._ping()
        return self._shown

    def granted(self, scope: Scope) -> None:
        """A request for `scope` was let in: what that tells of tokens for several scopes."""
        if self._challenge is not None and self._challenge.scheme == "basic":
            self._accepted = True
        token = self._cached(scope)
        if token is not None and token.shared:
            self._wide = True
        elif scope in self._replaced:
            # Its own token opened what the shared one did not.
            self._narrow = True

    async def renew(self, scope: Scope, refused: str | None, answer: Answer) -> str | None:
        """Another header after a 401, or None where asking again cannot help.

        A token for many repositories that was refused is replaced by one for this repository,
        unless the server is known to grant them all: then this one is missing or private. A token
        that expired early is replaced too.

        Raises:
            LoginFailed: the credentials themselves were refused.
            RegsyncError: see `prepare`.
        """
        challenge = challenges.choose(challenges.parse(answer.headers.get_list("WWW-Authenticate")))
        if challenge is None:
            return None
        async with self._turn():
            current = self._cached(scope)
            if current is not None and f"Bearer {current.value}" != refused:
                return f"Bearer {current.value}"
            self._challenge, self._pinged, self._assumed = challenge, True, False
            if challenge.scheme == "basic":
                if self._credentials is None:
                    return None
                header = self._credentials.basic()
                if header != refused:
                    return header
                if not self._accepted:
                    await self._try_password(header)
                return None
            if current is not None and current.shared:
                if self._wide and challenge.error != "invalid_token":
                    return None
                self._replaced.add(scope)
            asked = [other for other in Scope.parse_all(challenge.scope) if other.covers(scope)]
            token = await self._fetch(asked or [scope])
            self._tokens[scope] = token
            return f"Bearer {token.value}"

    def refusal(self, scope: Scope) -> Refusal:
        """What to say where the registry refuses `scope`: as whom it was asked."""
        endpoint = self._transport.endpoint
        names = [variable(endpoint.registry, field) for field in ("USERNAME", "PASSWORD")]
        more = f"with credentials it may allow more: set {names[0]} and {names[1]}"
        if self._found is None:
            return Refusal(
                f"the registry wants credentials for `{scope}`; none were found for this host",
                f"if it exists and is private, set {names[0]} and {names[1]}",
                more,
            )
        who = f"`{self._found.username}` ({self._found.source})"
        if self._credentials is None:
            return Refusal(
                f"the registry wants credentials for `{scope}`; those of {who} were not sent, "
                f"since the endpoint {endpoint.origin} is another host",
                "if it may have them, set endpoint_auth = true for this host in regsync.toml",
            )
        if self._foreign_realm is not None:
            return Refusal(
                f"the registry wants credentials for `{scope}`; those of {who} were not sent, "
                f"since its token server {self._foreign_realm} is another host"
            )
        return Refusal(
            f"{who} is not allowed `{scope}`",
            "check the name, and what this user may",
            login=self._found.source,
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

    async def _ping(self) -> None:
        if self._pinged:
            return
        endpoint = self._transport.endpoint
        what = f"cannot read `{endpoint.registry}`"
        answer = await self._transport.send(
            Request(f"{endpoint.base}/v2/", "GET", tokens.ANSWER_LIMIT, kind="ping", what=what)
        )
        if answer.status >= 500 or answer.status == 429:
            raise failures.from_status(
                answer.status, answer.body, what=what, retry_at=answer.retry_at
            )
        if answer.status in (200, 404) and answer.body.lstrip()[:1] == b"<":
            raise NotARegistry(what, "it answers with a web page", failures.PAGE_HINT)
        if answer.shows_registry or (answer.status == 200 and not answer.is_text):
            self._shown = True
        elif answer.status == 404 and answer.is_text:
            raise failures.no_registry(what, answer.body)
        headers = answer.headers.get_list("WWW-Authenticate") if answer.status == 401 else []
        self._challenge = challenges.choose(challenges.parse(headers))
        self._pinged = True

    async def _try_password(self, header: str) -> None:
        """Ask the door, which is every user's: whether one repository or the password is refused.

        Raises:
            LoginFailed: it refuses as well.
        """
        endpoint = self._transport.endpoint
        what = f"cannot log in to `{endpoint.registry}`"
        request = Request(
            f"{endpoint.base}/v2/", "GET", tokens.ANSWER_LIMIT, kind="ping", what=what
        )
        answer = await self._transport.send(replace(request, authorization=header))
        if answer.status == 401:
            raise self._login_failed(what, answer.status)
        self._accepted = True

    async def _get_tokens(self, scopes: Iterable[Scope]) -> None:
        if self._challenge is not None and self._challenge.scheme == "bearer":
            await self._fetch_missing(scopes)

    async def _fetch_missing(self, scopes: Iterable[Scope]) -> None:
        missing = [scope for scope in scopes if self._cached(scope) is None]
        if not missing:
            return
        others = [
            scope for scope in self._wanted if scope not in missing and self._cached(scope) is None
        ]
        size = 1 if self._narrow else tokens.SCOPES_AT_ONCE
        wanted = missing if self._narrow else [*missing, *others]
        batches = [wanted[at : at + size] for at in range(0, len(wanted), size)]
        await asyncio.gather(*(self._fetch_batch(batch) for batch in batches))
        for scope in missing:
            if self._cached(scope) is None:
                await self._fetch_batch([scope])

    async def _fetch_batch(self, scopes: list[Scope]) -> None:
        try:
            token = await self._fetch(scopes)
        except Unauthorized:
            # One that may not be read must not spoil the others: they are asked for alone.
            if len(scopes) == 1:
                raise
            return
        # Every server grants the first; what it makes of the others shows when they are used.
        self._tokens.update(dict.fromkeys(scopes, token))
        self._tokens[scopes[0]] = replace(token, shared=False)

    async def _fetch(self, scopes: list[Scope]) -> Token:
        assert self._challenge is not None  # noqa: S101 - callers look first
        endpoint = self._transport.endpoint
        what = f"cannot get a token for `{endpoint.registry}`"
        try:
            target = realm(endpoint.origin, f"{endpoint.base}/v2/", self._challenge.realm or "")
        except RefusedAddress as error:
            raise ServerFailed(what, f"its token address was refused: {error}") from error
        credentials = self._credentials if target.credentials else None
        self._foreign_realm = None if target.credentials else Origin.of(target.url)
        answer = await self._transport.send(
            Request(
                tokens.address(target.url, self._challenge.service, scopes),
                "GET",
                tokens.ANSWER_LIMIT,
                authorization=credentials.basic() if credentials else None,
                kind="token",
                what=what,
            )
        )
        if answer.status == 401 and credentials:
            raise self._login_failed(what, answer.status)
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
        return tokens.parse(answer.body, received=now, shared=len(scopes) > 1, what=what)

    def _login_failed(self, what: str, status: int) -> LoginFailed:
        assert self._credentials is not None  # noqa: S101 - callers look first
        return LoginFailed(
            what,
            f"{status}: the credentials of `{self._credentials.username}` were refused",
            f"the credentials come from {self._credentials.source}"
            if self._credentials.source
            else None,
        )

    def _cached(self, scope: Scope) -> Token | None:
        now = self._clock.monotonic()
        for held, token in self._tokens.items():
            if token.until > now and held.covers(scope) and not (token.shared and self._narrow):
                return token
        return None
