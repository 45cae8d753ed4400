"""Where pulls are to be kept, it matters in which order the others are spent.

First every tag is asked for by HEAD, which counts nowhere: it settles what has not moved and tells
how many pulls there are. Then the rows of a registry take turns: each gets all it needs before the
next one, so what can be spent decides as many names as possible. That no more is spent than may be
is seen to below, by `registry.budget`.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from regsync.oci.reference import Reference
from regsync.operations.oracle import Oracle
from regsync.operations.questions import holds
from regsync.operations.report import Entry
from regsync.operations.rows import Row
from regsync.stores.base import Container
from regsync.stores.remote import Registries


async def in_turn(
    rows: Sequence[Row],
    judged: Callable[[Row], Awaitable[Entry]],
    oracle: Oracle,
    registries: Registries,
    containers: Sequence[Container],
) -> list[Entry]:
    """The entries of the rows, in their order; all at once where no pulls are to be kept."""
    asked = [
        row.reference
        for row in rows
        if row.reference is not None
        and row.settled is None
        and registries.keeps_pulls(row.reference.registry)
    ]
    await asyncio.gather(*(_held(oracle, reference) for reference in asked))
    groups: dict[object, list[Row]] = defaultdict(list)
    for row in order(rows, containers):
        tight = row.reference is not None and registries.is_tight(row.reference.registry)
        groups[row.reference.registry if tight and row.reference else id(row)].append(row)
    found: dict[int, Entry] = {}

    async def one_by_one(group: Sequence[Row]) -> None:
        for row in group:
            found[id(row)] = await judged(row)

    await asyncio.gather(*map(one_by_one, groups.values()))
    return [found[id(row)] for row in rows]


def order(rows: Sequence[Row], containers: Sequence[Container]) -> list[Row]:
    """Who comes first: images that a container runs now, then the others, as the store has them."""
    used = {container.image_id for container in containers if container.running}
    return sorted(rows, key=lambda row: row.image is None or row.image.id not in used)


async def _held(oracle: Oracle, reference: Reference) -> None:
    # Kept by the oracle, as an answer or a failure, for the row that asks again.
    with suppress(Exception):
        await oracle.settle(holds(reference))
