"""Which files of a folder are not to be read: a few words of what `.gitignore` says."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fnmatch import fnmatchcase


class Excluding:
    """Patterns of paths, relative to the folder that was named.

    One without `/` is the name of a file or folder at any depth: `charts`, `*.tpl.yaml`. One with
    `/` is a path from that folder on: `charts/*`, `deploy/old`. What lies below a match is left
    out with it, and a `*` stands for anything, `/` too. There is no `!`.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = tuple(dict.fromkeys(patterns))
        self._used: set[str] = set()

    def matches(self, path: str) -> bool:
        """Whether a file is left out."""
        parts = path.split(os.sep)
        folders = ["/".join(parts[: at + 1]) for at in range(len(parts))]
        matching = [one for one in self._patterns if _matches(one, parts, folders)]
        self._used.update(matching)
        return bool(matching)

    @property
    def idle(self) -> tuple[str, ...]:
        """Patterns that have left nothing out."""
        return tuple(one for one in self._patterns if one not in self._used)


def _matches(pattern: str, parts: Sequence[str], folders: Sequence[str]) -> bool:
    bare = pattern.removesuffix("/")
    # `charts/` and `charts` are folders or files of that name, wherever they are.
    if "/" not in bare:
        return any(fnmatchcase(part, bare) for part in parts)
    anchored = bare.removeprefix("./").removeprefix("/")
    return any(fnmatchcase(folder, anchored) for folder in folders)
