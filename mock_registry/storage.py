"""Repositories: which content each one holds, and what its tags mean."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

from mock_registry.content import Content, FolderContent, MemoryContent, Sink
from mock_registry.names import check_digest, check_name, digest_of

# A leading underscore is outside the grammar of repository names: no repository can be
# nested at this path.
_STATE = "_repository.json"


@dataclass
class Repository:
    """What one repository holds.

    Attributes:
        blobs: Digests of its blobs.
        manifests: Digest to media type.
        tags: Tag to digest, of a manifest that is in `manifests`.
    """

    blobs: set[str] = field(default_factory=set)
    manifests: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


class Storage:
    """All repositories of a registry.

    Its methods are plain and short, so a test may call them while the server is running.

    Args:
        folder: Where to keep everything, made if missing; in memory when None.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        self._folder = None if folder is None else Path(folder)
        self.content: Content
        self._repositories: dict[str, Repository] = {}
        self._saving = threading.Lock()
        if self._folder is None:
            self.content = MemoryContent()
        else:
            self.content = FolderContent(self._folder)
            self._load(self._folder / "repositories")

    def _load(self, root: Path) -> None:
        for path in sorted(root.rglob(_STATE)):
            state = json.loads(path.read_text())
            self._repositories[path.parent.relative_to(root).as_posix()] = Repository(
                set(state["blobs"]), state["manifests"], state["tags"]
            )

    def _save(self, name: str) -> None:
        if self._folder is None:
            return
        path = self._folder / "repositories" / name / _STATE
        path.parent.mkdir(parents=True, exist_ok=True)
        # A test may push while it also puts content here from its own thread.
        with self._saving:
            held = self._repositories[name]
            state = {"blobs": sorted(held.blobs), "manifests": held.manifests, "tags": held.tags}
            unfinished = path.with_suffix(".new")
            unfinished.write_text(json.dumps(state, indent=1))
            unfinished.replace(path)

    def names(self) -> list[str]:
        """All repositories, sorted."""
        return sorted(self._repositories)

    def repository(self, name: str) -> Repository | None:
        """The repository `name`, or None. Not to be changed by the caller."""
        return self._repositories.get(name)

    def _open(self, name: str) -> Repository:
        return self._repositories.setdefault(check_name(name), Repository())

    def has_blob(self, name: str, digest: str) -> bool:
        """Whether the repository `name` holds this blob."""
        held = self.repository(name)
        return held is not None and digest in held.blobs

    def repositories_with_blob(self, digest: str) -> list[str]:
        """The repositories that hold this blob, sorted."""
        return [name for name in self.names() if self.has_blob(name, digest)]

    def keep_blob(self, name: str, sink: Sink, digest: str) -> None:
        """Keep a finished upload, whose digest the caller has compared, in `name`."""
        repository = self._open(name)
        self.content.keep(sink, digest)
        repository.blobs.add(digest)
        self._save(name)

    def link_blob(self, name: str, digest: str) -> None:
        """Add a blob some repository holds to the repository `name` as well."""
        self._open(name).blobs.add(digest)
        self._save(name)

    def put_blob(self, name: str, data: bytes, algorithm: str = "sha256") -> str:
        """Keep `data` as a blob of `name` and return its digest."""
        digest = digest_of(data, algorithm)
        self.keep_blob(name, self._sink(data), digest)
        return digest

    def put_manifest(
        self, name: str, data: bytes, media_type: str, *tags: str, digest: str | None = None
    ) -> str:
        """Keep `data` as a manifest of `name`, move `tags` to it, return its digest.

        Nothing in it is checked: a test may want to serve a wrong one.
        """
        digest = digest_of(data) if digest is None else check_digest(digest)
        repository = self._open(name)
        self.content.keep(self._sink(data), digest)
        repository.manifests[digest] = media_type
        for tag in tags:
            repository.tags[tag] = digest
        self._save(name)
        return digest

    def _sink(self, data: bytes) -> Sink:
        sink = self.content.create()
        sink.write(data)
        return sink

    def read(self, digest: str) -> bytes:
        """All bytes of some content. Raises KeyError when there is none."""
        return b"".join(self.content.read(digest))

    def tag(self, name: str, tag: str, digest: str) -> None:
        """Move `tag` of `name` to a manifest it holds. Raises KeyError when it does not."""
        repository = self._repositories[name]
        if digest not in repository.manifests:
            raise KeyError(digest)
        repository.tags[tag] = digest
        self._save(name)

    def untag(self, name: str, tag: str) -> None:
        """Remove a tag and leave its manifest. Raises KeyError when there is no such tag."""
        del self._repositories[name].tags[tag]
        self._save(name)

    def remove_blob(self, name: str, digest: str) -> None:
        """Remove a blob from one repository. Raises KeyError when it does not hold it."""
        self._repositories[name].blobs.remove(digest)
        self._save(name)
        self._sweep(digest)

    def remove_manifest(self, name: str, digest: str) -> None:
        """Remove a manifest and the tags on it. Raises KeyError when there is none."""
        repository = self._repositories[name]
        del repository.manifests[digest]
        repository.tags = {tag: to for tag, to in list(repository.tags.items()) if to != digest}
        self._save(name)
        self._sweep(digest)

    def _sweep(self, digest: str) -> None:
        held = list(self._repositories.values())
        if not any(digest in each.blobs or digest in each.manifests for each in held):
            self.content.remove(digest)
