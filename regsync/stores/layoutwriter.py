"""Writing into an OCI image layout: a blob or a name is there whole, or not at all.

Bytes go into a file of their own, are verified on the way, and reach the disk before they get
their name. `index.json` is written last and replaced in one step under a lock, so whoever reads the
layout sees the image that a name had before or the one that it has now.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from regsync import filelock
from regsync.clock import Clock, SystemClock
from regsync.errors import StoreLocked, Unverified
from regsync.oci.descriptor import Descriptor
from regsync.oci.digest import Digest
from regsync.oci.reference import Reference
from regsync.stores import layoutindex
from regsync.stores.layoutfolder import (
    ALGORITHMS,
    BLOBS,
    INDEX,
    MARKER,
    PREFIX,
    LayoutFolder,
    failure,
)

LOCK = f"{PREFIX}lock"
LOCK_SECONDS = 30.0
"""How long another run may hold the lock; it takes milliseconds."""
_LOCK_PAUSE = 0.05
_MARKER = b'{"imageLayoutVersion":"1.0.0"}'
# A partial file that nobody has written to for a day belongs to a run that was killed.
_STALE_SECONDS = 24 * 3600
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)


class BlobFile:
    """A blob on its way in; `LayoutWriter.blob` gives it its name at the end."""

    def __init__(self, descriptor: Descriptor, path: Path) -> None:
        self._descriptor = descriptor
        self._hasher = descriptor.digest.hasher()
        self._written = 0
        self._path = path
        self._file = open(os.open(path, _CREATE, 0o666), "wb", buffering=0)  # noqa: SIM115

    def write(self, data: bytes) -> None:
        """Take the next bytes.

        Raises:
            Unverified: more bytes than the descriptor has.
            StoreFailure: they cannot be written, e.g. because the disk is full.
        """
        self._written += len(data)
        if self._written > self._descriptor.size:
            raise self._unfit(f"more than {self._descriptor.size} bytes came")
        self._hasher.update(data)
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise failure(f"cannot write `{self._path.parent}`", error) from error

    def verify(self) -> None:
        """Demand that what came is the blob, whole.

        Raises:
            Unverified: bytes are missing, or do not fit the digest.
        """
        if self._written != self._descriptor.size:
            raise self._unfit(f"{self._written} of {self._descriptor.size} bytes came")
        if self._hasher.hexdigest() != self._descriptor.digest.encoded:
            raise self._unfit("the bytes do not fit the digest")

    async def sync(self) -> None:
        """Wait until the bytes are on the disk, while others go on."""
        # A descriptor of its own: whoever is cancelled here may close the file at once.
        await asyncio.to_thread(_sync, os.dup(self._file.fileno()))

    def close(self) -> None:
        """Close the file; it stays where it is."""
        self._file.close()

    def _unfit(self, why: str) -> Unverified:
        return Unverified(f"the blob {self._descriptor.digest.short}… does not verify", why)


class LayoutWriter:
    """Puts blobs and names into one layout.

    Args:
        folder: The layout; `prepare` makes it where there is none.
        clock: Time, for waiting on the lock.
    """

    def __init__(self, folder: LayoutFolder, clock: Clock | None = None) -> None:
        self._folder = folder
        self._clock = clock or SystemClock()

    async def prepare(self) -> None:
        """Make the folder a layout, unless it is one.

        Raises:
            StoreFailure: it cannot be made, or holds other things.
            StoreLocked: see `publish`.
        """
        with self._writing():
            root = self._folder.path
            if not self._folder.vacant():
                self._folder.check()
            root.mkdir(parents=True, exist_ok=True)
            self._folder.refuse_links()
            (root / BLOBS / ALGORITHMS[0]).mkdir(parents=True, exist_ok=True)
            _remove_stale(root)
            async with self._locked():
                if not (root / INDEX).exists():
                    self._replace(INDEX, layoutindex.empty())
                if not (root / MARKER).exists():
                    self._replace(MARKER, _MARKER)
        self._folder.index()

    @asynccontextmanager
    async def blob(self, descriptor: Descriptor) -> AsyncIterator[BlobFile]:
        """A file to write one blob to; it gets its name when the block ends without an error.

        Raises:
            Unverified: what was written is not the blob.
            StoreFailure: it cannot be written.
        """
        with self._partial() as path:
            with self._writing():
                file = BlobFile(descriptor, path)
            try:
                yield file
                file.verify()
                with self._writing():
                    await file.sync()
            finally:
                file.close()
            with self._writing():
                target = self._folder.blob_path(descriptor.digest)
                target.parent.mkdir(exist_ok=True)
                os.replace(path, target)

    async def put(self, descriptor: Descriptor, data: bytes) -> None:
        """Write one small blob.

        Raises:
            RegsyncError: see `blob`.
        """
        async with self.blob(descriptor) as file:
            file.write(data)

    async def publish(self, reference: Reference, descriptor: Descriptor) -> Digest | None:
        """Let `reference` name `descriptor`, whose blobs are all here by now.

        Returns:
            What the name stood for until now; that stays in the layout without a name.

        Raises:
            StoreLocked: another run holds the lock for too long.
            StoreFailure: `index.json` cannot be read or replaced, or is full.
            InvalidManifest: `index.json` was malformed by somebody else.
        """
        with self._writing():
            for algorithm in ALGORITHMS:
                _sync_folder(self._folder.path / BLOBS / algorithm)
            async with self._locked():
                fields = self._folder.index()
                before = next(
                    (
                        entry.descriptor.digest
                        for entry in layoutindex.entries(fields)
                        if entry.name == reference and entry.descriptor is not None
                    ),
                    None,
                )
                self._replace(INDEX, layoutindex.publish(fields, reference, descriptor))
        return before

    def _replace(self, name: str, data: bytes) -> None:
        with self._partial() as path:
            with open(os.open(path, _CREATE, 0o666), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(path, self._folder.path / name)
        _sync_folder(self._folder.path)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise failure(f"cannot write to the layout `{self._folder.path}`", error) from error

    @contextmanager
    def _partial(self) -> Iterator[Path]:
        """The path of a new file that is gone afterwards, unless it was renamed."""
        path = self._folder.path / f"{PREFIX}{os.getpid()}-{secrets.token_hex(8)}.partial"
        try:
            yield path
        finally:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    @asynccontextmanager
    async def _locked(self) -> AsyncIterator[None]:
        """Hold the lock: it is the system's, so a run that was killed holds none."""
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(self._folder.path / LOCK, flags, 0o666)
        try:
            waited = 0.0
            while not filelock.take(descriptor):
                if waited >= LOCK_SECONDS:
                    raise StoreLocked(
                        f"cannot write to the layout `{self._folder.path}`",
                        f"another run has held its lock for {LOCK_SECONDS:.0f} seconds",
                        "wait for it to end, then repeat the command",
                    )
                await self._clock.sleep(_LOCK_PAUSE)
                waited += _LOCK_PAUSE
            yield
        finally:
            os.close(descriptor)


def _sync(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(path: Path) -> None:
    """Let renames reach the disk; some systems and file systems cannot sync a folder."""
    with contextlib.suppress(OSError):
        _sync(os.open(path, os.O_RDONLY))


def _remove_stale(root: Path) -> None:
    """Remove what runs left behind that had no chance to."""
    with os.scandir(root) as found:
        for entry in found:
            if entry.name.startswith(PREFIX) and entry.name.endswith(".partial"):
                with contextlib.suppress(OSError):
                    age = time.time() - entry.stat(follow_symlinks=False).st_mtime
                    if age > _STALE_SECONDS:
                        os.unlink(entry.path)
