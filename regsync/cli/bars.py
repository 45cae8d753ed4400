"""Progress on stderr: bars on a terminal, plain lines elsewhere, nothing when asked to be quiet."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from regsync.cli.board import Board, amount, part
from regsync.cli.lines import CheckLine, Lines
from regsync.cli.terminal import safe
from regsync.clock import Clock, SystemClock
from regsync.progress import Checked, Event, Listener, Note, silent

if TYPE_CHECKING:
    from rich.console import RenderableType

_ROOM_FOR_BARS = 32
_ROOM_FOR_PACE = 60
_AMOUNT_WIDTH, _PACE_WIDTH = 13, 16
_REFRESH_PER_SECOND = 8


@contextmanager
def listening(
    *,
    quiet: bool = False,
    stream: TextIO | None = None,
    env: Mapping[str, str] = os.environ,
    clock: Clock | None = None,
) -> Iterator[Listener]:
    """A listener for operations, fit for where stderr leads; ends what it drew in any case.

    Whether to animate is asked of the stream alone: `FORCE_COLOR` makes no terminal out of a pipe.

    Args:
        quiet: Whether `--quiet` was given.
        stream: Stderr if None.
        env: `NO_COLOR` and `TERM` are read.
        clock: Time, for tests.
    """
    where, time = stream or sys.stderr, clock or SystemClock()
    if quiet:
        yield silent
    elif not where.isatty() or env.get("TERM") == "dumb":
        yield Lines(where, time)
    else:
        screen = Screen(where, time, colour=not env.get("NO_COLOR"))
        try:
            yield screen
        finally:
            screen.end()


class Screen:
    """A terminal: a line while answers are awaited, bars while blobs are on their way."""

    def __init__(self, stream: TextIO, clock: Clock, *, colour: bool = True) -> None:
        self._stream, self._clock, self._colour = stream, clock, colour
        self._line = CheckLine(stream, clock)
        self._bars: Bars | None = None

    def __call__(self, event: Event) -> None:
        """Show one event."""
        if isinstance(event, Note):
            (self._bars or self._line).say(f"note: {event.text}")
        elif isinstance(event, Checked):
            self._line.take(event)
        else:
            if self._bars is None:
                self._line.end()
                self._bars = Bars(self._stream, self._clock, colour=self._colour)
            self._bars.board.take(event)

    def end(self) -> None:
        """Leave the terminal as it was found, cursor included."""
        self._line.end()
        if self._bars is not None:
            self._bars.end()


class Bars:
    """One row a blob while they fit, else those that move; a row for all of them; then nothing."""

    def __init__(self, stream: TextIO, clock: Clock, *, colour: bool = True) -> None:
        from rich.console import Console
        from rich.live import Live

        self.board = Board()
        self._clock = clock
        self._console = Console(
            file=stream, force_terminal=True, no_color=not colour, highlight=False, markup=False
        )
        # Whatever else is printed is ours too, and is printed through `say`.
        self._live = Live(
            get_renderable=self._render,
            console=self._console,
            refresh_per_second=_REFRESH_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )
        self._live.start()

    def say(self, text: str) -> None:
        """A line that stays, above the bars."""
        self._console.print(safe(text), soft_wrap=True)

    def end(self) -> None:
        """Erase the bars and show the cursor again."""
        self._live.stop()

    def _render(self) -> RenderableType:
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        columns, lines = self._console.size
        with_bars, with_pace = columns >= _ROOM_FOR_BARS, columns >= _ROOM_FOR_PACE
        table = Table.grid(padding=(0, 1, 0, 0), expand=with_bars)
        table.add_column(no_wrap=True, min_width=12)
        if with_bars:
            table.add_column(ratio=1)
        # Columns that keep their width: a bar that grows and shrinks with a number flickers.
        table.add_column(no_wrap=True, min_width=_AMOUNT_WIDTH, justify="right")
        if with_pace:
            table.add_column(no_wrap=True, min_width=_PACE_WIDTH)

        def add(label: str, current: int, total: int, words: str, pace: str) -> None:
            cells: list[RenderableType] = [label]
            if with_bars:
                cells.append(
                    ProgressBar(
                        total=max(total, 1),
                        completed=current if total else 1,
                        complete_style="cyan",
                        finished_style="green",
                    )
                )
            cells.append(words)
            if with_pace:
                cells.append(pace)
            table.add_row(*cells)

        board = self.board
        # A row for the total, and one that a terminal needs to stay free of scrolling.
        for blob in board.rows(lines - 2):
            add(blob.id, blob.current, blob.total, amount(blob), "")
        add(
            f"{board.finished}/{board.count} layers",
            board.current,
            board.total,
            part(board.current, board.total),
            board.pace(self._clock.monotonic()),
        )
        return table
