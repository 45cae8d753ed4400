"""A machine for each test; the process's own home is somewhere else."""

from __future__ import annotations

from pathlib import Path

import pytest
from logins import Machine


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    # platformdirs reads the process's own environment.
    for name in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, made.env[name])
    return made
