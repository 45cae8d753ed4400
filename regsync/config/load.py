"""Finding and reading `regsync.toml`.

    --config FILE → REGSYNC_CONFIG → the user's configuration folder → nothing set

The first that is named is read, or is an error. The current folder is never looked at: a cloned
repository must not decide where passwords go.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from regsync.errors import InvalidConfig
from regsync.oci.reference import DOCKER_HUB
from regsync.oci.strictjson import amount
from regsync.settings import HostSettings, StatusSettings

FILE = "regsync.toml"
VARIABLE = "REGSYNC_CONFIG"
SIZE_LIMIT = 1024 * 1024
"""Bytes that a configuration file may have."""
_HUB_NAMES = frozenset({DOCKER_HUB, "index.docker.io", "registry-1.docker.io"})


@dataclass(frozen=True, slots=True)
class Config:
    """All that the user set.

    Attributes:
        source: The file it was read from; None where there is none.
        hosts: Settings by registry host, in lower case, Docker Hub as `docker.io`.
        status: Settings of `status`.
        jobs: Requests at once for every host, in place of what is set for it; from `--jobs`.
        keep_pulls: Pulls to keep of every host, in place of what is set for it; from
            `--keep-pulls`.
        usual_keep_pulls: Pulls to keep of hosts for which nothing is set.
    """

    source: Path | None = None
    hosts: Mapping[str, HostSettings] = field(default_factory=dict)
    status: StatusSettings = field(default_factory=StatusSettings)
    jobs: int | None = None
    keep_pulls: int | None = None
    usual_keep_pulls: int | None = None

    def settings(self, host: str) -> HostSettings:
        """What was set for a registry; all defaults where nothing was."""
        found = self.hosts.get(canonical(host), HostSettings())
        if self.jobs is not None:
            found = replace(found, jobs=self.jobs)
        for keep in (self.keep_pulls, found.keep_pulls, self.usual_keep_pulls):
            if keep is not None:
                return replace(found, keep_pulls=keep)
        return found


def canonical(host: str) -> str:
    """One name for each registry: hosts ignore case, and Docker Hub goes by several names."""
    lowered = host.lower()
    return DOCKER_HUB if lowered in _HUB_NAMES else lowered


def load(flag: Path | None, env: Mapping[str, str]) -> Config:
    """Read the configuration of one run.

    Args:
        flag: What `--config` names, or None.
        env: The environment.

    Raises:
        InvalidConfig: a file was named and is not there, or a file cannot be read or understood.
    """
    if flag is not None:
        return _read(flag, "--config names this file")
    if named := env.get(VARIABLE):
        return _read(Path(named), f"{VARIABLE} names this file")
    file = default_path(env)
    if file is None or not _is_there(file):
        return Config()
    return _read(file, None)


def default_path(env: Mapping[str, str]) -> Path | None:
    """The file in the user's configuration folder; None where the user has no home."""
    # Without HOME the password database would answer, and for daemons it names odd places.
    if not any(env.get(name) for name in ("HOME", "XDG_CONFIG_HOME", "APPDATA")):
        return None
    import platformdirs

    return Path(platformdirs.user_config_dir("regsync", appauthor=False)) / FILE


def _is_there(file: Path) -> bool:
    try:
        file.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        # There or not, it cannot be told; reading it gives the reason.
        return True
    return True


def _read(file: Path, hint: str | None) -> Config:
    what = f"cannot read `{file}`"
    try:
        with file.open("rb") as stream:
            data = stream.read(SIZE_LIMIT + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise InvalidConfig(what, (reason or str(error)).lower(), hint) from error
    if len(data) > SIZE_LIMIT:
        raise InvalidConfig(what, f"it is larger than {amount(SIZE_LIMIT)}", hint)
    try:
        document = tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InvalidConfig(what, "it is not UTF-8 text", hint) from error
    except (ValueError, RecursionError) as error:
        lines = data.count(b"\n") + 1
        reason = str(error).replace("at end of document", f"at line {lines}, the end of the file")
        raise InvalidConfig(what, f"it is not TOML: {reason}", hint) from error
    if not document:
        return Config(file)
    # pydantic costs more to import than all the rest: only where there is something to check.
    from regsync.config.model import read

    hosts, status = read(document, file)
    return Config(file, {canonical(host): entry for host, entry in hosts.items()}, status)
