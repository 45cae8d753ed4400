"""What README and the tutorial show is what the program does."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from regsync.cli.app import COMMANDS

ROOT = Path(__file__).parents[2]
PAGES = {
    name: (ROOT / name).read_text(encoding="utf-8")
    for name in ("README.md", "docs/tutorial/first-steps.md")
}
TUTORIAL = PAGES["docs/tutorial/first-steps.md"]
TYPED = sorted(set(re.findall(r"^\$ (regsync .*)$", "\n".join(PAGES.values()), re.MULTILINE)))


def run(arguments: list[str], **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "regsync", *arguments],
        env={"COLUMNS": "200", **env},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def told() -> str:
    """What the tutorial's first command prints."""
    first = re.search(r"^\$ regsync (.*)$", TUTORIAL, re.MULTILINE)
    assert first is not None
    done = run(first[1].split())
    assert (first[1], done.returncode) == ("demo", 0)
    return done.stdout


def alike(text: str) -> str:
    """Without digests, which differ with the machine's platform."""
    return re.sub(r"\b[0-9a-f]{12,64}\b", "…", text)


@pytest.mark.parametrize("name", PAGES)
def test_the_status_that_is_shown_is_the_demos(name: str, told: str) -> None:
    shown = re.findall(r"^```\w+\n(\$ regsync status .*?\n)```$", PAGES[name], re.M | re.S)
    screens = [screen for screen in shown if "IMAGE" in screen]
    assert len(screens) == 1
    assert alike(screens[0]) in alike(told)


def test_the_tutorial_says_how_many_layers_are_here(told: str) -> None:
    assert "Three of the eight layers are here already" in TUTORIAL
    done = run(["demo"])
    lines = re.findall(r"(done|already here)$", done.stderr, re.MULTILINE)
    assert (lines.count("already here"), len(lines)) == (3, 8)


@pytest.mark.parametrize("line", TYPED)
def test_what_is_typed_can_be_typed(line: str) -> None:
    _, command, *words = shlex.split(line)
    assert command in COMMANDS
    options = run([command, "--help"]).stdout
    for word in words:
        if word.startswith("-"):
            assert re.search(rf"(^|\s){word}\b", options), word


def test_what_needs_no_registry_is_run(tmp_path: Path) -> None:
    # The engine's commands need one; what a script is told without it is written down too.
    for arguments in (["status"], ["status", "--exit-code", "--quiet"]):
        done = run(arguments, DOCKER_HOST=f"unix://{tmp_path}/none.sock")
        assert (done.returncode, done.stdout) == (1, "")


def test_both_commands_of_the_readme_stand_alone() -> None:
    lines = re.findall(r"^python3 .*$", PAGES["README.md"], re.MULTILINE)
    assert lines == [
        "python3 -m venv .venv && .venv/bin/pip install '.[mock]' && .venv/bin/regsync demo",
        "python3 -m venv .venv && .venv/bin/pip install -e '.[test]' && .venv/bin/pytest",
    ]
