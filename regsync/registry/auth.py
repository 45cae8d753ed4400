"""Who we are to one registry: challenges answered, tokens kept by scope.

Token exchange as in distribution's "Token Authentication Specification". One ping learns the
challenge, one token request serves many repositories where the server grants that, and each
repository gets its own where it does not.
"""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

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
from regsync.registry import failures
from regsync.registry.failures import Refusal
from regsync.registry.message import Answer, Request
from regsync.registry.origin import Origin, RefusedAddress, realm
from regsync.registry.transport import Transport

TOKEN_LIMIT = 64 * 1024
# Scopes of one token request: more would not fit the length of a URL that servers accept.
_SCOPES_AT_ONCE = 25
_DEFAULT_LIFE, _MARGIN = 60.0, 10.0


@dataclass(frozen=True, slots=True)
class _Token:
    """A token and when it ends; `shared` if several scopes were asked for and perhaps granted."""

    value: str = field(repr=False)
    until: float
    shared: bool = False


class Authenticator:
    """Turns scopes into `Authorization` headers for one registry."""

    def __init__(self, transport: Transport, credentials: Credentials | None, clock: Clock) -> None:
        self._transport = transport
        self._found = credentials
        self._credentials = credentials if transport.endpoint.sends_credentials else None
        self._clock = clock
        self._challenge: Challenge | None = None
        self._pinged = False
        self._tokens: dict[Scope, _Token] = {}
        # What the server makes of several scopes at once: grants them all, or the first alone.
        self._wide = self._narrow = False
        self._replaced: set[Scope] = set()
        # Scopes that somebody waits for: who holds the lock asks for the others' as well.
        self._wanted: dict[Scope, None] = {}
        self._lock = asyncio.Lock()
        self._failures: list[RegsyncError] = []
        self._refused: LoginFailed | None = None
        self._foreign_realm: Origin | None = None

    @property
    def anonymous(self) -> bool:
        """Whether nobody's credentials are sent: there are none, or they may not go there."""
        return self._credentials is None or self._foreign_realm is not None

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
                if self._challenge is not None and self._challenge.scheme == "bearer":
                    await self._fetch_missing(wanted)
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

    def granted(self, scope: Scope) -> None:
        """A request for `scope` was let in: what that tells of tokens for several scopes."""
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
            self._challenge, self._pinged = challenge, True
            if challenge.scheme == "basic":
                if self._credentials is None:
                    return None
                header = self._credentials.basic()
                if header == refused:
                    what = f"cannot log in to `{self._transport.endpoint.registry}`"
                    raise self._login_failed(what, answer.status)
                return header
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
        return Refusal(f"{who} is not allowed `{scope}`", "check the name, and what this user may")

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
            Request(f"{endpoint.base}/v2/", "GET", TOKEN_LIMIT, kind="ping", what=what)
        )
        if answer.status >= 500 or answer.status == 429:
            raise failures.from_status(
                answer.status, answer.body, what=what, retry_at=answer.retry_at
            )
        if answer.status in (200, 404) and answer.body.lstrip()[:1] == b"<":
            raise NotARegistry(what, "it answers with a web page", failures.PAGE_HINT)
        if answer.status == 401:
            headers = answer.headers.get_list("WWW-Authenticate")
            self._challenge = challenges.choose(challenges.parse(headers))
        self._pinged = True

    async def _fetch_missing(self, scopes: Iterable[Scope]) -> None:
        missing = [scope for scope in scopes if self._cached(scope) is None]
        if not missing:
            return
        others = [
            scope for scope in self._wanted if scope not in missing and self._cached(scope) is None
        ]
        size = 1 if self._narrow else _SCOPES_AT_ONCE
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

    async def _fetch(self, scopes: list[Scope]) -> _Token:
        assert self._challenge is not None  # noqa: S101 - callers look first
        endpoint = self._transport.endpoint
        what = f"cannot get a token for `{endpoint.registry}`"
        try:
            target = realm(endpoint.origin, f"{endpoint.base}/v2/", self._challenge.realm or "")
        except RefusedAddress as error:
            raise ServerFailed(what, f"its token address was refused: {error}") from error
        query = [("scope", str(scope)) for scope in scopes]
        if self._challenge.service:
            query.insert(0, ("service", self._challenge.service))
        mark = "&" if "?" in target.url else "?"
        credentials = self._credentials if target.credentials else None
        self._foreign_realm = None if target.credentials else Origin.of(target.url)
        answer = await self._transport.send(
            Request(
                f"{target.url}{mark}{urlencode(query)}",
                "GET",
                TOKEN_LIMIT,
                authorization=credentials.basic() if credentials else None,
                kind="token",
                what=what,
            )
        )
        if answer.status == 401 and credentials:
            raise self._login_failed(what, answer.status)
        if answer.status != 200:
            raise failures.from_status(
                answer.status,
                answer.body,
                what=what,
                refusal=self.refusal(scopes[0]),
                retry_at=answer.retry_at,
            )
        token = self._read_token(answer.body, what)
        return replace(token, shared=len(scopes) > 1)

    def _login_failed(self, what: str, status: int) -> LoginFailed:
        assert self._credentials is not None  # noqa: S101 - callers look first
        return LoginFailed(
            what,
            f"{status}: the credentials of `{self._credentials.username}` were refused",
            f"they come from {self._credentials.source}" if self._credentials.source else None,
        )

    def _read_token(self, body: bytes, what: str) -> _Token:
        try:
            fields = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise ServerFailed(what, "the token endpoint sends no JSON") from error
        fields = fields if isinstance(fields, dict) else {}
        value = fields.get("token") or fields.get("access_token")
        if not isinstance(value, str) or not value.isascii() or not value.isprintable():
            raise ServerFailed(what, "the token endpoint sends no token")
        life = fields.get("expires_in")
        seconds = float(life) if isinstance(life, int | float) and life > 0 else _DEFAULT_LIFE
        # Counted from receipt, on a clock that does not jump; `issued_at` may be anything.
        return _Token(value, self._clock.monotonic() + max(seconds, _DEFAULT_LIFE) - _MARGIN)

    def _cached(self, scope: Scope) -> _Token | None:
        now = self._clock.monotonic()
        for held, token in self._tokens.items():
            if token.until > now and held.covers(scope) and not (token.shared and self._narrow):
                return token
        return None
