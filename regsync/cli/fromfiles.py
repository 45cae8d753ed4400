"""`status --from`: the options, and asking with them."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from regsync.cli.terminal import safe, say
from regsync.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regsync.config.load import Config
    from regsync.oci.glob import Glob
    from regsync.operations.report import StatusReport

Files = Annotated[
    list[str] | None,
    typer.Option(
        "--from",
        metavar="FILE",
        help="Look up what this compose file, Dockerfile, Kubernetes manifest or folder names; "
        "`-` is standard input. Needs no engine.",
    ),
]
Semver = Annotated[
    bool, typer.Option("--semver", help="With --from: look for newer versions of the same kind.")
]

Exclude = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="GLOB",
        help="With --from FOLDER: leave these files out, e.g. `charts/*`; may be repeated.",
    ),
]

_ELSEWHERE = (
    *("REF", "--platform", "--store", "--host", "--context", "--changed", "--min-age"),
    *("--explain", "--names"),
)


def asked(
    files: list[str] | None,
    *,
    semver: bool,
    exclude: list[str] | None,
    elsewhere: tuple[object, ...],
) -> bool:
    """Whether files are asked about, and not a store.

    Args:
        elsewhere: What was said of stores and their images, in the order of `_ELSEWHERE`.

    Raises:
        UsageError: the options exclude each other.
    """
    if not files:
        if exclude:
            raise UsageError(
                "`--exclude` goes with `--from`",
                "it leaves out files of a folder",
                "name the folder: `regsync status --from . --exclude 'charts/*'`",
            )
        if semver:
            raise UsageError(
                "`--semver` goes with `--from`",
                "it looks at the tags that files name",
                "name them: `regsync status --from compose.yaml --semver`",
            )
        return False
    given = [name for name, value in zip(_ELSEWHERE, elsewhere, strict=True) if value]
    if given:
        raise UsageError(
            f"`--from` and {_listed(given)} exclude each other",
            "it asks about the images that files name, and no store",
        )
    return True


def look(
    files: list[str],
    *,
    exclude: list[str],
    semver: bool,
    offline: bool,
    jobs: int | None,
    settings: Config,
    ignore: Sequence[Glob],
    quiet: bool,
) -> StatusReport:
    """Read the files, and ask the registries.

    Raises:
        InvalidFile: what was named is not there, or names no images.
    """
    from regsync.cli.asking import ask
    from regsync.cli.bars import listening
    from regsync.files.gather import gather
    from regsync.operations.named import named
    from regsync.state.documents import Documents
    from regsync.state.folders import cache_folder, state_folder
    from regsync.state.memory import Memory

    gathered = gather(files, os.environ, _stdin, exclude)
    documents = Documents(cache_folder())
    with Memory(state_folder()) as memory, listening(quiet=quiet) as listen:
        report: StatusReport = ask(
            lambda registries: named(
                gathered,
                registries,
                memory,
                documents,
                semver=semver,
                offline=offline,
                ignore=ignore,
                listen=listen,
            ),
            settings,
            jobs,
        )
    for note in (memory.note, documents.note):
        if note is not None and not quiet:
            say(f"note: {safe(note)}")
    return report


def _listed(options: list[str]) -> str:
    *most, last = (f"`{option}`" for option in options)
    return f"{', '.join(most)} and {last}" if most else last


def _stdin() -> bytes:
    """What comes in, one byte more at most than a file may have."""
    from regsync.files.reading import SIZE_LIMIT

    # Closed at the start (`<&-`) it is None.
    return sys.stdin.buffer.read(SIZE_LIMIT + 1) if sys.stdin is not None else b""
