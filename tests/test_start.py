"""The command's first milliseconds."""

from __future__ import annotations

import subprocess
import sys

import pytest

from regsync import __version__

HEAVY = ("httpx", "docker", "keyring", "rich", "tabulate", "pydantic")


def loaded(*arguments: str) -> list[str]:
    """The heavy modules that a command line has imported when it ends."""
    code = (
        "import sys; from regsync.__main__ import main\n"
        f"main({list(arguments)!r})\n"
        f"print([name for name in {(*HEAVY, 'typer')!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy: list[str] = eval(done.stderr.splitlines()[-1])
    return heavy


def test_version_loads_nothing_heavy() -> None:
    assert loaded("--version") == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["-h"],
        ["--help"],
        ["status", "-h"],
        ["digest", "-h"],
        ["status", "--format", "xml"],
        # Parsed in full, then refused: a parameter alone must not load pydantic (typer 0.29 does).
        ["digest", "team/App", "--format", "json"],
        ["stat"],
        ["auth"],
        ["auth", "status", "-h"],
    ],
)
def test_help_and_mistakes_load_typer_alone(arguments: list[str]) -> None:
    assert loaded(*arguments) == ["typer"]


def test_version_as_a_process() -> None:
    command = [sys.executable, "-m", "regsync", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == (f"regsync {__version__}\n", "")
