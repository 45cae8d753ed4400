"""Files and folders as they lie on the disk: found and read with suspicion."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator

from regsync.errors import InvalidFile

SIZE_LIMIT = 8 * 1024 * 1024
"""Bytes that a file may have: the largest bundles of manifests have about 5 MB."""
DEPTH, ENTRIES = 32, 100_000
"""How deep folders are walked through, and how many entries of them are looked at."""
_SKIPPED = frozenset(
    {".git", ".hg", ".svn", ".venv", "venv", ".tox", ".terraform", "node_modules", "__pycache__"}
)


class NoText(InvalidFile):
    """A file is there, and is no text of a sensible size."""


def text_of(path: str) -> str:
    """The text of a file.

    Raises:
        NoText: it is too large, or no UTF-8.
        InvalidFile: it is not there, no regular file, or not ours to read.
    """
    try:
        # Else a pipe that nobody writes to would be waited for without end.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError) as error:
        raise _unreadable(path, _reason(error)) from None
    with open(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise _unreadable(path, "it is no regular file")
        try:
            data = file.read(SIZE_LIMIT + 1)
        except OSError as error:
            raise _unreadable(path, _reason(error)) from None
    return decoded(data, path)


def decoded(data: bytes, path: str) -> str:
    """Bytes as text, a byte order mark left out.

    Raises:
        NoText: there are more than `SIZE_LIMIT`, or they are no UTF-8.
    """
    if len(data) > SIZE_LIMIT:
        raise NoText(f"cannot read `{path}`", f"it has more than {SIZE_LIMIT // 1024**2} MiB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise NoText(f"{path}:{line}: cannot read it", "it is not written in UTF-8") from None


def files_in(folder: str, failed: Callable[[InvalidFile], None]) -> Iterator[str]:
    """The regular files below a folder, in the order of their names.

    Links are not followed, so no loop is walked and nothing outside is read; repositories'
    own folders and installed packages are left out.

    Args:
        failed: Is told of folders below that cannot be read, or are too deep.

    Raises:
        InvalidFile: the folder cannot be read, or there are too many entries.
    """
    left = ENTRIES
    waiting = [(folder, 0)]
    while waiting:
        here, depth = waiting.pop()
        try:
            with os.scandir(here) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            problem = _unreadable(here, _reason(error))
            if depth == 0:
                raise problem from None
            failed(problem)
            continue
        left -= len(entries)
        if left < 0:
            raise InvalidFile(
                f"cannot look through `{folder}`",
                f"it has more than {ENTRIES} entries",
                "name the files or smaller folders",
            )
        deeper = []
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name in _SKIPPED:
                    continue
                if depth < DEPTH:
                    deeper.append((entry.path, depth + 1))
                else:
                    failed(_unreadable(entry.path, f"it is more than {DEPTH} folders deep"))
            elif entry.is_file(follow_symlinks=False):
                yield entry.path
        waiting += reversed(deeper)


def _unreadable(path: str, why: str) -> InvalidFile:
    return InvalidFile(f"cannot read `{path}`", why)


def _reason(error: OSError | ValueError) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
