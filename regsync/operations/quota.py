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
from typing import TypeVar

from regsync.oci.reference import Reference
from regsync.operations.oracle import Oracle
from regsync.operations.questions import holds
from regsync.operations.report import Entry
from regsync.operations.rows import Row
from regsync.stores.base import Container
from regsync.stores.remote import Registries

Item = TypeVar("Item")


async def in_turn(
    rows: Sequence[Row],
    judged: Callable[[Row], Awaitable[Entry]],
    oracle: Oracle,
    registries: Registries,
    containers: Sequence[Container],
) -> list[Entry]:
    """The entries of the rows, in their order; all at once where no pulls are to be kept."""
    ordered = order(rows, containers)
    entries = await as_given(ordered, _asked, judged, oracle, registries)
    found = {id(row): entry for row, entry in zip(ordered, entries, strict=True)}
    return [found[id(row)] for row in rows]


async def as_given(
    items: Sequence[Item],
    asks: Callable[[Item], Reference | None],
    judged: Callable[[Item], Awaitable[Entry]],
    oracle: Oracle,
    registries: Registries,
) -> list[Entry]:
    """The entries of items that come first in the order they are given in.

    Args:
        asks: What an item asks its registry about; None where it asks nothing.
    """
    references = [asks(item) for item in items]
    kept = [one for one in references if one is not None and registries.keeps_pulls(one.registry)]
    await asyncio.gather(*(_held(oracle, reference) for reference in kept))
    groups: dict[object, list[int]] = defaultdict(list)
    for at, reference in enumerate(references):
        tight = reference is not None and registries.is_tight(reference.registry)
        groups[reference.registry if tight and reference is not None else at].append(at)
    found: dict[int, Entry] = {}

    async def one_by_one(group: Sequence[int]) -> None:
        for at in group:
            found[at] = await judged(items[at])

    await asyncio.gather(*map(one_by_one, groups.values()))
    return [found[at] for at in range(len(items))]


def _asked(row: Row) -> Reference | None:
    return row.reference if row.settled is None else None


def order(rows: Sequence[Row], containers: Sequence[Container]) -> list[Row]:
    """Who comes first: images that a container runs now, then the others, as the store has them."""
    used = {container.image_id for container in containers if container.running}
    return sorted(rows, key=lambda row: row.image is None or row.image.id not in used)


async def _held(oracle: Oracle, reference: Reference) -> None:
    # Kept by the oracle, as an answer or a failure, for the row that asks again.
    with suppress(Exception):
        await oracle.settle(holds(reference))
