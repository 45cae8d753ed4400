"""What the places where images live have in common.

A store answers once, with everything it holds (`Snapshot`), and is not asked again while verdicts
are made: an engine that goes away in the middle takes nothing with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from regsync.errors import RegsyncError
from regsync.oci.descriptor import Descriptor
from regsync.oci.digest import Digest
from regsync.oci.imageconfig import ImageConfig
from regsync.oci.platform import Platform
from regsync.oci.reference import Reference, Repository


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """Which store answered.

    Attributes:
        name: `docker`, `podman` or `oci`.
        version: The engine's, or empty for a folder.
        kind: `classic`, `containerd`, `containers-storage` or `oci-layout`.
        address: Where it answered: a socket's URL or a folder.
        key: What memory files this store under; stays the same over restarts.
    """

    name: str
    version: str
    kind: str
    address: str
    key: str


@dataclass(frozen=True, slots=True)
class LocalImage:
    """One image of a store, under all its names.

    Attributes:
        id: The store's own ID: the config digest (classic store, Podman) or the digest of the
            manifest or index (containerd store, layout).
        names: Its names at registries, by tag or by digest; empty for an untagged image.
        local_names: Names that no registry can hold, e.g. Podman's `localhost/app:latest` or a
            layout's entry without a full name.
        platform: The image's own, never the host's.
        digests: Every manifest and index digest that the store knows to be this very content.
        children: The image manifests of a local index that are held here, with their platforms.
        config_digest: The digest of its config, where the store tells it.
        config: What it runs, as the store tells it.
        origins: `repository@digest` under which it was provably pulled or pushed.
        claims: `repository@digest` that the store lists without proof: synthesised from names.
        remembers: Whether an image that came from a registry is sure to have `origins`; then an
            empty `origins` proves that it never did.
        size: Bytes on disk, as the store counts them.
        fault: Why its content cannot be read here; it is then known by its names alone, and its
            verdict is `unknown`.
    """

    id: str
    names: tuple[Reference, ...]
    platform: Platform
    local_names: tuple[str, ...] = ()
    digests: frozenset[Digest] = frozenset()
    children: tuple[Descriptor, ...] = ()
    config_digest: Digest | None = None
    config: ImageConfig | None = None
    origins: tuple[Reference, ...] = ()
    claims: tuple[Reference, ...] = ()
    remembers: bool = False
    size: int = 0
    fault: RegsyncError | None = None

    @property
    def untagged(self) -> bool:
        """Whether nothing names it."""
        return not self.names and not self.local_names

    def came_from(self, repository: Repository) -> frozenset[Digest]:
        """The digests under which this image was provably in a repository."""
        return frozenset(
            origin.digest
            for origin in self.origins
            if origin.repository == repository and origin.digest is not None
        )


@dataclass(frozen=True, slots=True)
class Starter:
    """What started a container, as its labels tell; all empty where nothing does.

    Attributes:
        project: The compose project.
        service: The service of that project.
        folder: The project's folder, an absolute path on the machine where it was started.
        files: The project's compose files, absolute paths in their order.
        podman_compose: Whether podman-compose started it, not docker compose.
        one_off: Whether it was started by `compose run`, and so belongs to no `up`.
        unit: The systemd unit that started it.
    """

    project: str = ""
    service: str = ""
    folder: str = ""
    files: tuple[str, ...] = ()
    podman_compose: bool = False
    one_off: bool = False
    unit: str = ""


NOBODY = Starter()
"""Who started a container whose labels name nobody."""


@dataclass(frozen=True, slots=True)
class Container:
    """A container, and the image that it runs.

    Attributes:
        id: The container's ID, whole.
        image_id: The ID of the image that it runs, whatever its name means by now.
        image: The name that it was started with, as the engine tells it.
        manifest: The platform's manifest that it runs, where the engine tells it.
        running: Whether it holds on to its image for now: paused and restarting too.
    """

    id: str
    name: str
    image_id: str
    image: str
    running: bool
    manifest: Digest | None = None
    starter: Starter = NOBODY

    @property
    def project(self) -> str:
        """The compose project, or empty."""
        return self.starter.project


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a store held at one moment."""

    info: StoreInfo
    images: tuple[LocalImage, ...]
    containers: tuple[Container, ...] = field(default=())


class Store(Protocol):
    """A place that holds images for this machine."""

    async def snapshot(self) -> Snapshot:
        """Everything it holds now.

        Raises:
            StoreFailure: it cannot be asked, or what it answers cannot be read.
        """
