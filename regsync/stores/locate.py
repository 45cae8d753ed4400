"""Which store is meant: an option, the environment, a docker context, or the usual sockets."""

from __future__ import annotations

import importlib
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from regsync.errors import UsageError
from regsync.stores import contexts
from regsync.stores.base import Store
from regsync.stores.endpoint import Endpoint, Tls

_LAYOUT = "oci:"


def locate(
    *, store: str | None, host: str | None, context: str | None, env: Mapping[str, str]
) -> Store:
    """The store to read; nothing is connected yet.

    The order is docker's own, with Podman's variable and sockets fitted in: `--store`, `--host`,
    `--context`, DOCKER_HOST, CONTAINER_HOST, DOCKER_CONTEXT, `currentContext` of docker's
    config.json, then the first of the usual sockets at which something listens.

    Args:
        store: `oci:DIR`, a folder instead of an engine.
        host: An engine's address, see `Endpoint`.
        context: A docker context's name; `default` is none.

    Raises:
        UsageError: options that exclude each other, an address or a context that has no meaning.
        InvalidConfig: docker's configuration cannot be read.
    """
    given = [("--store", store), ("--host", host), ("--context", context)]
    options = [option for option, value in given if value is not None]
    if len(options) > 1:
        raise UsageError(
            f"`{options[0]}` and `{options[1]}` exclude each other", "give one of them"
        )
    if store is not None:
        return _layout(store)
    # The SDK is imported only where an engine is asked.
    from regsync.stores.engine import EngineStore

    named = _named(host, context, env)
    if named is not None:
        return EngineStore(named[0], named_by=named[1])
    candidates = list(dict.fromkeys(usual(env)))
    found = [endpoint for endpoint in candidates if _is_there(endpoint)]
    if found:
        return EngineStore(found[0], tuple(found[1:]))
    searched = tuple(endpoint.path or str(endpoint) for endpoint in candidates)
    return EngineStore(candidates[0], searched=searched)


def usual(env: Mapping[str, str]) -> Iterator[Endpoint]:
    """Where engines listen when nobody says otherwise, most likely first."""
    if sys.platform == "win32":
        yield Endpoint("npipe:////./pipe/docker_engine")
        return
    home = env.get("HOME")
    runtime = env.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    paths = ["/var/run/docker.sock"]
    if home:
        # Docker Desktop, on macOS and on Linux.
        paths += [f"{home}/.docker/run/docker.sock", f"{home}/.docker/desktop/docker.sock"]
    paths += [f"{runtime}/docker.sock", f"{runtime}/podman/podman.sock", "/run/podman/podman.sock"]
    if sys.platform == "darwin":
        if home:
            paths.append(f"{home}/.local/share/containers/podman/machine/podman.sock")
        if folder := env.get("TMPDIR"):
            paths.append(f"{folder.rstrip('/')}/podman/podman-machine-default-api.sock")
    for path in paths:
        yield Endpoint(f"unix://{path}")


def _named(
    host: str | None, context: str | None, env: Mapping[str, str]
) -> tuple[Endpoint, str] | None:
    """The engine that somebody chose, and where."""
    if host is not None:
        return Endpoint.parse(host, _environment_tls(env)), "--host"
    if context is not None and context != contexts.DEFAULT:
        return contexts.find(context, env), "--context"
    if address := env.get("DOCKER_HOST"):
        return Endpoint.parse(address, _environment_tls(env)), "DOCKER_HOST"
    if address := env.get("CONTAINER_HOST"):
        return Endpoint.parse(address, program="podman"), "CONTAINER_HOST"
    name = context or contexts.chosen(env)
    if name == contexts.DEFAULT:
        return None
    return contexts.find(name, env), f"the docker context `{name}`"


def _environment_tls(env: Mapping[str, str]) -> Tls | None:
    """DOCKER_TLS_VERIFY, DOCKER_TLS and DOCKER_CERT_PATH, as docker reads them: set is on."""
    verify = bool(env.get("DOCKER_TLS_VERIFY"))
    if not verify and not env.get("DOCKER_TLS"):
        return None
    folder = env.get("DOCKER_CERT_PATH")
    if not folder and (home := env.get("HOME")):
        folder = f"{home}/.docker"
    found = contexts.read_tls(Path(folder), verify=verify) if folder else None
    return found or Tls(verify=verify)


def _is_there(endpoint: Endpoint) -> bool:
    if endpoint.scheme != "unix":
        return True
    try:
        return stat.S_ISSOCK(os.stat(endpoint.path).st_mode)
    except PermissionError:
        return True  # its folder may not be entered: that is for the user to know
    except OSError:
        return False


def _layout(store: str) -> Store:
    folder = store.removeprefix(_LAYOUT)
    if folder == store or not folder:
        raise UsageError(
            f"`{store[:200]}` is not a store",
            "a store that is no engine is a folder, an OCI layout",
            "write `--store oci:DIR`, or name an engine with `--host`",
        )
    layout = importlib.import_module("regsync.stores.layout")
    found: Store = layout.LayoutStore(Path(folder))
    return found
