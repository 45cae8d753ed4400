"""Who somebody is to a registry."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field


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
