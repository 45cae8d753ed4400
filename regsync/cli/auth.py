"""`regsync auth status [HOST]` and `regsync auth explain HOST`."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from regsync.cli import options
from regsync.cli.envelope import Failure, envelope
from regsync.cli.tables import Column, fit, render
from regsync.cli.terminal import Terminal, safe, say, show_error, write

if TYPE_CHECKING:
    from regsync.credentials.answers import Step, Trace
    from regsync.credentials.listing import Known
    from regsync.operations.whoami import Explanation

ABOUT = "Say who you are to registries, and how regsync knows."
EXAMPLES = """\b
Examples:
  regsync auth status
  regsync auth explain quay.io/team"""
STATUS_EXAMPLES = """\b
Examples:
  regsync auth status
  regsync auth status ghcr.io --quiet || echo nobody is logged in"""
EXPLAIN_EXAMPLES = """\b
Examples:
  regsync auth explain ghcr.io
  regsync auth explain quay.io/team/app --format json"""

_PARTLY = 3
_REFUSED = 4
_CELL_LIMIT = 300


def status(
    host: Annotated[
        str | None,
        typer.Argument(metavar="[HOST]", help="A registry, or HOST/NAMESPACE.", show_default=False),
    ] = None,
    format: options.PlainFormat = options.Plain.TEXT,
    config: options.Config = None,
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
) -> int:
    """List the logins that regsync would use, each with its source.

    Without HOST it lists what every source is known to have, and asks for no secret. With HOST it
    looks for the login of that registry, and exits with 4 where there is none. No request is sent.
    """
    from regsync.config.load import load
    from regsync.operations import whoami

    settings = load(config, os.environ)
    if host is not None:
        explanation = whoami.explain(host, os.environ, settings)
        whoami.demand(host, explanation.trace)
        return _show([_found(explanation.trace)], format, quiet)
    found = whoami.logins(os.environ)
    told = [Failure("credentials", error.why, error.hint) for error in found.broken]
    code = _PARTLY if told else 0
    for failure in told:
        say(f"warning: {safe(failure.message)}")
    if not found.logins and not told and not quiet:
        say("no login is known of: every registry is asked anonymously")
    _show([_known(one) for one in found.logins], format, quiet, code, told)
    return code


def explain(
    host: Annotated[
        str, typer.Argument(metavar="HOST[/NAMESPACE[/REPO]]", help="A registry, or a part of it.")
    ],
    format: options.PlainFormat = options.Plain.TEXT,
    config: options.Config = None,
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
) -> int:
    """Say how the login for HOST is looked for.

    Every source in order: which one answered, which were skipped, and why; never the secret. A
    helper program or the keyring is asked where it comes to that, the registry is not.
    """
    from regsync.config.load import load
    from regsync.operations import whoami

    found = whoami.explain(host, os.environ, load(config, os.environ))
    error = found.trace.error
    code = 0 if error is None else _REFUSED
    if format is options.Plain.JSON:
        failures = [] if error is None else [Failure.of(error)]
        write(envelope("auth explain", code, _explained(found), failures))
    else:
        write(_screen(found, quiet))
    if error is not None:
        show_error(error)
    return code


def _screen(found: Explanation, quiet: bool) -> str:
    steps = found.trace.steps
    columns = (
        Column("SOURCE", tuple(step.source for step in steps), firm=True),
        Column("OUTCOME", tuple(step.outcome.replace("_", " ") for step in steps), firm=True),
        Column("WHY", _cells(step.why for step in steps), least=20),
        Column("PLACE", _cells(step.place for step in steps), least=12, keep_end=True),
    )
    width = Terminal.of(sys.stdout, os.environ).width
    fitted = fit(columns, width)
    narrow = width is not None and "WHY" not in {column.title for column in fitted}
    table = _blocks(steps, width) if narrow and width else render(fitted)
    return table if quiet else f"{table}\n\n{safe(_outcome(found))}"


def _blocks(steps: Sequence[Step], width: int) -> str:
    """One block a source, where a table has no room for the reasons."""
    lines = []
    for step in steps:
        lines.append(f"{step.source}: {step.outcome.replace('_', ' ')}")
        for text in _cells((step.why, step.place)):
            lines += textwrap.wrap(
                text, width, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
            )
    return "\n".join(lines)


def _outcome(found: Explanation) -> str:
    trace = found.trace
    if trace.error is not None:
        return f"`{trace.key}` is not asked at all: a source that is broken stops it"
    if trace.credentials is None:
        return f"`{trace.key}` is asked anonymously: no source knows it"
    who = f"`{trace.key}` is asked as {trace.credentials.who}"
    return who if found.withheld is None else f"{who}; not now, since {found.withheld}"


def _show(
    logins: list[dict[str, object]],
    format: options.Plain,
    quiet: bool,
    code: int = 0,
    failures: list[Failure] | None = None,
) -> int:
    if format is options.Plain.JSON:
        write(envelope("auth status", code, {"logins": logins}, failures or []))
    elif logins:
        write(_table(logins))
    return code


def _table(logins: list[dict[str, object]]) -> str:
    notes = [
        f"not used: {one['hidden_by']} comes first" if one["hidden_by"] else "" for one in logins
    ]
    columns = (
        Column("REGISTRY", _cells(one["key"] or "(not known)" for one in logins), firm=True),
        Column("WHO", _cells(_who(one) for one in logins), least=8, firm=True),
        Column("SOURCE", _cells(one["source"] for one in logins), firm=True),
        Column("PLACE", _cells(one["place"] for one in logins), least=12, keep_end=True),
        Column("NOTE", _cells(notes), least=12),
    )
    return render(fit(columns, Terminal.of(sys.stdout, os.environ).width))


def _who(login: dict[str, object]) -> str:
    kind = str(login["kind"] or "").replace("_", " ")
    if login["username"]:
        return str(login["username"])
    return f"({kind})" if kind else "(known when asked)"


def _cells(texts: object) -> tuple[str, ...]:
    return tuple(safe(str(text), _CELL_LIMIT) for text in texts)  # type: ignore[attr-defined]


def _known(login: Known) -> dict[str, object]:
    return {
        "key": None if login.key is None else str(login.key),
        "registry": None if login.key is None else login.key.registry,
        "username": login.username or None,
        "kind": login.kind,
        "source": login.source,
        "place": login.place,
        "hidden_by": login.hidden_by,
    }


def _found(trace: Trace) -> dict[str, object]:
    step, credentials = trace.answered, trace.credentials
    assert step is not None and credentials is not None  # noqa: S101, PT018 - callers demand it
    return {
        "key": trace.key,
        "registry": trace.registry,
        "username": credentials.username or None,
        "kind": credentials.kind,
        "source": step.source,
        "place": step.place,
        "hidden_by": None,
    }


def _explained(found: Explanation) -> dict[str, object]:
    trace = found.trace
    return {
        "key": trace.key,
        "registry": trace.registry,
        "login": None if trace.credentials is None else _found(trace),
        "withheld": found.withheld,
        "steps": [
            {"source": one.source, "place": one.place, "outcome": one.outcome, "why": one.why}
            for one in trace.steps
        ],
    }
