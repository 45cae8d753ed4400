"""What can be told of this machine without asking any registry."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from regsync.config.load import Config, default_path
from regsync.credentials.environment import without_ours
from regsync.credentials.programs import ProgramFailed, Programs
from regsync.errors import EngineUnreachable
from regsync.operations.doctor.steps import Finding, warning
from regsync.state.folders import state_folder
from regsync.state.memory import FILE, Memory
from regsync.stores.locate import locate
from regsync.stores.threads import in_thread

if TYPE_CHECKING:
    from regsync.registry.line import Proxy
    from regsync.stores.engine import EngineStore

_WORDS = {
    "classic": "classic store",
    "containerd": "containerd store",
    "containers-storage": "containers-storage",
}
# Backends print, and the answer must stand alone; the text of what they raise may hold anything.
_BACKEND = """\
import json, os
answer = os.dup(1)
os.dup2(2, 1)
try:
    import keyring
    kind = type(keyring.get_keyring())
    told = {"name": kind.__module__ + "." + kind.__qualname__}
except Exception as error:
    told = {"error": type(error).__name__}
os.write(answer, json.dumps(told).encode())
"""
_KEYRING_HINT = "see PYTHON_KEYRING_BACKEND, and keyringrc.cfg of the Python library `keyring`"


async def engine(
    host: str | None, context: str | None, env: Mapping[str, str], seconds: float, *, needed: bool
) -> Finding:
    """Which engine answers, and who chose it.

    Args:
        seconds: How long it may take.
        needed: Whether a machine without an engine fails; what a registry answers can be told
            without one.

    Raises:
        EngineUnreachable: none answers.
        UsageError: its address or context has no meaning.
        RegsyncError: see `EngineStore.info`.
    """
    store = locate(store=None, host=host, context=context, env=env)
    if TYPE_CHECKING:
        assert isinstance(store, EngineStore)
    try:
        async with asyncio.timeout(seconds):
            info = await store.info()
    except TimeoutError as error:
        raise EngineUnreachable(
            f"no engine answers at {store.endpoint}",
            f"{store.endpoint} takes connections, and does not answer ({seconds:g} s)",
            "see whether the engine is busy or stuck",
        ) from error
    except EngineUnreachable as error:
        if not needed and store.absent:
            return warning(str(error), error.hint)
        raise EngineUnreachable(error.what, str(error), error.hint) from error
    how = f"chosen by {store.named_by}" if store.named_by else "found at its usual socket"
    kind = _WORDS.get(info.kind, info.kind)
    return Finding(f"{info.name} {info.version}, {kind}, at {info.address}; {how}")


def configuration(config: Config, env: Mapping[str, str]) -> Finding:
    """Which file was read, and what it sets."""
    if config.source is None:
        usual = default_path(env)
        return Finding(f"no file; it would be {usual}" if usual else "no file, and no home for one")
    hosts = ", ".join(f"`{host}`" for host in sorted(config.hosts))
    return Finding(f"{config.source}" + (f" sets {hosts}" if hosts else " sets nothing"))


def memory() -> Finding:
    """Whether what is found can be remembered."""
    folder = state_folder()
    with Memory(folder) as memory:
        memory.greetings()
        note = memory.note
    if note is not None:
        return warning(
            note,
            "without memory, `status` cannot tell what changed since a pull from what never fit",
        )
    file = Path(folder or "") / FILE
    if not os.access(file, os.W_OK):
        return warning(f"{file} cannot be written", "see who owns it")
    return Finding(f"{file}")


def proxies(found: tuple[Proxy, ...]) -> Finding:
    """The proxies that the environment names."""
    if not found:
        return Finding("none is named by the environment")
    return Finding(", ".join(f"{one.variable} is {one}" for one in found))


async def keyring(env: Mapping[str, str], seconds: float) -> Finding:
    """Which keyring would keep a login.

    Asked in a process of its own: backends talk to other programs while they are chosen, and some
    of those never answer.
    """
    if not sys.executable:
        return warning("no Python is known that could ask for it", _KEYRING_HINT)
    programs = Programs(without_ours(env), seconds)
    # What lies in the current folder is not imported.
    command = [sys.executable, "-P", "-c", _BACKEND]
    try:
        finished = await in_thread(lambda: programs.run(command, b""))
        told = json.loads(finished.output)
        name, failed = str(told.get("name") or ""), str(told.get("error") or "")
    except ProgramFailed as error:
        return warning(f"no keyring can be chosen: {error}", _KEYRING_HINT)
    except (ValueError, RecursionError, AttributeError):
        return warning("no keyring can be chosen, and nothing says why", _KEYRING_HINT)
    finally:
        programs.close()
    if not name:
        return warning(f"no keyring can be chosen: {failed[:100]}", _KEYRING_HINT)
    if name.startswith(("keyring.backends.fail.", "keyring.backends.null.")):
        return Finding(f"none that keeps anything here (`{name}`)")
    return Finding(f"`{name}`")
