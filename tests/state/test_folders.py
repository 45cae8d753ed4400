"""Where memory and cache are, for users with and without a home."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from regsync.state import folders

# All is imported first: the user without privileges may not reach the interpreter's own files.
CODE = """
import os, pwd
from regsync.state.folders import cache_folder, state_folder
if {drop} and os.geteuid() == 0:
    os.setgroups([])
    os.setgid({uid})
    os.setuid({uid})
print(state_folder(), cache_folder())
"""
NOBODY = 54_321
"""A user ID without an entry in passwd, as containers are often started with."""


def places(folder: Path, *, drop: bool = False, **env: str) -> list[str]:
    command = [sys.executable, "-B", "-c", CODE.format(drop=drop, uid=NOBODY)]
    path = {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        command, env=path | env, cwd=folder, capture_output=True, text=True, check=True
    )
    assert os.listdir(folder) == []
    return done.stdout.split()


@pytest.mark.skipif(sys.platform != "linux", reason="the XDG folders are Linux's")
def test_the_usual_folders(tmp_path: Path) -> None:
    assert places(tmp_path, HOME="/home/me") == [
        "/home/me/.local/state/regsync",
        "/home/me/.cache/regsync",
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="the XDG folders are Linux's")
def test_xdg_folders(tmp_path: Path) -> None:
    env = {"HOME": "/home/me", "XDG_STATE_HOME": "/s", "XDG_CACHE_HOME": "/c"}
    assert places(tmp_path, **env) == ["/s/regsync", "/c/regsync"]


def test_our_own_variables_come_first(tmp_path: Path) -> None:
    env = {"HOME": "/home/me", "XDG_STATE_HOME": "/s", "XDG_CACHE_HOME": "/c"}
    env |= {"REGSYNC_STATE_DIR": "/state", "REGSYNC_CACHE_DIR": "/cache"}
    assert places(tmp_path, **env) == ["/state", "/cache"]


def test_never_below_the_current_folder(tmp_path: Path) -> None:
    env = {"HOME": "/home/me", "REGSYNC_STATE_DIR": "state", "REGSYNC_CACHE_DIR": "./cache"}
    assert places(tmp_path, **env) == ["None", "None"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become a user without a name")
def test_a_user_without_name_and_home(open_folder: Path) -> None:
    assert places(open_folder, drop=True) == ["None", "None"]
    assert places(open_folder, drop=True, REGSYNC_STATE_DIR="/state") == ["/state", "None"]


def test_a_user_with_a_name_and_no_home_variable(tmp_path: Path) -> None:
    for place in places(tmp_path):
        assert place == "None" or Path(place).is_absolute()


def test_what_is_created_is_private(tmp_path: Path) -> None:
    folders.make_private(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def test_what_exists_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir(mode=0o755)
    before = (tmp_path / "a").stat().st_mode
    folders.make_private(tmp_path / "a")
    assert (tmp_path / "a").stat().st_mode == before
