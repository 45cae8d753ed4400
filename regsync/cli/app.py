"""The commands, put together; each lives in a file of its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Annotated

import typer

from regsync import __version__
from regsync.cli import auth, demo, digest, doctor, ps, pull, status, tags
from regsync.cli.terminal import write

_ABOUT = "git status, fetch, push and pull for container images."
_COMMANDS: dict[str, tuple[Callable[..., int], str]] = {
    "status": (status.status, status.EXAMPLES),
    "ps": (ps.ps, ps.EXAMPLES),
    "pull": (pull.pull, pull.EXAMPLES),
    "digest": (digest.digest, digest.EXAMPLES),
    "tags": (tags.tags, tags.EXAMPLES),
    "doctor": (doctor.doctor, doctor.EXAMPLES),
    "demo": (demo.demo, demo.EXAMPLES),
}
# Commands of commands: what the first word is about, its examples, and what may follow.
_GROUPS: dict[str, tuple[str, str, dict[str, tuple[Callable[..., int], str]]]] = {
    "auth": (
        auth.ABOUT,
        auth.EXAMPLES,
        {
            "status": (auth.status, auth.STATUS_EXAMPLES),
            "explain": (auth.explain, auth.EXPLAIN_EXAMPLES),
        },
    ),
}
COMMANDS = (
    *_COMMANDS,
    *(f"{name} {inner}".strip() for name, group in _GROUPS.items() for inner in ("", *group[2])),
)
"""The names of all commands, in the order of the help; those of a group after their group."""

_HELP_WIDTH = 80
_LEAST_WIDTH = 30


def run(arguments: list[str]) -> int:
    """Run one command line; returns the exit code."""
    from regsync.cli.boundary import guarded

    def dispatch() -> int:
        code = assemble()(args=arguments, prog_name="regsync", standalone_mode=False)
        return code if isinstance(code, int) else 0

    return guarded(dispatch, arguments, COMMANDS)


def assemble() -> typer.Typer:
    """The application, its help as wide as the terminal, and no wider than reads well."""
    app = _typer("regsync", _ABOUT, _EXAMPLES)
    app.callback()(_root)
    for name, (command, examples) in _COMMANDS.items():
        app.command(name, epilog=examples)(command)
    for name, (about, examples, commands) in _GROUPS.items():
        group = _typer(name, about, examples)
        for inner, (command, own) in commands.items():
            group.command(inner, epilog=own)(command)
        app.add_typer(group)
    return app


def _typer(name: str, about: str, examples: str) -> typer.Typer:
    columns = min(shutil.get_terminal_size().columns, _HELP_WIDTH)
    return typer.Typer(
        name=name,
        help=about,
        epilog=examples,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        # Plain help is 76 ms faster than Rich's, and what the reference shows.
        rich_markup_mode=None,
        context_settings={
            "help_option_names": ["-h", "--help"],
            "terminal_width": max(columns - 2, _LEAST_WIDTH),
        },
    )


_EXAMPLES = """\b
Examples:
  regsync status
  regsync pull node --store oci:images
  regsync digest node:latest
  regsync tags quay.io/minio/minio

`regsync COMMAND -h` explains a command."""


def _show_version(wanted: bool) -> None:
    if wanted:
        write(f"regsync {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """git status, fetch, push and pull for container images."""
