"""An OCI image layout folder as a store of local images: no engine, no daemon.

Its images are what `index.json` names. A layout has no memory of its own: nothing in it tells
whether an image was pulled, pushed or built.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from regsync.errors import ContentError, RegsyncError, Unverified
from regsync.oci import imageconfig
from regsync.oci.descriptor import Descriptor
from regsync.oci.digest import Digest
from regsync.oci.imageconfig import ImageConfig
from regsync.oci.manifest import Index, Manifest
from regsync.oci.platform import Platform
from regsync.oci.reference import Reference
from regsync.stores import layoutindex
from regsync.stores.base import LocalImage, Snapshot, StoreInfo
from regsync.stores.layoutfolder import LayoutFolder
from regsync.stores.layoutindex import Entry
from regsync.stores.machine import machine_platform

_NOWHERE = Platform("", "")


@dataclass(frozen=True, slots=True)
class _Child:
    """One platform's image that is here: its manifest and its config, both verified."""

    descriptor: Descriptor
    manifest: Manifest
    config: ImageConfig


class LayoutStore:
    """The images of one OCI image layout.

    Args:
        folder: The layout; it need not exist before something is pulled into it.
    """

    def __init__(self, folder: Path) -> None:
        self.files = LayoutFolder(folder)
        self.info = StoreInfo(
            name="oci",
            version="",
            kind="oci-layout",
            address=str(folder),
            key=f"oci:{os.path.realpath(folder)}",
        )

    async def snapshot(self) -> Snapshot:
        """Every image that `index.json` names, once each, under all its names.

        An entry that cannot be read hides no other: it is listed with its `fault`. Artifacts and
        attestations are no images; a named artifact is listed for its name's sake.

        Raises:
            StoreFailure: no layout, or its files cannot be read.
            InvalidManifest: `index.json` is malformed or oversized.
        """
        return await asyncio.to_thread(self._snapshot)

    def named(self, reference: Reference) -> Descriptor | None:
        """What `reference` names here, or None; a folder that is still empty names nothing.

        Raises:
            StoreFailure: the folder is there, and cannot be read as a layout.
            InvalidManifest: `index.json` is malformed or oversized.
        """
        if self.files.vacant():
            return None
        for entry in layoutindex.entries(self.files.index()):
            if entry.name == reference and entry.descriptor is not None:
                return entry.descriptor
        return None

    def _snapshot(self) -> Snapshot:
        found = layoutindex.entries(self.files.index())
        images = (self._image(group) for group in _by_digest(found))
        return Snapshot(self.info, tuple(image for image in images if image is not None))

    def _image(self, entries: list[Entry]) -> LocalImage | None:
        """The image that entries with one digest stand for; None for what is no image."""
        first = entries[0]
        bare = LocalImage(
            id=str(first.descriptor.digest if first.descriptor else f"index.json#{first.position}"),
            names=tuple(dict.fromkeys(entry.name for entry in entries if entry.name is not None)),
            local_names=tuple(
                dict.fromkeys(entry.local_name for entry in entries if entry.local_name)
            ),
            platform=_NOWHERE,
        )
        if first.descriptor is None:
            return replace(bare, fault=first.fault)
        try:
            return self._read(bare, first.descriptor)
        except ContentError as error:
            return replace(bare, fault=_named_fault(bare, error))

    def _read(self, bare: LocalImage, top: Descriptor) -> LocalImage | None:
        document = self.files.document(top)
        if document is None:
            raise Unverified("the image is incomplete", "its manifest is missing")
        known = replace(bare, digests=frozenset({top.digest}))
        if isinstance(document, Manifest):
            if not document.is_image:
                artifact = replace(known, config_digest=document.config.digest, size=top.size)
                return None if bare.untagged else artifact
            child = self._child(top, document)
            if child is None:
                raise Unverified("the image is incomplete", "its config is missing")
            return replace(_as(known, child), size=self._size([top], [child]))
        if not document.images:
            return None if bare.untagged else replace(known, size=top.size)
        children = list(self._children(document))
        if not children:
            raise Unverified("the image is incomplete", "none of its platforms is here")
        return replace(
            _as(known, _preferred(children)),
            children=tuple(child.descriptor for child in children),
            size=self._size([top], children),
        )

    def _children(self, index: Index) -> Iterator[_Child]:
        for descriptor in index.images:
            # A sparse layout holds some platforms only, as engines do.
            if descriptor.is_index or self.files.size(descriptor.digest) is None:
                continue
            document = self.files.document(descriptor)
            if isinstance(document, Manifest) and document.is_image:
                child = self._child(descriptor, document)
                if child is not None:
                    yield child

    def _child(self, descriptor: Descriptor, manifest: Manifest) -> _Child | None:
        raw = self.files.blob(manifest.config, imageconfig.SIZE_LIMIT)
        if raw is None:
            return None
        config = ImageConfig.parse(raw)
        # Configs of ARM images often leave out the variant that the index tells.
        platform = descriptor.platform
        if platform is None or not platform.known:
            platform = config.platform
        return _Child(replace(descriptor, platform=platform), manifest, config)

    def _size(self, documents: list[Descriptor], children: Iterable[_Child]) -> int:
        blobs: set[Digest] = {descriptor.digest for descriptor in documents}
        for child in children:
            blobs |= {child.descriptor.digest, child.manifest.config.digest}
            blobs |= {layer.digest for layer in child.manifest.layers}
        return sum(self.files.size(digest) or 0 for digest in blobs)


def _as(image: LocalImage, child: _Child) -> LocalImage:
    return replace(
        image,
        platform=child.descriptor.platform or _NOWHERE,
        config_digest=child.manifest.config.digest,
        config=child.config,
    )


def _preferred(children: list[_Child]) -> _Child:
    """The child that speaks for the image: the machine's own platform, else the first."""
    own = machine_platform()
    for child in children:
        if child.descriptor.platform is not None and child.descriptor.platform.same(own):
            return child
    return children[0]


def _by_digest(entries: Iterable[Entry]) -> list[list[Entry]]:
    """Entries by what they point to; one that points nowhere stands alone."""
    groups: dict[object, list[Entry]] = {}
    for entry in entries:
        key = entry.descriptor.digest if entry.descriptor else entry.position
        groups.setdefault(key, []).append(entry)
    return list(groups.values())


def _named_fault(image: LocalImage, error: ContentError) -> RegsyncError:
    names = [name.familiar for name in image.names] or [*image.local_names, image.id[:19]]
    return Unverified(f"`{names[0]}` cannot be read", f"{error.what}: {error.why}")
