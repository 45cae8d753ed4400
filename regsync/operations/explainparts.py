"""The smaller parts of an explanation, each a pure function of two documents."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from regsync.oci.imageconfig import ImageConfig
from regsync.oci.manifest import Index, Manifest
from regsync.operations.explanation import Change, PlatformMove, Told

TEXT_LIMIT = 4096
"""Characters of one value: a label may hold megabytes."""
_UNTOLD_BY_PODMAN = frozenset({"Shell", "Healthcheck", "OnBuild"})
_REVISION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._/+-]{0,199}")
_PATH_PART = re.compile(r"[0-9A-Za-z._-]+")


def told(
    key: str, config: ImageConfig | None, manifest: Manifest | None, index: Index | None
) -> Told | None:
    """What an image says under a key of the image-spec (`annotations.md`): label first.

    Older builders write labels, newer ones annotations of the manifest or of the index.
    """
    sources = (
        ("label", config.labels if config is not None else {}),
        ("manifest annotation", manifest.annotations if manifest is not None else {}),
        ("index annotation", index.annotations if index is not None else {}),
    )
    for source, values in sources:
        if value := values.get(key, ""):
            return Told(value[:TEXT_LIMIT], source)
    return None


def changes(ours: ImageConfig, theirs: ImageConfig, *, podman: bool = False) -> tuple[Change, ...]:
    """The settings that differ, in the order of the image-spec's own list.

    Args:
        podman: Whether `ours` is as Podman tells it, which leaves some settings out.
    """
    found = []
    for field, (setting, read) in _SETTINGS.items():
        if podman and field in _UNTOLD_BY_PODMAN:
            continue
        old, new = read(ours.settings.get(field)), read(theirs.settings.get(field))
        for name in (*old, *(name for name in new if name not in old)):
            if old.get(name) != new.get(name):
                found.append(Change(setting, name, old.get(name), new.get(name)))
    return tuple(found)


def platforms(old: Index, new: Index) -> tuple[PlatformMove, ...]:
    """What became of each platform, in the order of the newer index."""
    before, after = _by_platform(old), _by_platform(new)
    entries = {**after, **{name: entry for name, entry in before.items() if name not in after}}
    return tuple(
        PlatformMove(
            entry.platform,
            before[name].digest if name in before else None,
            after[name].digest if name in after else None,
        )
        for name, entry in entries.items()
        if entry.platform is not None
    )


def compare_url(source: str, old: str, new: str) -> str:
    """The page that compares two revisions, where the source is at GitHub or a GitLab; or empty.

    Args:
        source: `org.opencontainers.image.source`.
    """
    if old == new or not _REVISION.fullmatch(old) or not _REVISION.fullmatch(new):
        return ""
    try:
        parts = urlsplit(source)
        port = parts.port
    except ValueError:
        return ""
    host = (parts.hostname or "").lower()
    path = [part for part in parts.path.removesuffix("/").removesuffix(".git").split("/") if part]
    if parts.scheme != "https" or parts.username or port or not all(map(_is_plain, path)):
        return ""
    range_ = f"{quote(old, safe='')}...{quote(new, safe='')}"
    if host == "github.com" and len(path) >= 2:
        return f"https://github.com/{path[0]}/{path[1]}/compare/{range_}"
    if host.startswith("gitlab.") and host.isascii() and len(path) >= 2:
        project = path[: path.index("-")] if "-" in path else path
        return f"https://{host}/{'/'.join(project)}/-/compare/{range_}"
    return ""


def _is_plain(part: str) -> bool:
    return _PATH_PART.fullmatch(part) is not None and part not in (".", "..")


def _by_platform(index: Index) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for entry in index.images:
        if entry.platform is not None:
            found.setdefault(str(entry.platform), entry)
    return found


def _environment(value: object) -> dict[str, str]:
    found = {}
    for item in value if isinstance(value, list) else []:
        if isinstance(item, str):
            name, _, text = item.partition("=")
            found[name[:TEXT_LIMIT]] = text[:TEXT_LIMIT]
    return found


def _command(value: object) -> dict[str, str]:
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        return {"": shlex.join(value)[:TEXT_LIMIT]} if value else {}
    return _text(value)


def _keys(value: object) -> dict[str, str]:
    return {str(key)[:TEXT_LIMIT]: "" for key in value} if isinstance(value, dict) else {}


def _pairs(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    return {
        str(key)[:TEXT_LIMIT]: text[:TEXT_LIMIT]
        for key, text in value.items()
        if isinstance(text, str)
    }


def _text(value: object) -> dict[str, str]:
    if not value:
        return {}
    if isinstance(value, str):
        return {"": value[:TEXT_LIMIT]}
    return {"": json.dumps(value, sort_keys=True, default=str)[:TEXT_LIMIT]}


_Reader = Callable[[object], dict[str, str]]
_SETTINGS: Mapping[str, tuple[str, _Reader]] = {
    "User": ("user", _text),
    "ExposedPorts": ("port", _keys),
    "Env": ("environment", _environment),
    "Entrypoint": ("entrypoint", _command),
    "Cmd": ("command", _command),
    "Volumes": ("volume", _keys),
    "WorkingDir": ("working directory", _text),
    "Labels": ("label", _pairs),
    "StopSignal": ("stop signal", _text),
    "Shell": ("shell", _command),
    "Healthcheck": ("health check", _text),
    "OnBuild": ("on build", _command),
}
