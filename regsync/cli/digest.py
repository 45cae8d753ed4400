"""`regsync digest REF`."""

from __future__ import annotations

from typing import Annotated

import typer

from regsync.cli import options
from regsync.cli.asking import ask
from regsync.cli.envelope import envelope
from regsync.cli.terminal import write
from regsync.oci.reference import Reference

EXAMPLES = """\b
Examples:
  regsync digest node:latest
  regsync digest alpine --format json"""


def digest(
    reference: Annotated[
        str, typer.Argument(metavar="REF", help="A reference, read as docker reads it.")
    ],
    format: options.PlainFormat = options.Plain.TEXT,
    config: options.Config = None,
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
) -> int:
    """Print the digest that REF points to at its registry.

    One HEAD request, which Docker Hub does not count as a pull.
    """
    asked = Reference.parse(reference)
    from regsync.operations import lookup

    found = ask(lambda registries: lookup.digest(asked, registries), config, about=asked)
    if format is options.Plain.TEXT:
        write(str(found.digest))
        return 0
    data = {
        "reference": str(asked),
        "digest": str(found.digest),
        "media_type": found.media_type or None,
    }
    write(envelope("digest", 0, data))
    return 0
