"""Where content is kept, and how much memory that takes."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from registry_api import Start, digest

from mock_registry import seed
from mock_registry.content import Content, FolderContent, MemoryContent
from mock_registry.storage import Storage


@pytest.fixture(params=["memory", "folder"])
def content(request: pytest.FixtureRequest, tmp_path: Path) -> Content:
    return MemoryContent() if request.param == "memory" else FolderContent(tmp_path)


class TestContent:
    def test_what_was_written_is_read(self, content: Content) -> None:
        data = bytes(range(256)) * 2000
        sink = content.create()
        sink.write(data[:1000])
        sink.write(data[1000:])
        assert sink.digest("sha512") == f"sha512:{hashlib.sha512(data).hexdigest()}"
        name = sink.digest("sha256")
        content.keep(sink, name)
        assert content.size(name) == len(data)
        assert b"".join(content.read(name)) == data
        assert b"".join(content.read(name, 300_000, 5)) == data[300_000:300_005]
        assert b"".join(content.read(name, 511_990, 99)) == data[511_990:]

    def test_rollback(self, content: Content) -> None:
        sink = content.create()
        sink.write(b"kept")
        sink.mark()
        sink.write(b"not")
        sink.rollback()
        assert (sink.size, sink.digest("sha256")) == (4, digest(b"kept"))
        sink.write(b"more")
        content.keep(sink, sink.digest("sha256"))
        assert b"".join(content.read(digest(b"keptmore"))) == b"keptmore"

    def test_missing(self, content: Content) -> None:
        content.remove(digest(b""))
        with pytest.raises(KeyError):
            content.size(digest(b""))
        with pytest.raises(KeyError):
            list(content.read(digest(b"")))


class TestStorage:
    def test_tags(self) -> None:
        storage = Storage()
        first = seed.put(storage, "app", seed.image(layers=["1"]), "latest")
        second = seed.put(storage, "app", seed.image(layers=["2"]))
        storage.tag("app", "latest", second)
        held = storage.repository("app")
        assert held is not None
        assert held.tags == {"latest": second}
        with pytest.raises(KeyError):
            storage.tag("app", "latest", digest(b""))
        storage.untag("app", "latest")
        with pytest.raises(KeyError):
            storage.untag("app", "latest")
        assert {first, second} == set(held.manifests)

    def test_bytes_that_are_no_manifest(self) -> None:
        """A test may want to serve what no registry would take."""
        storage = Storage()
        name = storage.put_manifest("app", b"\xff", "text/plain", "latest")
        assert storage.read(name) == b"\xff"


def test_a_folder_survives_its_server(start: Start, tmp_path: Path) -> None:
    image = seed.image()
    first = start(tmp_path)
    first.push_image(image, "1", "2", repository="team/api")
    first.delete("/v2/team/api/manifests/2")
    first.begin()
    second = start(tmp_path)
    assert second.get("/v2/team/api/tags/list").json()["tags"] == ["1"]
    answer = second.get("/v2/team/api/manifests/1")
    assert (answer.content, answer.headers["Content-Type"]) == (image.manifest, image.media_type)
    assert second.get(f"/v2/team/api/blobs/{image.config.digest}").content == image.config.data
    # Nobody can finish an upload whose session ended with its server.
    assert list((tmp_path / "uploads").iterdir()) == []


def test_repositories_may_nest_in_a_folder(start: Start, tmp_path: Path) -> None:
    for name in ("a", "a/b", "a/b/blobs"):
        start(tmp_path).push(name.encode(), name)
    assert start(tmp_path).registry.storage.names() == ["a", "a/b", "a/b/blobs"]


MEMORY = """
import hashlib, http.client, resource, sys
from mock_registry import MockRegistry

def peak():
    unit = 1024 if sys.platform == "darwin" else 1
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit

block, count = bytes(1024 * 1024), 64
name = hashlib.sha256()
for _ in range(count):
    name.update(block)
with MockRegistry(sys.argv[1]).serve() as registry:
    connection = http.client.HTTPConnection(registry.host)
    connection.request("POST", "/v2/app/blobs/uploads/")
    location = connection.getresponse()
    location.read()
    target = location.headers["Location"]
    before = peak()
    connection.request(
        "PUT", f"{target}&digest=sha256:{name.hexdigest()}",
        body=(block for _ in range(count)), headers={"Content-Length": str(count << 20)},
    )
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 201, answer.status
    connection.request("GET", answer.headers["Location"])
    answer = connection.getresponse()
    received = 0
    while data := answer.read(1 << 20):
        received += len(data)
    assert received == count << 20
    print(peak() - before)
"""


def test_64_mebibytes_pass_through_in_constant_memory(tmp_path: Path) -> None:
    """Up and down again in a process of its own, whose peak tells."""
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(tmp_path)], capture_output=True, text=True
    )
    assert done.stderr == ""
    assert int(done.stdout) < 16 * 1024
