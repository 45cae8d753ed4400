"""Pulling from a mock registry into a layout, and looking at what is there then."""

from __future__ import annotations

import asyncio
from pathlib import Path

from wire import FakeClock

from mock_registry import MockRegistry
from regsync.config.load import Config
from regsync.oci.platform import Platform
from regsync.oci.reference import Reference
from regsync.operations.pull import PullResult, pull
from regsync.progress import Listener, silent
from regsync.stores.base import LocalImage
from regsync.stores.layout import LayoutStore
from regsync.stores.remote import Registries


def named(registry: MockRegistry, name: str) -> Reference:
    return Reference.parse(f"{registry.host}/{name}")


def pulled(
    registry: MockRegistry,
    folder: Path,
    *names: str,
    platform: str | None = "linux/amd64",
    listen: Listener = silent,
) -> list[PullResult]:
    """Pull all names at once; results in their order."""

    async def work() -> list[PullResult]:
        wanted = Platform.parse(platform) if platform else None
        async with Registries(Config(), {}, clock=FakeClock(), certs_d=()) as registries:
            return await asyncio.gather(
                *(
                    pull(
                        named(registry, name),
                        LayoutStore(folder),
                        registries,
                        platform=wanted,
                        listen=listen,
                    )
                    for name in names
                )
            )

    return asyncio.run(work())


def held(folder: Path) -> tuple[LocalImage, ...]:
    return asyncio.run(LayoutStore(folder).snapshot()).images


def partials(folder: Path) -> list[str]:
    """What is left of blobs that never got their name."""
    return sorted(path.name for path in folder.rglob("*.partial"))
