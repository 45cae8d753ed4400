"""Status for readers other than a terminal and a script: a page, test results, a monitor.

Each format is a pure function from a report to its text. All are ASCII, whatever the encoding of
the stream, where the format has a way to write other characters.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from regsync.cli.options import StatusRows

if TYPE_CHECKING:
    from regsync.operations.report import Entry, StatusReport


def text(
    format: StatusRows,
    report: StatusReport,
    entries: Sequence[Entry],
    now: datetime,
    hints: Sequence[str],
) -> str:
    """A report as `html`, `junit` or `nagios`.

    Args:
        entries: Those to list, in the order of the list; what is counted is all of the report.
        hints: What to do next, for people.
    """
    if format is StatusRows.HTML:
        from regsync.cli.formats.html import page

        return page(report, entries, now, hints)
    if format is StatusRows.JUNIT:
        from regsync.cli.formats.junit import document

        return document(report, entries, now)
    if format is StatusRows.NAGIOS:
        from regsync.cli.formats.nagios import answer

        return answer(report, entries, now)
    raise AssertionError(f"{format} is written elsewhere")
