"""`status --from`: the options, and asking with them."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from regsync.cli.terminal import tell
from regsync.errors import UsageError

if TYPE_CHECKING:
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
Env = Annotated[
    list[str] | None,
    typer.Option(
        "--env",
        metavar="NAME",
        help="With --from: let files have this variable of the environment; they get no other.",
    ),
]
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

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


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked about files.

    Attributes:
        values: What the user lets them know of the environment.
        exclude: Which files of folders not to read.
    """

    files: Sequence[str]
    values: Mapping[str, str]
    semver: bool
    exclude: Sequence[str]


def asked(
    files: list[str] | None,
    names: list[str] | None,
    *,
    semver: bool,
    exclude: list[str] | None = None,
    elsewhere: tuple[object, ...],
) -> Asked | None:
    """What is asked about files, None where a store is asked about.

    Args:
        names: The variables of the environment that the files may have.
        elsewhere: What was said of stores and their images, in the order of `_ELSEWHERE`.

    Raises:
        UsageError: the options exclude each other, or a variable is not to be had.
    """
    if not files:
        if exclude:
            raise UsageError(
                "`--exclude` goes with `--from`",
                "it leaves out files of a folder",
                "name the folder: `regsync status --from . --exclude 'charts/*'`",
            )
        if names:
            raise UsageError(
                "`--env` goes with `--from`",
                "it gives the variables in files a value",
                "name them: `regsync status --from compose.yaml --env TAG`",
            )
        if semver:
            raise UsageError(
                "`--semver` goes with `--from`",
                "it looks at the tags that files name",
                "name them: `regsync status --from compose.yaml --semver`",
            )
        return None
    given = [name for name, value in zip(_ELSEWHERE, elsewhere, strict=True) if value]
    if given:
        raise UsageError(
            f"`--from` and {_listed(given)} exclude each other",
            "it asks about the images that files name, and no store",
        )
    return Asked(files, _values(names or [], os.environ), semver, exclude or ())


def _values(names: Sequence[str], environ: Mapping[str, str]) -> dict[str, str]:
    """Values for files, which send them to hosts of their own choice: what was named, no more."""
    for name in names:
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"`--env {name}` names no variable",
                "a name consists of letters, digits and `_`",
                "its value comes from the environment: `TAG=1.2 regsync status … --env TAG`",
            )
        if name.startswith("REGSYNC_") or name == "DOCKER_AUTH_CONFIG":
            raise UsageError(
                f"`--env {name}` is refused",
                "it may hold a password, and a file sends what it is given to any host it names",
            )
    return {name: environ[name] for name in names if name in environ}


def look(
    question: Asked,
    *,
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

    gathered = gather(question.files, question.values, _stdin, question.exclude)
    documents = Documents(cache_folder())
    with Memory(state_folder()) as memory, listening(quiet=quiet) as listen:
        report: StatusReport = ask(
            lambda registries: named(
                gathered,
                registries,
                memory,
                documents,
                semver=question.semver,
                offline=offline,
                ignore=ignore,
                listen=listen,
            ),
            settings,
            jobs,
        )
    tell(memory.note, documents.note, quiet=quiet)
    return report


def _listed(options: list[str]) -> str:
    *most, last = (f"`{option}`" for option in options)
    return f"{', '.join(most)} and {last}" if most else last


def _stdin() -> bytes:
    """What comes in, one byte more at most than a file may have."""
    from regsync.files.reading import SIZE_LIMIT

    # Closed at the start (`<&-`) it is None.
    return sys.stdin.buffer.read(SIZE_LIMIT + 1) if sys.stdin is not None else b""
