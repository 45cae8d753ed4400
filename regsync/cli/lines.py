"""Progress without bars: lines for a log, and one line of a terminal that goes away again."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TextIO

from regsync.cli.board import Board, amount, part
from regsync.cli.terminal import safe
from regsync.cli.units import size
from regsync.clock import Clock
from regsync.progress import Checked, Event, Note

HEARTBEAT_S = 10.0
"""Seconds after which a log shows that work goes on."""
PATIENCE_S = 0.3
"""Seconds that a terminal stays as it is: what ends sooner needs no progress."""
_REDRAW_S = 0.1
_ERASE = "\r\x1b[K"


class Lines:
    """One line for each finished blob, and a heartbeat: for logs, pipes and dumb terminals."""

    def __init__(self, stream: TextIO, clock: Clock) -> None:
        self._stream, self._clock = stream, clock
        self._board = Board()
        self._last = clock.monotonic()

    def __call__(self, event: Event) -> None:
        """Tell one event."""
        if isinstance(event, Note):
            self._say(f"note: {event.text}")
        elif isinstance(event, Checked):
            self._beat(f"checked {event.done} of {event.total}")
        elif self._board.take(event):
            what = "already here" if event.state == "exists" else "done"
            self._say(f"{event.id}  {size(event.total)}  {what}")
        elif event.state == "retrying":
            self._say(f"{event.id}  {amount(event)}")
        else:
            board = self._board
            done = f"{board.finished} of {board.count} layers"
            self._beat(f"{done}, {part(board.current, board.total)}")

    def _beat(self, text: str) -> None:
        if self._clock.monotonic() - self._last >= HEARTBEAT_S:
            self._say(text)

    def _say(self, text: str) -> None:
        self._last = self._clock.monotonic()
        put(self._stream, safe(text) + "\n")


class CheckLine:
    """`checking 12/50 …`: one line of a terminal that is drawn late, and erased at the end."""

    def __init__(self, stream: TextIO, clock: Clock, patience_s: float = PATIENCE_S) -> None:
        self._stream, self._clock = stream, clock
        self._lock = threading.Lock()
        self._text = "checking …"
        self._shown = self._ended = False
        self._drawn_at = 0.0
        # A timer, since a registry that keeps silent sends no event to draw at.
        self._timer = threading.Timer(patience_s, self._appear)
        self._timer.daemon = True
        self._timer.start()

    def take(self, event: Checked) -> None:
        """Note how far it is, and show it if it is time to."""
        with self._lock:
            self._text = f"checking {event.done}/{event.total} … {event.reference}"
            if self._shown and self._clock.monotonic() - self._drawn_at >= _REDRAW_S:
                self._draw()

    def say(self, text: str) -> None:
        """A line that stays, above the one that goes."""
        with self._lock:
            put(self._stream, (_ERASE if self._shown else "") + safe(text) + "\n")
            if self._shown:
                self._draw()

    def end(self) -> None:
        """Erase the line, or never draw it."""
        self._timer.cancel()
        with self._lock:
            if self._shown:
                put(self._stream, _ERASE)
            self._shown, self._ended = False, True

    def _appear(self) -> None:
        with self._lock:
            if not self._ended:
                self._shown = True
                self._draw()

    def _draw(self) -> None:
        self._drawn_at = self._clock.monotonic()
        # The last column stays free: some terminals wrap when it is written.
        room = max(width(self._stream) - 1, 0)
        text = safe(self._text)
        put(self._stream, _ERASE + (text if len(text) <= room else text[: room - 1] + "…"))


def width(stream: TextIO) -> int:
    """Columns of the terminal behind a stream; 80 where it does not tell."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def put(stream: TextIO, text: str) -> None:
    """Write at once; progress that cannot be written is no reason to fail."""
    encoding = stream.encoding or "utf-8"
    with contextlib.suppress(OSError, ValueError):
        stream.write(text.encode(encoding, "replace").decode(encoding))
        stream.flush()
