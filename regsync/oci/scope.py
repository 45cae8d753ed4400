"""Scopes: what a token allows (distribution, "Token Scope Documentation")."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """`type:name:actions`, e.g. `repository:library/node:pull`."""

    type: str
    name: str
    actions: frozenset[str]

    @classmethod
    def pull(cls, path: str) -> Self:
        """Reading one repository."""
        return cls("repository", path, frozenset({"pull"}))

    @classmethod
    def push(cls, path: str) -> Self:
        """Writing one repository; reading comes with it."""
        return cls("repository", path, frozenset({"pull", "push"}))

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read one scope; None where it has no such shape.

        The name may hold colons (a host and port), so type and actions are cut off both ends.
        """
        type_, colon, rest = text.partition(":")
        name, second, actions = rest.rpartition(":")
        if not (colon and second and type_ and name):
            return None
        return cls(type_, name, frozenset(part for part in actions.split(",") if part))

    @classmethod
    def parse_all(cls, text: str) -> tuple[Self, ...]:
        """Read the space-separated scopes of a challenge; what is malformed is left out."""
        return tuple(scope for part in text.split() if (scope := cls.parse(part)))

    def covers(self, other: Scope) -> bool:
        """Whether a token for this scope allows everything that `other` asks for."""
        if (self.type, self.name) != (other.type, other.name):
            return False
        return "*" in self.actions or other.actions <= self.actions

    def __str__(self) -> str:
        return f"{self.type}:{self.name}:{','.join(sorted(self.actions))}"


def union(scopes: Iterable[Scope]) -> tuple[Scope, ...]:
    """One scope for each resource with all its actions, in a stable order."""
    merged: dict[tuple[str, str], frozenset[str]] = {}
    for scope in scopes:
        key = (scope.type, scope.name)
        merged[key] = merged.get(key, frozenset()) | scope.actions
    return tuple(Scope(type_, name, merged[type_, name]) for type_, name in sorted(merged))
