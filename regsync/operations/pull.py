"""Pull one image into an OCI layout: ask, plan, fetch what is missing, publish the name last."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regsync.errors import ContentError, Unverified
from regsync.oci import imageconfig
from regsync.oci.descriptor import Descriptor
from regsync.oci.digest import Digest
from regsync.oci.imageconfig import ImageConfig
from regsync.oci.manifest import Index, Manifest
from regsync.oci.platform import Platform
from regsync.oci.reference import Reference, Repository
from regsync.operations.pullplan import (
    Piece,
    PullPlan,
    choose,
    demand_image,
    plan_pull,
    platform_missing,
    runs,
)
from regsync.operations.verdict import Layers
from regsync.progress import Listener, Note, State, Transfer, silent
from regsync.stores.layout import LayoutStore
from regsync.stores.layoutfolder import LayoutFolder
from regsync.stores.layoutwriter import LayoutWriter
from regsync.stores.machine import machine_platform

if TYPE_CHECKING:
    from regsync.registry.client import RegistryClient
    from regsync.registry.manifests import Resolved
    from regsync.stores.remote import Registries

JOBS = 4
"""Layers that are fetched at once."""


@dataclass(frozen=True, slots=True)
class PullResult:
    """What a pull did.

    Attributes:
        old: What the name stood for before, or None.
        new: What it stands for now: the digest that the tag holds at its registry.
        manifest: The digest of the platform's manifest; the same as `new` without an index.
        config: The digest of its config.
        platform: The image's own.
        downloaded: Bytes of config and layers that were fetched.
        reused: Bytes of config and layers that were here.
        layers: Distinct layers, and how many of them were here.
        up_to_date: Whether there was nothing to do.
    """

    reference: Reference
    old: Digest | None
    new: Digest
    manifest: Digest
    config: Digest
    platform: Platform
    downloaded: int
    reused: int
    layers: Layers
    up_to_date: bool


async def pull(
    reference: Reference,
    store: LayoutStore,
    registries: Registries,
    *,
    platform: Platform | None = None,
    listen: Listener = silent,
    remember: Callable[[PullResult], None] | None = None,
) -> PullResult:
    """Bring one image, for one platform, into a layout under its name.

    One HEAD decides whether anything is fetched. The index is kept whole and the chosen platform's
    image with it, as engines do. `urls` of foreign layers are never asked.

    Args:
        platform: None for this machine's; an image for one other platform alone is then taken.
        listen: Hears of each layer.
        remember: Called once with the result, when the layout holds the image.

    Raises:
        PlatformMissing: nothing for `platform`; says what is on offer.
        Unsupported: no image: an artifact, or an index of indexes.
        StoreFailure: the layout cannot be read or written.
        ContentError: something does not verify; the layout is as it was.
        RegsyncError: the registry's, see `RegistryClient.resolve`.
    """
    held = store.named(reference)
    client = registries.client(reference.repository)
    resolved = await client.resolve(reference)
    source = _Source(client, reference, store.files)
    top, document = await source.document(_descriptor(resolved, held))
    pieces = [top]
    if isinstance(document, Index):
        child = choose(document, platform or machine_platform(), reference)
        piece, document = await source.document(child)
        pieces.insert(0, piece)
    manifest = demand_image(document, reference)
    config_piece = await source.config(manifest.config)
    pieces.insert(0, config_piece)
    own = _own_platform(pieces[1].descriptor, ImageConfig.parse(config_piece.raw))
    if platform is not None and own.known and not runs(own, platform):
        raise platform_missing(reference, platform, [own])
    if platform is None and not runs(own, machine_platform()):
        listen(Note(f"`{reference.familiar}` is for {own}, this machine is {machine_platform()}"))
    plan = plan_pull(
        reference,
        held.digest if held else None,
        pieces,
        manifest.layers,
        {layer.digest for layer in manifest.layers if store.files.has(layer)},
    )
    if not plan.nothing_to_do:
        await _execute(plan, client, store.files, listen)
    result = PullResult(
        reference=reference,
        old=plan.old,
        new=plan.top.digest,
        manifest=pieces[1].descriptor.digest,
        config=manifest.config.digest,
        platform=own,
        downloaded=plan.download_bytes,
        reused=plan.reused_bytes,
        layers=Layers(len(plan.fetch) + len(plan.reuse), len(plan.reuse)),
        up_to_date=plan.nothing_to_do,
    )
    if remember is not None:
        remember(result)
    return result


class _Source:
    """Small documents of one repository: from the layout where it has them, else the registry."""

    def __init__(self, client: RegistryClient, reference: Reference, files: LayoutFolder) -> None:
        self._client = client
        self._repository = reference.repository
        self._files = files

    async def document(self, wanted: Descriptor) -> tuple[Piece, Manifest | Index]:
        held = self._held(wanted)
        if held is not None:
            return Piece(wanted, held.raw, here=True), held
        by_digest = Reference(self._repository, digest=wanted.digest)
        found = await self._client.manifest(by_digest)
        descriptor = Descriptor(
            found.media_type, wanted.digest, len(found.raw), platform=wanted.platform
        )
        return Piece(descriptor, found.raw, here=False), found

    async def config(self, wanted: Descriptor) -> Piece:
        try:
            held = self._files.blob(wanted, imageconfig.SIZE_LIMIT)
        except ContentError:
            held = None
        if held is not None:
            return Piece(wanted, held, here=True)
        return Piece(wanted, await self._client.config(self._repository, wanted), here=False)

    def _held(self, wanted: Descriptor) -> Manifest | Index | None:
        # What is damaged here is fetched anew, which mends it.
        try:
            return self._files.document(wanted)
        except ContentError:
            return None


async def _execute(
    plan: PullPlan, client: RegistryClient, files: LayoutFolder, listen: Listener
) -> None:
    writer = LayoutWriter(files)
    await writer.prepare()
    for layer in plan.reuse:
        listen(_transfer(layer, "exists", layer.size))
    for layer in plan.fetch:
        listen(_transfer(layer, "waiting", 0))
    slots = asyncio.Semaphore(JOBS)

    async def fetch(layer: Descriptor) -> None:
        async with slots:
            await _fetch(client, plan.reference.repository, layer, writer, listen)

    try:
        async with asyncio.TaskGroup() as group:
            for layer in plan.fetch:
                group.create_task(fetch(layer))
    except BaseExceptionGroup as failed:
        # One failure ends the others; the first is the one to tell.
        raise _first(failed) from None
    for piece in plan.pieces:
        if not piece.here:
            await writer.put(piece.descriptor, piece.raw)
    await writer.publish(plan.reference, plan.top)


async def _fetch(
    client: RegistryClient,
    repository: Repository,
    layer: Descriptor,
    writer: LayoutWriter,
    listen: Listener,
) -> None:
    listen(_transfer(layer, "downloading", 0))
    try:
        await _stream(client, repository, layer, writer, listen)
    except Unverified:
        # Once more from the beginning: a proxy between may have spoiled it.
        listen(_transfer(layer, "retrying", 0))
        await _stream(client, repository, layer, writer, listen)
    listen(_transfer(layer, "done", layer.size))


async def _stream(
    client: RegistryClient,
    repository: Repository,
    layer: Descriptor,
    writer: LayoutWriter,
    listen: Listener,
) -> None:
    current = 0

    def count(more: int) -> None:
        nonlocal current
        current += more
        listen(_transfer(layer, "downloading", current))

    async with writer.blob(layer) as file:
        async with client.blob(repository, layer, on_bytes=count) as chunks:
            async for chunk in chunks:
                file.write(chunk)
        listen(_transfer(layer, "verifying", layer.size))


def _transfer(layer: Descriptor, state: State, current: int) -> Transfer:
    return Transfer(layer.digest.encoded[:12], state, current, layer.size)


def _descriptor(resolved: Resolved, held: Descriptor | None) -> Descriptor:
    """What HEAD told; where that is what is held, the layout knows it more exactly."""
    if held is not None and held.digest == resolved.digest:
        return held
    return Descriptor(resolved.media_type, resolved.digest, resolved.size or 0)


def _own_platform(descriptor: Descriptor, config: ImageConfig) -> Platform:
    told = descriptor.platform
    return told if told is not None and told.known else config.platform


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
