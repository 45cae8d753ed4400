"""What to do next, below what was found."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from regsync.cli import cures, infiles
from regsync.cli.units import size
from regsync.operations import advice
from regsync.operations.report import Entry
from regsync.operations.verdict import Cause, Kind
from regsync.stores.base import StoreInfo


def of_status(entries: Sequence[Entry], store: StoreInfo, options: str = "") -> list[str]:
    """What to do next, the most useful first.

    Args:
        options: What the engine's own command line needs to meet the same engine, e.g.
            ` --context far`.
    """
    found = []
    outdated = [
        entry
        for entry in entries
        if entry.verdict.kind is Kind.OUTDATED and entry.name and not entry.held_until
    ]
    if outdated:
        found.append(_pull_hint(outdated, store, options))
    found += cures.hints(entries, store, options)
    found += [told for entry in entries if (told := cures.rebuilding(entry)) is not None]
    return found + infiles.hints(entries) + of_failures(entries)


def of_failures(entries: Sequence[Entry]) -> list[str]:
    """What to do about registries that cannot be asked, equal words once.

    That a run was to be offline needs no hint here: who asks has said so.
    """
    told: dict[str, dict[str, None]] = {}
    for entry in entries:
        hint = advice.next_step(entry)
        if entry.reference and hint and entry.verdict.cause is not Cause.OFFLINE:
            registry = entry.reference.registry
            general = hint == advice.doctor(registry)
            told.setdefault(advice.doctor("HOST") if general else hint, {})[registry] = None
    return [f"{', '.join(hosts)}: {hint}" for hint, hosts in told.items()]


def _pull_hint(outdated: Sequence[Entry], store: StoreInfo, options: str) -> str:
    sizes = [entry.verdict.download_bytes for entry in outdated]
    total = sum(count or 0 for count in sizes)
    cost = f", {size(total)}" if total and None not in sizes else ""
    first = outdated[0].name
    if store.kind == "oci-layout":
        command = f"regsync pull {first} --store {shlex.quote(f'oci:{store.address}')}"
    else:
        command = f"{store.name}{options} pull {first}"
    if len(outdated) == 1:
        return f"`{command}` brings it up to date{cost}"
    # A layer that several of them need is fetched once, and counted here for each.
    at_most = f"{cost} at most" if cost else ""
    return f"`{command}` and so on bring {len(outdated)} images up to date{at_most}"


def engine_options(name: str, host: str | None, context: str | None) -> str:
    """The options with which docker or podman meets the engine that these two chose."""
    if context is not None:
        return f" --context {shlex.quote(context)}"
    if host is not None:
        return f" {'--url' if name == 'podman' else '-H'} {shlex.quote(host)}"
    return ""
