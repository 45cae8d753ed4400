"""A real registry, docker-registry, and content put into it over HTTP."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from mock_registry import seed

VARIABLE = "REGSYNC_TEST_REGISTRY"
"""A docker-registry as `HOST:PORT`, over plain HTTP, that lets everybody push and delete."""
PROGRAM = "docker-registry"


class Distribution(httpx.Client):
    """One registry over its HTTP API."""

    def __init__(self, host: str) -> None:
        super().__init__(base_url=f"http://{host}/v2", timeout=60, trust_env=False)
        self.host = host

    def put(self, repository: str, content: seed.Content, *tags: str) -> str:
        """Push an image or an index with everything it names; gives its digest."""
        if isinstance(content, seed.Index):
            for each in content.images:
                self.put(repository, each)
        else:
            for blob in (content.config, *content.layers):
                self._push_blob(repository, blob)
        for reference in tags or (content.digest,):
            self._put_manifest(repository, reference, content.manifest, content.media_type)
        return content.digest

    def delete(self, repository: str, tag: str, *, keep_digest: bool = False) -> None:
        """Remove a tag.

        Args:
            keep_digest: This registry forgets every tag of a manifest together with the manifest;
                put that back, as on a registry where a tag can go alone.
        """
        accept = ", ".join(seed.image(family=each).media_type for each in ("oci", "docker"))
        path = f"/{repository}/manifests"
        found = _done(self.get(f"{path}/{tag}", headers={"Accept": accept}))
        digest = found.headers["Docker-Content-Digest"]
        _done(self.delete_manifest(repository, digest))
        if keep_digest:
            self._put_manifest(repository, digest, found.content, found.headers["Content-Type"])

    def delete_manifest(self, repository: str, digest: str) -> httpx.Response:
        return self.request("DELETE", f"/{repository}/manifests/{digest}")

    def _push_blob(self, repository: str, blob: seed.Blob) -> None:
        begun = _done(self.post(f"/{repository}/blobs/uploads/"))
        url = httpx.URL(begun.headers["Location"]).copy_merge_params({"digest": blob.digest})
        _done(self.request("PUT", url, content=blob.data))

    def _put_manifest(self, repository: str, reference: str, raw: bytes, media_type: str) -> None:
        path = f"/{repository}/manifests/{reference}"
        _done(self.request("PUT", path, content=raw, headers={"Content-Type": media_type}))


@contextmanager
def distribution(folder: Path) -> Iterator[Distribution]:
    """The registry that `REGSYNC_TEST_REGISTRY` names, else one started here, else a skip.

    Args:
        folder: For the data, the configuration and the log of the one started here.
    """
    given = os.environ.get(VARIABLE)
    if given:
        with Distribution(given) as found:
            yield found
        return
    program = shutil.which(PROGRAM)
    if program is None:
        pytest.skip(f"no registry: {VARIABLE} is not set and {PROGRAM} is not installed")
    with _started(program, folder) as host, Distribution(host) as found:
        yield found


@contextmanager
def _started(program: str, folder: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    config = {
        "version": "0.1",
        "storage": {
            "filesystem": {"rootdirectory": str(folder / "data")},
            "delete": {"enabled": True},
        },
        "http": {"addr": host},
    }
    # Its YAML is a superset of JSON.
    (folder / "registry.yml").write_text(json.dumps(config))
    with (folder / "registry.log").open("wb") as log:
        process = subprocess.Popen(
            [program, "serve", str(folder / "registry.yml")], stdout=log, stderr=log
        )
    try:
        _wait_for(host, process)
        yield host
    finally:
        process.terminate()
        process.wait()


def _wait_for(host: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(400):
        assert process.poll() is None, f"{PROGRAM} did not start"
        with contextlib.suppress(httpx.TransportError):
            httpx.get(f"http://{host}/v2/", trust_env=False)
            return
        time.sleep(0.05)
    raise AssertionError(f"{PROGRAM} does not answer at {host}")


def _done(answer: httpx.Response) -> httpx.Response:
    assert answer.is_success, f"{answer.request.method} {answer.url}: {answer.text}"
    return answer
