"""Command lines: what can be told at a glance, and what is wrong with them in our own words."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from regsync.errors import UsageError

if TYPE_CHECKING:
    import typer

_QUOTED = re.compile(r"'([^']*)'")


@dataclass(frozen=True, slots=True)
class Glance:
    """What holds for a command line even where it cannot be understood.

    Attributes:
        words: Its first two words that are no options.
        help: Whether this may be a request for help.
        json: Whether failures are to be told as JSON too.
        nagios: Whether a monitor asks, and is to be told in its own way.
        verbose: Whether details are wanted.
    """

    words: tuple[str, ...]
    help: bool
    json: bool
    nagios: bool
    verbose: bool

    @property
    def command(self) -> str:
        """The first word, or empty."""
        return self.words[0] if self.words else ""

    def named(self, commands: Sequence[str]) -> str:
        """The command that is meant: one word, or two where the first is a group of commands."""
        both = " ".join(self.words)
        return both if both in commands else self.command

    @classmethod
    def at(cls, arguments: Sequence[str]) -> Self:
        """Look at a command line up to `--`."""
        words = list(arguments[: arguments.index("--")] if "--" in arguments else arguments)
        pairs = set(itertools.pairwise(words))

        def has(format: str) -> bool:
            return f"--format={format}" in words or ("--format", format) in pairs

        return cls(
            words=tuple(itertools.islice(_bare(words), 2)),
            help="-h" in words or "--help" in words,
            json=has("json"),
            nagios=has("nagios"),
            verbose=any(word in ("-v", "-vv", "--verbose") for word in words),
        )


_WITH_VALUE = frozenset(
    [
        "--format",
        "--config",
        "--store",
        "--host",
        "-H",
        "--context",
        "--platform",
        "--jobs",
        "-j",
        "--from",
    ]
)
_RANGE = re.compile(r"invalid value for `(--[a-z-]+)`.*: `?(.*?)`? is not .*\brange\b")


def _bare(words: Sequence[str]) -> Iterator[str]:
    """The words that are neither options nor the values of options."""
    before = ""
    for word in words:
        if not word.startswith("-") and before not in _WITH_VALUE:
            yield word
        before = word


def understood(
    error: typer.TyperException, arguments: Sequence[str], commands: Sequence[str]
) -> UsageError:
    """Typer's complaint in our form: a lower-case line, backticks, and a hint on how to go on."""
    glance = Glance.at(arguments)
    command = glance.named(commands)
    if is_group(glance.command, commands) and len(glance.words) == 2 and command == glance.command:
        return _no_command(" ".join(glance.words), f"{command} ", commands)
    if command and command not in commands:
        return _no_command(command, "", commands)
    formatted = getattr(error, "format_message", lambda: str(error))()
    what = _QUOTED.sub(r"`\1`", formatted.strip().rstrip("."))
    what = what[:1].lower() + what[1:]
    if number := _RANGE.match(what):
        what = f"`{number[1]}` takes a whole number, 1 or more; `{number[2]}` is none"
    option: str | None = getattr(error, "option_name", None)
    if option is not None and "requires" not in what:
        early = arguments[0] == option
        what = f"there is no option `{option}`" + (f" of `{command}`" if not early else "")
        near: Sequence[str] = getattr(error, "possibilities", None) or ()
        if near:
            return UsageError(what, hint=f"did you mean `{near[0]}`?")
        if early and (command or option in _WITH_VALUE):
            what = f"there is no option `{option}` in front of a command"
            example = f"regsync {command or 'status'} {option}"
            return UsageError(what, hint=f"options follow the command: `{example}`")
    return UsageError(what, hint=f"`regsync {command} -h` lists what there is".replace("  ", " "))


def is_group(word: str, commands: Sequence[str]) -> bool:
    """Whether a word is the first one of several commands."""
    return any(name.startswith(f"{word} ") for name in commands)


def _no_command(typed: str, group: str, commands: Sequence[str]) -> UsageError:
    """Of `regsync`, or of a group of commands, whose name ends in a space."""
    inner = [name for name in commands if name.startswith(group) and name.count(" ") == bool(group)]
    close = difflib.get_close_matches(typed, inner, n=1)
    lists = f"`regsync {group}-h` lists the commands"
    hint = f"did you mean `{close[0]}`?" if close else lists
    return UsageError(f"there is no command `{typed}`", hint=hint)
