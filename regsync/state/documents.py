"""Manifests, indexes and configs by digest: what never changes is fetched once and kept for ever.

A cache that may be deleted, shared by runs, or filled with rubbish by somebody else: every read is
verified, so a wrong document costs a request and nothing more.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from regsync.oci.digest import Digest
from regsync.state.folders import make_private

SIZE_LIMIT = 8 * 1024 * 1024
"""Bytes of one document; larger ones are not kept."""


class Documents:
    """Documents in `FOLDER/documents/ALGORITHM/XX/ENCODED`; XX keeps folders small.

    Args:
        folder: Where the cache is or will be; None for a run without one.

    Attributes:
        note: Why nothing is kept, one line for people; None while all is well.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder / "documents" if folder else None
        self.note: str | None = None
        if folder is None:
            self.note = (
                "manifests are not kept: no folder for them; "
                "set HOME or REGSYNC_CACHE_DIR to an absolute path"
            )

    def get(self, digest: Digest) -> bytes | None:
        """The document of this digest, verified; None where it is not here.

        One that is not what its digest says is deleted.
        """
        if self._folder is None:
            return None
        path = self._path(self._folder, digest)
        try:
            # Neither a link to somewhere else nor a pipe that never answers is opened.
            if stat.S_ISREG(path.lstat().st_mode):
                with path.open("rb") as stream:
                    data = stream.read(SIZE_LIMIT + 1)
                if len(data) <= SIZE_LIMIT and digest.matches(data):
                    return data
        except OSError:
            return None
        with contextlib.suppress(OSError):
            path.unlink()
        return None

    def put(self, digest: Digest, data: bytes) -> None:
        """Keep the document of this digest, which the caller has verified; whole or not at all."""
        if self._folder is None or self.note or len(data) > SIZE_LIMIT:
            return
        path = self._path(self._folder, digest)
        try:
            make_private(self._folder.parent)
            make_private(path.parent)
            _replace(path, data)
        except OSError as error:
            # Said once and not tried again: a full disk stays full.
            self.note = f"manifests are not kept in `{self._folder}`: {error.strerror or error}"

    @staticmethod
    def _path(folder: Path, digest: Digest) -> Path:
        return folder / digest.algorithm / digest.encoded[:2] / digest.encoded


def _replace(path: Path, data: bytes) -> None:
    # Without fsync: after a crash a document may be torn, which the next read finds out.
    handle, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
