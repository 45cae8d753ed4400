"""One local name before its judge: all that is known here, before any registry is asked."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

from regsync.errors import InvalidDigest
from regsync.oci.digest import Digest
from regsync.oci.platform import Platform
from regsync.oci.reference import Reference, Repository
from regsync.operations.holdings import Holdings
from regsync.state.values import Sync
from regsync.stores.base import LocalImage


@dataclass(frozen=True, slots=True)
class Case:
    """One name of one image.

    Attributes:
        reference: A full name of `image`, by tag or by digest.
        synced: When this name last held what the tag held, as memory knows it.
        seen_before: Digests that were seen under this tag before that of `synced` was.
        once: IDs of the images that this name meant whenever it was in step.
        siblings: The other names, by tag or digest, that this very image has in the repository.
        untagged: The store's images without a name: what a build or a pull took a name from.
        holdings: What the store has unpacked, of all its images.
        wanted: The platform to compare, where it is not the image's own.
    """

    image: LocalImage
    reference: Reference
    synced: Sync | None = None
    seen_before: frozenset[str] = frozenset()
    once: frozenset[str] = frozenset()
    siblings: tuple[Reference, ...] = ()
    untagged: tuple[LocalImage, ...] = ()
    holdings: Holdings = field(default_factory=Holdings)
    wanted: Platform | None = None

    @property
    def repository(self) -> Repository:
        """The repository of the name."""
        return self.reference.repository

    @property
    def platform(self) -> Platform:
        """The platform that is compared: the image's own, never the host's."""
        return self.wanted or self.image.platform

    @property
    def never_synced(self) -> bool:
        """Whether nothing here says that this name was ever in step with its registry."""
        return self.synced is None and not self.image.came_from(self.repository)

    @property
    def unchanged(self) -> Sync | None:
        """The last sync, if the name still means the image that it meant then."""
        same = self.synced is not None and self.synced.image_id == self.image.id
        return self.synced if same else None

    @property
    def synced_digests(self) -> tuple[Digest, ...]:
        """What the tag held when this very image was last in step, as memory has it."""
        last = self.unchanged
        found = []
        for text in (last.digest, last.child) if last is not None else ():
            # Memory is a file that anybody may have written.
            with contextlib.suppress(InvalidDigest):
                found.append(Digest.parse(text or ""))
        return tuple(found)

    @property
    def came_by_this_name(self) -> bool:
        """Whether this very image was in step under this name, at the last sync or before it."""
        return self.unchanged is not None or self.image.id in self.once

    @property
    def manifests(self) -> frozenset[Digest]:
        """Every digest that this image has: its own, and its manifest of the platform."""
        return self.image.digests | {
            child.digest
            for child in self.image.children
            if child.platform is None or child.platform.same(self.platform)
        }

    @property
    def local_digest(self) -> Digest | None:
        """The digest to show as ours: proven, else claimed, else the store's own."""
        for known in (self.image.origins, self.image.claims):
            for one in known:
                if one.repository == self.repository and one.digest is not None:
                    return one.digest
        return min(self.image.digests, default=None)
