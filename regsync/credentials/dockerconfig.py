"""Where docker and the containers tools keep their files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def path(env: Mapping[str, str]) -> Path | None:
    """docker's `config.json`; None without DOCKER_CONFIG and HOME."""
    if folder := env.get("DOCKER_CONFIG"):
        return Path(folder) / "config.json"
    home = _home(env)
    return home / ".docker" / "config.json" if home else None


def containers(env: Mapping[str, str]) -> tuple[Path, ...]:
    """Where podman, skopeo and buildah keep logins, in their order (containers-auth.json(5))."""
    home, own = _home(env), env.get("XDG_CONFIG_HOME")
    folders = (
        Path(run) if (run := env.get("XDG_RUNTIME_DIR")) else None,
        Path(own) if own else (home / ".config" if home else None),
    )
    return tuple(folder / "containers" / "auth.json" for folder in folders if folder is not None)


def _home(env: Mapping[str, str]) -> Path | None:
    home = env.get("HOME") or env.get("USERPROFILE")
    return Path(home) if home else None
