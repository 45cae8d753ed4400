"""What every command of these tests has: memory and cache of its own."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    folder: Path = tmp_path_factory.mktemp("regsync")
    monkeypatch.setenv("REGSYNC_STATE_DIR", str(folder / "state"))
    monkeypatch.setenv("REGSYNC_CACHE_DIR", str(folder / "cache"))
