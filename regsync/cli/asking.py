"""Asking registries as this user's configuration and environment say."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from regsync.cli.running import run_async
from regsync.cli.terminal import safe, say
from regsync.errors import RegsyncError

if TYPE_CHECKING:
    from regsync.config.load import Config
    from regsync.stores.remote import Registries

Result = TypeVar("Result")


def ask(
    question: Callable[[Registries], Awaitable[Result]],
    config: Path | Config | None,
    jobs: int | None = None,
    about: object = None,
) -> Result:
    """Run one question to the registries, and pass on what they warn of.

    Args:
        question: What is asked, given the registries of this run.
        config: What `--config` names, or None; or what was read of it.
        jobs: What `--jobs` says, or None.
        about: The one reference or repository that is asked for, or None; failures carry it.

    Raises:
        RegsyncError: the configuration's, or the question's own.
    """
    from regsync.config.load import Config, load
    from regsync.stores.remote import Registries

    known = config if isinstance(config, Config) else load(config, os.environ)
    settings = replace(known, jobs=jobs)

    async def work() -> Result:
        async with Registries(settings, os.environ) as registries:
            try:
                return await question(registries)
            except RegsyncError as error:
                error.about = str(about) if about is not None else None
                raise
            finally:
                for text in registries.warnings():
                    say(f"warning: {safe(text)}")

    return run_async(work())
