"""Who somebody is to a registry."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field

_OTHER = re.compile(r"[^A-Z0-9]")


def variable(registry: str, field: str) -> str:
    """The environment variable that holds a `USERNAME` or `PASSWORD` for a registry host.

    `r.example:5000` and `PASSWORD` → `REGSYNC_R_EXAMPLE_5000_PASSWORD`.
    """
    return f"REGSYNC_{_OTHER.sub('_', registry.upper())}_{field}"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name and its secret; the secret never shows in a repr.

    Attributes:
        source: Where they were found, for messages: never the secret, always the place.
    """

    username: str
    secret: str = field(repr=False)
    source: str = ""

    def basic(self) -> str:
        """The `Authorization` header of RFC 7617."""
        pair = f"{self.username}:{self.secret}".encode()
        return "Basic " + base64.b64encode(pair).decode()
