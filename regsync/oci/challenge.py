"""`WWW-Authenticate` challenges (RFC 9110 § 11.6.1, distribution "Token Authentication").

Registries send every shape that the grammar allows and some that it does not: two challenges in
one header, quoted commas in a scope, `BASIC` in capitals, no `service`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

HEADER_LIMIT = 16 * 1024
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]+=*")
# Wider than the grammar's token: realms are sent unquoted too, with `:` and `/` in them.
_UNQUOTED = re.compile(r'[^\s,"]*')
_SPACE = re.compile(r"[ \t]*")
_PARAMETER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+[ \t]*=(?!=*[ \t]*(?:,|$))")


@dataclass(frozen=True, slots=True)
class Challenge:
    """A scheme in lower case and its parameters, names in lower case, values as they came."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict, hash=False)
    token68: str | None = None

    @property
    def realm(self) -> str | None:
        """For Bearer: the address of the token endpoint, chosen by the registry."""
        return self.parameters.get("realm")

    @property
    def service(self) -> str | None:
        """Whom the token is for; several registries leave it out."""
        return self.parameters.get("service")

    @property
    def scope(self) -> str:
        """The scopes that the registry asks for, separated by spaces, or an empty text."""
        return self.parameters.get("scope", "")

    @property
    def error(self) -> str | None:
        """Why a token was refused, e.g. `insufficient_scope` or `invalid_token`."""
        return self.parameters.get("error")

    def __str__(self) -> str:
        if self.token68 is not None:
            return f"{self.scheme} {self.token68}"
        return f"{self.scheme} " + ",".join(
            f'{name}="{_escape(value)}"' for name, value in self.parameters.items()
        )


def parse(headers: Iterable[str]) -> tuple[Challenge, ...]:
    """Read all challenges of all `WWW-Authenticate` headers, in order.

    Malformed parts end the header they stand in; what was read before them counts.
    """
    return tuple(challenge for header in headers for challenge in _Reader(header).challenges())


def choose(challenges: Iterable[Challenge]) -> Challenge | None:
    """The challenge to answer: Bearer with a realm before Basic, others never."""
    known = list(challenges)
    for challenge in known:
        if challenge.scheme == "bearer" and challenge.realm:
            return challenge
    return next((challenge for challenge in known if challenge.scheme == "basic"), None)


class _Reader:
    """One pass over one header."""

    def __init__(self, header: str) -> None:
        self.text = header[:HEADER_LIMIT]
        self.at = 0

    def challenges(self) -> list[Challenge]:
        found: list[Challenge] = []
        while True:
            self.skip_separators()
            scheme = self.take(_TOKEN)
            if not scheme:
                return found
            spaced = bool(self.take(_SPACE))
            parameters: dict[str, str] = {}
            token68 = None
            if spaced and not self.at_parameter():
                token68 = self.token68()
            elif spaced:
                self.read_parameters(parameters)
            found.append(Challenge(scheme.lower(), parameters, token68))

    def read_parameters(self, parameters: dict[str, str]) -> None:
        while self.at_parameter():
            name = self.take(_TOKEN).lower()
            self.take(_SPACE)
            self.at += 1
            self.take(_SPACE)
            value = self.quoted() if self.peek() == '"' else self.take(_UNQUOTED)
            # RFC 9110: a name appears once; the first is the one that other clients take.
            parameters.setdefault(name, value)
            self.skip_separators()

    def token68(self) -> str | None:
        """The credentials-like word after a scheme, unless it is the next challenge's scheme."""
        start = self.at
        word = self.take(_TOKEN68)
        self.take(_SPACE)
        if word and self.peek() in ("", ","):
            return word
        self.at = start
        return None

    def quoted(self) -> str:
        self.at += 1
        value = []
        while (char := self.peek()) not in ("", '"'):
            if char == "\\":
                self.at += 1
                char = self.peek()
            value.append(char)
            self.at += 1
        self.at += 1
        return "".join(value)

    def at_parameter(self) -> bool:
        return _PARAMETER.match(self.text, self.at) is not None

    def skip_separators(self) -> None:
        while self.peek() in (" ", "\t", ","):
            self.at += 1

    def take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            return ""
        self.at = match.end()
        return match.group()

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
