"""Snapshots of real engines."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import tarfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import docker
import engines
import pytest
from distribution import distribution

from regsync.oci.imageconfig import ImageConfig
from regsync.stores.base import LocalImage, Snapshot
from regsync.stores.endpoint import Endpoint
from regsync.stores.engine import EngineStore

pytestmark = pytest.mark.real


class Engine:
    """A real engine, and the tiny images that a test makes on it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.sdk = docker.APIClient(url, version="auto", timeout=60)
        self.repository = f"regsync-test.example/t{os.getpid()}"
        self.made: list[str] = []

    def make(self, tag: str, content: str) -> str:
        """Import an image of one small file; gives its name."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            member = tarfile.TarInfo("content")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content.encode()))
        self.sdk.import_image_from_data(
            archive.getvalue(), self.repository, tag, changes=['CMD ["/content"]', "ENV A=1"]
        )
        name = f"{self.repository}:{tag}"
        self.made.append(name)
        return name

    def tag(self, name: str, tag: str) -> str:
        self.sdk.tag(name, self.repository, tag)
        self.made.append(f"{self.repository}:{tag}")
        return f"{self.repository}:{tag}"

    def push(self, tag: str) -> None:
        url = self.sdk._url("/images/{0}/push", self.repository)
        # Podman alone knows `tlsVerify`, and wants TLS even on loopback otherwise; `e30=` is `{}`.
        parameters = {"tag": tag, "tlsVerify": "false"}
        answer = self.sdk._post(url, params=parameters, headers={"X-Registry-Auth": "e30="})
        assert answer.status_code == 200, answer.text
        assert "errorDetail" not in answer.text, answer.text

    def snapshot(self) -> Snapshot:
        return asyncio.run(EngineStore(Endpoint.parse(self.url)).snapshot())

    def find(self, name: str) -> LocalImage:
        [image] = [one for one in self.snapshot().images if name in map(str, one.names)]
        return image

    def clean_up(self) -> None:
        for name in dict.fromkeys(self.made):
            with contextlib.suppress(docker.errors.APIError):
                self.sdk.remove_image(name, force=True)
        self.sdk.close()


@pytest.fixture(params=engines.parameters())
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    found = Engine(f"unix://{request.param}")
    try:
        yield found
    finally:
        found.clean_up()


def test_the_store_says_what_it_is(engine: Engine) -> None:
    info, again = engine.snapshot().info, engine.snapshot().info
    assert info == again
    assert info.name in ("docker", "podman")
    assert info.kind in ("classic", "containerd", "containers-storage")
    assert info.version[0].isdigit()
    assert "+" not in info.version


def test_an_image_made_here_came_from_nowhere(engine: Engine) -> None:
    name = engine.make("1", "one")
    image, kind = engine.find(name), engine.snapshot().info.kind
    assert image.origins == ()
    assert image.platform.known
    assert image.config is not None
    assert len(image.config.diff_ids) == 1
    assert image.config.settings["Cmd"] == ["/content"]
    assert image.size > 0
    if kind == "containerd":
        assert image.id in map(str, image.digests)
    else:
        assert image.id == str(image.config_digest)
    assert image.remembers == (kind == "classic")


def test_one_image_with_two_names_is_one(engine: Engine) -> None:
    first = engine.make("1", "two names")
    second = engine.tag(first, "alias")
    image = engine.find(first)
    assert {first, second} <= set(map(str, image.names))
    assert engine.find(second) == image


def test_a_container_keeps_the_name_it_was_started_with(engine: Engine) -> None:
    name = engine.make("run", "old")
    old = engine.find(name)
    try:
        container = engine.sdk.create_container(name, labels={"com.docker.compose.project": "shop"})
    except docker.errors.APIError as error:
        pytest.skip(f"this engine can create no container here: {error}")
    try:
        engine.made.append(old.id)  # no name is left to remove it by
        engine.make("run", "new")
        found = [one for one in engine.snapshot().containers if one.id == container["Id"]]
        assert [(one.image, one.image_id, one.running) for one in found] == [(name, old.id, False)]
        assert found[0].project == "shop"
        assert engine.find(name).id != old.id
    finally:
        engine.sdk.remove_container(container["Id"], force=True)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    with distribution(tmp_path) as found:
        yield found.host


def test_a_pushed_config_is_the_one_that_the_engine_tells(engine: Engine, registry: str) -> None:
    path = f"regsync/t{os.getpid()}"
    engine.repository = f"{registry}/{path}"
    before = engine.find(name := engine.make("1", "pushed"))
    engine.push("1")
    image = engine.find(name)
    assert image.config is not None
    digest, config_digest, pushed = _read_remote(registry, path, "1")
    assert image.config.same_image(pushed)
    if image.config_digest is not None:
        assert str(image.config_digest) == config_digest
    if engine.snapshot().info.name == "docker":
        assert digest in map(str, image.digests)
    if image.remembers:
        assert before.origins == ()
        assert [str(origin) for origin in image.origins] == [f"{engine.repository}@{digest}"]


def _read_remote(registry: str, repository: str, tag: str) -> tuple[str, str, ImageConfig]:
    accept = (
        "application/vnd.oci.image.manifest.v1+json, "
        "application/vnd.docker.distribution.manifest.v2+json"
    )
    base = f"http://{registry}/v2/{repository}"
    request = urllib.request.Request(f"{base}/manifests/{tag}", headers={"Accept": accept})
    with urllib.request.urlopen(request) as response:
        digest = response.headers["Docker-Content-Digest"]
        manifest = json.load(response)
    config_digest = manifest["config"]["digest"]
    with urllib.request.urlopen(f"{base}/blobs/{config_digest}") as response:
        return digest, config_digest, ImageConfig.parse(response.read())
