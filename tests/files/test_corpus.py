"""A corpus of files as people write them, and as nobody should: every row they have is checked.

`expected.txt` says for each case what it names, `LINE NAME TEXT [= what it means]` below the file,
what cannot be told, behind a `!`, and what may be no image at all, behind a `?`.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from regsync.files.gather import Gathered, gather

CORPUS = Path(__file__).parent / "corpus"
EXPECTED = (CORPUS / "expected.txt").read_text(encoding="utf-8")
ENV = {"FROM_ENV": "env", "EMPTY": ""}
CASES = sorted(
    case.relative_to(CORPUS).as_posix()
    for group in ("compose", "dockerfile", "kubernetes", "hostile")
    for case in (CORPUS / group).iterdir()
)


def told(gathered: Gathered) -> list[str]:
    """What was found, in the lines of the table."""
    lines, path = [], ""
    for mention in gathered.mentions:
        place = mention.place
        if place.path != path:
            path = place.path
            lines.append(path)
        filled = f" = {mention.text}" if mention.text != place.text else ""
        lines.append(f"  {place.line} {place.name} | {place.text}{filled}")
    lines += [f"  ! {failure}" for failure in gathered.failures]
    lines += [f"  ? {place} {place.name} | {place.text}" for place in gathered.passed]
    # So that the table can be looked at in a terminal.
    return [line.replace("\x1b", "\\x1b") for line in lines]


def expected(case: str) -> list[str]:
    """The lines of a case."""
    found = re.search(rf"^== {re.escape(case)}\n((?:.+\n)*)", EXPECTED, re.MULTILINE)
    assert found is not None, f"{case} is not in the table"
    return found[1].splitlines()


@pytest.mark.parametrize("case", CASES)
def test_every_row(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CORPUS)
    assert told(gather([case], ENV)) == expected(case)


def test_the_table_has_every_case_and_the_corpus_its_size() -> None:
    assert re.findall(r"^== (.*)$", EXPECTED, re.MULTILINE) == CASES
    assert len(CASES) >= 34


def test_nothing_of_the_corpus_was_executed() -> None:
    gather([str(CORPUS / "hostile")], ENV)
    assert not Path("/tmp/regsync-was-here").exists()
