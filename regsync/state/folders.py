"""Where regsync's own files are: never below the current folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import platformdirs

_NAME = "regsync"


def state_folder() -> Path | None:
    """The folder of what is remembered: `REGSYNC_STATE_DIR`, else the user's state folder.

    That is `regsync` in `XDG_STATE_HOME` or `~/.local/state` on Linux, and in
    `~/Library/Application Support` on macOS. None where it cannot be told.
    """
    return _folder("REGSYNC_STATE_DIR", platformdirs.user_state_dir)


def cache_folder() -> Path | None:
    """The folder of what can be fetched again: `REGSYNC_CACHE_DIR`, else the user's cache folder.

    That is `regsync` in `XDG_CACHE_HOME` or `~/.cache` on Linux, and in `~/Library/Caches` on
    macOS. None where it cannot be told.
    """
    return _folder("REGSYNC_CACHE_DIR", platformdirs.user_cache_dir)


def make_private(folder: Path) -> None:
    """Create a folder for this user alone, and what is missing above it.

    One that exists keeps its mode: who named it has chosen who may look in.

    Raises:
        OSError: it cannot be created, or something else is in its place.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _folder(variable: str, usual: Callable[..., str]) -> Path | None:
    chosen = os.environ.get(variable)
    try:
        path = Path(chosen or usual(_NAME, appauthor=False))
    except (RuntimeError, OSError):
        # A user without HOME and without an entry in passwd; older releases of platformdirs leave
        # the `~` in the path instead.
        return None
    # A relative path would scatter our files over the folders that regsync is started in, and read
    # what somebody has put there. The XDG specification rules it out too.
    return path if path.is_absolute() else None
