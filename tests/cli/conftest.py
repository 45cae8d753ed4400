"""What every command of these tests has: memory and cache of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from checkout import COMPOSE, Checkout

from mock_registry import MockRegistry, seed


@pytest.fixture(autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    folder: Path = tmp_path_factory.mktemp("regsync")
    monkeypatch.setenv("REGSYNC_STATE_DIR", str(folder / "state"))
    monkeypatch.setenv("REGSYNC_CACHE_DIR", str(folder / "cache"))


@pytest.fixture
def checkout(tmp_path: Path, mock_registry: MockRegistry) -> Checkout:
    for tag in ("1.27.3", "1.27.4", "2.0.0"):
        mock_registry.put("team/web", seed.image(layers=(tag,)), tag)
    mock_registry.put("team/app", seed.image(layers=("app",)), "1")
    found = Checkout(tmp_path, mock_registry)
    found.write("compose.yaml", COMPOSE)
    return found
