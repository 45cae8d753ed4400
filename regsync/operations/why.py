"""Explanations for a whole status: which images get one, and what is asked for it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from regsync.errors import InvalidDigest, Offline, RegsyncError
from regsync.oci.digest import Digest
from regsync.oci.reference import Repository
from regsync.operations import othernames
from regsync.operations.alone import Unforeseen, alone
from regsync.operations.bases import named_images
from regsync.operations.explain import EXPLAINED, Subject, explain
from regsync.operations.oracle import Oracle
from regsync.operations.report import Entry
from regsync.operations.rows import Row
from regsync.operations.verdict import Kind
from regsync.registry.taglists import TagList
from regsync.state.memory import Memory
from regsync.stores.base import Snapshot
from regsync.stores.remote import Registries

if TYPE_CHECKING:
    from regsync.operations.status import Wish

Listed = TagList | RegsyncError | None


async def explained(
    oracle: Oracle,
    registries: Registries,
    memory: Memory,
    wish: Wish,
    snapshot: Snapshot,
    rows: Sequence[Row],
    entries: Sequence[Entry],
) -> list[Entry]:
    """The entries with what `--explain` and `--names` add; a failure becomes a note of its entry.

    All that the user named are explained, and where nothing was named all that are stale, or were
    when their registry was asked last.
    """
    found = list(entries)
    if not wish.explain and not wish.names:
        return found
    named = named_images(snapshot, memory)
    subjects = {
        at: subject
        for at, (row, entry) in enumerate(zip(rows, entries, strict=True))
        if (wish.references or _is_stale(entry))
        and (subject := _subject(row, entry, memory)) is not None
    }
    if wish.explain:
        told = await asyncio.gather(
            *(
                _explained(oracle, replace(subject, named=named), found[at])
                for at, subject in subjects.items()
            )
        )
        found = _replaced(found, dict(zip(subjects, told, strict=True)))
    if wish.names:
        repositories = {subject.case.repository for subject in subjects.values()}
        lists = await _tag_lists(registries, repositories, offline=wish.offline)
        named_now = {
            at: _named(found[at], subject, lists[subject.case.repository])
            for at, subject in subjects.items()
        }
        found = _replaced(found, named_now)
    return found


def _replaced(entries: list[Entry], changed: dict[int, Entry]) -> list[Entry]:
    return [changed.get(at, entry) for at, entry in enumerate(entries)]


def _is_stale(entry: Entry) -> bool:
    """Whether it is behind, or was when it could be asked last."""
    last = entry.verdict.last_known
    return bool(entry.stale) or (last is not None and bool(last.kind.stale))


def _subject(row: Row, entry: Entry, memory: Memory) -> Subject | None:
    """What is to be explained of a row; None where there are no two images."""
    case, verdict = row.case, entry.verdict
    if case is None or case.reference.digest is not None or verdict.kind not in EXPLAINED:
        return None
    if verdict.remote_digest is not None:
        return Subject(case, verdict, verdict.remote_digest)
    last = _last_seen(memory, str(case.reference)) if verdict.kind is Kind.UNKNOWN else None
    return Subject(case, verdict, last[0], last[1]) if last is not None else None


def _last_seen(memory: Memory, reference: str) -> tuple[Digest, datetime] | None:
    for text, first in memory.seen(reference).items():
        try:
            return Digest.parse(text), first
        except InvalidDigest:
            return None
    return None


async def _explained(oracle: Oracle, subject: Subject, entry: Entry) -> Entry:
    try:
        verdict, explanation = await alone(oracle.settle(explain(subject)), "cannot explain it")
    except Offline:
        return _noting(entry, "not explained: what the tag held was never read here")
    except Unforeseen as error:
        return _noting(entry, f"not explained: {error.why}")
    except RegsyncError as error:
        return _noting(entry, f"not explained: {error}")
    return replace(entry, verdict=verdict, explanation=explanation)


async def _tag_lists(
    registries: Registries, repositories: set[Repository], *, offline: bool
) -> dict[Repository, Listed]:
    async def one(repository: Repository) -> Listed:
        if offline:
            return Offline("tag lists were not asked", "offline, as you wished")
        try:
            return await alone(registries.tag_list(repository), "cannot read its tag list")
        except RegsyncError as error:
            return error

    ordered = sorted(repositories)
    answers = await asyncio.gather(*map(one, ordered))
    return dict(zip(ordered, answers, strict=True))


def _named(entry: Entry, subject: Subject, listed: Listed) -> Entry:
    case, explanation = subject.case, entry.explanation
    if not isinstance(listed, TagList):
        why = f"{case.repository.registry} does not tell which tags carry a digest"
        return _noting(entry, why if listed is None else f"other tags are not known: {listed}")
    ours = {*case.manifests, entry.verdict.local_digest}
    theirs = {subject.held, entry.verdict.platform_digest}
    if explanation is not None:
        ours |= {explanation.ours.digest, explanation.ours.platform_digest}
        theirs.add(explanation.theirs.platform_digest)
    here = [digest for digest in ours if digest is not None]
    there = [digest for digest in theirs if digest is not None]
    if explanation is not None:
        explanation = othernames.with_names(explanation, listed, here, there)
    verdict = othernames.retold(entry.verdict, listed, here, there)
    return replace(entry, verdict=verdict, explanation=explanation)


def _noting(entry: Entry, note: str) -> Entry:
    """Beside the explanation where there is one, else beside the verdict."""
    if entry.explanation is not None:
        notes = (*entry.explanation.notes, note)
        return replace(entry, explanation=replace(entry.explanation, notes=notes))
    return replace(entry, verdict=entry.verdict.noting(note))
