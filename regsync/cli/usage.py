"""Command lines: what can be told at a glance, and what is wrong with them in our own words."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Sequence
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
        command: Its first word that is no option, or empty.
        help: Whether this may be a request for help.
        json: Whether failures are to be told as JSON too.
        verbose: Whether details are wanted.
    """

    command: str
    help: bool
    json: bool
    verbose: bool

    @classmethod
    def at(cls, arguments: Sequence[str]) -> Self:
        """Look at a command line up to `--`."""
        words = list(arguments[: arguments.index("--")] if "--" in arguments else arguments)
        pairs = itertools.pairwise(words)
        return cls(
            command=_command(words),
            help="-h" in words or "--help" in words,
            json="--format=json" in words or ("--format", "json") in pairs,
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


def _command(words: Sequence[str]) -> str:
    """The first word that is neither an option nor the value of one."""
    before = ""
    for word in words:
        if not word.startswith("-") and before not in _WITH_VALUE:
            return word
        before = word
    return ""


def understood(
    error: typer.TyperException, arguments: Sequence[str], commands: Sequence[str]
) -> UsageError:
    """Typer's complaint in our form: a lower-case line, backticks, and a hint on how to go on."""
    command = Glance.at(arguments).command
    if command and command not in commands:
        close = difflib.get_close_matches(command, commands, n=1)
        return UsageError(
            f"there is no command `{command}`",
            hint=f"did you mean `{close[0]}`?" if close else "`regsync -h` lists the commands",
        )
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
