"""`python -m regsync` and the `regsync` command."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import NoReturn

from regsync import __version__


def process() -> NoReturn:
    """Answer the command line and end, without waiting for threads.

    A resolver that hangs, or an engine that keeps silent, is waited for by a thread that nobody
    needs any more; the interpreter would join it, and takes 40 ms for its own end besides.
    """
    code = main()
    for stream in (sys.stdout, sys.stderr):
        # What cannot be written was told already, and a stream may have been closed by its reader.
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)


def main(arguments: list[str] | None = None) -> int:
    """Answer the command line; returns the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        # Before anything heavy is imported: scripts ask for it often.
        if given == ["--version"] and _told(f"regsync {__version__}"):
            return 0
        from regsync.cli.app import run

        return run(given)
    except KeyboardInterrupt:
        # `run` listens itself; this is for the imports before it, which take long enough.
        return 130


def _told(line: str) -> bool:
    try:
        print(line, flush=True)
    except OSError:
        # `run` tells it again, and knows what to say of a stream that fails.
        return False
    return True


if __name__ == "__main__":
    process()
