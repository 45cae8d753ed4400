"""`status`: which local names are behind their registries, and why.

Plan the rows, ask for what they need, judge each on its own: one registry that fails never ends or
delays the verdicts of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from regsync.clock import Clock, SystemClock
from regsync.errors import RegsyncError
from regsync.oci.glob import Glob
from regsync.oci.platform import Platform
from regsync.operations import bases, held, ignore, quota, recall, remember, since, why
from regsync.operations.alone import alone
from regsync.operations.containers import Uses
from regsync.operations.judge import judge
from regsync.operations.oracle import Oracle
from regsync.operations.questions import Absent, Hidden, holds
from regsync.operations.rebuilds import Rebuilds
from regsync.operations.report import Entry, News, StatusReport
from regsync.operations.rows import Row, choose, plan_rows
from regsync.operations.verdict import Kind, LastKnown, Verdict, unknown
from regsync.progress import Checked, Listener, silent
from regsync.state.documents import Documents
from regsync.state.memory import Memory
from regsync.state.values import Known
from regsync.stores.base import Snapshot, Store
from regsync.stores.remote import Registries


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user wants to know.

    Attributes:
        references: Names or image IDs; none means everything.
        platform: Compare this platform in place of each image's own.
        offline: Ask no registry.
        explain: Say what differs, of what is stale or of what is named; see `explain`.
        names: Ask which other tags carry the same image; see `othernames`.
        ignore: Neither ask nor list what these match.
        min_age: How old a remote image must be to count as an update.
        changed: Tell what differs from what was last reported.
        only: Which of the rows to judge; None means all of them.
    """

    references: Sequence[str] = ()
    platform: Platform | None = None
    offline: bool = False
    explain: bool = False
    names: bool = False
    ignore: Sequence[Glob] = ()
    min_age: timedelta | None = None
    changed: bool = False
    only: Callable[[Row], bool] | None = None

    @property
    def scope(self) -> str:
        """Which question is asked, of those whose answers cannot be compared with each other."""
        return str(self.platform) if self.platform is not None else ""


async def status(
    store: Store,
    registries: Registries,
    memory: Memory,
    documents: Documents,
    wish: Wish | None = None,
    *,
    listen: Listener = silent,
    clock: Clock | None = None,
) -> StatusReport:
    """Compare a store's images with their registries, and remember what was found.

    Raises:
        StoreFailure: the store cannot be asked.
        InvalidReference: a wanted reference is none.
    """
    wish = wish or Wish()
    clock = clock or SystemClock()
    snapshot = await store.snapshot()
    every = plan_rows(snapshot, memory, wanted=wish.references, platform=wish.platform)
    chosen = tuple(filter(wish.only, choose(every, wish.references)))
    muted = ignore.mute(chosen, wish.ignore)
    rows = muted.rows
    registries.expect(memory.greetings())
    oracle = Oracle(registries, documents, offline=wish.offline)
    asked = [row.reference for row in rows if row.reference is not None and row.settled is None]
    await oracle.prepare(reference.repository for reference in asked)
    run = _Run(snapshot, memory.last_verdicts(snapshot.info.key), oracle, clock, listen, len(asked))
    entries = await quota.in_turn(rows, run.entry, oracle, registries, snapshot.containers)
    made = bases.made_here(rows, entries, run.known)
    asker = Rebuilds(snapshot, memory, oracle, every, registries.configured(), wish.ignore)
    entries = await asker.judged(rows, entries, made, clock.now())
    if wish.min_age:
        entries = await held.hold_back(entries, wish.min_age, oracle, memory, clock.now())
    entries = await why.explained(oracle, registries, memory, wish, snapshot, rows, entries)
    found = remember.Found(snapshot, rows, entries, made, registries.greetings(), oracle.held())
    # What another platform's comparison says is not true of the image's own.
    remember.remember(memory, found, clock.now(), own_platform=wish.platform is None)
    return StatusReport(
        store=snapshot.info,
        entries=tuple(entries),
        requests=registries.requests(),
        rate_limits=tuple(registries.rate_limits()),
        ignored=muted.count,
        idle_patterns=muted.idle,
        news=_news(entries, every, wish, snapshot, memory) if wish.changed else None,
    )


def _news(
    entries: Sequence[Entry], every: Sequence[Row], wish: Wish, snapshot: Snapshot, memory: Memory
) -> News:
    before = memory.reported(snapshot.info.key, wish.scope)
    names = frozenset(since.name_of(row) for row in every) if not wish.references else None
    return replace(since.news(entries, before, names), scope=wish.scope)


class _Run:
    """What the rows of one run share."""

    def __init__(
        self,
        snapshot: Snapshot,
        known: Mapping[str, Known],
        oracle: Oracle,
        clock: Clock,
        listen: Listener,
        total: int,
    ) -> None:
        self.snapshot = snapshot
        self.uses = Uses(container for container in snapshot.containers if container.running)
        self.known = known
        self.oracle = oracle
        self._clock = clock
        self._listen = listen
        self._total = total
        self._done = 0

    async def entry(self, row: Row) -> Entry:
        """The verdict on one row; whatever fails stays in it."""
        verdict = row.settled or await self._verdict(row)
        if row.settled is None and row.reference is not None:
            self._done += 1
            self._listen(Checked(self._done, self._total, row.reference.familiar))
        image = row.image
        failed = verdict.kind is Kind.UNKNOWN
        return Entry(
            reference=row.reference,
            name=row.name,
            id=image.id if image is not None else None,
            platform=image.platform if image is not None and image.platform.known else None,
            verdict=verdict,
            containers=self.uses.of(row),
            checked_at=None if row.settled is not None or failed else self._clock.now(),
        )

    async def _verdict(self, row: Row) -> Verdict:
        try:
            doing = f"cannot judge `{row.name}`"
            if row.case is None:
                return await alone(self._not_local(row), doing)
            verdict = await alone(self.oracle.settle(judge(row.case)), doing)
        except RegsyncError as error:
            verdict = unknown(error)
        if verdict.kind is Kind.UNKNOWN:
            return replace(verdict, last_known=self._last_known(row))
        return verdict

    async def _not_local(self, row: Row) -> Verdict:
        """Named by the user and not here; whether the registry has it is worth one HEAD."""
        assert row.reference is not None  # noqa: S101 - only a reference can be wanted
        verdict = Verdict(Kind.NOT_LOCAL)
        try:
            held = await self.oracle.settle(holds(row.reference))
        except RegsyncError as error:
            return replace(verdict.noting(str(error)), error=error)
        if isinstance(held, Absent):
            return verdict.noting("not at the registry either")
        if isinstance(held, Hidden):
            return verdict.noting("missing at the registry, or private")
        return replace(verdict, remote_digest=held)

    def _last_known(self, row: Row) -> LastKnown | None:
        known = self.known.get(str(row.reference)) if row.reference is not None else None
        # What was said of another image under this name says nothing of this one.
        if known is None or row.image is None or known.image_id != row.image.id:
            return None
        return recall.last_known(known)
