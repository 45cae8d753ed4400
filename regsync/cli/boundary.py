"""Where every command ends: failures become messages and exit codes, and no traceback is left."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import NoReturn

import typer

from regsync.cli.envelope import Failure, envelope
from regsync.cli.running import Stopped, stoppable
from regsync.cli.terminal import open_streams, safe, say, show_error, write
from regsync.cli.usage import Glance, is_group, understood
from regsync.errors import OutputFailed, RegsyncError


class Unexpected(RegsyncError):
    """A fault of regsync itself."""

    code = "unexpected"


def guarded(command: Callable[[], int], arguments: Sequence[str], commands: Sequence[str]) -> int:
    """Run a command; returns its exit code.

    A signal ends the process from here: threads that wait for a silent engine would keep it.
    """
    open_streams()
    glance = Glance.at(arguments)
    with stoppable():
        try:
            return _answered(command, arguments, commands, glance)
        except Stopped as stopped:
            say("interrupted" if stopped.signum == signal.SIGINT else "terminated")
            _leave(stopped.exit_code)


def _answered(
    command: Callable[[], int], arguments: Sequence[str], commands: Sequence[str], glance: Glance
) -> int:
    error: RegsyncError
    try:
        return _with_help(command) if glance.help else command()
    except RegsyncError as failed:
        error = failed
    except typer.TyperException as misused:
        if not arguments or (len(arguments) == 1 and is_group(arguments[0], commands)):
            # `regsync` or a group of commands alone: the complaint is the help itself.
            say(str(misused))
            return 2
        error = understood(misused, arguments, commands)
    except Exception as failed:
        error = _unexpected(failed)
        _trace(failed, glance)
    show_error(error)
    if glance.nagios:
        return _to_a_monitor(error)
    if glance.json and not isinstance(error, OutputFailed):
        with contextlib.suppress(OutputFailed):
            write(envelope(glance.named(commands), error.exit_code, failures=[Failure.of(error)]))
    return error.exit_code


def _to_a_monitor(error: RegsyncError) -> int:
    """The one answer that a monitor understands, with its own exit code."""
    from regsync.cli.formats.nagios import State, failed

    if not isinstance(error, OutputFailed):
        with contextlib.suppress(OutputFailed):
            write(failed(error))
    return State.UNKNOWN.value


def _with_help(command: Callable[[], int]) -> int:
    """Run a command that may print its help, which typer writes without minding the stream."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        code = command()
    if printed.getvalue():
        write(printed.getvalue().rstrip("\n"))
    return code


def _unexpected(error: Exception) -> RegsyncError:
    return Unexpected(
        "regsync failed",
        f"{type(error).__name__}: {error}",
        "this is a fault of regsync: please report what `-v` prints in addition",
    )


def _trace(error: Exception, glance: Glance) -> None:
    if glance.verbose:
        for line in "".join(traceback.format_exception(error)).splitlines():
            say(safe(line))


def _leave(code: int) -> NoReturn:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    os._exit(code)
