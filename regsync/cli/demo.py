"""`regsync demo`: the main job on made-up images, told as it goes."""

from __future__ import annotations

import contextlib
import os
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from regsync.cli import options
from regsync.cli.bars import listening
from regsync.cli.pull import final_line
from regsync.cli.running import run_async, uninterrupted
from regsync.cli.status import show
from regsync.cli.terminal import Terminal, write
from regsync.cli.units import counted
from regsync.errors import StoreFailure, UsageError

if TYPE_CHECKING:
    from tempfile import TemporaryDirectory

    from regsync.operations.demo.stage import Stage
    from regsync.operations.report import StatusReport

EXAMPLES = """\b
Examples:
  regsync demo

\b
Exit codes:
  0  everything came out as told
  1  something did not
  2  the extra `mock` is not installed"""

_STORE = "images"
_STATUS = f"regsync status --store oci:{_STORE}"
_PULL = f"regsync pull node --store oci:{_STORE}"
_COLUMNS = 80
_PAUSE_S = 0.7
"""Seconds in which a reader at a terminal sees what comes next."""


def demo(verbose: options.Verbose = False, quiet: options.Quiet = False) -> int:
    """Show `status` and `pull` on a made-up week with Docker.

    Needs no engine, no network and no account: two registries run inside the command, and
    everything else lies in a temporary folder that is removed at the end.
    """
    try:
        from regsync.operations.demo.stage import stage
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "aiohttp":
            raise
        raise UsageError(
            "`regsync demo` needs aiohttp, which its registries run on",
            "the extra `mock` is not installed",
            "run `pip install 'regsync[mock]'`, or `pip install '.[mock]'` in a checkout",
        ) from None
    tale = _Tale(quiet=quiet)
    with _temporary_folder() as folder:

        async def play() -> None:
            # Relative, as the user would write it: the commands that are shown are short then.
            async with stage(folder, Path(_STORE)) as where:
                await tale.tell(where)

        run_async(play())
    tale.end()
    return 0


class _Tale:
    """The story: what happens, the commands, and what they print."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._terminal = Terminal.of(sys.stdout, os.environ)

    async def tell(self, stage: Stage) -> None:
        """Everything, from the first pull to the second status.

        Raises:
            StoryFailed: something else came out.
        """
        from regsync.operations.demo import story

        self._say(
            "A newcomer's first week with Docker, made up in a temporary folder. Two registries "
            "inside this command stand in for docker.io, with its pull limit, and quay.io, with "
            "a login; a folder of images stands in for an engine, and noise for the layers, at a "
            "hundredth of their size. The rest is real: every request, download and verdict."
        )
        await stage.first_week()
        self._say("The week:", gap=False)
        self._list(
            "pulled node, postgres:13 and quay.io/minio/minio",
            "pulled node again, for 22.11.0; the old one lost its name",
            "built goals on node, and extending_airflow; pushed neither",
        )
        stage.tags_move()
        self._say(
            "Since then node:latest has become 24.1.0 at its registry, and minio has moved too. "
            "Nothing on this machine says so. Ask:"
        )
        report = await self._status(stage)
        story.demand(report, story.BEFORE, spent=True)
        self._say(
            "node has moved on, and so goals is stale too: it was built on the node that is "
            "here. A pull brings the new one, and only the layers that are missing:"
        )
        await self._pull(stage)
        self._say("And now?")
        report = await self._status(stage)
        story.demand(report, story.AFTER, spent=False)
        untagged = counted(sum(entry.name is None for entry in report.entries), "image")
        self._say(
            "node is up to date. goals still stands on the old node, now one of the "
            f"{untagged} without a name, until it is built anew. No pull was spent this time: "
            "what has a digest never changes, so it was kept."
        )

    def end(self) -> None:
        """What to do next."""
        self._say("Everything came out as told, and the folder is gone. With your own images:")
        self._commands(
            ("regsync status", "asks your Docker or Podman"),
            ("regsync status --exit-code", "for scripts: 10 if anything is stale"),
            ("regsync pull node --store oci:DIR", "needs no engine"),
        )

    async def _status(self, stage: Stage) -> StatusReport:
        await self._command(_STATUS)
        report = await stage.status()
        show(report, options.StatusRows.TABLE, 0, quiet=self._quiet)
        self._gap()
        return report

    async def _pull(self, stage: Stage) -> None:
        await self._command(_PULL)
        with listening(quiet=self._quiet) as listen:
            result = await stage.pull("node", listen)
        write(final_line(result))
        self._gap()

    async def _command(self, line: str) -> None:
        await self._pause()
        if not self._quiet:
            write(f"$ {line}")

    async def _pause(self) -> None:
        if self._terminal.width is not None and not self._quiet:
            import asyncio

            await asyncio.sleep(_PAUSE_S)

    def _say(self, text: str, *, gap: bool = True) -> None:
        self._lines([self._filled(text)], gap=gap)

    def _list(self, *lines: str) -> None:
        self._lines([self._filled(line, "  - ", "    ") for line in lines])

    def _commands(self, *commands: tuple[str, str]) -> None:
        width = max(len(line) for line, _ in commands)
        wide = self._width >= _COLUMNS
        self._lines(
            [
                f"  {line.ljust(width)}  {what}" if wide else f"  {line}\n    {what}"
                for line, what in commands
            ],
            gap=False,
        )

    def _lines(self, lines: list[str], *, gap: bool = True) -> None:
        if not self._quiet:
            write("\n".join(lines))
            if gap:
                self._gap()

    def _gap(self) -> None:
        if not self._quiet:
            write("")

    def _filled(self, text: str, first: str = "", later: str = "") -> str:
        return textwrap.fill(
            text,
            self._width,
            initial_indent=first,
            subsequent_indent=later,
            break_long_words=False,
            break_on_hyphens=False,
        )

    @property
    def _width(self) -> int:
        return min(self._terminal.width or _COLUMNS, _COLUMNS)


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    """A folder to work in, and the current one until it is removed.

    Raises:
        StoreFailure: there can be none.
    """
    import tempfile

    with contextlib.ExitStack() as stack:
        try:
            with uninterrupted():
                made = tempfile.TemporaryDirectory(
                    prefix="regsync-demo-", ignore_cleanup_errors=True
                )
                stack.callback(_remove, made)
                stack.enter_context(contextlib.chdir(made.name))
        except OSError as error:
            raise StoreFailure(
                "the demo cannot make a temporary folder", error.strerror or str(error)
            ) from error
        yield Path(made.name)


def _remove(folder: TemporaryDirectory[str]) -> None:
    with uninterrupted():
        folder.cleanup()
