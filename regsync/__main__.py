"""`python -m regsync` and the `regsync` command."""

from __future__ import annotations

import sys

from regsync import __version__

_USAGE = """\
usage: regsync --version

The commands are being built, one release at a time: see CHANGELOG.md for what is there.
"""


def main(arguments: list[str] | None = None) -> int:
    """Answer the command line; returns the exit code (0 done, 2 usage)."""
    given = sys.argv[1:] if arguments is None else arguments
    if given == ["--version"]:
        print(f"regsync {__version__}")
        return 0
    if given in (["--help"], ["-h"]):
        print(_USAGE, end="")
        return 0
    print(_USAGE, end="", file=sys.stderr)
    return 2


if __name__ == "__main__":
    raise SystemExit(main())
