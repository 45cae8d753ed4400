"""The tokens of one registry by scope, and what its token server makes of several at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from regsync.clock import Clock
from regsync.oci.scope import Scope
from regsync.redaction import Redaction
from regsync.registry.origin import Origin
from regsync.registry.tokens import SCOPES_AT_ONCE, Token


class Wallet:
    """Keeps tokens until they expire.

    Args:
        redaction: Told of every token that is kept.

    Attributes:
        login: The token that is the login itself, where there is one: it opens what it opens.
    """

    def __init__(self, clock: Clock, redaction: Redaction | None = None) -> None:
        self.login: Token | None = None
        self._clock = clock
        self._redaction = redaction or Redaction()
        self._tokens: dict[Scope, Token] = {}
        # The server grants several scopes at once all, or the first alone.
        self._wide = self._narrow = False
        self._replaced: set[Scope] = set()

    def find(self, scope: Scope) -> Token | None:
        """A token that is good for a scope, or may be."""
        if self.login is not None:
            return self.login
        now = self._clock.monotonic()
        for held, token in self._tokens.items():
            if token.until > now and held.covers(scope) and not (token.shared and self._narrow):
                return token
        return None

    def issuer(self, header: str | None) -> Origin | None:
        """Who may see the token of a header again, see `Token.issuer`."""
        held = self._tokens.values()
        return next((one.issuer for one in held if f"Bearer {one.value}" == header), None)

    def batches(self, missing: Iterable[Scope], others: Iterable[Scope]) -> list[list[Scope]]:
        """What to ask for, one list a request: what is missing, and what others wait for."""
        size = 1 if self._narrow else SCOPES_AT_ONCE
        wanted = list(missing) if self._narrow else [*missing, *others]
        return [wanted[at : at + size] for at in range(0, len(wanted), size)]

    def keep(self, scopes: list[Scope], token: Token) -> None:
        """Keep what was asked for with several scopes."""
        self._redaction.add_secret(token.value)
        # Every server grants the first; what it makes of the others shows when they are used.
        self._tokens.update(dict.fromkeys(scopes, token))
        self._tokens[scopes[0]] = replace(token, shared=False)

    def keep_own(self, scope: Scope, token: Token) -> None:
        """Keep what was asked for with this scope, after another token was refused."""
        self._redaction.add_secret(token.value)
        self._tokens[scope] = token

    def may_renew(self, scope: Scope, token: Token | None, error: str | None) -> bool:
        """Whether another token may open what this one did not.

        Args:
            error: What the refusing challenge says, e.g. `invalid_token`.
        """
        if token is None:
            return True
        if token.given:
            return False
        if token.shared:
            if self._wide and error != "invalid_token":
                return False
            self._replaced.add(scope)
            return True
        # Asked for with this scope, and it was not granted: it would not be the next time either.
        return error != "insufficient_scope"

    def note_granted(self, scope: Scope) -> None:
        """A request for `scope` was let in: what that tells of tokens for several scopes."""
        token = self.find(scope)
        if token is not None and token.shared:
            self._wide = True
        elif scope in self._replaced:
            # Its own token opened what the shared one did not.
            self._narrow = True
