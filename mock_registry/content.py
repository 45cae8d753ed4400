"""Where bytes are kept: content addressed by its digest, in memory or in a folder."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from mock_registry.names import ALGORITHMS, check_digest

CHUNK = 256 * 1024


class Sink:
    """Content that still grows and has no digest yet.

    The digests of every algorithm are kept up while bytes come in: the client names the
    algorithm only at the end, when reading everything again would stop the server.
    """

    def __init__(self) -> None:
        self.size = 0
        self._hashes = {name: hashlib.new(name) for name in ALGORITHMS}
        self._mark = (0, dict(self._hashes))

    def write(self, data: bytes) -> None:
        """Append `data`."""
        self._append(data)
        self.size += len(data)
        for each in self._hashes.values():
            each.update(data)

    def mark(self) -> None:
        """Remember this point for `rollback`."""
        self._mark = (self.size, {name: h.copy() for name, h in self._hashes.items()})

    def rollback(self) -> None:
        """Forget everything written since `mark`."""
        self.size, self._hashes = self._mark
        self._truncate(self.size)
        self.mark()

    def digest(self, algorithm: str) -> str:
        """The digest of everything written so far."""
        return f"{algorithm}:{self._hashes[algorithm].hexdigest()}"

    def discard(self) -> None:
        """Give up on this content."""

    def _append(self, data: bytes) -> None:
        raise NotImplementedError

    def _truncate(self, size: int) -> None:
        raise NotImplementedError


class Content(Protocol):
    """A place for content. Every digest is validated before it gets here."""

    def create(self) -> Sink:
        """New content of size 0."""

    def keep(self, sink: Sink, digest: str) -> None:
        """Keep a finished sink of this place under `digest`, which the caller has compared."""

    def size(self, digest: str) -> int:
        """Size in bytes. Raises KeyError when there is no such content."""

    def read(self, digest: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Yield `length` bytes from `start`. Raises KeyError when there is no such content."""

    def remove(self, digest: str) -> None:
        """Remove content, or do nothing where there is none."""


class _MemorySink(Sink):
    def __init__(self) -> None:
        super().__init__()
        self.data = bytearray()

    def _append(self, data: bytes) -> None:
        self.data += data

    def _truncate(self, size: int) -> None:
        del self.data[size:]


class MemoryContent:
    """Content in memory."""

    def __init__(self) -> None:
        self._all: dict[str, bytes] = {}

    def create(self) -> Sink:
        """See `Content.create`."""
        return _MemorySink()

    def keep(self, sink: Sink, digest: str) -> None:
        """See `Content.keep`."""
        if isinstance(sink, _MemorySink):
            self._all[digest] = bytes(sink.data)

    def size(self, digest: str) -> int:
        """See `Content.size`."""
        return len(self._all[digest])

    def read(self, digest: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """See `Content.read`."""
        data = self._all[digest]
        end = len(data) if length is None else min(len(data), start + length)
        for at in range(start, end, CHUNK):
            yield data[at : min(at + CHUNK, end)]

    def remove(self, digest: str) -> None:
        """See `Content.remove`."""
        self._all.pop(digest, None)


class _FileSink(Sink):
    def __init__(self, folder: Path) -> None:
        super().__init__()
        handle, name = tempfile.mkstemp(dir=folder)
        self.path = Path(name)
        # Opened per write: an upload may stay open for days, a descriptor should not.
        os.close(handle)

    def _append(self, data: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(data)

    def _truncate(self, size: int) -> None:
        os.truncate(self.path, size)

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)


class FolderContent:
    """Content as files ``blobs/ALGORITHM/HEX`` below a folder, unfinished in ``uploads/``."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._uploads = root / "uploads"
        self._uploads.mkdir(parents=True, exist_ok=True)
        # Sessions end with the server that opened them: nobody can finish these.
        for left in self._uploads.iterdir():
            left.unlink(missing_ok=True)
        for algorithm in ALGORITHMS:
            (root / "blobs" / algorithm).mkdir(parents=True, exist_ok=True)

    def _path(self, digest: str) -> Path:
        algorithm, _, encoded = check_digest(digest).partition(":")
        return self._root / "blobs" / algorithm / encoded

    def create(self) -> Sink:
        """See `Content.create`."""
        return _FileSink(self._uploads)

    def keep(self, sink: Sink, digest: str) -> None:
        """See `Content.keep`."""
        if isinstance(sink, _FileSink):
            # A rename is what makes a half-written blob impossible to see.
            sink.path.replace(self._path(digest))

    def size(self, digest: str) -> int:
        """See `Content.size`."""
        try:
            return self._path(digest).stat().st_size
        except FileNotFoundError:
            raise KeyError(digest) from None

    def read(self, digest: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """See `Content.read`."""
        try:
            file = self._path(digest).open("rb")
        except FileNotFoundError:
            raise KeyError(digest) from None
        with file:
            file.seek(start)
            left = length
            while left is None or left > 0:
                data = file.read(CHUNK if left is None else min(CHUNK, left))
                if not data:
                    return
                if left is not None:
                    left -= len(data)
                yield data

    def remove(self, digest: str) -> None:
        """See `Content.remove`."""
        with contextlib.suppress(FileNotFoundError):
            self._path(digest).unlink()
