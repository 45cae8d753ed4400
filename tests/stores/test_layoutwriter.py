"""Writing into a layout: all of it or nothing, and one at a time where it matters."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import images
import pytest
from wire import FakeClock

from regsync.errors import InvalidManifest, StoreFailure, StoreLocked, Unverified
from regsync.oci.descriptor import Descriptor
from regsync.oci.digest import Digest
from regsync.oci.manifest import CHILD_LIMIT
from regsync.oci.reference import Reference
from regsync.stores.layout import LayoutStore
from regsync.stores.layoutfolder import LayoutFolder
from regsync.stores.layoutindex import SIZE_LIMIT
from regsync.stores.layoutwriter import LOCK, LayoutWriter

DATA = b"some bytes of a layer"
LAYER = Descriptor(images.OCI_LAYER, Digest.of(DATA), len(DATA))
NODE, OTHER = Reference.parse("node"), Reference.parse("quay.io/team/app:1")


def write(folder: Path, work: Callable[[LayoutWriter], Awaitable[Any]], clock: Any = None) -> Any:
    async def run() -> Any:
        writer = LayoutWriter(LayoutFolder(folder), clock or FakeClock())
        await writer.prepare()
        return await work(writer)

    return asyncio.run(run())


async def nothing(writer: LayoutWriter) -> None:
    pass


def test_a_new_layout_is_a_layout(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    write(folder, nothing)
    assert asyncio.run(LayoutStore(folder).snapshot()).images == ()
    assert (folder / "oci-layout").read_text() == '{"imageLayoutVersion":"1.0.0"}'
    names = sorted(path.name for path in folder.iterdir())
    assert names == [LOCK, "blobs", "index.json", "oci-layout"]


def test_what_was_begun_is_finished(tmp_path: Path) -> None:
    (tmp_path / "blobs" / "sha256").mkdir(parents=True)
    (tmp_path / ".regsync-1-ab.partial").touch()
    write(tmp_path, nothing)
    assert (tmp_path / "oci-layout").exists()


def test_files_are_as_readable_as_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write(tmp_path, lambda writer: writer.put(LAYER, DATA))
    finally:
        os.umask(before)
    for path in (tmp_path / "index.json", LayoutFolder(tmp_path).blob_path(LAYER.digest)):
        assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("data", [b"", DATA[:-1], DATA + b"!", b"x" * len(DATA)])
def test_other_bytes_never_get_the_name(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(Unverified):
        write(tmp_path, lambda writer: writer.put(LAYER, data))
    assert not LayoutFolder(tmp_path).has(LAYER)
    assert list(tmp_path.rglob("*.partial")) == []


def test_a_writer_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    async def half(writer: LayoutWriter) -> None:
        async with writer.blob(LAYER) as file:
            file.write(DATA[:5])
            assert list(tmp_path.rglob("*.partial"))
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        write(tmp_path, half)
    assert list(tmp_path.rglob("*.partial")) == []
    assert not LayoutFolder(tmp_path).has(LAYER)


def test_only_what_is_long_dead_is_swept(tmp_path: Path) -> None:
    write(tmp_path, nothing)
    dead, alive = tmp_path / ".regsync-1-aa.partial", tmp_path / ".regsync-2-bb.partial"
    dead.touch()
    alive.touch()
    long_ago = time.time() - 2 * 24 * 3600
    os.utime(dead, (long_ago, long_ago))
    write(tmp_path, nothing)
    assert (dead.exists(), alive.exists()) == (False, True)


def test_publish_tells_what_was_there(tmp_path: Path) -> None:
    async def twice(writer: LayoutWriter) -> Any:
        second = Descriptor(images.OCI_MANIFEST, Digest.of(b"two"), 3)
        return (
            await writer.publish(NODE, LAYER),
            await writer.publish(OTHER, LAYER),
            await writer.publish(NODE, second),
        )

    assert write(tmp_path, twice) == (None, None, LAYER.digest)
    store = LayoutStore(tmp_path)
    named = store.named(OTHER)
    assert named is not None
    assert named.digest == LAYER.digest


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (
            [{"size": number} for number in range(CHILD_LIMIT - 1)],
            f"is full: {CHILD_LIMIT} entries",
        ),
        # Two bytes of UTF-8 are six in the ASCII that is written.
        ([{"annotations": {"a": "\u00e9" * (SIZE_LIMIT // 3)}}], "bytes"),
    ],
    ids=["entries", "bytes"],
)
def test_an_index_that_would_be_refused_is_never_written(
    more: list[Any], why: str, tmp_path: Path
) -> None:
    write(tmp_path, lambda writer: writer.publish(NODE, LAYER))
    index = tmp_path / "index.json"
    document = json.loads(index.read_text())
    document["manifests"] += more
    index.write_text(json.dumps(document, ensure_ascii=False))
    before = index.read_bytes()
    with pytest.raises(StoreFailure, match="is full") as raised:
        write(tmp_path, lambda writer: writer.publish(OTHER, LAYER))
    assert why in raised.value.why
    assert raised.value.hint is not None
    assert index.read_bytes() == before
    named = LayoutStore(tmp_path).named(NODE)
    assert named is not None
    assert named.digest == LAYER.digest


def test_what_fills_the_last_place_can_be_read(tmp_path: Path) -> None:
    write(tmp_path, nothing)
    index = tmp_path / "index.json"
    index.write_text(json.dumps({"manifests": [{"size": n} for n in range(CHILD_LIMIT - 1)]}))
    write(tmp_path, lambda writer: writer.publish(NODE, LAYER))
    write(tmp_path, lambda writer: writer.publish(NODE, LAYER))
    named = LayoutStore(tmp_path).named(NODE)
    assert named is not None
    assert named.digest == LAYER.digest


def test_a_lock_that_is_held_is_waited_for_and_then_given_up(tmp_path: Path) -> None:
    write(tmp_path, nothing)
    clock = FakeClock()

    async def run() -> None:
        one, two = (LayoutWriter(LayoutFolder(tmp_path), clock) for _ in range(2))
        async with one._locked():
            with pytest.raises(StoreLocked) as raised:
                await two.publish(NODE, LAYER)
        assert raised.value.exit_code == 8
        assert "30 seconds" in raised.value.why
        await two.publish(NODE, LAYER)

    asyncio.run(run())
    assert clock.elapsed >= 30


def test_a_malformed_index_is_not_overwritten(tmp_path: Path) -> None:
    write(tmp_path, nothing)
    (tmp_path / "index.json").write_text("{")
    with pytest.raises(InvalidManifest):
        write(tmp_path, lambda writer: writer.publish(NODE, LAYER))
    assert (tmp_path / "index.json").read_text() == "{"


@pytest.mark.parametrize("part", ["blobs", "blobs/sha256"])
def test_nothing_is_written_through_a_link(part: str, tmp_path: Path) -> None:
    folder, outside = tmp_path / "layout", tmp_path / "outside"
    outside.mkdir()
    (folder / part).parent.mkdir(parents=True)
    (folder / part).symlink_to(outside)
    with pytest.raises(StoreFailure, match="is a link"):
        write(folder, lambda writer: writer.put(LAYER, DATA))
    assert list(outside.iterdir()) == []


def test_a_linked_lock_is_refused(tmp_path: Path) -> None:
    (tmp_path / LOCK).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreFailure, match="symbolic link"):
        write(tmp_path, nothing)
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StoreFailure, match="not a folder"):
            write(folder, nothing)
