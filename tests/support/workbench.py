"""A real engine and a real registry, and what a person does with images between them."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import uuid
from collections.abc import Mapping
from functools import cached_property
from urllib.parse import quote

import engines
import pytest
from distribution import Distribution
from pause import PAUSE

from mock_registry import seed
from regsync.stores import inspection

DOCKERFILE = 'FROM scratch\nCOPY content /content\nENV A=1\nCMD ["/content"]\n'
RUNNABLE = 'FROM scratch\nCOPY pause /pause\nCOPY content /content\nCMD ["/pause"]\n'


class Workbench(engines.Engine):
    """One engine with a registry at hand.

    Every workbench has repositories and content of its own, so that runs beside it and before it
    do not matter; `clean_up` removes from the engine what was made.
    """

    def __init__(self, socket: str, registry: Distribution) -> None:
        super().__init__(socket)
        self.socket = socket
        self.registry = registry
        self.run = uuid.uuid4().hex[:12]
        self._made: list[str] = []
        self._created: list[str] = []

    @cached_property
    def kind(self) -> str:
        """The kind of store, as in `StoreInfo`."""
        version, info = self.get("/version").json(), self.get("/info").json()
        return inspection.store_info(version, info, "").kind

    @cached_property
    def platform(self) -> str:
        version = self.get("/version").json()
        return f"{version['Os']}/{version['Arch']}"

    def reach(self) -> None:
        """Skip where the engine is in a network of its own: in a virtual machine, or rootless."""
        path = self.path("reach")
        self.registry.put(path, self.image("reach"), "1")
        try:
            self.pull(self.name(path, "1"))
        except AssertionError as error:
            pytest.skip(f"the engine cannot pull from {self.registry.host}: {error}")

    def path(self, name: str) -> str:
        """A repository of this run, as the registry calls it."""
        return f"regsync-{self.run}/{name}"

    def name(self, path: str, tag: str) -> str:
        """A tag, as the engine calls it."""
        name = f"{self.registry.host}/{path}:{tag}"
        self._made.append(name)
        return name

    def image(self, word: str, *, base: str = "base", created: str = seed.CREATED) -> seed.Image:
        """An image of the engine's platform, made by somebody else, of two layers."""
        layers = [f"{self.run} {base}", f"{self.run} {word}"]
        return seed.image(self.platform, layers, created=created)

    def foreign(self, word: str) -> seed.Image:
        """An image of a platform that this engine does not have."""
        return seed.image("linux/s390x", [f"{self.run} foreign {word}"])

    def pull(self, reference: str, login: tuple[str, str] | None = None) -> None:
        name, at, digest = reference.partition("@")
        if at and not self.is_podman:
            self._stream(f"/images/create?fromImage={quote(name)}&tag={digest}", login)
        else:
            super().pull(reference, login)

    def build(self, name: str, word: str) -> str:
        """Build with the engine's own builder; gives the image's ID."""
        return self.build_from(name, DOCKERFILE, word)

    def build_from(self, name: str, dockerfile: str, word: str) -> str:
        """Build a Dockerfile that finds a word in the file `content`; gives the image's ID."""
        files = {"Dockerfile": dockerfile, "content": f"{self.run} {word}"}
        self._post(
            "/build",
            _tar({path: text.encode() for path, text in files.items()}),
            {"t": name, "networkmode": "none"},
        )
        return self.id_of(name)

    def build_runnable(self, name: str, word: str, labels: Mapping[str, str] | None = None) -> str:
        """Build an image whose container runs until it is killed; gives the image's ID."""
        architecture = self.platform.partition("/")[2]
        if architecture not in PAUSE:
            pytest.skip(f"no program is at hand that runs on {architecture}")
        files = {
            "Dockerfile": RUNNABLE.encode(),
            "content": f"{self.run} {word}".encode(),
            "pause": PAUSE[architecture],
        }
        given = {"t": name, "networkmode": "none", "labels": json.dumps(labels or {})}
        self._post("/build", _tar(files, mode=0o755), given)
        return self.id_of(name)

    def create(self, title: str, image: str, labels: Mapping[str, str] | None = None) -> str:
        """Create a container without a network; gives its ID."""
        answer = self.post(
            "/containers/create",
            params={"name": f"{title}-{self.run}"},
            json={
                "Image": image,
                "Cmd": ["/pause"],
                "Labels": dict(labels or {}),
                "HostConfig": {"NetworkMode": "none"},
            },
        )
        assert answer.status_code == 201, answer.text
        id_ = str(answer.json()["Id"])
        self._created.append(id_)
        return id_

    def start(self, container: str) -> None:
        """Start a container; skips where the engine can run none."""
        answer = self.post(f"/containers/{container}/start")
        if "cgroups in hybrid mode not supported" in answer.text:
            # The machine's fault and known: crun, which Podman uses, refuses its mix of cgroups.
            pytest.xfail(f"no container of this engine runs on this machine: {answer.text.strip()}")
        if answer.status_code != 204:
            pytest.skip(f"this engine can run no container here: {answer.text.strip()}")

    def load_buildkit(self, name: str, word: str, *, base: str = "loaded base") -> str:
        """Load what BuildKit builds elsewhere, save it and load it again; gives the image's ID.

        BuildKit leaves no parent image, dates to the nanosecond and a history of its own.
        """
        made = self.image(word, base=base, created="2026-01-02T03:04:05.123456789Z")
        config = json.loads(made.config.data)
        for step in config["history"]:
            step |= {"comment": "buildkit.dockerfile.v0", "created_by": "COPY content / # buildkit"}
        document = json.dumps(config).encode()
        file = f"{seed.Blob('', document).digest.removeprefix('sha256:')}.json"
        plain = [seed.layer(f"{self.run} {each}", level=0) for each in (base, word)]
        layers = {f"{at}/layer.tar": gzip.decompress(each.data) for at, each in enumerate(plain)}
        manifest = [{"Config": file, "RepoTags": [name], "Layers": list(layers)}]
        archive = {file: document, **layers, "manifest.json": json.dumps(manifest).encode()}
        self._post("/images/load", _tar(archive), {"quiet": "1"})
        saved = self.get(f"/images/{name}/get")
        assert saved.status_code == 200, saved.text
        self.remove(name)
        self._post("/images/load", saved.content, {"quiet": "1"})
        return self.id_of(name)

    def id_of(self, name: str) -> str:
        """An image's ID; it is removed with the rest, even when it has lost its name."""
        answer = self.get(f"/images/{name}/json")
        assert answer.status_code == 200, answer.text
        id_ = inspection.full_id(answer.json()["Id"])
        self._made.append(id_)
        return id_

    def forget(self, *names: str) -> None:
        """Remove images as if they had been made elsewhere."""
        for name in names:
            self.delete(f"/images/{name}", params={"force": "1"})

    def clean_up(self) -> None:
        for container in self._created:
            self.delete(f"/containers/{container}", params={"force": "1"})
        for name in dict.fromkeys(reversed(self._made)):
            self.delete(f"/images/{name}", params={"force": "1"})

    def _post(self, path: str, archive: bytes, parameters: Mapping[str, str]) -> None:
        answer = self.post(
            path,
            params=parameters,
            content=archive,
            headers={"Content-Type": "application/x-tar"},
        )
        assert answer.status_code == 200, answer.text
        assert '"error"' not in answer.text, answer.text


def _tar(files: Mapping[str, bytes], *, mode: int = 0o644) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, data in files.items():
            member = tarfile.TarInfo(path)
            member.size, member.mode = len(data), mode
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()
