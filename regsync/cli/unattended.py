"""What a `status` that nobody watches is told, by options and by `regsync.toml`; and its mark."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from regsync.cli.options import StatusRows
from regsync.cli.terminal import tell
from regsync.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from regsync.config.load import Config
    from regsync.oci.glob import Glob
    from regsync.operations.report import Entry, StatusReport


@dataclass(frozen=True, slots=True)
class Unattended:
    """What the options said; None and empty where they said nothing."""

    changed: bool = False
    min_age: str | None = None
    ignore: Sequence[str] = ()
    keep_pulls: int | None = None

    def demand_sense(self, *, offline: bool) -> None:
        """Refuse what cannot be meant.

        Raises:
            UsageError: what has changed cannot be told without asking.
        """
        if self.changed and offline:
            raise UsageError(
                "`--changed` and `--offline` do not go together",
                "where no registry is asked, nothing can have changed",
                "leave one of them out",
            )

    def settings(self, file: Path | None, env: Mapping[str, str]) -> Config:
        """The configuration, with what the options put in its place.

        Raises:
            InvalidConfig: see `regsync.config.load`.
        """
        from regsync.config.load import load

        found = load(file, env)
        return replace(found, keep_pulls=self.keep_pulls, usual_keep_pulls=found.status.keep_pulls)

    def patterns(self, settings: Config, *, named: bool) -> tuple[Glob, ...]:
        """What is ignored; who names images wants to hear of them, whatever the file says.

        Raises:
            InvalidReference: a pattern is none.
        """
        from regsync.oci.glob import Glob

        texts = (*(() if named else settings.status.ignore), *self.ignore)
        return tuple(Glob.parse(text) for text in dict.fromkeys(texts))

    def age(self, settings: Config) -> timedelta | None:
        """How old an update has to be.

        Raises:
            UsageError: it is no length of time.
        """
        from regsync.config.duration import parse_duration

        if self.min_age is None:
            return settings.status.min_age
        return parse_duration(self.min_age)


def keep_mark(
    report: StatusReport, listed: Sequence[Entry], *, vanished: bool, quiet: bool
) -> None:
    """Remember what was reported, now that it has been.

    Args:
        listed: The entries that were.
        vanished: Whether the names were that are no longer here.
    """
    from regsync.operations.since import reported
    from regsync.state.folders import state_folder
    from regsync.state.memory import Memory

    news = report.news
    if news is None:
        return
    with Memory(state_folder()) as memory:
        gone = news.vanished if vanished else ()
        memory.keep_reported(report.store.key, reported(news, listed), gone, news.scope)
    tell(memory.note, quiet=quiet)


def tells_vanished(format: StatusRows, *, only_stale: bool, quiet: bool) -> bool:
    """Whether a report in this format says which names are no longer here."""
    if format is StatusRows.JSON:
        return True
    return not only_stale and (format in (StatusRows.TABLE, StatusRows.MARKDOWN) or not quiet)


def notes(report: StatusReport, format: StatusRows, vanished: Sequence[str]) -> list[str]:
    """What the user should know beside the data.

    Args:
        vanished: Names that are no longer here, which the format itself may not tell.
    """
    from regsync.cli.infiles import not_understood

    found = [f"`--ignore {pattern}` matches nothing here" for pattern in report.idle_patterns]
    found += [f"`--exclude {one}` matches nothing here" for one in report.idle_excludes]
    found += not_understood(report)
    if format not in (StatusRows.TABLE, StatusRows.MARKDOWN, StatusRows.JSON):
        found += [f"no longer here: {name}" for name in vanished]
    return found
