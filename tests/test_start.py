"""The command's first milliseconds."""

from __future__ import annotations

import subprocess
import sys

from regsync import __version__

HEAVY = ("httpx", "docker", "keyring", "rich", "tabulate", "pydantic", "typer")


def test_version_loads_nothing_heavy() -> None:
    code = (
        "import sys; from regsync.__main__ import main; main(['--version']);"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"regsync {__version__}", "[]"]


def test_unknown_words_are_a_usage_error() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "regsync", "no-such"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "No such command" in done.stderr
