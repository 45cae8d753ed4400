"""Which other tags carry an image: "you have 1.27.3, latest is now 1.27.4".

For people alone: what a tag list says is never evidence for a verdict.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from regsync.oci.digest import Digest
from regsync.operations.explanation import Explanation, Side
from regsync.operations.verdict import MOVED, Verdict
from regsync.registry.taglists import TagList, TagRecord

_VERSION = re.compile(r"v?([0-9]+(?:\.[0-9]+)*)(?:[-_+.].*)?")


def carrying(listed: TagList, digests: Collection[Digest]) -> tuple[TagRecord, ...]:
    """The tags that hold one of these digests, in the list's order."""
    return tuple(one for one in listed.records if not one.digests.isdisjoint(digests))


def most_telling(tags: Sequence[str]) -> str:
    """The tag that says most of a version: `1.27.4` of `latest`, `1`, `1.27.4`; or empty.

    The one with the most numbers, and of those the shortest.
    """
    versions = [tag for tag in tags if _VERSION.fullmatch(tag)]
    return min(versions, key=lambda tag: (-_numbers(tag), len(tag), tag), default="")


def with_names(
    explanation: Explanation, listed: TagList, ours: Collection[Digest], theirs: Collection[Digest]
) -> Explanation:
    """The explanation with the tags of both sides, and when they were pushed."""
    part = "" if listed.complete else f", of the {len(listed.records)} tags updated last"
    return replace(
        explanation,
        ours=_named(explanation.ours, carrying(listed, ours)),
        theirs=_named(explanation.theirs, carrying(listed, theirs)),
        names_source=f"the tag list of {listed.source}{part}",
    )


def retold(
    verdict: Verdict, listed: TagList, ours: Collection[Digest], theirs: Collection[Digest]
) -> Verdict:
    """The verdict with both versions in words, where only tags tell them."""
    if verdict.changed or verdict.kind not in MOVED:
        return verdict
    old, new = (
        most_telling([one.name for one in carrying(listed, digests)]) for digests in (ours, theirs)
    )
    if not new or old == new:
        return verdict
    return replace(verdict, changed=f"{old} → {new}" if old else f"now {new}")


def _named(side: Side, records: Sequence[TagRecord]) -> Side:
    return replace(side, tags=tuple(one.name for one in records), pushed_at=_pushed(records))


def _pushed(records: Sequence[TagRecord]) -> datetime | None:
    """The first push: a tag that is set anew later on counts as pushed again."""
    return min((one.pushed_at for one in records if one.pushed_at is not None), default=None)


def _numbers(tag: str) -> int:
    found = _VERSION.fullmatch(tag)
    return found[1].count(".") + 1 if found is not None else 0
