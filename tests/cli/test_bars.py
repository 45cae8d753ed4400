"""Progress: what is drawn where, and that nothing of it is left behind."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
from pathlib import Path

import pytest
from wire import FakeClock

from mock_registry import Fault, MockRegistry, seed
from regsync.cli.bars import listening
from regsync.cli.board import Board, amount, duration, part
from regsync.cli.lines import CheckLine, Lines
from regsync.progress import Checked, Note, State, Transfer

MEGA = 1_000_000


def transfer(number: int, state: State, current: int = 0, total: int = 10 * MEGA) -> Transfer:
    return Transfer(f"{number:012x}", state, current, total)


class Tty(io.StringIO):
    """A stream that says it is a terminal; what `listening` asks for."""

    def isatty(self) -> bool:
        return True


def test_quiet_says_nothing() -> None:
    stream = Tty()
    with listening(quiet=True, stream=stream, env={}, clock=FakeClock()) as tell:
        tell(Note("x"))
        tell(transfer(1, "done"))
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    ("stream", "env"), [(io.StringIO, {"FORCE_COLOR": "1"}), (Tty, {"TERM": "dumb"})]
)
def test_no_terminal_no_bars(stream: type[io.StringIO], env: dict[str, str]) -> None:
    written = stream()
    with listening(stream=written, env=env, clock=FakeClock()) as tell:
        for state in ("waiting", "downloading", "verifying", "done", "done"):
            tell(transfer(1, state, 10 * MEGA))  # type: ignore[arg-type]
        tell(transfer(2, "exists", 10 * MEGA))
        tell(Note("a\x1b[31mb"))
        tell(Checked(1, 2, "node"))
    assert written.getvalue() == (
        "000000000001  10 MB  done\n000000000002  10 MB  already here\nnote: a\\x1b[31mb\n"
    )


def test_a_heartbeat_while_nothing_ends() -> None:
    stream, clock = io.StringIO(), FakeClock()
    lines = Lines(stream, clock)
    for second in range(25):
        clock.elapsed = second
        lines(transfer(1, "downloading", second * MEGA, 300 * MEGA))
    clock.elapsed = 40
    lines(Checked(12, 50, "node"))
    assert stream.getvalue().splitlines() == [
        "0 of 1 layers, 10/300 MB",
        "0 of 1 layers, 20/300 MB",
        "checked 12 of 50",
    ]


def test_progress_that_cannot_be_written_fails_nothing() -> None:
    read, write = os.pipe()
    os.close(read)
    with open(write, "w", encoding="ascii") as stream:
        Lines(stream, FakeClock())(Note("ü"))
        # What the buffer still holds would be written once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def test_the_line_that_is_drawn_late_and_erased() -> None:
    stream, appeared = Tty(), threading.Event()

    class Noticing(CheckLine):
        def _appear(self) -> None:
            super()._appear()
            appeared.set()

    line = Noticing(stream, FakeClock(), patience_s=0.0)
    assert appeared.wait(20)
    assert stream.getvalue() == "\r\x1b[Kchecking …"
    line.say("note: x")
    assert stream.getvalue().endswith("\r\x1b[Knote: x\n\r\x1b[Kchecking …")
    line.end()
    assert stream.getvalue().endswith("\r\x1b[K")


def test_what_ends_soon_draws_nothing() -> None:
    stream = Tty()
    line = CheckLine(stream, FakeClock(), patience_s=3600.0)
    line.take(Checked(50, 50, "node"))
    line.end()
    assert stream.getvalue() == ""


def test_rows_that_do_not_fit_collapse_to_what_moves() -> None:
    board = Board()
    for number in range(30):
        board.take(transfer(number, "waiting"))
    board.take(transfer(3, "done", 10 * MEGA))
    board.take(transfer(4, "exists", 10 * MEGA))
    for number in (5, 6, 7):
        board.take(transfer(number, "downloading", MEGA))
    assert len(board.rows(30)) == 30
    assert [row.id[-1] for row in board.rows(8)] == ["5", "6", "7"]
    assert len(board.rows(2)) == 2
    assert board.rows(-1) == []
    assert (board.count, board.finished) == (30, 2)
    assert (board.current, board.total) == (13 * MEGA, 290 * MEGA)


def test_rate_looks_at_the_last_seconds_and_survives_going_back() -> None:
    board = Board()
    board.take(transfer(1, "downloading", 0, 100 * MEGA))
    assert board.pace(0.0) == ""
    board.take(transfer(1, "downloading", 20 * MEGA, 100 * MEGA))
    assert board.pace(2.0) == "10 MB/s  8 s"
    board.take(transfer(1, "downloading", 0, 100 * MEGA))
    assert board.pace(3.0) == ""
    assert board.rate(100.0) == 0.0


def test_amounts() -> None:
    assert part(31 * MEGA, 41 * MEGA) == "31/41 MB"
    assert part(800_000, 41 * MEGA) == "800 kB/41 MB"
    assert part(0, 0) == "0/0 B"
    assert amount(transfer(1, "exists")) == "already here"
    assert amount(transfer(1, "done")) == "10 MB"
    assert [duration(seconds) for seconds in (9, 240, 10_800)] == ["9 s", "4 min", "3 h"]


FEED = """
import os, sys
from regsync.cli.bars import listening
from regsync.progress import Checked, Note, Transfer
count = int(sys.argv[1])
with listening() as tell:
    tell(Checked(1, 50, "node"))
    for number in range(count):
        tell(Transfer(f"{number:012x}", "waiting", 0, 10**8))
    for step in range(1, 41):
        for number in range(step // 8 * 2, step // 8 * 2 + 4):
            tell(Transfer(f"{number:012x}", "downloading", step * 10**6, 10**8))
        if step == 20:
            tell(Note("halfway \\x1b[31m"))
        tell._bars._live.refresh()
print("the end")
"""

COLOUR = re.compile(r"\x1b\[(?:[0-9]+;)*(?:3[0-8]|9[0-7])[;m]")
CSI = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def on_terminal(
    command: list[str],
    columns: int,
    rows: int,
    *,
    env: dict[str, str] | None = None,
    stop_at: str | None = None,
) -> tuple[int, str]:
    """Run a command whose three streams are one terminal; its exit code and all it wrote.

    Once it has written `stop_at`, it gets what Ctrl-C would send.
    """
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    clean = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
    with subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, env=clean | (env or {"TERM": "xterm"})
    ) as process:
        os.close(slave)
        written = b""
        while True:
            try:
                data = os.read(master, 65536)
            except OSError:
                break
            if not data:
                break
            written += data
            if stop_at is not None and stop_at.encode() in written:
                process.send_signal(signal.SIGINT)
                stop_at = None
    os.close(master)
    return process.returncode, written.decode()


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (40, 10), (25, 5), (120, 3)])
def test_bars_never_wrap_nor_scroll(columns: int, rows: int) -> None:
    code, written = on_terminal([sys.executable, "-c", FEED, "30"], columns, rows)
    assert code == 0, written
    for line in re.split(r"[\r\n]+", CSI.sub("", written)):
        assert len(line) <= columns, line
    # More steps up than there are rows, and old bars would stay behind.
    ups = re.findall(r"(?:\x1b\[1A(?:\x1b\[2K)?)+", written)
    assert ups
    assert max(up.count("\x1b[1A") for up in ups) < rows
    assert "note: halfway \\x1b[31m" in CSI.sub("", written)
    assert written.rstrip().endswith("the end")
    assert written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l")


def test_no_color() -> None:
    env = {"TERM": "xterm-256color", "NO_COLOR": "1"}
    _, written = on_terminal([sys.executable, "-c", FEED, "6"], 80, 24, env=env)
    assert not COLOUR.search(written)
    _, written = on_terminal([sys.executable, "-c", FEED, "6"], 80, 24)
    assert COLOUR.search(written)


def test_a_stopped_pull_gives_the_cursor_back(mock_registry: MockRegistry, tmp_path: Path) -> None:
    made = seed.image("linux/amd64", ["stays away"])
    mock_registry.put("team/app", made, "1")
    mock_registry.faults.add(Fault("/blobs/", stall=10, skip=1))
    name, store = f"{mock_registry.host}/team/app:1", f"oci:{tmp_path}"
    command = [sys.executable, "-m", "regsync", "pull", name, "--store", store]
    command += ["--platform", "linux/amd64"]
    code, written = on_terminal(command, 80, 24, stop_at="0/1 layers")
    assert code == 128 + signal.SIGINT
    assert written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l")
    assert written.rstrip().endswith("interrupted")
