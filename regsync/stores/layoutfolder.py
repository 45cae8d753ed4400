"""The files of an OCI image layout, read with suspicion (image-spec `image-layout.md` v1.1).

A layout may come out of somebody's archive. Nothing in it is followed elsewhere: a symbolic link, a
pipe or a device in place of a file or folder is refused, and bytes are bounded and verified.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Any

from regsync.errors import InvalidManifest, StoreFailure, Unverified
from regsync.oci import manifest
from regsync.oci.descriptor import Descriptor
from regsync.oci.digest import Digest
from regsync.oci.manifest import Index, Manifest
from regsync.oci.strictjson import parse_object
from regsync.stores import layoutindex

MARKER, INDEX, BLOBS = "oci-layout", "index.json", "blobs"
ALGORITHMS = ("sha256", "sha512")
PREFIX = ".regsync-"
"""How everything begins that is ours and no part of the layout."""
_MARKER_LIMIT = 64 * 1024
# NONBLOCK: a pipe that nobody writes to must not hang whoever lists images.
_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_WHY = {
    errno.ENOENT: "there is no such file or folder",
    errno.ENOTDIR: "a part of the path is not a folder",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.ELOOP: "it is a symbolic link, which may lead out of the layout",
    errno.EMLINK: "it is a symbolic link, which may lead out of the layout",
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file would be larger than is allowed here",
    errno.EROFS: "the file system is read-only",
    errno.ENAMETOOLONG: "the path is too long",
}


class LayoutFolder:
    """Guarded reading of one layout. Holds no file open and remembers nothing.

    Args:
        path: The folder with `oci-layout` in it; a link to it is the user's own and is followed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def vacant(self) -> bool:
        """Whether nothing is at the path yet, or a layout that was begun and never finished.

        Raises:
            StoreFailure: the path cannot be looked at.
        """
        try:
            names = os.listdir(self.path)
        except FileNotFoundError:
            return True
        except OSError as error:
            raise failure(f"cannot read the layout `{self.path}`", error) from error
        return all(name in (BLOBS, INDEX) or name.startswith(PREFIX) for name in names)

    def check(self) -> None:
        """Demand that this is a layout that can be read.

        Raises:
            StoreFailure: no folder, no `oci-layout`, an unknown version, or links inside.
        """
        try:
            os.listdir(self.path)
        except OSError as error:
            raise StoreFailure(
                f"cannot read the layout `{self.path}`",
                "no such folder" if error.errno == errno.ENOENT else reason(error),
                "`regsync pull REF --store oci:DIR` makes one"
                if error.errno == errno.ENOENT
                else None,
            ) from error
        try:
            raw = self.read(MARKER, _MARKER_LIMIT)
        except StoreFailure as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise StoreFailure(
                    f"`{self.path}` is no OCI image layout",
                    f"it has no `{MARKER}` file",
                    "name a layout, or a folder that is empty or does not exist yet",
                ) from error
            raise
        version = _version(raw)
        if version.partition(".")[0] != "1":
            raise StoreFailure(
                f"cannot read the layout `{self.path}`",
                f"version `{version[:40]}` of the format is unknown; 1.0.0 is known",
            )
        self.refuse_links()

    def refuse_links(self) -> None:
        """Demand that the folders of the blobs, where they exist, are folders of their own.

        Raises:
            StoreFailure: one of them is a link or no folder.
        """
        for part in (BLOBS, *(f"{BLOBS}/{algorithm}" for algorithm in ALGORITHMS)):
            try:
                mode = os.lstat(self.path / part).st_mode
            except OSError:
                continue
            if not stat.S_ISDIR(mode):
                raise StoreFailure(
                    f"cannot read the layout `{self.path}`", f"`{part}` is a link or no folder"
                )

    def read(self, name: str, limit: int) -> bytes:
        """The bytes of one file.

        Raises:
            StoreFailure: it cannot be read, or is no plain file.
            InvalidManifest: it has more than `limit` bytes.
        """
        path = self.path / name
        try:
            with open(os.open(path, _READ), "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise StoreFailure(f"cannot read `{path}`", "it is not a plain file")
                data = file.read(limit + 1)
        except OSError as error:
            raise failure(f"cannot read `{path}`", error) from error
        if len(data) > limit:
            raise InvalidManifest(f"`{path}` is refused", f"larger than {limit} bytes")
        return data

    def index(self) -> dict[str, Any]:
        """The parsed `index.json`.

        Raises:
            StoreFailure: see `check` and `read`.
            InvalidManifest: see `layoutindex.parse`.
        """
        self.check()
        return layoutindex.parse(self.read(INDEX, layoutindex.SIZE_LIMIT))

    def blob_path(self, digest: Digest) -> Path:
        """Where a blob lies; a `Digest` holds nothing that could lead elsewhere."""
        return self.path / BLOBS / digest.algorithm / digest.encoded

    def size(self, digest: Digest) -> int | None:
        """Bytes of a blob that is here as a plain file, or None."""
        try:
            found = os.lstat(self.blob_path(digest))
        except OSError:
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def has(self, descriptor: Descriptor) -> bool:
        """Whether the blob is here in its full size; the bytes are not read."""
        return self.size(descriptor.digest) == descriptor.size

    def blob(self, descriptor: Descriptor, limit: int) -> bytes | None:
        """The verified bytes of a small blob, or None where it is not here.

        Raises:
            Unverified: the bytes do not fit the digest, or cannot be read as a plain file.
            InvalidManifest: larger than `limit`.
        """
        digest = descriptor.digest
        try:
            data = self.read(f"{BLOBS}/{digest.algorithm}/{digest.encoded}", limit)
        except StoreFailure as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return None
            raise Unverified(f"the blob {digest.short}… cannot be read", error.why) from error
        if len(data) != descriptor.size or not digest.matches(data):
            raise Unverified(
                f"the blob {digest.short}… is damaged", "its bytes do not fit its digest or size"
            )
        return data

    def document(self, descriptor: Descriptor) -> Manifest | Index | None:
        """The verified manifest or index, or None where it is not here.

        Raises:
            ContentError: see `blob` and `oci.manifest.parse`.
        """
        raw = self.blob(descriptor, manifest.SIZE_LIMIT)
        return None if raw is None else manifest.parse(raw, descriptor.media_type)


def reason(error: OSError) -> str:
    """Why a file cannot be used, in the user's words."""
    return _WHY.get(error.errno or 0) or error.strerror or str(error)


def failure(what: str, error: OSError) -> StoreFailure:
    """The error that an `OSError` is for a user."""
    return StoreFailure(what, reason(error))


def _version(raw: bytes) -> str:
    try:
        found = parse_object(raw, limit=_MARKER_LIMIT).get("imageLayoutVersion")
    except InvalidManifest:
        found = None
    return found if isinstance(found, str) else ""
