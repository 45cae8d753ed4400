"""`python -m regsync` and the `regsync` command."""

from __future__ import annotations

import sys

from regsync import __version__


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
    raise SystemExit(main())
