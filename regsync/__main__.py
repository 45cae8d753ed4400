"""`python -m regsync` and the `regsync` command."""

from __future__ import annotations

import sys

from regsync import __version__


def main(arguments: list[str] | None = None) -> int:
    """Answer the command line; returns the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    # Before anything heavy is imported: scripts ask for it often.
    if given == ["--version"]:
        print(f"regsync {__version__}")
        return 0
    from regsync.cli.app import run

    return run(given)


if __name__ == "__main__":
    raise SystemExit(main())
