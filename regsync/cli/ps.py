"""`regsync ps`: which containers run old images."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regsync.cli import options
from regsync.cli.terminal import Terminal, show_answer, show_error, tell, write

if TYPE_CHECKING:
    from regsync.operations.ps import PsReport, Use

EXAMPLES = """\b
Examples:
  regsync ps
  regsync ps --all
  regsync ps --exit-code --quiet
  regsync ps --format json

\b
Exit codes:
  0   every container was decided
  3   some are unknown
  10  --exit-code, and one is stale"""


def ps(
    all_: Annotated[
        bool, typer.Option("--all", "-a", help="Also containers that do not run; they count too.")
    ] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 10 if anything is stale.")
    ] = False,
    format: options.RowsFormat = options.Rows.TABLE,
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask no registry; say what was last known.")
    ] = False,
    jobs: options.Jobs = None,
    host: options.Host = None,
    context: options.Context = None,
    config: options.Config = None,
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
) -> int:
    """Say which containers run old images, and what brings them up to date.

    A container runs an old image if its name means a newer one here by now (recreate it), or if
    that name is behind its registry (pull, then recreate). Only names in use are asked for.
    """
    report = _look(
        stopped=all_,
        offline=offline,
        jobs=jobs,
        host=host,
        context=context,
        config=config,
        quiet=quiet,
    )
    code = report.exit_code(ask_stale=exit_code)
    from regsync.cli.nextsteps import engine_options

    flags = engine_options(report.store.name, host, context)
    show(report, format, code, verbose=verbose, quiet=quiet, engine=flags)
    return code


def show(
    report: PsReport,
    format: options.Rows,
    exit_code: int,
    *,
    verbose: bool = False,
    quiet: bool = False,
    engine: str = "",
) -> None:
    """Print a report.

    Args:
        exit_code: What the command will end with, as JSON tells it.
        engine: See `nextsteps.engine_options`.
    """
    from regsync.cli import psscreens
    from regsync.cli.envelope import envelope
    from regsync.cli.psdata import container_data, ps_data, ps_failures

    uses = psscreens.ordered(report.uses)
    now = datetime.now(UTC)
    match format:
        case options.Rows.JSON:
            write(envelope("ps", exit_code, ps_data(report, uses, engine), ps_failures(report)))
        case options.Rows.JSONL:
            if uses:
                write("\n".join(json.dumps(container_data(use, report, engine)) for use in uses))
        case options.Rows.TSV:
            write(psscreens.tsv(uses, report, engine))
        case options.Rows.MARKDOWN:
            write(psscreens.markdown(uses, report, now, engine))
        case options.Rows.TABLE:
            _show_table(report, uses, now, quiet=quiet, engine=engine)
    if verbose:
        for entry in report.entries:
            if entry.verdict.error is not None:
                show_error(entry.verdict.error)


def _show_table(
    report: PsReport, uses: tuple[Use, ...], now: datetime, *, quiet: bool, engine: str
) -> None:
    from regsync.cli import psscreens

    terminal = Terminal.of(sys.stdout, os.environ)
    rows = psscreens.table(uses, report, now, terminal, engine)
    show_answer(
        terminal,
        psscreens.header(report),
        rows,
        psscreens.summary(report, terminal.width),
        psscreens.hints(uses, report, engine),
        quiet=quiet,
    )


def _look(
    *,
    stopped: bool,
    offline: bool,
    jobs: int | None,
    host: str | None,
    context: str | None,
    config: Path | None,
    quiet: bool,
) -> PsReport:
    """Ask the engine and the registries."""
    from regsync.cli.asking import ask
    from regsync.cli.bars import listening
    from regsync.config.load import load
    from regsync.operations import ps as looking
    from regsync.state.documents import Documents
    from regsync.state.folders import cache_folder, state_folder
    from regsync.state.memory import Memory
    from regsync.stores.locate import locate

    settings = load(config, os.environ)
    where = locate(store=None, host=host, context=context, env=os.environ)
    documents = Documents(cache_folder())
    with Memory(state_folder()) as memory, listening(quiet=quiet) as listen:
        report: PsReport = ask(
            lambda registries: looking.ps(
                where,
                registries,
                memory,
                documents,
                stopped=stopped,
                offline=offline,
                min_age=settings.status.min_age,
                listen=listen,
            ),
            settings,
            jobs,
        )
    tell(memory.note, documents.note, quiet=quiet)
    return report
