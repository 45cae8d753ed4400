"""What `ps` shows to people, and its rows as values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from regsync.cli import cures, nextsteps, screens, tables, words
from regsync.cli.order import natural
from regsync.cli.tables import Column
from regsync.cli.terminal import Terminal, safe
from regsync.cli.units import counted
from regsync.operations.containers import Cure
from regsync.operations.ps import PsReport, Use
from regsync.operations.verdict import Kind

_COUNTED = {
    Cure.RECREATE.value: "to recreate",
    Cure.PULL_AND_RECREATE.value: "to pull and recreate",
}
_STATES = {Cure.PULL_AND_RECREATE.value: "pull, then recreate"}
# What is stale comes first, then what could not be decided.
_RANKS = (
    [*(cure.value for cure in Cure), *(kind.value for kind in Kind if kind.stale)],
    [Kind.UNKNOWN.value],
)
_NAME_GONE = "its name is no longer here"


def ordered(uses: Sequence[Use]) -> tuple[Use, ...]:
    """Stale first, then unknown, then the rest; by project and name in natural order."""

    def key(use: Use) -> tuple[object, ...]:
        rank = 0 if use.stale else 1 if use.entry.verdict.kind is Kind.UNKNOWN else 2
        container = use.container
        return (rank, natural(container.starter.project), natural(container.name), container.id)

    return tuple(sorted(uses, key=key))


def header(report: PsReport) -> str:
    """Which engine answered: `docker 28.5 · containerd store · 3 containers, 2 images`."""
    images = {use.image_id for use in report.uses}
    holds = f"{counted(len(report.uses), 'container')}, {counted(len(images), 'image')}"
    if report.others:
        holds += f" · {report.others} not running"
    return screens.headline(report.store, holds)


def table(
    uses: Sequence[Use], report: PsReport, now: datetime, terminal: Terminal, options: str
) -> str:
    """The rows, as wide as the terminal at most; empty text where there are none.

    Args:
        options: See `cures.pulling`.
    """
    if not uses:
        return ""
    columns = tables.fit(_columns(uses, report, now, options), terminal.width)
    return tables.render(columns, screens.paint if terminal.colour else None)


def markdown(uses: Sequence[Use], report: PsReport, now: datetime, options: str) -> str:
    """The rows as a GitHub table, in full."""
    return tables.markdown(_columns(uses, report, now, options))


TSV_TITLES = (
    "name",
    "project",
    "service",
    "image",
    "reference",
    "id",
    "running",
    "state",
    "verdict",
    "cause",
    "stale",
    "cure",
    "command",
)


def tsv(uses: Sequence[Use], report: PsReport, options: str) -> str:
    """The rows as raw values; what is not known is empty."""
    return tables.tsv([_raw(use, report, options) for use in uses], TSV_TITLES)


def summary(report: PsReport, width: int | None) -> str:
    """How many of each, and what it cost: `1 to recreate, 1 current    2 requests, …`."""
    ranks = {state: rank for rank, states in enumerate(_RANKS) for state in states}
    ranked = sorted(report.summary, key=lambda state: ranks.get(state, len(_RANKS)))
    counts = ", ".join(
        f"{report.summary[state]} {_COUNTED.get(state, _words(state))}" for state in ranked
    )
    return screens.counts_and_cost(counts, report, width)


def hints(uses: Sequence[Use], report: PsReport, options: str) -> list[str]:
    """What to do next: commands whole, which a narrow table has no room for."""
    return [
        *cures.for_uses(uses, report.store, options),
        *nextsteps.of_failures(report.entries),
    ]


def _columns(
    uses: Sequence[Use], report: PsReport, now: datetime, options: str
) -> tuple[Column, ...]:
    def cells(*texts: str) -> tuple[str, ...]:
        return tuple(safe(text) for text in texts)

    return (
        Column("NAME", cells(*(use.container.name for use in uses)), least=12, firm=True),
        Column("PROJECT", cells(*(use.container.starter.project for use in uses)), least=8),
        Column("IMAGE", cells(*map(_image, uses)), least=12, keep_end=True),
        Column("STATUS", cells(*(_words(use.state) for use in uses)), firm=True),
        Column(
            "WHAT TO DO",
            tuple(safe(_to_do(use, report, now, options), screens.CELL_LIMIT) for use in uses),
            least=16,
        ),
    )


def _to_do(use: Use, report: PsReport, now: datetime, options: str) -> str:
    """The command, or what keeps us from knowing one."""
    said = cures.to_do(use, report.store, options)
    verdict = use.entry.verdict
    if said or verdict.kind in (Kind.UP_TO_DATE, Kind.LOCAL_ONLY, Kind.UNPUSHED):
        return said
    return _NAME_GONE if verdict.kind is Kind.NOT_LOCAL else words.what_changed(use.entry, now)


def _image(use: Use) -> str:
    if use.by_id:
        return (use.entry.name or use.image_id.rpartition(":")[2][:12]) + " (by ID)"
    # As docker prints it, whatever the engine calls it.
    return words.LONG_DIGEST.sub(r"\1", use.entry.name or use.image)


def _words(state: str) -> str:
    return _STATES.get(state, state.replace("_", " "))


def _raw(use: Use, report: PsReport, options: str) -> dict[str, str]:
    container, verdict = use.container, use.entry.verdict
    values: tuple[object, ...] = (
        container.name,
        container.starter.project,
        container.starter.service,
        use.image,
        use.entry.reference,
        container.id,
        str(container.running).lower(),
        use.state,
        verdict.kind,
        verdict.cause,
        {True: "true", False: "false", None: None}[use.stale],
        use.cure,
        cures.command(use, report.store, options),
    )
    texts = ("" if value is None else safe(str(value)) for value in values)
    return dict(zip(TSV_TITLES, texts, strict=True))
