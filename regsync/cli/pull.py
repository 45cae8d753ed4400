"""`regsync pull REF --store oci:DIR`."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from regsync.cli import options
from regsync.cli.asking import ask
from regsync.cli.bars import listening
from regsync.cli.terminal import Terminal, tell, write
from regsync.cli.units import size
from regsync.errors import UsageError
from regsync.oci.platform import Platform
from regsync.oci.reference import Reference

if TYPE_CHECKING:
    from regsync.operations.pull import PullResult
    from regsync.stores.layout import LayoutStore
    from regsync.stores.remote import Registries

EXAMPLES = """\b
Examples:
  regsync pull node:latest --store oci:images
  regsync pull node --store oci:images --platform linux/arm64"""


def pull(
    reference: Annotated[
        str, typer.Argument(metavar="REF", help="A reference, read as docker reads it.")
    ],
    store: Annotated[
        str | None,
        typer.Option(
            metavar="oci:DIR", help="Pull into this OCI layout folder; it is made if missing."
        ),
    ] = None,
    platform: Annotated[
        str | None,
        typer.Option(metavar="OS/ARCH", help="Pull this platform, not this machine's."),
    ] = None,
    keep_pulls: options.KeepPulls = None,
    config: options.Config = None,
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
) -> int:
    """Pull the image that REF names into an OCI layout folder.

    What is there already is not fetched again, and everything is verified. The name moves at the
    very end; what it named before stays in the folder as an untagged image.
    """
    asked = Reference.parse(reference)
    target = layout_store(store)
    wanted = None if platform is None else Platform.parse(platform)
    from regsync.clock import SystemClock
    from regsync.config.load import load
    from regsync.operations import pull as operation
    from regsync.operations.remember import remember_pull
    from regsync.state.folders import state_folder
    from regsync.state.memory import Memory

    with Memory(state_folder()) as memory, listening(quiet=quiet) as listen:

        def remember(result: PullResult) -> None:
            remember_pull(memory, target.info.key, result, SystemClock().now())

        async def question(registries: Registries) -> PullResult:
            return await operation.pull(
                asked, target, registries, platform=wanted, listen=listen, remember=remember
            )

        settings = replace(load(config, os.environ), keep_pulls=keep_pulls)
        result = ask(question, settings, about=asked)
    write(final_line(result))
    tell(memory.note, quiet=quiet)
    return 0


def layout_store(store: str | None) -> LayoutStore:
    """The layout that `--store` names.

    Raises:
        UsageError: there is none: engines cannot be pulled through yet.
    """
    from regsync.stores.layout import LayoutStore
    from regsync.stores.locate import locate

    found = None if store is None else locate(store=store, host=None, context=None, env={})
    if not isinstance(found, LayoutStore):
        raise UsageError(
            "`regsync pull` needs a place to pull into",
            "pulls through an engine are not there yet",
            "name an OCI layout folder: `--store oci:DIR`; it is made if it does not exist",
        )
    return found


def final_line(result: PullResult, *, short: bool | None = None) -> str:
    """The full reference, what it stands for now, and what that cost.

    Args:
        short: Whether the digest is cut to what people read; None for where stdout is a terminal.
    """
    if short is None:
        short = Terminal.of(sys.stdout, os.environ).width is not None
    digest = result.new.short if short else result.new
    cost = "already up to date" if result.up_to_date else size(result.downloaded)
    return f"{result.reference}  {digest}  {cost}"
