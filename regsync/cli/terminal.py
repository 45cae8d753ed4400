"""The two streams: what may be written to them, and what happens when they fail.

What a registry chose cannot move the cursor or colour the screen (`safe`). A reader that goes away
(`| head -1`) has had enough, and changes nothing; a full disk is an error.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self, TextIO

from regsync.errors import OutputFailed, RegsyncError

_TEXT_LIMIT = 1000
# Controls, formats (bidi, zero-width), surrogates, private use, line and paragraph separators, and
# what Unicode has not assigned: nobody knows what a terminal makes of it.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def safe(text: str, limit: int = _TEXT_LIMIT) -> str:
    """`text` with everything invisible or directing written out, e.g. `\\x1b`; cut when long.

    Args:
        limit: Characters that are written at most, those of what is written out among them.
    """
    written = "".join(
        char.encode("unicode_escape").decode("ascii")
        if unicodedata.category(char) in _HIDDEN
        else char
        for char in text[: limit + 1]
    )
    return written if len(written) <= limit else written[: limit - 1] + "…"


def wrapped(text: str, width: int | None, indent: str = "") -> str:
    """`text` broken between words where the terminal would break it anywhere.

    Args:
        indent: What each line begins with.
    """
    if width is None:
        return indent + text
    import textwrap

    return textwrap.fill(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


@dataclass(frozen=True, slots=True)
class Terminal:
    """What a stream can show.

    Attributes:
        width: Columns, or None where it is not a terminal and nothing needs to fit.
        colour: Whether colours may be written; meaning never rests on them.
    """

    width: int | None = None
    colour: bool = False

    @classmethod
    def of(cls, stream: TextIO, env: Mapping[str, str]) -> Self:
        """Look at a stream. `NO_COLOR` (https://no-color.org) and `TERM=dumb` take colours away."""
        if not stream.isatty():
            return cls()
        plain = bool(env.get("NO_COLOR")) or env.get("TERM") == "dumb"
        return cls(shutil.get_terminal_size().columns, not plain)


def open_streams() -> None:
    """Make both streams ones that can be written to, whatever was handed over at the start.

    A closed descriptor is None in Python, and `print(file=None)` would send errors to stdout.
    Characters that the encoding lacks are written as `?`.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif hasattr(stream, "reconfigure"):
            # It flushes first: what was printed already may not go out, which `write` tells.
            with contextlib.suppress(OSError):
                stream.reconfigure(errors="replace")


def write(text: str) -> None:
    """Write the data that was asked for to stdout, with a newline.

    Raises:
        OutputFailed: it cannot be written, e.g. to a full disk.
    """
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        _discard(sys.stdout)
    except OSError as error:
        _discard(sys.stdout)
        raise OutputFailed(
            "cannot write to standard output", error.strerror or str(error)
        ) from None


def say(text: str) -> None:
    """Write a line for people to stderr; that nobody can read it is no failure."""
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except OSError:
        _discard(sys.stderr)


def tell(*notes: str | None, quiet: bool) -> None:
    """Say what the user should know beside the data, unless nobody wants to hear it."""
    for note in notes:
        if note is not None and not quiet:
            say(f"note: {safe(note)}")


def show_hints(hints: Iterable[str]) -> None:
    """Say what to do next."""
    width = Terminal.of(sys.stderr, os.environ).width
    for hint in hints:
        say(wrapped(f"hint: {safe(hint)}", width))


def show_answer(
    terminal: Terminal,
    header: str,
    rows: str,
    summary: str,
    hints: Iterable[str],
    *,
    quiet: bool,
) -> None:
    """Print an answer whole: what it is about, its rows, what they come to, and what to do next.

    Args:
        quiet: The rows alone.
    """
    if quiet:
        if rows:
            write(rows)
        return
    write("\n\n".join(part for part in (wrapped(header, terminal.width), rows, summary) if part))
    show_hints(hints)


def show_error(error: RegsyncError) -> None:
    """Say what, why and how to go on."""
    width = Terminal.of(sys.stderr, os.environ).width
    lines = [wrapped(f"error: {safe(error.what)}", width)]
    if error.why:
        lines.append(wrapped(safe(error.why), width, "  "))
    if error.hint:
        lines.append(wrapped(f"hint: {safe(error.hint)}", width))
    say("\n".join(lines))


def _discard(stream: TextIO) -> None:
    """Let what the stream still holds go nowhere, or Python complains about it at exit."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)
