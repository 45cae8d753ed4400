"""What a token says of itself, for display alone: nothing rests on it, and nobody verifies it.

A token is opaque to a client. Most registries send a JSON Web Token in the form of distribution's
"Docker Registry v2 authentication specification: JWT", whose `access` names what was granted.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from regsync.oci.scope import Scope, union


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says.

    Attributes:
        scopes: What was granted; None where it does not say.
        begins: From when it is valid; None where it does not say.
        ends: Until when.
    """

    scopes: tuple[Scope, ...] | None
    begins: datetime | None
    ends: datetime | None

    @classmethod
    def parse(cls, token: str) -> Self | None:
        """Read a token; None where it is no JSON Web Token."""
        parts = token.split(".")
        if len(parts) != 3:
            return None
        try:
            padded = parts[1] + "=" * (-len(parts[1]) % 4)
            fields = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        except (ValueError, RecursionError):
            return None
        if not isinstance(fields, dict):
            return None
        return cls(
            _scopes(fields.get("access")),
            _moment(fields.get("nbf", fields.get("iat"))),
            _moment(fields.get("exp")),
        )


def _scopes(access: object) -> tuple[Scope, ...] | None:
    if access is None:
        return None
    found = []
    for entry in access if isinstance(access, list) else []:
        if isinstance(entry, dict):
            actions = entry.get("actions")
            allowed = actions if isinstance(actions, list) else []
            kept = frozenset(one for one in allowed if isinstance(one, str))
            if kept:
                found.append(Scope(str(entry.get("type")), str(entry.get("name")), kept))
    return union(found)


def _moment(value: object) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None
