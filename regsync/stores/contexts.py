"""Docker contexts (docker/cli `cli/context/store`) and the part of config.json that picks one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from regsync.credentials import dockerconfig
from regsync.errors import InvalidConfig, UsageError
from regsync.oci.strictjson import amount
from regsync.stores.endpoint import Endpoint, Tls

DEFAULT = "default"
"""The context that is none: DOCKER_HOST, or the usual socket."""

_SIZE_LIMIT = 4 * 1024 * 1024


def chosen(env: Mapping[str, str]) -> str:
    """The context that DOCKER_CONTEXT or config.json names.

    Raises:
        InvalidConfig: config.json cannot be read.
    """
    if name := env.get("DOCKER_CONTEXT"):
        return name
    file = dockerconfig.path(env)
    document = _read(file) if file is not None else None
    name = (document or {}).get("currentContext", "")
    if not isinstance(name, str):
        raise _broken(file, "`currentContext` is not a text")
    return name or DEFAULT


def find(name: str, env: Mapping[str, str]) -> Endpoint:
    """The engine of a context.

    Raises:
        UsageError: there is no such context; lists those there are.
        InvalidConfig: its file cannot be read, or names no engine.
    """
    folder = _folder(env)
    # The folder's name is a digest, so a context's name is never part of a path.
    key = hashlib.sha256(name.encode()).hexdigest()
    file = folder / "meta" / key / "meta.json" if folder is not None else None
    document = _read(file) if file is not None else None
    if folder is None or document is None:
        names = ", ".join(f"`{name}`" for name in [DEFAULT, *known(env)])
        raise UsageError(f"there is no docker context `{name[:100]}`", "", f"there are: {names}")
    endpoints = document.get("Endpoints")
    engine = endpoints.get("docker") if isinstance(endpoints, dict) else None
    if not isinstance(engine, dict) or not isinstance(host := engine.get("Host"), str) or not host:
        raise _broken(file, "it names no engine")
    verify = not engine.get("SkipTLSVerify")
    tls = read_tls(folder / "tls" / key / "docker", verify=verify)
    return Endpoint.parse(host, tls if tls or verify else Tls(verify=False))


def known(env: Mapping[str, str]) -> list[str]:
    """The names of all contexts that can be read, sorted."""
    folder = _folder(env)
    found: list[str] = []
    for file in sorted(folder.glob("meta/*/meta.json")) if folder is not None else []:
        try:
            name = (_read(file) or {}).get("Name")
        except InvalidConfig:
            continue
        if isinstance(name, str):
            found.append(name)
    return sorted(found)


def read_tls(folder: Path, *, verify: bool = True) -> Tls | None:
    """The certificates of a folder, `ca.pem`, `cert.pem` and `key.pem`; None without any."""
    ca, cert, key = (folder / name for name in ("ca.pem", "cert.pem", "key.pem"))
    pair = (str(cert), str(key)) if cert.exists() or key.exists() else None
    if pair is None and not ca.exists():
        return None
    return Tls(ca=str(ca) if ca.exists() else None, pair=pair, verify=verify)


def _folder(env: Mapping[str, str]) -> Path | None:
    file = dockerconfig.path(env)
    return file.parent / "contexts" if file is not None else None


def _read(file: Path) -> dict[str, Any] | None:
    """A JSON object; None where there is no file."""
    try:
        with file.open("rb") as stream:
            data = stream.read(_SIZE_LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _broken(file, (error.strerror or str(error)).lower()) from error
    if len(data) > _SIZE_LIMIT:
        raise _broken(file, f"larger than {amount(_SIZE_LIMIT)}")
    try:
        document = json.loads(data or b"{}")
    except (ValueError, RecursionError) as error:
        raise _broken(file, "it is not JSON") from error
    if not isinstance(document, dict):
        raise _broken(file, "it is not a JSON object")
    return document


def _broken(file: Path | None, why: str) -> InvalidConfig:
    return InvalidConfig(
        f"docker's configuration cannot be read: {file}",
        why,
        "mend the file, or point DOCKER_CONFIG elsewhere",
    )
