"""Patterns of names: `team/*`, `*/*:nightly`; a `*` is a run without `/` and `:`.

A star that stops where the parts of a reference do cannot mean another registry or another
namespace than the one that was written; shells, whose `*` runs on, let `*` mean everything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Self

from regsync.errors import InvalidReference
from regsync.oci.reference import Reference

PATTERN_LIMIT = 500
"""Characters of a pattern; no reference is longer."""
_CHARACTERS = re.compile(r"[A-Za-z0-9._:/@*+\[\]-]+")


@dataclass(frozen=True, slots=True)
class Glob:
    """One pattern, checked and compiled: `Glob.parse` makes it."""

    pattern: str
    _compiled: re.Pattern[str] = field(repr=False, compare=False)

    @classmethod
    def parse(cls, pattern: str) -> Self:
        """Read a pattern.

        Raises:
            InvalidReference: it is empty, too long, or can match no name.
        """
        shown = f"`{pattern[:200]}` is not a pattern of names"
        if not pattern or len(pattern) > PATTERN_LIMIT:
            raise InvalidReference(shown, f"it takes 1 to {PATTERN_LIMIT} characters")
        if not _CHARACTERS.fullmatch(pattern):
            raise InvalidReference(
                shown, "it holds what no name can hold", "only `*` stands for something else"
            )
        if "**" in pattern:
            raise InvalidReference(
                shown,
                "`**` means no more than `*`, which stops at `/` and `:`",
                "write one star for each part: `registry.example.com/*/*`",
            )
        return cls(pattern, re.compile(_expression(pattern)))

    def matches(self, name: str) -> bool:
        """Whether the whole of `name` is of this pattern."""
        return self._compiled.fullmatch(name) is not None

    def matches_reference(self, reference: Reference) -> bool:
        """Whether one of a reference's own names is: familiar or full, with its tag or without."""
        repository = reference.repository
        names = {reference.familiar, str(reference), repository.familiar, str(repository)}
        if reference.tag is not None and reference.digest is not None:
            tagged = reference.with_tag(reference.tag)
            names |= {tagged.familiar, str(tagged)}
        return any(self.matches(name) for name in names)


def _expression(pattern: str) -> str:
    """A regular expression whose time grows with the text alone, however many stars there are.

    What follows a star is looked for from the left, and what was found is kept: a later place
    leaves less to the next star, and never more.
    """
    first, *others = (re.escape(part) for part in pattern.split("*"))
    if not others:
        return first
    *between, last = others
    return first + "".join(f"(?>[^/:]*?{part})" for part in between) + f"[^/:]*{last}"
