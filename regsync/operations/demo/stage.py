"""Where the demo plays: two embedded registries, a folder of images, and what regsync keeps."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from mock_registry import MockRegistry, User
from mock_registry.seed import Image
from regsync.clock import SystemClock
from regsync.config.load import Config
from regsync.identity import variable
from regsync.oci.descriptor import Descriptor
from regsync.oci.digest import Digest
from regsync.oci.reference import DOCKER_HUB, Reference
from regsync.operations.demo.images import Images, make
from regsync.operations.pull import PullResult, pull
from regsync.operations.remember import remember_pull
from regsync.operations.report import StatusReport
from regsync.operations.status import status
from regsync.progress import Listener, silent
from regsync.settings import HostSettings
from regsync.state.documents import Documents
from regsync.state.memory import Memory
from regsync.stores.layout import LayoutStore
from regsync.stores.layoutwriter import LayoutWriter
from regsync.stores.machine import machine_platform
from regsync.stores.remote import Registries

QUAY = "quay.io"
PULLS = 100
"""What Docker Hub grants to an address in six hours."""
_USER = "newcomer"


class Stage:
    """One machine and its registries; each method is one command, with connections of its own.

    Args:
        store: The images.
        folder: Memory and cache go below it.
        config: Where the registries are.
        env: Where the login is found.
    """

    def __init__(
        self,
        store: LayoutStore,
        folder: Path,
        config: Config,
        env: Mapping[str, str],
        hub: MockRegistry,
        quay: MockRegistry,
    ) -> None:
        self.store = store
        self._state, self._cache = folder / "state", folder / "cache"
        self._config, self._env = config, env
        self._hub, self._quay = hub, quay
        self._images: Images = make(str(machine_platform()))

    async def first_week(self) -> None:
        """Pull, pull again and build, as in the first week with Docker."""
        made = self._images
        self._hub.put("node", made.node_first, "latest")
        self._hub.put("postgres", made.postgres, "13", "latest")
        self._quay.put("minio/minio", made.minio_then, "latest")
        for name in ("node", "postgres:13", "quay.io/minio/minio"):
            await self.pull(name)
        self._hub.put("node", made.node_then, "latest")
        await self.pull("node")
        await self._build("goals", made.goals)
        await self._build("extending_airflow", made.extending_airflow)

    def tags_move(self) -> None:
        """Let others publish: `node` and `minio` move on, `postgres:13` does not."""
        self._hub.put("node", self._images.node_now, "latest")
        self._quay.put("minio/minio", self._images.minio_now, "latest")

    async def pull(self, name: str, listen: Listener = silent) -> PullResult:
        """`regsync pull NAME --store oci:…`."""

        def remember(result: PullResult) -> None:
            remember_pull(memory, self.store.info.key, result, SystemClock().now())

        with Memory(self._state) as memory:
            async with self._registries() as registries:
                return await pull(
                    Reference.parse(name), self.store, registries, listen=listen, remember=remember
                )

    async def status(self) -> StatusReport:
        """`regsync status --store oci:…`."""
        with Memory(self._state) as memory:
            async with self._registries() as registries:
                return await status(self.store, registries, memory, Documents(self._cache))

    def _registries(self) -> Registries:
        # The user's own environment and certificates have no part in this.
        return Registries(self._config, self._env, certs_d=())

    async def _build(self, name: str, image: Image) -> None:
        """Put an image there that came from nowhere, as a build does."""
        writer = LayoutWriter(self.store.files)
        await writer.prepare()
        for blob in (*image.layers, image.config):
            await writer.put(_descriptor(blob.media_type, blob.data), blob.data)
        top = _descriptor(image.media_type, image.manifest)
        await writer.put(top, image.manifest)
        await writer.publish(Reference.parse(name), top)


@asynccontextmanager
async def stage(folder: Path, images: Path) -> AsyncIterator[Stage]:
    """Start the registries; they end with the block, and everything on disk is below `folder`.

    One is like Docker Hub, with its rate limit and its silence on what is private; the other
    lets nobody in without a login.

    Args:
        images: The OCI layout.

    Raises:
        ModuleNotFoundError: aiohttp is not installed (the extra `mock`).
    """
    password = secrets.token_urlsafe()
    hub = MockRegistry(hub=PULLS)
    quay = MockRegistry(users=[User(_USER, password)])
    async with hub.running(), quay.running():
        config = Config(
            hosts={
                DOCKER_HUB: HostSettings(endpoint=hub.url),
                QUAY: HostSettings(endpoint=quay.url, endpoint_auth=True),
            }
        )
        env = {variable(QUAY, "USERNAME"): _USER, variable(QUAY, "PASSWORD"): password}
        yield Stage(LayoutStore(images), folder, config, env, hub, quay)


def _descriptor(media_type: str, data: bytes) -> Descriptor:
    return Descriptor(media_type, Digest.of(data), len(data))
