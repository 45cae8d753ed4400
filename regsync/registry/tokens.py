"""Tokens: how they are asked for, and what comes back.

Distribution's "Token Authentication Specification" (GET, with a password as Basic auth) and "OAuth2
Token Authentication" (POST, with an identity token as refresh token).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from regsync.errors import ServerFailed
from regsync.identity import Credentials, Kind
from regsync.oci.scope import Scope
from regsync.registry.message import Request
from regsync.registry.origin import Origin

ANSWER_LIMIT = 64 * 1024
"""Bytes that an answer of a ping or a token endpoint may have."""
SCOPES_AT_ONCE = 25
"""Scopes of one token request: more would not fit the length of a URL that servers accept."""

CLIENT_ID = "regsync"
REFUSALS: Mapping[Kind, frozenset[int]] = {
    "password": frozenset({401}),
    # 400 is OAuth2's `invalid_grant`; with 404 and 405 the server says that it does not know it.
    "identity_token": frozenset({400, 401, 404, 405}),
    "registry_token": frozenset(),
}
"""Statuses of a token server that mean that it refuses the credentials, by their kind."""

_DEFAULT_LIFE, _MARGIN = 60.0, 10.0
_LONGEST_LIFE = 24 * 3600


@dataclass(frozen=True, slots=True)
class Token:
    """A token, and until when on a clock that does not jump.

    Attributes:
        shared: Whether several scopes were asked for, and perhaps granted.
        given: Whether it is the login itself, which no token server can renew.
        issuer: Who gave it to nobody in particular, and may see it again; None where it is ours.
    """

    value: str = field(repr=False)
    until: float
    shared: bool = False
    given: bool = False
    issuer: Origin | None = None


def given(credentials: Credentials) -> Token:
    """The registry token of a login."""
    return Token(credentials.secret, math.inf, given=True)


def request(
    realm: str,
    service: str | None,
    scopes: Iterable[Scope],
    credentials: Credentials | None,
    what: str,
) -> Request:
    """How a token for `scopes` is asked for.

    Args:
        realm: The token server's address, judged by the origin policy.
        credentials: What may go there; None for anonymous.
        what: What cannot be done if it fails.
    """
    if credentials is not None and credentials.kind == "identity_token":
        form = {
            "grant_type": "refresh_token",
            "service": service or "",
            "client_id": CLIENT_ID,
            "scope": " ".join(str(scope) for scope in scopes),
            "refresh_token": credentials.secret,
        }
        return Request(realm, "POST", ANSWER_LIMIT, form=urlencode(form), kind="token", what=what)
    return Request(
        address(realm, service, scopes),
        "GET",
        ANSWER_LIMIT,
        authorization=credentials.basic() if credentials else None,
        kind="token",
        what=what,
    )


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
