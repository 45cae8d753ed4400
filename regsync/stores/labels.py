"""What the labels of a container tell of who started it, and so who can start it anew.

Docker compose writes `com.docker.compose.*` (compose `pkg/api/labels.go`), podman-compose those and
`io.podman.compose.*`, and a systemd unit that runs podman `PODMAN_SYSTEMD_UNIT`, which
`podman auto-update` rests on too. Labels may come from the image, so from anybody: what is no
project, service, unit or path is left out, and nothing that is left reads as an option.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from regsync.stores.base import Starter

_COMPOSE = "com.docker.compose"
_PODMAN_COMPOSE = "io.podman.compose"
_UNIT = "PODMAN_SYSTEMD_UNIT"

# Compose-spec `04-version-and-name.md` and `05-services.md`; systemd.unit(5).
_PROJECT = re.compile(r"[a-z0-9][a-z0-9_-]*")
_SERVICE = re.compile(r"[a-zA-Z0-9_.][a-zA-Z0-9_.-]*")
_UNIT_NAME = re.compile(r"[a-zA-Z0-9:_.@][a-zA-Z0-9:_.@\\-]*\.service")


def read_starter(labels: Mapping[str, object]) -> Starter:
    """What started a container, from its labels."""

    def text(*names: str) -> str:
        found = (labels.get(name) for name in names)
        return next((value for value in found if isinstance(value, str) and value), "")

    by_podman = bool(text(f"{_PODMAN_COMPOSE}.project"))
    folder = _path(text(f"{_COMPOSE}.project.working_dir"))
    return Starter(
        project=_matching(_PROJECT, text(f"{_COMPOSE}.project", f"{_PODMAN_COMPOSE}.project")),
        service=_matching(_SERVICE, text(f"{_COMPOSE}.service", f"{_PODMAN_COMPOSE}.service")),
        folder=folder,
        files=_files(text(f"{_COMPOSE}.project.config_files"), folder),
        podman_compose=by_podman,
        one_off=text(f"{_COMPOSE}.oneoff").lower() == "true",
        # podman-compose names a unit that it has not made.
        unit="" if by_podman else _matching(_UNIT_NAME, text(_UNIT)),
    )


def _matching(form: re.Pattern[str], text: str) -> str:
    return text if form.fullmatch(text) else ""


def _path(text: str) -> str:
    return text if text.startswith("/") and text.isprintable() else ""


def _files(text: str, folder: str) -> tuple[str, ...]:
    """The compose files as absolute paths; none where one of them cannot be told.

    podman-compose writes them as they were typed, relative to the project's folder; `-` was the
    standard input. A comma in a path cannot be told from one between two.
    """
    if not text:
        return ()
    found = []
    for part in text.split(","):
        if part.startswith("-"):
            return ()
        path = _path(str(PurePosixPath(folder or ".", part)))
        if not path:
            return ()
        found.append(path)
    return tuple(found)
