"""What benchmarks look at: a registry with many images, and a layout that holds them all."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mock_registry import MockRegistry, seed

REF_NAME = "org.opencontainers.image.ref.name"
FULL_NAME = "io.containerd.image.name"


def images(count: int) -> dict[str, seed.Image]:
    """Different images, each the `1.0` of a repository of its own."""
    return {
        f"team/app{number:04}": seed.image("linux/amd64", layers=["base", f"app {number}"])
        for number in range(count)
    }


def fill_registry(folder: Path, content: Mapping[str, seed.Image]) -> None:
    """Put images where a registry with this folder finds them."""
    registry = MockRegistry(folder)
    for repository, image in content.items():
        registry.put(repository, image, "1.0")


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[str]:
    """A registry in a process of its own; gives its host."""
    command = [sys.executable, "-m", "mock_registry", "--port", "0", "--folder", str(folder)]
    process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        if not (line := process.stdout.readline()):
            sys.exit("the registry did not start")
        yield line.strip().rpartition("//")[2]
    finally:
        process.terminate()
        process.communicate()


def write_layout(folder: Path, host: str, content: Mapping[str, seed.Image]) -> None:
    """Lay out images as if they had been pulled from a host."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    entries = []
    for repository, image in content.items():
        documents = [image.manifest, image.config.data, *(layer.data for layer in image.layers)]
        for data in documents:
            (blobs / hashlib.sha256(data).hexdigest()).write_bytes(data)
        names = {FULL_NAME: f"{host}/{repository}:1.0", REF_NAME: "1.0"}
        entries.append(image.descriptor | {"annotations": names})
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": entries}))
