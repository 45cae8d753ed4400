"""Blob uploads, rule by rule of distribution-spec "Pushing Blobs"."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from registry_api import Api, Start, code, digest
from wire import FakeClock

from mock_registry import Quirks

DATA = b"0123456789"
NAME = digest(DATA)


def closing(location: str, name: str = NAME) -> str:
    return f"{location}&digest={name}"


def chunk(api: Api, location: str, start: int, data: bytes) -> httpx.Response:
    headers = {"Content-Range": f"{start}-{start + len(data) - 1}"}
    return api.patch(location, content=data, headers=headers)


def stored(api: Api, name: str = NAME, repository: str = "app") -> bool:
    return api.head(f"/v2/{repository}/blobs/{name}").status_code == 200


def test_opening(api: Api) -> None:
    answer = api.post("/v2/app/blobs/uploads/")
    assert answer.status_code == 202
    location = urlsplit(answer.headers["Location"])
    assert location.netloc == ""
    assert location.path == f"/v2/app/blobs/uploads/{answer.headers['Docker-Upload-UUID']}"
    assert location.query
    assert answer.headers["Range"] == "0-0"
    assert "OCI-Chunk-Min-Length" not in answer.headers


def test_absolute_locations(start: Start) -> None:
    api = start(quirks=Quirks(absolute_urls=True))
    location = api.begin()
    assert location.startswith(f"{api.registry.url}/v2/app/blobs/uploads/")
    done = api.put(closing(location), content=DATA)
    assert done.headers["Location"] == f"{api.registry.url}/v2/app/blobs/{NAME}"


def test_in_one_post(api: Api) -> None:
    answer = api.post(f"/v2/app/blobs/uploads/?digest={NAME}", content=DATA)
    assert answer.status_code == 201
    assert api.get(answer.headers["Location"]).content == DATA


def test_in_one_post_where_that_is_not_supported(start: Start) -> None:
    api = start(quirks=Quirks(accept_single_post=False))
    answer = api.post(f"/v2/app/blobs/uploads/?digest={NAME}", content=DATA)
    assert answer.status_code == 202
    assert not stored(api)
    assert api.put(closing(answer.headers["Location"]), content=DATA).status_code == 201


def test_in_one_post_with_another_digest(api: Api) -> None:
    answer = api.post(f"/v2/app/blobs/uploads/?digest={NAME}", content=b"other")
    assert (answer.status_code, code(answer)) == (400, "DIGEST_INVALID")
    assert not api.registry.core.uploads


def test_post_then_put(api: Api) -> None:
    answer = api.put(closing(api.begin()), content=DATA)
    assert answer.status_code == 201
    assert answer.headers["Docker-Content-Digest"] == NAME
    assert api.get(answer.headers["Location"]).content == DATA


def test_in_chunks(api: Api) -> None:
    location = api.begin()
    for start in (0, 4):
        answer = chunk(api, location, start, DATA[start : start + 4])
        assert answer.status_code == 202
        assert answer.headers["Range"] == f"0-{start + 3}"
        assert answer.headers["Location"] != location
        location = answer.headers["Location"]
    headers = {"Content-Range": "8-9"}
    assert api.put(closing(location), content=DATA[8:], headers=headers).status_code == 201
    assert stored(api)


def test_in_chunks_closed_without_data(api: Api) -> None:
    answer = chunk(api, api.begin(), 0, DATA)
    assert api.put(closing(answer.headers["Location"])).status_code == 201
    assert stored(api)


def test_streamed(api: Api) -> None:
    def pieces() -> Iterator[bytes]:
        yield DATA[:3]
        yield DATA[3:]

    answer = api.patch(api.begin(), content=pieces())
    assert api.last.headers["transfer-encoding"] == "chunked"
    assert (answer.status_code, answer.headers["Range"]) == (202, "0-9")
    assert api.put(closing(answer.headers["Location"])).status_code == 201


def test_chunks_without_a_range_are_appended(api: Api) -> None:
    location = api.begin()
    for piece in (DATA[:5], DATA[5:]):
        location = api.patch(location, content=piece).headers["Location"]
    assert api.put(closing(location)).status_code == 201


@pytest.mark.parametrize(("first", "then"), [(4, None), (0, 0), (0, 3), (0, 5)])
def test_a_chunk_out_of_order(first: int, then: int | None, api: Api) -> None:
    answer = chunk(api, api.begin(), first, b"0123")
    if then is not None:
        assert answer.status_code == 202
        answer = chunk(api, answer.headers["Location"], then, b"4567")
    assert (answer.status_code, code(answer)) == (416, "RANGE_INVALID")
    offset = answer.headers["Range"]
    assert offset == ("0-0" if then is None else "0-3")
    # The answer tells how to go on.
    rest = chunk(api, answer.headers["Location"], 0 if then is None else 4, DATA[4:8])
    assert rest.status_code == 202


@pytest.mark.parametrize("header", ["bytes 0-3/10", "x", "3-0"])
def test_a_malformed_content_range(header: str, api: Api) -> None:
    answer = api.patch(api.begin(), content=b"0123", headers={"Content-Range": header})
    assert (answer.status_code, code(answer)) == (400, "BLOB_UPLOAD_INVALID")


@pytest.mark.parametrize("streamed", [False, True])
def test_a_chunk_of_another_length(streamed: bool, api: Api) -> None:
    location = api.begin()
    content = iter([b"012345"]) if streamed else b"012345"
    answer = api.patch(location, content=content, headers={"Content-Range": "0-3"})
    assert (answer.status_code, code(answer)) == (400, "SIZE_INVALID")
    assert chunk(api, location, 0, DATA).status_code == 202


def test_a_session_without_length_where_it_is_demanded(start: Start) -> None:
    api = start(quirks=Quirks(strict_length=True))
    assert code(api.post("/v2/app/blobs/uploads/", content=iter([]))) == "SIZE_INVALID"
    assert api.begin()


def test_the_least_length_of_a_chunk(start: Start) -> None:
    api = start(quirks=Quirks(min_chunk=4))
    answer = api.post("/v2/app/blobs/uploads/")
    assert answer.headers["OCI-Chunk-Min-Length"] == "4"
    small = chunk(api, answer.headers["Location"], 0, b"012")
    assert (small.status_code, small.headers["Range"]) == (416, "0-0")
    large = chunk(api, small.headers["Location"], 0, DATA[:8])
    last = api.put(closing(large.headers["Location"]), content=DATA[8:])
    assert last.status_code == 201


@pytest.mark.parametrize(("strict", "expected"), [(False, 202), (True, 416)])
def test_an_old_location(strict: bool, expected: int, start: Start) -> None:
    api = start(quirks=Quirks(strict_state=strict))
    old = api.begin()
    new = chunk(api, old, 0, b"0123").headers["Location"]
    # To ask is always allowed, and tells the truth.
    status = api.get(old)
    assert (status.status_code, status.headers["Range"]) == (204, "0-3")
    assert chunk(api, old, 4, b"4567").status_code == expected
    if strict:
        assert chunk(api, new, 4, b"4567").status_code == 202


def test_status(api: Api) -> None:
    location = api.begin()
    assert api.get(location).headers["Range"] == "0-0"
    chunk(api, location, 0, DATA)
    answer = api.get(location)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Range"] == "0-9"
    assert answer.headers["Location"]


def test_closing_with_another_digest_ends_the_session(api: Api) -> None:
    location = api.begin()
    answer = api.put(closing(location), content=b"other")
    assert (answer.status_code, code(answer)) == (400, "DIGEST_INVALID")
    assert not stored(api)
    assert not stored(api, digest(b"other"))
    assert api.get(location).status_code == 404


@pytest.mark.parametrize("query", ["", "&digest=", "&digest=sha256:short", "&digest=md5:abc"])
def test_closing_without_a_digest(query: str, api: Api) -> None:
    answer = api.put(f"{api.begin()}{query}", content=DATA)
    assert (answer.status_code, code(answer)) == (400, "DIGEST_INVALID")


def test_unknown_and_closed_sessions(api: Api) -> None:
    location = api.begin()
    api.put(closing(location), content=DATA)
    elsewhere = api.begin().replace("/app/", "/other/")
    for gone in (location, "/v2/app/blobs/uploads/none?_state=x", elsewhere):
        answers = [
            api.get(gone),
            api.patch(gone, content=DATA),
            api.put(closing(gone), content=DATA),
            api.delete(gone),
        ]
        assert [each.status_code for each in answers] == [404] * 4
        assert {code(each) for each in answers} == {"BLOB_UPLOAD_UNKNOWN"}


def test_a_session_expires(start: Start) -> None:
    clock = FakeClock()
    api = start(clock=clock.monotonic, quirks=Quirks(upload_life=60))
    location = api.begin()
    clock.elapsed = 59
    assert api.get(location).status_code == 204
    clock.elapsed = 60
    assert code(api.get(location)) == "BLOB_UPLOAD_UNKNOWN"


def test_forgotten_sessions_free_their_bytes(start: Start) -> None:
    clock = FakeClock()
    api = start(clock=clock.monotonic, quirks=Quirks(upload_life=60))
    api.begin()
    clock.elapsed = 60
    api.begin()
    assert len(api.registry.core.uploads) == 1


def test_cancelling(api: Api) -> None:
    location = api.begin()
    assert api.delete(location).status_code == 204
    assert api.get(location).status_code == 404
    assert not api.registry.core.uploads


@pytest.mark.parametrize(("keep", "offset"), [(True, "0-3"), (False, "0-0")])
def test_a_client_that_goes_away_within_a_chunk(keep: bool, offset: str, start: Start) -> None:
    api = start(quirks=Quirks(keep_partial=keep))
    location = api.begin()
    host, port = api.registry.host.split(":")
    with socket.create_connection((host, int(port)), timeout=5) as raw:
        raw.sendall(f"PATCH {location} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n".encode())
        raw.sendall(DATA[:4])
        wait_for(lambda: api.registry.log.records[-1].bytes_in == 4)
    [upload] = api.registry.core.uploads.values()
    wait_for(lambda: not upload.busy)
    assert api.get(location).headers["Range"] == offset
    first = 4 if keep else 0
    assert chunk(api, location, first, DATA[first:]).status_code == 202
    assert api.put(closing(location)).status_code == 201


def test_two_chunks_at_once(api: Api) -> None:
    location = api.begin()
    [upload] = api.registry.core.uploads.values()
    second: list[httpx.Response] = []

    def slowly() -> Iterator[bytes]:
        yield DATA[:5]
        wait_for(lambda: upload.busy)
        with Api(api.registry) as other:
            second.append(other.patch(location, content=b"other"))
        yield DATA[5:]

    assert api.patch(location, content=slowly()).status_code == 202
    assert second[0].status_code == 416
    assert api.put(closing(location)).status_code == 201


def test_many_uploads_of_one_blob(api: Api) -> None:
    locations = [api.begin() for _ in range(8)]
    results: list[int] = []

    def upload(location: str) -> None:
        with Api(api.registry) as client:
            results.append(client.put(closing(location), content=DATA).status_code)

    threads = [threading.Thread(target=upload, args=(each,)) for each in locations]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [201] * 8
    assert api.get(f"/v2/app/blobs/{NAME}").content == DATA


def test_sha512(api: Api) -> None:
    name = digest(DATA, "sha512")
    location = api.post("/v2/app/blobs/uploads/?digest-algorithm=sha512").headers["Location"]
    answer = api.put(closing(location, name), content=DATA)
    assert (answer.status_code, answer.headers["Docker-Content-Digest"]) == (201, name)
    assert api.get(f"/v2/app/blobs/{name}").content == DATA
    answer = api.post("/v2/app/blobs/uploads/?digest-algorithm=md5")
    assert (answer.status_code, code(answer)) == (400, "DIGEST_INVALID")


def test_a_compressed_body_is_stored_as_it_was_sent(api: Api) -> None:
    data = b"\x1f\x8b not even gzip"
    answer = api.put(
        closing(api.begin(), digest(data)), content=data, headers={"Content-Encoding": "gzip"}
    )
    assert answer.status_code == 201


def wait_for(condition: object) -> None:
    """Let the server's thread get there; the time is only a bound for a broken server."""
    assert callable(condition)
    for _ in range(2000):
        if condition():
            return
        threading.Event().wait(0.005)
    raise AssertionError("this never came about")


class TestMounts:
    def mount(self, api: Api, name: str, query: str) -> httpx.Response:
        return api.post(f"/v2/{name}/blobs/uploads/?mount={NAME}{query}")

    def test_from_another_repository(self, api: Api) -> None:
        api.push(DATA, "base")
        answer = self.mount(api, "app", "&from=base")
        assert answer.status_code == 201
        assert api.get(answer.headers["Location"]).content == DATA

    def test_from_the_same_repository(self, api: Api) -> None:
        api.push(DATA)
        assert self.mount(api, "app", "&from=app").status_code == 201

    @pytest.mark.parametrize("source", ["none", "empty", "Not/A/Name"])
    def test_of_what_is_not_there(self, source: str, api: Api) -> None:
        api.push(b"", "empty")
        answer = self.mount(api, "app", f"&from={source}")
        assert answer.status_code == 202
        assert api.put(closing(answer.headers["Location"]), content=DATA).status_code == 201

    def test_from_anywhere(self, api: Api) -> None:
        api.push(DATA, "base")
        assert self.mount(api, "app", "").status_code == 201

    @pytest.mark.parametrize(
        ("quirks", "query"),
        [(Quirks(anonymous_mount=False), ""), (Quirks(accept_mounts=False), "&from=base")],
    )
    def test_where_it_is_not_supported(self, quirks: Quirks, query: str, start: Start) -> None:
        api = start(quirks=quirks)
        api.push(DATA, "base")
        assert self.mount(api, "app", query).status_code == 202
        assert not stored(api)

    def test_of_a_malformed_digest(self, api: Api) -> None:
        answer = api.post("/v2/app/blobs/uploads/?mount=sha256:x&from=base")
        assert (answer.status_code, code(answer)) == (400, "DIGEST_INVALID")
