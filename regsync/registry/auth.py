"""Who we are to one registry: challenges answered, tokens kept by scope.

Token exchange as in distribution's "Token Authentication Specification". One ping learns the
challenge, one token request serves many repositories where the server grants that, and each
repository gets its own where it does not.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from regsync.clock import Clock
from regsync.errors import LoginFailed, ServerFailed
from regsync.identity import Credentials
from regsync.oci import challenge as challenges
from regsync.oci.challenge import Challenge
from regsync.oci.scope import Scope, union
from regsync.registry import failures
from regsync.registry.origin import RefusedAddress, realm
from regsync.registry.transport import Answer, Transport

TOKEN_LIMIT = 64 * 1024
# Scopes of one token request: more would not fit the length of a URL that servers accept.
_SCOPES_AT_ONCE = 25
_DEFAULT_LIFE, _MARGIN = 60.0, 10.0


@dataclass(frozen=True, slots=True)
class _Token:
    value: str = field(repr=False)
    until: float


class Authenticator:
    """Turns scopes into `Authorization` headers for one registry."""

    def __init__(self, transport: Transport, credentials: Credentials | None, clock: Clock) -> None:
        self._transport = transport
        self._credentials = credentials if transport.endpoint.sends_credentials else None
        self._clock = clock
        self._challenge: Challenge | None = None
        self._pinged = False
        self._tokens: dict[Scope, _Token] = {}
        self._lock = asyncio.Lock()

    @property
    def anonymous(self) -> bool:
        """Whether nobody's credentials are used."""
        return self._credentials is None

    async def prepare(self, scopes: Iterable[Scope]) -> None:
        """Fetch tokens for many scopes in as few requests as the server allows.

        Raises:
            RegsyncError: the registry or its token endpoint cannot be asked or refuses.
        """
        async with self._lock:
            await self._ping()
            if self._challenge is None or self._challenge.scheme != "bearer":
                return
            wanted = [scope for scope in union(scopes) if self._cached(scope) is None]
            for start in range(0, len(wanted), _SCOPES_AT_ONCE):
                batch = wanted[start : start + _SCOPES_AT_ONCE]
                token = await self._fetch(batch)
                self._tokens.update(dict.fromkeys(batch, token))

    async def authorization(self, scope: Scope) -> str | None:
        """The header for a request that needs `scope`; None where the registry asks for none.

        Raises:
            RegsyncError: see `prepare`.
        """
        if self._pinged and (token := self._cached(scope)):
            return f"Bearer {token.value}"
        await self.prepare([scope])
        if self._challenge is None:
            return None
        if self._challenge.scheme == "basic":
            return self._credentials.basic() if self._credentials else None
        cached = self._cached(scope)
        return f"Bearer {cached.value}" if cached else None

    async def renew(self, scope: Scope, refused: str | None, answer: Answer) -> str | None:
        """Another header after a 401, or None where asking again cannot help.

        A token for many repositories that was refused is replaced by one for this repository;
        so is a token that expired early.
        """
        challenge = challenges.choose(challenges.parse(answer.headers.get_list("WWW-Authenticate")))
        if challenge is None:
            return None
        async with self._lock:
            current = self._cached(scope)
            if current is not None and f"Bearer {current.value}" != refused:
                return f"Bearer {current.value}"
            self._challenge, self._pinged = challenge, True
            if challenge.scheme == "basic":
                header = self._credentials.basic() if self._credentials else None
                return header if header != refused else None
            asked = [other for other in Scope.parse_all(challenge.scope) if other.covers(scope)]
            token = await self._fetch(asked or [scope])
            self._tokens[scope] = token
            return f"Bearer {token.value}"

    async def _ping(self) -> None:
        if self._pinged:
            return
        endpoint = self._transport.endpoint
        answer = await self._transport.send(
            "GET", f"{endpoint.base}/v2/", limit=TOKEN_LIMIT, kind="ping"
        )
        if answer.status >= 500 or answer.status == 429:
            raise failures.from_status(
                answer.status,
                answer.body,
                what=f"cannot read `{endpoint.registry}`",
                retry_at=answer.retry_at,
            )
        if answer.status == 401:
            headers = answer.headers.get_list("WWW-Authenticate")
            self._challenge = challenges.choose(challenges.parse(headers))
        self._pinged = True

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
        answer = await self._transport.send(
            "GET",
            f"{target.url}{mark}{urlencode(query)}",
            limit=TOKEN_LIMIT,
            authorization=credentials.basic() if credentials else None,
            kind="token",
        )
        if answer.status in (401, 403) and credentials:
            raise LoginFailed(
                what,
                f"{answer.status}: the credentials of `{credentials.username}` were refused",
            )
        if answer.status != 200:
            raise failures.from_status(
                answer.status,
                answer.body,
                what=what,
                scope=" ".join(map(str, scopes)),
                retry_at=answer.retry_at,
            )
        return self._read_token(answer.body, what)

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
            if token.until > now and held.covers(scope):
                return token
        return None
