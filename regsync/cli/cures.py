"""The commands that cure a container that is behind, and only those that are known to.

Who started a container can start it anew: docker compose and podman-compose recreate a service, and
a restarted unit runs its container anew (podman-auto-update(1)). Whoever typed `docker run` alone
knows how; then there is no command.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from regsync.operations.containers import Cure, cure
from regsync.operations.ps import Use
from regsync.operations.report import Entry, UsedBy
from regsync.operations.verdict import Kind
from regsync.stores.base import Starter, StoreInfo

# Where Podman listens for root, and for everybody else: each has a systemd of its own.
_ROOT_SOCKETS = ("unix:///run/podman/", "unix:///var/run/podman/")
_USER_SOCKETS = "unix:///run/user/"


def pulling(name: str, store: StoreInfo, options: str) -> str:
    """The command that pulls an image.

    Args:
        options: What the engine's own command line needs to meet the same engine, e.g.
            ` --context far`.
    """
    return f"{store.name}{options} pull {shlex.quote(name)}"


def recreating(starters: Sequence[Starter], store: StoreInfo, options: str) -> str | None:
    """The command that recreates containers that one starter started; None where none is known.

    Args:
        starters: Of one project, or systemd units.
    """
    first = starters[0]
    services = " ".join(dict.fromkeys(shlex.quote(one.service) for one in starters))
    if first.project and first.service and not first.one_off:
        if first.podman_compose:
            # Older versions keep a container whose image has moved (podman-compose#466), and none
            # knows another engine than its own.
            tool, flags = "podman-compose", " --force-recreate"
            if options or store.name != "podman":
                return None
        else:
            tool, flags = f"{store.name}{options} compose", ""
        return f"{tool} -p {first.project}{_place(first)} up -d{flags} {services}"
    if first.unit and (manager := _systemctl(store)):
        return f"{manager} restart {' '.join(dict.fromkeys(one.unit for one in starters))}"
    return None


def command(use: Use, store: StoreInfo, options: str) -> str | None:
    """The whole command that cures a row of `ps`; None where it needs none or none is known."""
    again = recreating([use.container.starter], store, options) if not use.by_id else None
    if use.cure is None or again is None:
        return None
    if use.cure is Cure.PULL_AND_RECREATE:
        return f"{pulling(_name(use.entry), store, options)} && {again}"
    return again


def to_do(use: Use, store: StoreInfo, options: str) -> str:
    """What to do about a row of `ps`: the command that cures it, else what a person has to do."""
    if (known := command(use, store, options)) is not None:
        return known
    again = f"recreate {use.container.name}"
    if use.by_id:
        again += f" from {_name(use.entry)}"
    if use.cure is Cure.PULL_AND_RECREATE:
        return f"{pulling(_name(use.entry), store, options)}, then {again}"
    if use.cure is Cure.RECREATE:
        return again
    if use.entry.verdict.kind is Kind.REBUILD:
        return f"build {_name(use.entry)} anew, then {again}"
    return ""


def hints(entries: Iterable[Entry], store: StoreInfo, options: str) -> list[str]:
    """What to do about the containers of a status: one hint for each command, one for the rest."""
    return _for_containers(
        [(cure(entry, one), one) for entry in entries for one in entry.containers], store, options
    )


def for_uses(uses: Iterable[Use], store: StoreInfo, options: str) -> list[str]:
    """What to do about rows of `ps`: which images to pull, then as `hints`."""
    found = list(uses)
    pulled = dict.fromkeys(_name(use.entry) for use in found if use.cure is Cure.PULL_AND_RECREATE)
    pulls = [f"`{pulling(name, store, options)}`" for name in sorted(pulled)]
    first = [f"pull what is behind: {', '.join(pulls)}"] if pulls else []
    named = [(use.cure, use.container) for use in found if not use.by_id]
    return first + _for_containers(named, store, options)


def _for_containers(
    found: Iterable[tuple[Cure | None, UsedBy]], store: StoreInfo, options: str
) -> list[str]:
    groups: dict[tuple[object, ...], list[UsedBy]] = {}
    for kind, container in found:
        if kind is not None:
            known = recreating([container.starter], store, options) is not None
            group = (kind, _group(container.starter) if known else None)
            groups.setdefault(group, []).append(container)
    told = []
    for kind in Cure:
        for (wanted, group_), containers in groups.items():
            if wanted is kind:
                starters = [container.starter for container in containers]
                again = recreating(starters, store, options) if group_ is not None else None
                told.append(_hint(kind, sorted({one.name for one in containers}), again))
    return told


def rebuilding(entry: Entry) -> str | None:
    """What to look for to build an image anew; None where nothing is to be built."""
    base = entry.base
    if base is None or entry.name is None:
        return None
    where = "its Dockerfile"
    if base.folder:
        where += f", perhaps below {base.folder}"
    if base.url:
        where += f", from {base.url}"
    lines = " or ".join(f"`{line}`" for line in (base.line, *base.other_lines))
    if base.through is None:
        return f"rebuild {entry.name}: {lines} in {where}"
    between = " or ".join(one.familiar for one in (base.through, *base.others))
    return f"rebuild {entry.name} once {between} is built anew: {lines} in {where}"


def _hint(kind: Cure, names: Sequence[str], again: str | None) -> str:
    all_ = ", ".join(names)
    if kind is Cure.PULL_AND_RECREATE:
        return (
            f"after the pull, `{again}` recreates {all_}"
            if again
            else (f"after the pull, recreate {all_}")
        )
    said = f"{all_} runs an older image than its name means here"
    if len(names) > 1:
        said = f"{all_} run older images than their names mean here"
    if again is None:
        return f"{said}: recreate, not pull"
    return f"{said}: `{again}` recreates {'it' if len(names) == 1 else 'them'}"


def _group(starter: Starter) -> tuple[object, ...]:
    """Equal for containers that one command recreates."""
    if starter.project and starter.service and not starter.one_off:
        return (starter.project, starter.folder, starter.files, starter.podman_compose)
    return ("systemd",)


def _place(starter: Starter) -> str:
    """The options with which compose finds the project again, wherever it is run."""
    files = "".join(f" -f {shlex.quote(file)}" for file in starter.files)
    # Without the option compose takes the folder of the first file; podman-compose has none.
    implied = str(PurePosixPath(starter.files[0]).parent) if starter.files else ""
    if starter.podman_compose or starter.folder in ("", implied):
        return files
    return f" --project-directory {shlex.quote(starter.folder)}{files}"


def _systemctl(store: StoreInfo) -> str | None:
    if store.name != "podman":
        return None
    if store.address.startswith(_USER_SOCKETS):
        return "systemctl --user"
    return "systemctl" if store.address.startswith(_ROOT_SOCKETS) else None


def _name(entry: Entry) -> str:
    return entry.name or entry.id or ""
