"""`regsync doctor [HOST|REF]`."""

from __future__ import annotations

import os
import platform
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from regsync import __version__
from regsync.cli import options
from regsync.cli.terminal import Terminal, safe, wrapped, write

if TYPE_CHECKING:
    from regsync.operations.doctor.steps import Report, Step

EXAMPLES = """\b
Examples:
  regsync doctor
  regsync doctor registry.example.com
  regsync doctor registry.example.com/team/api:1.4
  regsync doctor docker.io --format json

\b
Exit codes:
  0  no step failed; warnings do not count
  1  a step failed"""

_BROAD = 72
"""Columns from which a finding stands beside the name of its step."""
_NAME = 13
_COLOURS = {"ok": "\x1b[32m", "warning": "\x1b[33m", "failed": "\x1b[31m"}
_RESET = "\x1b[0m"


def doctor(
    subject: Annotated[
        str | None,
        typer.Argument(
            metavar="[HOST|REF]",
            help="A registry's host, or a reference; this machine alone without one.",
        ),
    ] = None,
    format: options.PlainFormat = options.Plain.TEXT,
    host: options.Host = None,
    context: options.Context = None,
    config: options.Config = None,
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
) -> int:
    """Find out why something does not work: each step by itself, and what to do.

    The report holds no secret and no user name, and can be pasted as it is. A REF costs one HEAD
    and, where the registry counts no pulls, one GET.
    """
    from regsync.cli.running import run_async
    from regsync.operations.doctor.examine import Subject, examine

    asked = Subject.parse(subject) if subject is not None else None
    if host is not None or context is not None:
        from regsync.stores.locate import locate

        # What was typed is refused at once; what the environment says is a finding.
        locate(store=None, host=host, context=context, env=os.environ)
    report = run_async(examine(asked, os.environ, config=config, engine=host, context=context))
    if format is options.Plain.JSON:
        _write_json(report)
    else:
        terminal = Terminal.of(sys.stdout, os.environ)
        write(text(report, terminal, heading=not quiet))
    return report.exit_code


def text(report: Report, terminal: Terminal, *, heading: bool = True) -> str:
    """The report as people read and paste it."""
    steps = "\n".join(_lines(step, terminal) for step in report.steps)
    if not heading:
        return steps
    head = " · ".join(part for part in (_about(), report.subject) if part)
    return "\n\n".join(
        (wrapped(safe(head), terminal.width), steps, wrapped(_summary(report), terminal.width))
    )


def _about() -> str:
    return f"regsync {__version__} · Python {platform.python_version()} · {_system()}"


def _system() -> str:
    return f"{platform.system()} {platform.machine()}".strip()


def _lines(step: Step, terminal: Terminal) -> str:
    finding = step.finding
    colour = _COLOURS.get(step.outcome.value, "") if terminal.colour else ""
    outcome = f"{step.outcome.value:<7}"
    if colour:
        outcome = f"{colour}{outcome}{_RESET}"
    took = f"{step.time_ms} ms" if step.time_ms is not None else ""
    said = [safe(finding.text)]
    if finding.hint:
        said.append(f"hint: {safe(finding.hint)}")
    width = terminal.width
    if width is not None and width < _BROAD:
        lines = [f"{outcome.rstrip() if not colour else outcome}  {step.name}  {took}".rstrip()]
        return "\n".join([*lines, *(wrapped(part, width, "  ") for part in said)])
    indent = " " * (7 + 2 + _NAME + 2 + 8 + 2)
    blocks = [wrapped(part, width, indent) for part in said]
    first = f"{outcome}  {step.name:<{_NAME}}  {took:>8}  {blocks[0][len(indent) :]}"
    return "\n".join([first, *blocks[1:]])


def _summary(report: Report) -> str:
    from collections import Counter

    counted = Counter(step.outcome.value for step in report.steps)
    words = {name: name for name in ("failed", "warning", "ok", "skipped")}
    if counted["warning"] > 1:
        words["warning"] = "warnings"
    return ", ".join(f"{counted[name]} {word}" for name, word in words.items() if counted[name])


def _write_json(report: Report) -> None:
    from regsync.cli.envelope import Failure, envelope

    failures = [
        Failure(
            step.finding.code or "error",
            f"{step.name}: {step.finding.text}",
            step.finding.hint,
            report.subject,
        )
        for step in report.steps
        if step.outcome.value == "failed"
    ]
    data = {
        "subject": report.subject,
        "versions": {
            "regsync": __version__,
            "python": platform.python_version(),
            "system": _system(),
        },
        "steps": [
            {
                "name": step.name,
                "outcome": step.outcome.value,
                "time_ms": step.time_ms,
                "finding": step.finding.text,
                "code": step.finding.code,
                "hint": step.finding.hint,
            }
            for step in report.steps
        ],
    }
    write(envelope("doctor", report.exit_code, data, failures))
