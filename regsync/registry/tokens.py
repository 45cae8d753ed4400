"""Tokens: how they are asked for, and what comes back (distribution, "Token Authentication")."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from regsync.errors import ServerFailed
from regsync.oci.scope import Scope

ANSWER_LIMIT = 64 * 1024
"""Bytes that an answer of a ping or a token endpoint may have."""
SCOPES_AT_ONCE = 25
"""Scopes of one token request: more would not fit the length of a URL that servers accept."""

_DEFAULT_LIFE, _MARGIN = 60.0, 10.0
_LONGEST_LIFE = 24 * 3600


@dataclass(frozen=True, slots=True)
class Token:
    """A token, and until when on a clock that does not jump.

    Attributes:
        shared: Whether several scopes were asked for, and perhaps granted.
    """

    value: str = field(repr=False)
    until: float
    shared: bool = False


def address(realm: str, service: str | None, scopes: Iterable[Scope]) -> str:
    """Where a token for `scopes` is fetched; the realm's own query stays."""
    query = [("scope", str(scope)) for scope in scopes]
    if service:
        query.insert(0, ("service", service))
    return f"{realm}{'&' if '?' in realm else '?'}{urlencode(query)}"


def parse(body: bytes, *, received: float, shared: bool, what: str) -> Token:
    """Read the answer of a token endpoint.

    Args:
        received: When it came, on a clock that does not jump; `issued_at` may be anything.
        what: What could not be done, if it is none.

    Raises:
        ServerFailed: no JSON, or no token in it.
    """
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ServerFailed(what, "the token endpoint sends no JSON") from error
    fields = fields if isinstance(fields, dict) else {}
    value = fields.get("token") or fields.get("access_token")
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        raise ServerFailed(what, "the token endpoint sends no token")
    life = fields.get("expires_in")
    if not isinstance(life, int | float) or not life > 0:
        life = _DEFAULT_LIFE
    # Bounded before it becomes a float: JSON's integers know no limit.
    seconds = float(min(life, _LONGEST_LIFE))
    return Token(value, received + max(seconds, _DEFAULT_LIFE) - _MARGIN, shared)
