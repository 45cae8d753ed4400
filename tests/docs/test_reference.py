"""The reference pages say what the program does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from regsync import errors
from regsync.cli.app import COMMANDS
from regsync.errors import RegsyncError

DOCS = Path(__file__).parents[2] / "docs"

# What a finished command exits with beside the errors' own codes, and the two signals.
OTHER_CODES = {0, 3, 8, 9, 10, 130, 143}


def classes(of: type[RegsyncError]) -> set[type[RegsyncError]]:
    return {of}.union(*(classes(one) for one in of.__subclasses__()))


def test_the_command_line_page_is_up_to_date() -> None:
    command = [sys.executable, str(DOCS / "generate.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode == 0, "run `python docs/generate.py`"
    page = (DOCS / "reference" / "cli.md").read_text(encoding="utf-8")
    assert re.findall(r"^## `regsync ?(.*)`$", page, re.MULTILINE) == ["", *COMMANDS]


def test_the_exit_codes_are_those_of_the_errors() -> None:
    page = (DOCS / "reference" / "exit-codes.md").read_text(encoding="utf-8")
    listed = [int(code) for code in re.findall(r"^\| ([0-9]+) \| ", page, re.MULTILINE)]
    real = {one.exit_code for one in classes(RegsyncError)} | OTHER_CODES
    assert listed == sorted(real)


def test_every_error_stands_in_the_tree_with_its_exit_code() -> None:
    assert errors.__doc__ is not None
    tree = dict(re.findall(r"(\w+)  +.*?(?:exit (\d))?$", errors.__doc__, re.MULTILINE))
    for one in classes(RegsyncError):
        if one.__module__ == errors.__name__:
            assert one.__name__ in tree
            code = tree[one.__name__]
            assert not code or int(code) == one.exit_code, one


def test_links_lead_somewhere() -> None:
    for page in DOCS.rglob("*.md"):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), (page.name, target)
