"""Write the pages of the reference that come from the program itself.

python docs/generate.py            write them
python docs/generate.py --check    exit 1 if a page is out of date
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import redirect_stdout
from pathlib import Path

PAGE = Path(__file__).parent / "reference" / "cli.md"
COLUMNS = 80

HEAD = """\
# Command line

Written by `python docs/generate.py` from the program's own help; a test keeps it up to date.
Options follow the command. See [exit codes](exit-codes.md), and [JSON output](json.md) for what
`--format json` prints.
"""


def page() -> str:
    """The whole page."""
    from regsync.cli.app import COMMANDS

    sections = [HEAD, _section("regsync", [])]
    sections += [_section(f"regsync {name}", name.split()) for name in COMMANDS]
    return "\n".join(sections)


def _section(title: str, command: list[str]) -> str:
    from regsync.__main__ import main

    printed = io.StringIO()
    with redirect_stdout(printed):
        main([*command, "--help"])
    lines = "\n".join(line.rstrip() for line in printed.getvalue().strip().splitlines())
    return f"## `{title}`\n\n```text\n{lines}\n```\n"


def run(arguments: list[str]) -> int:
    """Write the page or check it; returns the exit code."""
    # The help is as wide as the terminal; the page must not depend on who writes it.
    os.environ["COLUMNS"] = str(COLUMNS)
    text = page()
    if arguments == ["--check"]:
        return 0 if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text else 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(run(sys.argv[1:]))
