"""`status --explain` on real engines: the cause of a real rebuild, and the bytes of a real pull.

The registry is one that keeps a log, so what an engine fetched is known blob by blob.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import engines
import pytest
from workbench import Workbench

from mock_registry import MockRegistry, seed

pytestmark = pytest.mark.real

BASE = "FROM scratch\nCOPY content /base\n"
"""What others build upon; its word makes the difference."""


class Logged:
    """A registry with a log, for a workbench."""

    def __init__(self, registry: MockRegistry) -> None:
        self.registry = registry
        self.host = registry.host

    def put(self, repository: str, content: seed.Content, *tags: str) -> str:
        return self.registry.put(repository, content, *tags)

    def point(self, repository: str, tag: str, digest: str) -> None:
        """Move a tag to what the repository holds."""
        held = self.registry.storage.repository(repository)
        assert held is not None
        data = self.registry.storage.read(digest)
        self.registry.storage.put_manifest(repository, data, held.manifests[digest], tag)

    def digest(self, repository: str, tag: str) -> str:
        held = self.registry.storage.repository(repository)
        assert held is not None
        return held.tags[tag]


@dataclass
class Scene:
    """An engine with a registry, and a regsync with a memory of its own."""

    bench: Workbench
    registry: Logged
    folder: Path

    def explain(self, name: str) -> dict[str, Any]:
        command = [sys.executable, "-m", "regsync", "status", "--explain", "--format", "json"]
        done = subprocess.run(
            [*command, name, "-H", f"unix://{self.bench.socket}"],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.folder),
                "REGSYNC_STATE_DIR": str(self.folder / "state"),
                "REGSYNC_CACHE_DIR": str(self.folder / "cache"),
            },
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        [found] = json.loads(done.stdout)["data"]["images"]
        assert isinstance(found, dict)
        return found

    def pulled_bytes(self, name: str) -> int:
        """What a pull fetches, manifests left out."""
        log = self.registry.registry.log
        log.clear()
        self.bench.pull(name)
        self.bench.id_of(name)
        return sum(record.bytes_out for record in log.find("GET", "blob", status=200))


@pytest.fixture(scope="module")
def workbench(request: pytest.FixtureRequest) -> Iterator[tuple[Workbench, Logged]]:
    with MockRegistry().serve() as registry:
        logged = Logged(registry)
        with Workbench(request.param, logged) as bench:
            bench.reach()
            try:
                yield bench, logged
            finally:
                bench.clean_up()


@pytest.fixture
def scene(workbench: tuple[Workbench, Logged], tmp_path: Path) -> Scene:
    return Scene(*workbench, tmp_path)


def app(base: str, *, extra: str = "") -> str:
    return f"FROM {base}\nCOPY content /app\nENV MODE=plain\n{extra}"


@pytest.mark.parametrize("workbench", engines.parameters(), indirect=True, scope="module")
@pytest.mark.parametrize("came", ["pushed", "pulled"])
@pytest.mark.parametrize(
    ("cause", "words", "extra"),
    [
        ("base", ("new base", "code"), ""),
        ("application", ("base", "new code"), ""),
        ("base_and_application", ("new base", "new code"), ""),
        ("metadata", ("base", "code"), "LABEL made=anew\nENV MODE=fancy\n"),
    ],
)
def test_a_real_rebuild(
    scene: Scene, cause: str, words: tuple[str, str], extra: str, came: str
) -> None:
    bench = scene.bench
    path = bench.path(f"{cause}-{came}")
    name, old_base, new_base = (
        bench.name(path, "1"),
        bench.name(f"{path}-base", "old"),
        bench.name(f"{path}-base", "new"),
    )
    mark = f"{cause} {came}"
    # The rebuild, as if on another machine: nothing of it stays here.
    bench.build_from(new_base, BASE, f"{mark} {words[0]}")
    ids = [bench.build_from(name, app(new_base, extra=extra), f"{mark} {words[1]}")]
    bench.push(name)
    rebuilt = scene.registry.digest(path, "1")
    bench.forget(name, new_base, *ids)

    bench.build_from(old_base, BASE, f"{mark} base")
    id_ = bench.build_from(name, app(old_base), f"{mark} code")
    bench.push(name)
    if came == "pulled":
        bench.forget(name, id_, old_base)
        bench.pull(name)
        bench.id_of(name)
    scene.explain(name)
    scene.registry.point(path, "1", rebuilt)

    found = scene.explain(name)
    explained = found["explain"]
    assert found["verdict"] == "outdated"
    assert explained["cause"]["kind"] == cause
    # With the base at hand it is known; without, the place of the layers says it, as a guess.
    assert explained["cause"]["guess"] is (came == "pulled" and cause != "metadata")
    changes = {(one["setting"], one["name"]): one["new"] for one in explained["changes"]}
    told = {("environment", "MODE"): "fancy", ("label", "made"): "anew"}
    assert changes == (told if cause == "metadata" else {})
    assert found["download_bytes"] == explained["download_bytes"]
    assert explained["download_bytes"] == scene.pulled_bytes(name)


def layers(scene: Scene, *words: str) -> list[seed.Blob]:
    """A layer a word; `word!` is the same content, compressed anew."""
    return [
        seed.layer(
            {f"f/{word.strip('!')}": f"{scene.bench.run} {word.strip('!')} " * 200},
            level=1 if word.endswith("!") else 9,
        )
        for word in words
    ]


@pytest.mark.parametrize("workbench", engines.parameters(), indirect=True, scope="module")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("a0 a1", "a0 a2", id="top"),
        pytest.param("b0 b1", "b2 b1", id="lowest"),
        pytest.param("c0 c1", "c0 c1", id="none"),
        pytest.param("d0 d1", "d0! d1", id="lowest-compressed-anew"),
        pytest.param("e0 e1", "e0 e1!", id="top-compressed-anew"),
        pytest.param("f0", "f0 f1 f0", id="twice"),
        pytest.param("g0 g1 g2", "g0 gx g1 g2", id="inserted"),
        pytest.param("h0 h1 h2", "h0", id="fewer"),
        pytest.param("i0 i1", "i2 i3", id="all"),
    ],
)
def test_the_bytes_of_a_pull(
    scene: Scene, old: str, new: str, request: pytest.FixtureRequest
) -> None:
    bench = scene.bench
    path = bench.path(f"bytes-{request.node.callspec.id.rpartition('-')[0]}-{old[0]}")
    name = bench.name(path, "1")
    labels = {"made": "anew"}
    bench.registry.put(path, seed.image(bench.platform, layers(scene, *old.split())), "1")
    bench.pull(name)
    bench.id_of(name)
    remote = seed.image(bench.platform, layers(scene, *new.split()), labels=labels)
    bench.registry.put(path, remote, "1")
    explained = scene.explain(name)["explain"]
    assert explained["download_bytes"] == scene.pulled_bytes(name)
