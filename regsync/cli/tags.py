"""`regsync tags REPO`."""

from __future__ import annotations

from typing import Annotated

import typer

from regsync.cli import options
from regsync.cli.asking import ask
from regsync.cli.envelope import envelope
from regsync.cli.order import natural
from regsync.cli.terminal import safe, write
from regsync.oci.reference import Repository

_TAG_LIMIT = 256
"""Characters of a line; a tag of the specification has 128 at most."""

EXAMPLES = """\b
Examples:
  regsync tags quay.io/minio/minio
  regsync tags alpine --format json"""


def tags(
    repository: Annotated[
        str, typer.Argument(metavar="REPO", help="A repository, without tag and digest.")
    ],
    format: options.PlainFormat = options.Plain.TEXT,
    config: options.Config = None,
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
) -> int:
    """List the tags of REPO in natural order.

    One a line, `1.9` before `1.10`.
    """
    asked = Repository.parse(repository)
    from regsync.operations import lookup

    found = sorted(
        ask(lambda registries: lookup.tags(asked, registries), config, about=asked), key=natural
    )
    if format is options.Plain.JSON:
        write(envelope("tags", 0, {"repository": str(asked), "tags": found}))
    elif found:
        write("\n".join(safe(tag, _TAG_LIMIT) for tag in found))
    return 0
