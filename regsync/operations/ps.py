"""`ps`: which containers run what their names' tags hold, and what brings the others there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from regsync.clock import Clock
from regsync.errors import InvalidReference
from regsync.oci.reference import Reference
from regsync.operations.containers import Cure, Uses, by_id, cure, key, meaning, used
from regsync.operations.report import Entry, UsedBy
from regsync.operations.status import Wish, status
from regsync.operations.verdict import Kind, Verdict
from regsync.progress import Listener, silent
from regsync.registry.ratelimit import RateLimit
from regsync.state.documents import Documents
from regsync.state.memory import Memory
from regsync.stores.base import Container, Snapshot, Store, StoreInfo
from regsync.stores.remote import Registries

CURRENT = "current"
"""The state of a container that runs what the tag holds."""
HELD_BACK = "held_back"
"""The state where what the tag holds is newer, and too young to be pulled."""


@dataclass(frozen=True, slots=True)
class Use:
    """A container, and the verdict on the name that it was started with.

    Attributes:
        image: The name that it was started with, as the engine tells it; else its image's ID.
        image_id: The image that it runs, whatever its name means by now.
        by_id: Whether it was started by the ID of its image: then `entry` is that of a name which
            the image has.
    """

    container: UsedBy
    image: str
    image_id: str
    entry: Entry
    by_id: bool = False

    @property
    def cure(self) -> Cure | None:
        """See `containers.cure`."""
        return cure(self.entry, self.container)

    @property
    def stale(self) -> bool | None:
        """The question of the exit code: whether the container or its image is behind."""
        return True if self.container.stale else self.entry.stale

    @property
    def state(self) -> str:
        """`current`, one of `Cure`, `held_back`, or else the verdict on the image."""
        if self.cure is not None:
            return self.cure.value
        if self.entry.held_until is not None:
            return HELD_BACK
        kind = self.entry.verdict.kind
        return CURRENT if kind is Kind.UP_TO_DATE else kind.value


@dataclass(frozen=True, slots=True)
class PsReport:
    """The answer to `ps`.

    Attributes:
        uses: The containers in the engine's order, those that were asked for.
        others: How many containers do not run and were left out.
        requests: See `StatusReport`.
    """

    store: StoreInfo
    uses: tuple[Use, ...]
    others: int
    requests: Mapping[str, int]
    rate_limits: tuple[RateLimit, ...] = ()

    @property
    def summary(self) -> dict[str, int]:
        """How many containers are in each state; absent ones are left out."""
        counted = Counter(use.state for use in self.uses)
        order = (CURRENT, *(one.value for one in Cure), HELD_BACK, *(kind.value for kind in Kind))
        return {state: counted[state] for state in order if counted[state]}

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The verdicts behind the rows, each once."""
        return tuple({id(use.entry): use.entry for use in self.uses}.values())

    def exit_code(self, *, ask_stale: bool) -> int:
        """10 if anything is stale and that was the question, else 3 if anything is unknown."""
        if ask_stale and any(use.stale for use in self.uses):
            return 10
        if any(use.entry.verdict.kind is Kind.UNKNOWN for use in self.uses):
            return 3
        return 0


async def ps(
    store: Store,
    registries: Registries,
    memory: Memory,
    documents: Documents,
    *,
    stopped: bool = False,
    offline: bool = False,
    min_age: timedelta | None = None,
    listen: Listener = silent,
    clock: Clock | None = None,
) -> PsReport:
    """Compare the containers of an engine with its images, and those with their registries.

    Only names that containers use are asked for. A name that is no longer here is not: it may have
    been private.

    Args:
        stopped: Tell of containers that do not run as well.
        min_age: How old a remote image must be to count as an update.

    Raises:
        StoreFailure: the store cannot be asked.
    """
    snapshot = await store.snapshot()
    listed = [one for one in snapshot.containers if one.running or stopped]
    wish = Wish(offline=offline, only=Uses(listed).concern, min_age=min_age)
    report = await status(
        _Taken(snapshot), registries, memory, documents, wish, listen=listen, clock=clock
    )
    found = _Entries(snapshot, report.entries)
    return PsReport(
        store=snapshot.info,
        uses=tuple(found.use(container) for container in listed),
        others=len(snapshot.containers) - len(listed),
        requests=report.requests,
        rate_limits=report.rate_limits,
    )


@dataclass(frozen=True, slots=True)
class _Taken:
    """A store that was asked already."""

    taken: Snapshot

    async def snapshot(self) -> Snapshot:
        """What it held."""
        return self.taken


class _Entries:
    """The verdicts of a status, by what containers were started with."""

    def __init__(self, snapshot: Snapshot, entries: Sequence[Entry]) -> None:
        self._images = {image.id: image for image in snapshot.images}
        self._by_name = {_meaning(entry): entry for entry in entries if entry.name is not None}
        self._by_id: dict[str, list[Entry]] = {}
        for entry in entries:
            if entry.id is not None:
                self._by_id.setdefault(entry.id, []).append(entry)

    def use(self, container: Container) -> Use:
        """A container and its verdict."""
        nameless = by_id(container)
        if nameless:
            entry = _best(self._by_id.get(container.image_id, ()))
        else:
            entry = self._by_name.get(meaning(container.image))
        named = None
        if entry is None:
            entry = _name_gone(container)
        elif not nameless and entry.id is not None:
            named = self._images.get(entry.id)
        return Use(used(container, named), container.image, container.image_id, entry, nameless)


def _meaning(entry: Entry) -> object:
    return key(entry.reference) if entry.reference is not None else meaning(entry.name or "")


def _best(entries: Iterable[Entry]) -> Entry | None:
    """The name to judge an image by that was started without one.

    As long as one of its names is up to date, that one may be meant; else the one that is stale.
    """
    return min(
        entries,
        key=lambda entry: (entry.verdict.kind is not Kind.UP_TO_DATE, not entry.stale),
        default=None,
    )


def _name_gone(container: Container) -> Entry:
    """The entry for a name that no image has any longer; nothing is asked for it."""
    try:
        reference = None if by_id(container) else Reference.parse(container.image)
    except InvalidReference:
        reference = None
    name = reference.familiar if reference is not None else container.image
    verdict = Verdict(Kind.NOT_LOCAL)
    return Entry(reference, name, container.image_id or None, None, verdict)
