"""Options that several commands share, each defined once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Plain(StrEnum):
    """Formats of commands that answer with a value or a list."""

    TEXT = "text"
    JSON = "json"


class Rows(StrEnum):
    """Formats of commands that answer with a table."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    MARKDOWN = "markdown"
    TSV = "tsv"


class StatusRows(StrEnum):
    """Formats of `status`: those of a table, and those of `regsync.cli.formats`."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    MARKDOWN = "markdown"
    TSV = "tsv"
    HTML = "html"
    JUNIT = "junit"
    NAGIOS = "nagios"


LINES = frozenset({StatusRows.TABLE, StatusRows.JSONL, StatusRows.MARKDOWN, StatusRows.TSV})
"""Formats that are nothing but their rows: without any, nothing is printed."""

Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Say more: every failure in full, tracebacks too.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the data alone.")]
Config = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Read this file in place of your `regsync.toml`."),
]
PlainFormat = Annotated[
    Plain, typer.Option("--format", metavar="FORMAT", help="`text` or `json`.", show_default=False)
]
RowsFormat = Annotated[
    Rows,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="`table`, `json`, `jsonl` (one image a line), `markdown` or `tsv`.",
        show_default=False,
    ),
]
StatusFormat = Annotated[
    StatusRows,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="`table`, `json`, `jsonl` (one image a line), `markdown`, `tsv`, `html` (a page), "
        "`junit` or `nagios`.",
        show_default=False,
    ),
]
Host = Annotated[
    str | None,
    typer.Option(
        "--host", "-H", metavar="URL", help="Ask the engine at this socket, as `docker -H` does."
    ),
]
Context = Annotated[
    str | None, typer.Option("--context", metavar="NAME", help="Ask this docker context's engine.")
]
Store = Annotated[
    str | None,
    typer.Option(metavar="oci:DIR", help="Look at an OCI layout folder; needs no engine."),
]
PlatformName = Annotated[
    str | None,
    typer.Option(
        "--platform", metavar="OS/ARCH", help="Compare this platform, not each image's own."
    ),
]
Jobs = Annotated[
    int | None, typer.Option("--jobs", "-j", metavar="N", min=1, help="Requests at once per host.")
]
Changed = Annotated[
    bool,
    typer.Option(
        "--changed", help="List only what differs from the last `--changed`; else print nothing."
    ),
]
MinAge = Annotated[
    str | None,
    typer.Option(
        metavar="TIME", help="Hold back what moved less than this ago: `90m`, `12h`, `3d`, `1w`."
    ),
]
Ignore = Annotated[
    list[str] | None,
    typer.Option(
        metavar="GLOB", help="Neither ask nor list these names, e.g. `team/*`; may be repeated."
    ),
]
KeepPulls = Annotated[
    int | None,
    typer.Option(metavar="N", min=0, help="Never spend the last N pulls of a registry's limit."),
]
