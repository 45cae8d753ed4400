"""Blobs over connections that break and from servers that lie."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from raw import RESET, Asked, head, serve_raw, whole
from wire import FakeClock

from regsync.clock import SystemClock
from regsync.errors import (
    InvalidManifest,
    NotFound,
    RegsyncError,
    ServerFailed,
    Unreachable,
    Unverified,
)
from regsync.identity import Credentials
from regsync.oci.descriptor import Descriptor
from regsync.oci.digest import Digest
from regsync.oci.reference import Repository
from regsync.registry.blobs import Pace, start
from regsync.registry.client import CONFIG_LIMIT, RegistryClient
from regsync.registry.hosts import endpoint
from regsync.registry.message import Answer
from regsync.registry.retry import ATTEMPTS
from regsync.settings import HostSettings

BLOB = b"".join(number.to_bytes(4, "big") for number in range(50_000))
CUT = 120_001
PING = whole("200 OK", b"{}")
ONE_CONNECTION_A_REQUEST = HostSettings(jobs=1)


def descriptor(data: bytes = BLOB, **changes: Any) -> Descriptor:
    fields = {"media_type": "x/y", "digest": Digest.of(data), "size": len(data)} | changes
    return Descriptor(**fields)


def ranged(asked: Asked, **headers: str) -> bytes:
    """The head of a good answer from the offset that was asked for."""
    at = asked.offset
    told = {"Content-Length": str(len(BLOB) - at)} | headers
    if not at:
        return head("200 OK", told)
    return head("206 Partial Content", {"Content-Range": _range(at)} | told)


def _range(at: int) -> str:
    return f"bytes {at}-{len(BLOB) - 1}/{len(BLOB)}"


def blobs(answer: Callable[[Asked], Iterable[bytes]]) -> Callable[[Asked], Iterable[bytes]]:
    return lambda asked: answer(asked) if "/blobs/" in asked.path else PING


def read(
    host: str,
    what: Descriptor | None = None,
    *,
    clock: Any = None,
    credentials: Credentials | None = None,
    **more: Any,
) -> tuple[bytes, list[int]]:
    """The bytes that came and what progress was told, until the end or an error."""
    counts: list[int] = []

    async def run() -> bytes:
        where = endpoint(host, ONE_CONNECTION_A_REQUEST, certs_d=())
        async with (
            RegistryClient(where, credentials, clock=clock or FakeClock()) as client,
            client.blob(
                Repository(host, "a/b"), what or descriptor(), on_bytes=counts.append, **more
            ) as chunks,
        ):
            return b"".join([chunk async for chunk in chunks])

    return asyncio.run(run()), counts


def offsets(server: Any) -> list[int]:
    return [one.offset for one in server.seen if "/blobs/" in one.path]


def test_whole() -> None:
    with serve_raw(blobs(lambda asked: [ranged(asked), BLOB])) as server:
        data, counts = read(server.host)
    assert (data, sum(counts)) == (BLOB, len(BLOB))
    assert all(count > 0 for count in counts)
    assert offsets(server) == [0]


def test_empty() -> None:
    with serve_raw(blobs(lambda asked: whole("200 OK"))) as server:
        assert read(server.host, descriptor(b"")) == (b"", [])


def test_sha512() -> None:
    with serve_raw(blobs(lambda asked: [ranged(asked), BLOB])) as server:
        data, _ = read(server.host, descriptor(digest=Digest.of(BLOB, "sha512")))
    assert data == BLOB


def chunked(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


BREAKS: dict[str, Callable[[Asked], list[bytes]]] = {
    "closed": lambda asked: [ranged(asked), BLOB[:CUT]],
    "reset": lambda asked: [ranged(asked), BLOB[:CUT], RESET],
    "chunked": lambda asked: [
        head("200 OK", {"Transfer-Encoding": "chunked"}),
        chunked(BLOB[:CUT]),
    ],
    "close-delimited": lambda asked: [head("200 OK"), BLOB[:CUT]],
}


@pytest.mark.parametrize("kind", BREAKS)
def test_a_broken_connection_is_continued_where_it_broke(kind: str) -> None:
    def answer(asked: Asked) -> Iterable[bytes]:
        return BREAKS[kind](asked) if not asked.offset else [ranged(asked), BLOB[asked.offset :]]

    with serve_raw(blobs(answer)) as server:
        data, counts = read(server.host)
    assert (data, sum(counts)) == (BLOB, len(BLOB))
    first, second = offsets(server)
    # After a reset the kernel may have thrown away what was not read yet.
    assert (first, second) == (0, CUT) or (kind == "reset" and second <= CUT)


@pytest.mark.parametrize(
    "again",
    [
        lambda asked: [head("200 OK", {"Content-Length": str(len(BLOB))}), BLOB],
        lambda asked: [head("200 OK"), BLOB],
    ],
    ids=["with a length", "without"],
)
def test_a_server_without_ranges_is_read_over(again: Callable[[Asked], list[bytes]]) -> None:
    first = itertools.count()

    def answer(asked: Asked) -> Iterable[bytes]:
        return again(asked) if next(first) else [ranged(asked), BLOB[:CUT]]

    with serve_raw(blobs(answer)) as server:
        data, counts = read(server.host)
    assert (data, sum(counts)) == (BLOB, len(BLOB))
    assert min(counts) == -CUT
    assert offsets(server) == [0, CUT]


REFUSALS: dict[str, Callable[[Asked], list[bytes]]] = {
    "416": lambda asked: whole("416 Range Not Satisfiable"),
    "no content-range": lambda asked: whole("206 Partial Content", BLOB[asked.offset :]),
    "other start": lambda asked: whole(
        "206 Partial Content", BLOB[CUT - 1 :], {"Content-Range": _range(CUT - 1)}
    ),
    "other size": lambda asked: whole(
        "206 Partial Content", BLOB[CUT:], {"Content-Range": f"bytes {CUT}-{len(BLOB) - 1}/9999999"}
    ),
    "other end": lambda asked: whole(
        "206 Partial Content", BLOB[CUT:-1], {"Content-Range": f"bytes {CUT}-{len(BLOB) - 2}/*"}
    ),
    "junk": lambda asked: whole("206 Partial Content", BLOB[CUT:], {"Content-Range": "bytes x"}),
}


@pytest.mark.parametrize("kind", REFUSALS)
def test_a_range_that_is_refused_or_wrong_starts_over(kind: str) -> None:
    first = itertools.count()

    def answer(asked: Asked) -> Iterable[bytes]:
        if asked.offset:
            return REFUSALS[kind](asked)
        return [ranged(asked), BLOB] if next(first) else [ranged(asked), BLOB[:CUT]]

    with serve_raw(blobs(answer)) as server:
        data, counts = read(server.host)
    assert (data, sum(counts)) == (BLOB, len(BLOB))
    assert offsets(server) == [0, CUT, 0]


@pytest.mark.parametrize(
    "answer",
    [
        lambda asked: whole("200 OK", BLOB[:CUT]),
        lambda asked: whole("416 No") if asked.offset else whole("200 OK", BLOB[:CUT]),
        lambda asked: [head("200 OK"), BLOB[:CUT]],
    ],
    ids=["no ranges", "416", "close-delimited"],
)
def test_a_blob_that_is_shorter_than_it_should_be(answer: Any) -> None:
    with (
        serve_raw(blobs(answer)) as server,
        pytest.raises(Unverified, match=f"ends after {CUT} of {len(BLOB)}"),
    ):
        read(server.host)
    assert len(offsets(server)) <= 3


def endless(asked: Asked) -> Iterator[bytes]:
    yield head("200 OK")
    yield BLOB
    for _ in range(2000):
        yield b"x" * 65536


@pytest.mark.parametrize(
    "answer", [lambda asked: whole("200 OK", BLOB + b"x"), endless], ids=["one more", "endless"]
)
def test_a_blob_that_is_larger_than_it_should_be(answer: Any) -> None:
    with serve_raw(blobs(answer)) as server, pytest.raises(Unverified, match="larger than"):
        read(server.host)
    assert offsets(server) == [0]


def test_other_bytes() -> None:
    other = BLOB[:-1] + b"?"
    with (
        serve_raw(blobs(lambda asked: [ranged(asked), other])) as server,
        pytest.raises(Unverified, match="not those of"),
    ):
        read(server.host)


def test_it_gives_up_without_progress() -> None:
    with (
        serve_raw(blobs(lambda asked: [ranged(asked), RESET])) as server,
        pytest.raises(Unreachable),
    ):
        read(server.host)
    assert offsets(server) == [0] * ATTEMPTS


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda asked: whole("404 Not Found"), NotFound),
        (lambda asked: whole("500 Oops"), ServerFailed),
        (lambda asked: whole("200 OK", BLOB, {"Content-Encoding": "gzip"}), ServerFailed),
        (lambda asked: whole("200 OK", b"<html>", {"Content-Type": "text/html"}), Unverified),
    ],
)
def test_failures(answer: Any, error: type[RegsyncError]) -> None:
    with serve_raw(blobs(answer)) as server, pytest.raises(error):
        read(server.host)


def drip(asked: Asked) -> Iterator[bytes]:
    yield ranged(asked)
    for at in range(200):
        yield BLOB[at : at + 1]
        time.sleep(0.005)


def test_a_stream_that_drips_is_given_up() -> None:
    pace = Pace(bytes_per_second=100_000, window_s=0.05)
    with (
        serve_raw(blobs(drip)) as server,
        pytest.raises(Unreachable, match="too slowly"),
    ):
        read(server.host, clock=_Impatient(), pace=pace)
    assert len(offsets(server)) == ATTEMPTS


class _Impatient(SystemClock):
    """Real time, but for the waiting between attempts."""

    async def sleep(self, seconds: float) -> None:
        pass


def test_a_reader_that_takes_its_time_is_not_the_streams_fault() -> None:
    clock = FakeClock()

    async def run(host: str) -> int:
        where, count = endpoint(host, certs_d=()), 0
        async with (
            RegistryClient(where, clock=clock) as client,
            client.blob(Repository(host, "a"), descriptor(), pace=Pace(1024, 60)) as chunks,
        ):
            async for chunk in chunks:
                clock.elapsed += 3600
                count += len(chunk)
        return count

    with serve_raw(blobs(lambda asked: [ranged(asked), BLOB])) as server:
        assert asyncio.run(run(server.host)) == len(BLOB)


def test_a_signed_address_that_expired_is_asked_for_again() -> None:
    """And the store that the registry leads to never sees the registry's credentials."""
    valid: set[str] = set()
    signatures = itertools.count()

    def store(asked: Asked) -> Iterable[bytes]:
        if asked.path not in valid:
            return whole("403 Forbidden", b"<Error>expired</Error>")
        valid.discard(asked.path)
        return [ranged(asked), BLOB[asked.offset :] if asked.offset else BLOB[:CUT]]

    with serve_raw(store) as cdn:

        def registry(asked: Asked) -> Iterable[bytes]:
            if "/blobs/" not in asked.path:
                return whole("401 Unauthorized", b"", {"WWW-Authenticate": 'Basic realm="r"'})
            assert asked.headers["authorization"].startswith("Basic")
            path = f"/data?signature={next(signatures)}"
            # The second address comes expired.
            if not path.endswith("=1"):
                valid.add(path)
            return whole("307 Elsewhere", b"", {"Location": f"http://{cdn.host}{path}"})

        with serve_raw(registry) as server:
            data, _ = read(server.host, credentials=Credentials("u", "canary-91d2"))
    assert data == BLOB
    assert [one.path[-1] for one in cdn.seen] == ["0", "1", "2"]
    assert [one.offset for one in cdn.seen] == [0, CUT, CUT]
    assert all("authorization" not in one.headers for one in cdn.seen)


def test_a_store_that_refuses_for_good() -> None:
    with serve_raw(lambda asked: whole("403 Forbidden")) as cdn:
        location = {"Location": f"http://{cdn.host}/data"}
        with (
            serve_raw(blobs(lambda asked: whole("302 There", b"", location))) as server,
            pytest.raises(ServerFailed, match=r"refuses \(403\)"),
        ):
            read(server.host)
    assert len(cdn.seen) == 2


def test_a_token_that_expires_on_the_way_is_replaced() -> None:
    tokens = itertools.count()

    def registry(asked: Asked) -> Iterable[bytes]:
        if asked.path.startswith("/token"):
            return whole("200 OK", f'{{"token":"t{next(tokens)}","expires_in":300}}'.encode())
        wanted = "Bearer t1" if asked.offset else "Bearer t0"
        if asked.headers.get("authorization") != wanted:
            return whole("401 No", b"", {"WWW-Authenticate": 'Bearer realm="/token"'})
        return [ranged(asked), BLOB[asked.offset :] if asked.offset else BLOB[:CUT]]

    with serve_raw(registry) as server:
        data, _ = read(server.host)
    assert data == BLOB
    assert server.count("/token") == 2


@pytest.mark.parametrize("hashed", [True, False])
def test_from_an_offset(hashed: bool) -> None:
    seen = Digest.of(BLOB).hasher()
    seen.update(BLOB[:CUT])
    more = {"seen": seen} if hashed else {}
    with serve_raw(blobs(lambda asked: [ranged(asked), BLOB[asked.offset :]])) as server:
        data, counts = read(server.host, offset=CUT, **more)
        assert (data, sum(counts)) == (BLOB[CUT:], len(BLOB) - CUT)
        assert read(server.host, offset=len(BLOB)) == (b"", [])
    assert offsets(server) == [CUT]


def test_from_an_offset_over_other_bytes() -> None:
    seen = Digest.of(BLOB).hasher()
    seen.update(b"?" * CUT)
    with (
        serve_raw(blobs(lambda asked: [ranged(asked), BLOB[asked.offset :]])) as server,
        pytest.raises(Unverified),
    ):
        read(server.host, offset=CUT, seen=seen)


def test_memory_stays_constant() -> None:
    piece, pieces = b"0123456789abcdef" * 65536, 48
    hasher = Digest.of(b"").hasher()
    for _ in range(pieces):
        hasher.update(piece)
    what = descriptor(
        digest=Digest("sha256", hasher.hexdigest()), size=len(piece) * pieces, data=b""
    )

    def answer(asked: Asked) -> Iterator[bytes]:
        yield head("200 OK", {"Content-Length": str(what.size)})
        yield from itertools.repeat(piece, pieces)

    async def run(host: str) -> int:
        count = 0
        async with (
            RegistryClient(endpoint(host, certs_d=())) as client,
            client.blob(Repository(host, "a"), what) as chunks,
        ):
            async for chunk in chunks:
                count += len(chunk)
        return count

    with serve_raw(blobs(answer)) as server:
        tracemalloc.start()
        try:
            assert asyncio.run(run(server.host)) == what.size
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 8 * 1024 * 1024


def test_a_reader_that_stops_early_frees_its_place() -> None:
    async def run(host: str) -> None:
        async with RegistryClient(endpoint(host, ONE_CONNECTION_A_REQUEST, ())) as client:
            for _ in range(3):
                async with client.blob(Repository(host, "a"), descriptor()) as chunks:
                    async for _ in chunks:
                        break

    with serve_raw(blobs(lambda asked: [ranged(asked), BLOB])) as server:
        asyncio.run(asyncio.wait_for(run(server.host), 20))
    assert len(offsets(server)) == 3


def test_streams_and_requests_do_not_wait_for_each_other() -> None:
    """A copy within one registry reads a stream and asks other things meanwhile."""

    async def run(host: str) -> bool:
        repository = Repository(host, "a")
        async with (
            RegistryClient(endpoint(host, ONE_CONNECTION_A_REQUEST, ())) as client,
            client.blob(repository, descriptor()) as chunks,
        ):
            async for _ in chunks:
                return await client.exists(repository)
        return False

    with serve_raw(blobs(lambda asked: [ranged(asked), BLOB])) as server:
        assert asyncio.run(asyncio.wait_for(run(server.host), 20))


def config(host: str, what: Descriptor) -> bytes:
    async def run() -> bytes:
        async with RegistryClient(endpoint(host, certs_d=()), clock=FakeClock()) as client:
            return await client.config(Repository(host, "a"), what)

    return asyncio.run(run())


def test_a_config_is_read_whole_and_once_more_if_it_is_spoiled() -> None:
    replies = itertools.chain([b"{?"], itertools.repeat(b"{}"))
    with serve_raw(blobs(lambda asked: whole("200 OK", next(replies)))) as server:
        assert config(server.host, descriptor(b"{}")) == b"{}"
    assert offsets(server) == [0, 0]


def test_a_config_that_stays_wrong_or_claims_to_be_huge() -> None:
    with serve_raw(blobs(lambda asked: whole("200 OK", b"{?"))) as server:
        with pytest.raises(Unverified):
            config(server.host, descriptor(b"{}"))
        assert offsets(server) == [0, 0]
        with pytest.raises(InvalidManifest):
            config(server.host, descriptor(size=CONFIG_LIMIT + 1))
        assert len(offsets(server)) == 2


def test_foreign_addresses_are_never_fetched() -> None:
    """CVE-2020-15157: `urls` of a layer led to another host, which asked for credentials."""
    with serve_raw(lambda asked: whole("401 Give", b"", {"WWW-Authenticate": "Basic"})) as thief:
        layer = Descriptor.from_json(
            {
                "mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
                "digest": str(Digest.of(BLOB)),
                "size": len(BLOB),
                "urls": [f"http://{thief.host}/layer"],
            }
        )
        with (
            serve_raw(blobs(lambda asked: whole("404 Not Found"))) as server,
            pytest.raises(NotFound),
        ):
            read(server.host, layer, credentials=Credentials("u", "canary-91d2"))
    assert thief.seen == []


@given(st.text() | st.from_regex(re.compile(r"bytes [0-9]+-[0-9]+/([0-9]+|\*)", re.ASCII)))
def test_any_content_range_is_the_right_one_or_none(value: str) -> None:
    headers = httpx.Headers([(b"content-range", value.encode("utf-8", "replace"))])
    answer = Answer(206, headers, b"", "")
    found = start(answer, 7, 100)
    assert found in (None, 7)
    if found == 7:
        assert value.strip() in ("bytes 7-99/100", "bytes 7-99/*")
