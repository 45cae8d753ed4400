"""Variables in compose files and Dockerfiles: `$A`, `${A:-default}`, never guessed.

Sources: compose-spec `12-interpolation.md`; Dockerfile reference § Environment replacement.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

LIMIT = 4096
"""Characters that a value may grow to: variables that double each other grow without bound."""
_DEPTH = 20
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR = re.compile(r":?[-?+]")


class NotKnown(Exception):
    """A text cannot be filled in; the message says why, in the words of a user.

    Attributes:
        name: The variable that has no value, where that is why.
    """

    def __init__(self, why: str, name: str = "") -> None:
        super().__init__(why)
        self.name = name


def expand(text: str, values: Mapping[str, str], *, escape: str = "$") -> str:
    """Fill in the variables of a text.

    Args:
        escape: The character that makes a `$` after it an ordinary one: `$` in compose files,
            the escape character in Dockerfiles.

    Raises:
        NotKnown: a variable has no value and no default, or the text breaks the grammar.
    """
    return _expand(text, values, escape, 0)


def _expand(text: str, values: Mapping[str, str], escape: str, depth: int) -> str:
    if depth > _DEPTH:
        raise NotKnown("its defaults are nested too deeply")
    written: list[str] = []
    at, size = 0, 0
    while at < len(text):
        part, at = text[at], at + 1
        if part == escape and text[at : at + 1] == "$":
            part, at = "$", at + 1
        elif part == "$":
            part, at = _variable(text, at, values, escape, depth)
        size += len(part)
        if size > LIMIT:
            raise NotKnown(f"filled in it has more than {LIMIT} characters")
        written.append(part)
    return "".join(written)


def _variable(
    text: str, at: int, values: Mapping[str, str], escape: str, depth: int
) -> tuple[str, int]:
    """The value of the variable whose `$` stands before `at`, and where the text goes on."""
    braced = text[at : at + 1] == "{"
    name = _NAME.match(text, at + braced)
    if name is None:
        raise NotKnown("a `$` is followed by no name of a variable")
    if not braced:
        return _plain(name[0], values), name.end()
    end = _closing(text, at)
    inside = text[name.end() : end]
    operator = _OPERATOR.match(inside)
    if inside and operator is None:
        raise NotKnown(f"`${{{name[0]}{inside[:20]}}}` is a form that is not read here")
    if operator is None:
        return _plain(name[0], values), end + 1
    word = inside[operator.end() :]
    value = values.get(name[0])
    there = value is not None and (value != "" or not operator[0].startswith(":"))
    match operator[0][-1]:
        case "+":
            return (_expand(word, values, escape, depth + 1) if there else ""), end + 1
        case "-" if not there:
            return _expand(word, values, escape, depth + 1), end + 1
        case "?" if not there:
            said = f": {word[:200]}" if word else ""
            raise NotKnown(f"`{name[0]}` has no value here{said}", name[0])
    return value or "", end + 1


def _plain(name: str, values: Mapping[str, str]) -> str:
    if name not in values:
        raise NotKnown(f"`{name}` has no value here", name)
    return values[name]


def _closing(text: str, at: int) -> int:
    """Where the brace that opens at `at` is closed."""
    depth = 0
    for end in range(at, len(text)):
        if text[end] == "{" and (end == at or text[end - 1] == "$"):
            depth += 1
        elif text[end] == "}":
            depth -= 1
            if depth == 0:
                return end
    raise NotKnown("a `${` is not closed")
