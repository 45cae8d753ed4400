"""The lines of a Dockerfile put together to instructions, each word with the line it stands in.

Source: Dockerfile reference § Format, § Parser directives, § Here-documents; where it leaves
something open, BuildKit's `frontend/dockerfile/parser` is followed.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from regsync.errors import InvalidFile

_DIRECTIVE = re.compile(r"#\s*([A-Za-z][A-Za-z0-9]*)\s*=")
_DIRECTIVES = frozenset({"syntax", "escape", "check"})
_HEREDOC = re.compile(r"""\d*<<(-?)(['"]?)([A-Za-z_][A-Za-z0-9_.-]*)\2""")
_WITH_HEREDOCS = frozenset({"RUN", "COPY", "ADD"})


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it is written, quotes included, and its line."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its keyword in upper case, and the words behind it."""

    keyword: str
    words: tuple[Word, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Script:
    """A Dockerfile.

    Attributes:
        syntax: The image of the frontend that reads it, where `# syntax=` names one.
        escape: What continues a line and makes `$` an ordinary character.
    """

    syntax: Word | None
    escape: str
    instructions: tuple[Instruction, ...]


def read(text: str, path: str, first_line: int = 1) -> Script:
    """Read a Dockerfile.

    Args:
        first_line: The number of its first line, where it stands in another file.

    Raises:
        InvalidFile: a here-document has no end.
    """
    lines = [line.removesuffix("\r") for line in text.removeprefix("\ufeff").split("\n")]
    directives = _directives(lines, first_line)
    told = directives.get("escape")
    escape = "`" if told is not None and told.text == "`" else "\\"
    found = _instructions(lines, escape, path, first_line)
    return Script(directives.get("syntax"), escape, tuple(found))


def _directives(lines: Sequence[str], first_line: int) -> dict[str, Word]:
    """Comments of the form `# key=value` above everything else."""
    found: dict[str, Word] = {}
    for number, line in enumerate(lines, first_line):
        if number == first_line and line.startswith("#!"):
            continue
        line = line.strip()
        match = _DIRECTIVE.match(line)
        if match is None or match[1].lower() not in _DIRECTIVES:
            break
        value = line[match.end() :].lstrip()
        if not value:
            break
        found.setdefault(match[1].lower(), Word(value, number))
    return found


def _instructions(
    lines: Sequence[str], escape: str, path: str, first_line: int
) -> Iterator[Instruction]:
    continued = re.compile(re.escape(escape) + r"[ \t]*\Z")
    at = 0
    while at < len(lines):
        if _is_idle(lines[at]):
            at += 1
            continue
        start = at
        pieces: list[str] = []
        numbers: list[int] = []
        while at < len(lines):
            line, number = lines[at], at + first_line
            at += 1
            if pieces and _is_idle(line):
                # Comments, and blank lines too, may stand between the lines of an instruction.
                continue
            end = continued.search(line)
            pieces.append(line[: end.start()] if end else line)
            numbers.append(number)
            if end is None:
                break
        words = _words(pieces, numbers, escape)
        if not words:
            continue
        keyword = words[0].text.upper()
        # `ONBUILD` stands before another instruction.
        inner = words[1].text.upper() if keyword == "ONBUILD" and len(words) > 1 else keyword
        if inner in _WITH_HEREDOCS:
            at = _skip_heredocs(words, lines, at, f"{path}:{start + first_line}")
        yield Instruction(keyword, tuple(words[1:]), start + first_line)


def _is_idle(line: str) -> bool:
    text = line.strip()
    return not text or text.startswith("#")


def _words(pieces: Sequence[str], numbers: Sequence[int], escape: str) -> list[Word]:
    """Words of a logical line: what stands in quotes or behind the escape is not split."""
    text = "".join(pieces)
    starts = [0]
    for piece in pieces[:-1]:
        starts.append(starts[-1] + len(piece))
    found: list[Word] = []
    begin: int | None = None
    quote = ""
    at = 0
    while at <= len(text):
        char = text[at : at + 1]
        if not quote and (not char or char.isspace()):
            if begin is not None:
                line = numbers[bisect_right(starts, begin) - 1]
                found.append(Word(text[begin:at], line))
                begin = None
        elif begin is None and char:
            begin = at
        if char and char == escape and quote != "'":
            at += 1
        elif quote:
            # A quote without its end ends with the line.
            quote = "" if char == quote else quote
        elif char in ("'", '"') and char:
            quote = char if text.find(char, at + 1) >= 0 else ""
        at += 1
    if begin is not None:
        found.append(Word(text[begin:], numbers[bisect_right(starts, begin) - 1]))
    return found


def _skip_heredocs(words: Sequence[Word], lines: Sequence[str], at: int, place: str) -> int:
    """Where the file goes on behind the here-documents that an instruction opens."""
    for word in words:
        match = _HEREDOC.fullmatch(word.text)
        if match is None:
            continue
        while at < len(lines):
            line = lines[at].lstrip("\t") if match[1] else lines[at]
            at += 1
            if line == match[3]:
                break
        else:
            raise InvalidFile(
                f"{place}: cannot read it as a Dockerfile",
                f"the here-document `{match[3][:50]}` has no end",
            )
    return at
