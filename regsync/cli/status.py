"""`regsync status`: the main question, asked and answered."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regsync.cli import fromfiles, options
from regsync.cli.terminal import Terminal, show_answer, show_error, tell, write
from regsync.cli.unattended import Unattended, keep_mark, notes, tells_vanished

if TYPE_CHECKING:
    from regsync.operations.report import Entry, StatusReport

EXAMPLES = """\b
Examples:
  regsync status
  regsync status node postgres:13
  regsync status --stale --exit-code
  regsync status --changed --quiet
  regsync status --format json
  regsync status --format html
  regsync status --store oci:./images
  regsync status --from compose.yaml
  regsync status --explain node

\b
Exit codes:
  0   every image was decided
  3   some are unknown
  5   none of the named images exists
  10  --exit-code, and one is stale

\b
With --format nagios:
  0  OK
  1  WARNING: something is stale
  2  CRITICAL: something is gone
  3  UNKNOWN"""


def status(
    references: Annotated[
        list[str] | None,
        typer.Argument(metavar="[REF]...", help="Names or image IDs; all images without any."),
    ] = None,
    stale: Annotated[
        bool, typer.Option("--stale", help="List only what is stale; the summary counts all.")
    ] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 10 if anything is stale.")
    ] = False,
    format: options.StatusFormat = options.StatusRows.TABLE,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say what changed: of each REF, or of all stale.")
    ] = False,
    names: Annotated[
        bool, typer.Option("--names", help="Ask which other tags carry the same image.")
    ] = False,
    platform: options.PlatformName = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask no registry; say what was last known.")
    ] = False,
    changed: options.Changed = False,
    min_age: options.MinAge = None,
    ignore: options.Ignore = None,
    keep_pulls: options.KeepPulls = None,
    jobs: options.Jobs = None,
    store: options.Store = None,
    host: options.Host = None,
    context: options.Context = None,
    files: fromfiles.Files = None,
    exclude: fromfiles.Exclude = None,
    semver: fromfiles.Semver = False,
    env: fromfiles.Env = None,
    config: options.Config = None,
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
) -> int:
    """Say which local images are behind their registries, and why.

    Asks with one HEAD request a name, which Docker Hub does not count as a pull.
    """
    unattended = Unattended(changed, min_age, ignore or (), keep_pulls)
    elsewhere = (references, platform, store, host, context, changed, min_age, explain, names)
    question = fromfiles.asked(files, env, semver=semver, exclude=exclude, elsewhere=elsewhere)
    if question is not None:
        settings = unattended.settings(config, os.environ)
        report = fromfiles.look(
            question,
            offline=offline,
            jobs=jobs,
            settings=settings,
            ignore=unattended.patterns(settings, named=False),
            quiet=quiet,
        )
        code = _own_code(format, report, report.exit_code(ask_stale=exit_code))
        show(report, format, code, only_stale=stale, verbose=verbose, quiet=quiet)
        return code
    report = _look(
        references or [],
        platform=platform,
        offline=offline,
        explain=explain,
        names=names,
        jobs=jobs,
        store=store,
        host=host,
        context=context,
        config=config,
        quiet=quiet,
        unattended=unattended,
    )
    code = exit_code_of(report, ask_stale=exit_code, named=bool(references))
    code = _own_code(format, report, code)
    from regsync.cli.nextsteps import engine_options

    flags = engine_options(report.store.name, host, context)
    if explain and format is options.StatusRows.TABLE:
        from regsync.cli.explanation import show_explanations

        listed = show_explanations(report, every=bool(references), quiet=quiet, engine=flags)
        vanished = False
    else:
        listed = show(
            report, format, code, only_stale=stale, verbose=verbose, quiet=quiet, engine=flags
        )
        vanished = tells_vanished(format, only_stale=stale, quiet=quiet)
    keep_mark(report, listed, vanished=vanished, quiet=quiet)
    return code


def _own_code(format: options.StatusRows, report: StatusReport, code: int) -> int:
    """The exit code, which a monitor has its own convention for."""
    if format is not options.StatusRows.NAGIOS:
        return code
    from regsync.cli.formats.nagios import state

    return state(report).value


def exit_code_of(report: StatusReport, *, ask_stale: bool, named: bool) -> int:
    """The report's own exit code, with what holds for images that the user named.

    5 where none of them exists; 3 for 0 where one is not here and its registry cannot be asked.
    """
    from regsync.cli.words import missing

    if named and report.listed and all(missing(entry) for entry in report.entries):
        return 5
    code = report.exit_code(ask_stale=ask_stale)
    if code == 0 and any(entry.verdict.error is not None for entry in report.listed):
        return 3
    return code


def show(
    report: StatusReport,
    format: options.StatusRows,
    exit_code: int,
    *,
    only_stale: bool = False,
    verbose: bool = False,
    quiet: bool = False,
    engine: str = "",
) -> tuple[Entry, ...]:
    """Print a report; gives the entries that it lists.

    Args:
        exit_code: What the command will end with, as JSON tells it.
        only_stale: Leave out the rows that are not stale; what is counted stays the same.
        engine: See `nextsteps.engine_options`.
    """
    from regsync.cli import formats, nextsteps, screens
    from regsync.cli.envelope import Failure, envelope
    from regsync.cli.statusdata import image_data, status_data, status_failures

    entries = tuple(entry for entry in report.listed if entry.any_stale or not only_stale)
    gone = report.news.vanished if report.news is not None and not only_stale else ()
    if report.news is not None and not (entries or gone) and format in options.LINES:
        # Whoever asks what has changed wants to hear nothing where nothing has; a document is one
        # also when it says that.
        return ()
    now, nagios = datetime.now(UTC), options.StatusRows.NAGIOS
    match format:
        case options.StatusRows.JSON:
            failures = [*status_failures(report.listed), *map(Failure.of, report.failures)]
            write(envelope("status", exit_code, status_data(report, entries), failures))
        case options.StatusRows.JSONL:
            _write_lines("\n".join(json.dumps(image_data(entry)) for entry in entries))
        case options.StatusRows.TSV:
            write(screens.tsv(screens.ordered(entries)))
        case options.StatusRows.MARKDOWN:
            write(screens.with_vanished(screens.markdown(screens.ordered(entries), now), gone))
        case options.StatusRows.TABLE:
            rows = screens.ordered(entries)
            _show_table(report, rows, now, gone=gone, quiet=quiet, engine=engine)
        case _:
            # A monitor judges the whole report, so it is told of all of it.
            listed = screens.ordered(report.entries if format is nagios else entries)
            hints = nextsteps.of_status(listed, report.store, engine)
            write(formats.text(format, report, listed, now, hints))
    for failure in report.failures:
        show_error(failure)
    tell(*notes(report, format, gone), quiet=quiet)
    if verbose:
        for entry in report.listed:
            if entry.verdict.error is not None:
                show_error(entry.verdict.error)
    return entries


def _show_table(
    report: StatusReport,
    entries: tuple[Entry, ...],
    now: datetime,
    *,
    gone: tuple[str, ...],
    quiet: bool,
    engine: str,
) -> None:
    from regsync.cli import nextsteps, screens

    terminal = Terminal.of(sys.stdout, os.environ)
    rows = screens.with_vanished(screens.table(entries, now, terminal), gone, terminal.width)
    show_answer(
        terminal,
        screens.header(report),
        rows,
        screens.summary(report, terminal.width),
        nextsteps.of_status(entries, report.store, engine),
        quiet=quiet,
    )


def _write_lines(text: str) -> None:
    if text:
        write(text)


def _look(
    references: list[str],
    *,
    platform: str | None,
    offline: bool,
    explain: bool,
    names: bool,
    jobs: int | None,
    store: str | None,
    host: str | None,
    context: str | None,
    config: Path | None,
    quiet: bool,
    unattended: Unattended,
) -> StatusReport:
    """Ask the store and the registries."""
    from regsync.cli.asking import ask
    from regsync.cli.bars import listening
    from regsync.oci.platform import Platform
    from regsync.operations.status import Wish
    from regsync.operations.status import status as look
    from regsync.state.documents import Documents
    from regsync.state.folders import cache_folder, state_folder
    from regsync.state.memory import Memory
    from regsync.stores.locate import locate

    unattended.demand_sense(offline=offline)
    settings = unattended.settings(config, os.environ)
    wish = Wish(
        tuple(references),
        Platform.parse(platform) if platform else None,
        offline,
        ignore=unattended.patterns(settings, named=bool(references)),
        min_age=unattended.age(settings),
        changed=unattended.changed,
        explain=explain,
        names=names,
    )
    where = locate(store=store, host=host, context=context, env=os.environ)
    documents = Documents(cache_folder())
    with Memory(state_folder()) as memory, listening(quiet=quiet) as listen:
        report: StatusReport = ask(
            lambda registries: look(where, registries, memory, documents, wish, listen=listen),
            settings,
            jobs,
        )
    tell(memory.note, documents.note, quiet=quiet)
    return report
