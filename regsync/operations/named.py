"""`status --from`: is what files name still there, has it moved, is there something newer?

Needs no store. Each distinct reference costs one HEAD, a tag beside a digest one more, and each
repository one tag list where newer versions are looked for; none of these counts as a pull. Where a
tag holds another digest than the one beside it, what it holds is fetched: that counts, once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from regsync.clock import Clock, SystemClock
from regsync.errors import InvalidReference, RegsyncError, Unsupported
from regsync.files.found import Mention, Place
from regsync.files.gather import Gathered
from regsync.oci.digest import Digest
from regsync.oci.glob import Glob
from regsync.oci.manifest import Index
from regsync.oci.reference import DEFAULT_TAG, Reference, Repository
from regsync.operations import questions, quota, recall, tagshape
from regsync.operations.alone import alone
from regsync.operations.ignore import idle, is_ignored, mute_failures, mute_places
from regsync.operations.oracle import Oracle
from regsync.operations.questions import Absent, Hidden, Inquiry
from regsync.operations.remember import remember_files
from regsync.operations.report import Entry, InFiles, StatusReport
from regsync.operations.tagshape import Newer
from regsync.operations.verdict import Kind, Verdict, unknown
from regsync.progress import Checked, Listener, silent
from regsync.state.documents import Documents
from regsync.state.memory import Memory
from regsync.state.values import Known
from regsync.stores.base import StoreInfo
from regsync.stores.remote import Registries

FILES = StoreInfo("files", "", "files", "", "files")
"""What a report says in place of a store."""
UNPINNED = "unpinned"
"""The note on a tag without a digest: its content may be another one tomorrow."""
TAG_PAGES = 100
"""Pages of one tag list; asking for more would take longer than anybody waits for a status."""


@dataclass(frozen=True, slots=True)
class Named:
    """One reference, and all the places that name it."""

    reference: Reference
    places: tuple[Place, ...]
    untagged: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be looked up, and what cannot be: names that break the grammar."""

    rows: tuple[Named, ...]
    failures: tuple[RegsyncError, ...]


def plan(mentions: Sequence[Mention]) -> Plan:
    """One row for each distinct reference, in the order of the files. Pure."""
    places: dict[Reference, list[Place]] = {}
    untagged: set[Reference] = set()
    failures: dict[str, RegsyncError] = {}
    for mention in mentions:
        try:
            bare = Reference.parse_bare(mention.text)
        except InvalidReference as error:
            told = InvalidReference(f"{mention.place}: {error.what}", error.why, error.hint)
            failures[str(told)] = told
            continue
        reference = bare
        if bare.tag is None and bare.digest is None:
            reference = replace(bare, tag=DEFAULT_TAG)
            untagged.add(reference)
        places.setdefault(reference, []).append(mention.place)
    rows = (Named(each, tuple(found), each in untagged) for each, found in places.items())
    return Plan(tuple(rows), tuple(failures.values()))


def decide(reference: Reference) -> Inquiry[tuple[Verdict, bool]]:
    """The verdict on a name of which a file is the only witness, and whether its tag has moved.

    That a file names it is the word that it was there: what is clearly absent is `gone`. What a
    registry hides from those who are not logged in is `unknown`, never fine.

    Raises:
        RegsyncError: the registry cannot be asked.
    """
    held = yield from questions.holds(reference)
    if isinstance(held, Hidden):
        return unknown(held.error), False
    if reference.digest is not None:
        return (yield from _pinned(reference, reference.digest, held))
    if isinstance(held, Absent):
        there = yield from questions.exists(reference.repository)
        return Verdict(Kind.GONE, "tag" if there else "repository"), False
    return Verdict(Kind.NOT_LOCAL, remote_digest=held).noting(UNPINNED), False


def _pinned(
    reference: Reference, digest: Digest, held: Digest | Absent
) -> Inquiry[tuple[Verdict, bool]]:
    if isinstance(held, Absent):
        verdict = Verdict(Kind.PINNED_GONE, local_digest=digest)
    else:
        verdict = Verdict(Kind.PINNED, local_digest=digest, remote_digest=held)
    if reference.tag is None:
        return verdict, False
    try:
        beside = yield from questions.holds(reference.with_tag(reference.tag))
    except RegsyncError as error:
        return verdict.noting(f"tag {reference.tag} cannot be asked: {error.why or error}"), False
    if isinstance(beside, Absent):
        return verdict.noting(f"tag {reference.tag} is no longer there"), False
    if isinstance(beside, Hidden) or beside == digest:
        return verdict, False
    try:
        offered = held == digest and (yield from _offers(reference.repository, beside, digest))
    except RegsyncError as error:
        # Whether it has moved on, or is an index that lists this digest, nobody knows.
        note = f"what tag {reference.tag} holds cannot be read: {error.why or error}"
        return verdict.noting(note), False
    if offered:
        return verdict.noting(f"one platform of tag {reference.tag}"), False
    return verdict.noting(f"tag {reference.tag} has moved to {beside.short}"), True


def _offers(repository: Repository, held: Digest, digest: Digest) -> Inquiry[bool]:
    """Whether an index has this manifest: who pins one platform is not behind its tag.

    Raises:
        RegsyncError: it cannot be read.
    """
    try:
        found = yield from questions.document(repository, held)
    except Unsupported:
        # No image, so no index of images either.
        return False
    return isinstance(found, Index) and any(one.digest == digest for one in found.manifests)


async def named(
    gathered: Gathered,
    registries: Registries,
    memory: Memory,
    documents: Documents,
    *,
    semver: bool = False,
    offline: bool = False,
    ignore: Sequence[Glob] = (),
    listen: Listener = silent,
    clock: Clock | None = None,
) -> StatusReport:
    """Look up what files name.

    Args:
        semver: Look for newer tags of the same shape.
        offline: Ask no registry.
        ignore: Neither ask nor list what these match.
    """
    clock = clock or SystemClock()
    planned = plan(gathered.mentions)
    rows = [row for row in planned.rows if not is_ignored(row.reference, ignore)]
    failures, unresolved = mute_failures(gathered.failures, ignore)
    registries.expect(memory.greetings())
    oracle = Oracle(registries, documents, offline=offline)
    await oracle.prepare(row.reference.repository for row in rows)
    known = memory.last_verdicts(FILES.key)
    run = _Run(oracle, registries, clock, listen, len(rows), known, semver and not offline)
    # Who comes first is decided first, where pulls are to be kept: as the files have it.
    entries = await quota.as_given(rows, lambda row: row.reference, run.entry, oracle, registries)
    remember_files(memory, FILES.key, entries, registries.greetings(), clock.now())
    return StatusReport(
        store=FILES,
        entries=tuple(entries),
        requests=registries.requests(),
        rate_limits=tuple(registries.rate_limits()),
        failures=(*failures, *planned.failures, *run.failures.values()),
        files=gathered.files,
        idle_excludes=gathered.idle_excludes,
        passed=mute_places(gathered.passed, ignore),
        ignored=len(planned.rows) - len(rows) + len(unresolved),
        idle_patterns=idle([*(row.reference for row in planned.rows), *unresolved], ignore),
    )


class _Run:
    """What the rows of one run share."""

    def __init__(
        self,
        oracle: Oracle,
        registries: Registries,
        clock: Clock,
        listen: Listener,
        total: int,
        known: Mapping[str, Known],
        semver: bool,
    ) -> None:
        self.failures: dict[Repository, RegsyncError] = {}
        self._oracle = oracle
        self._registries = registries
        self._clock = clock
        self._listen = listen
        self._total = total
        self._known = known
        self._done = 0
        self._semver = semver
        self._tags: dict[Repository, asyncio.Task[list[str]]] = {}

    async def entry(self, row: Named) -> Entry:
        """The verdict on one row; whatever fails stays in it."""
        reference = row.reference
        moved, newer = False, None
        try:
            judged = alone(self._judged(row), f"cannot judge `{reference.familiar}`")
            verdict, moved, newer = await judged
        except RegsyncError as error:
            verdict = unknown(error)
        if verdict.kind is Kind.UNKNOWN:
            said = recall.last_known(self._known.get(str(reference)))
            verdict = replace(verdict, last_known=said)
        self._done += 1
        self._listen(Checked(self._done, self._total, reference.familiar))
        return Entry(
            reference=reference,
            name=reference.familiar,
            id=None,
            platform=None,
            verdict=verdict,
            checked_at=None if verdict.kind is Kind.UNKNOWN else self._clock.now(),
            in_files=InFiles(row.places, row.untagged, moved, newer),
        )

    async def _judged(self, row: Named) -> tuple[Verdict, bool, Newer | None]:
        reference, newer = row.reference, None
        verdict, moved = await self._oracle.settle(decide(reference))
        verdict = verdict.noting(*_loud(row, verdict))
        if self._semver and reference.tag is not None and _listed(verdict):
            newer, notes = await self._newer(reference.repository, reference.tag)
            ahead = newer is not None and newer.widest is not None
            # Of what is gone, only where to go instead is worth a word.
            if ahead or verdict.kind not in (Kind.GONE, Kind.PINNED_GONE):
                verdict = verdict.noting(*notes)
        return verdict, moved, newer

    async def _newer(self, repository: Repository, tag: str) -> tuple[Newer | None, list[str]]:
        """Newer tags of the same shape, and a note where that needs one."""
        if tagshape.read(tag) is None:
            return None, [f"{tag} is no version"]
        if repository not in self._tags:
            self._tags[repository] = asyncio.ensure_future(self._all_tags(repository))
        try:
            tags = await self._tags[repository]
        except RegsyncError as error:
            self.failures[repository] = error
            error.about = str(repository)
            return None, ["its tags cannot be listed"]
        found = tagshape.newer(tag, tags)
        newest = found is not None and found.widest is None and tag in tags
        return found, ["the newest of its kind"] if newest else []

    async def _all_tags(self, repository: Repository) -> list[str]:
        # Of the repository, not of its host: a login may be meant for a namespace alone.
        return await self._registries.client(repository).tags(repository, pages=TAG_PAGES)


def _loud(row: Named, verdict: Verdict) -> list[str]:
    """What makes a name worse than a mere tag: nothing in it says which version is meant."""
    if verdict.kind is not Kind.NOT_LOCAL or row.reference.tag != DEFAULT_TAG:
        return []
    if row.untagged:
        return ["no tag means latest, whatever was pushed last"]
    return ["latest is whatever was pushed last"]


def _listed(verdict: Verdict) -> bool:
    """Whether there is a repository to list the tags of."""
    return verdict.kind is not Kind.UNKNOWN and verdict.reason != "repository"
