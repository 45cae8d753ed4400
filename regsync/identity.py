"""Who somebody is to a registry."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import Literal

_OTHER = re.compile(r"[^A-Z0-9]")

Kind = Literal["password", "identity_token", "registry_token"]
"""What a secret is: a password for Basic auth and token servers; a refresh token of OAuth2, which
token servers alone take (distribution, "OAuth2 Token Authentication"); or a ready bearer token."""


def variable(registry: str, field: str) -> str:
    """The environment variable that holds a `USERNAME` or `PASSWORD` for a registry host.

    `r.example:5000` and `PASSWORD` → `REGSYNC_R_EXAMPLE_5000_PASSWORD`.
    """
    return f"REGSYNC_{_OTHER.sub('_', registry.upper())}_{field}"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name and its secret; the secret never shows in a repr.

    Attributes:
        username: Empty where a token is all that is known.
        source: Where they were found, for messages: never the secret, always the place.
        kind: How the secret is used.
    """

    username: str
    secret: str = field(repr=False)
    source: str = ""
    kind: Kind = "password"

    @property
    def who(self) -> str:
        """Whose they are, for messages."""
        return f"`{self.username}`" if self.username else f"the {self.kind.replace('_', ' ')}"

    def basic(self) -> str:
        """The `Authorization` header of RFC 7617; of a password alone."""
        pair = f"{self.username}:{self.secret}".encode()
        return "Basic " + base64.b64encode(pair).decode()
