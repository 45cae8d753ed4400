"""The commands and their exit codes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from regsync.cli.order import natural
from regsync.cli.terminal import safe, show_error
from regsync.errors import RegsyncError
from regsync.oci.reference import Reference, Repository

if TYPE_CHECKING:
    from regsync.stores.remote import Registries

Result = TypeVar("Result")
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Read this in place of the user's regsync.toml."),
]

app = typer.Typer(
    name="regsync",
    help="git status, fetch, push and pull for container images.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    pretty_exceptions_show_locals=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def root() -> None:
    """git status, fetch, push and pull for container images."""


@app.command(epilog="Example: regsync digest node:latest")
def digest(
    reference: Annotated[str, typer.Argument(metavar="REF", help="As docker reads it.")],
    config: ConfigOption = None,
) -> None:
    """Print the digest that REF points to at its registry: one HEAD, never a pull."""
    from regsync.operations import lookup

    asked = Reference.parse(reference)
    print(_ask(lambda registries: lookup.digest(asked, registries), config).digest)


@app.command(epilog="Example: regsync tags quay.io/minio/minio")
def tags(
    repository: Annotated[str, typer.Argument(metavar="REPO", help="Without tag and digest.")],
    config: ConfigOption = None,
) -> None:
    """List the tags of REPO in natural order, one a line."""
    from regsync.operations import lookup

    asked = Repository.parse(repository)
    found = _ask(lambda registries: lookup.tags(asked, registries), config)
    for tag in sorted(found, key=natural):
        print(safe(tag))


def run(arguments: list[str]) -> int:
    """Run one command line; returns the exit code."""
    try:
        app(args=arguments, prog_name="regsync", standalone_mode=True)
    except SystemExit as done:
        code = done.code if isinstance(done.code, int) else 1
    except RegsyncError as error:
        show_error(error)
        code = error.exit_code
    except BrokenPipeError:
        code = 0
    else:
        code = 0
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # `| head -1`: the reader has what it wanted; Python must not complain at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def _ask(
    question: Callable[[Registries], Coroutine[Any, Any, Result]], file: Path | None
) -> Result:
    """Ask registries as this user's configuration and environment say."""
    from regsync.config.load import load
    from regsync.stores.remote import Registries

    config = load(file, os.environ)

    async def work() -> Result:
        async with Registries(config, os.environ) as registries:
            try:
                return await question(registries)
            finally:
                for text in registries.warnings():
                    print(f"warning: {safe(text)}", file=sys.stderr)

    return _run(work())


def _run(work: Coroutine[Any, Any, Result]) -> Result:
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        # Typer would turn this into exit code 1.
        print("interrupted", file=sys.stderr)
        raise typer.Exit(128 + signal.SIGINT) from None
