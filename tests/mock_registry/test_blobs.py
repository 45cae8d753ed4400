"""Blobs: whole, in part, conditional, from a second port."""

from __future__ import annotations

import pytest
from registry_api import Api, Start, code, digest
from wire import FakeClock

from mock_registry import Quirks

DATA = bytes(range(256)) * 4


def test_the_whole(api: Api) -> None:
    name = api.push(DATA)
    answer = api.get(f"/v2/app/blobs/{name}")
    assert (answer.status_code, answer.content) == (200, DATA)
    assert answer.headers["Docker-Content-Digest"] == name
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize("data", [b"", b"{}", b"x" * 700_000])
def test_of_any_size(data: bytes, api: Api) -> None:
    assert api.get(f"/v2/app/blobs/{api.push(data)}").content == data


def test_missing(api: Api) -> None:
    api.push(DATA)
    absent = digest(b"absent")
    answer = api.get(f"/v2/app/blobs/{absent}")
    assert (answer.status_code, code(answer)) == (404, "BLOB_UNKNOWN")
    answer = api.get(f"/v2/other/blobs/{digest(DATA)}")
    assert (answer.status_code, code(answer)) == (404, "NAME_UNKNOWN")
    api.push(b"", "other")
    assert code(api.get(f"/v2/other/blobs/{digest(DATA)}")) == "BLOB_UNKNOWN"


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [("bytes=0-9", 0, 9), ("bytes=1000-", 1000, 1023), ("bytes=-24", 1000, 1023)],
)
def test_a_range(header: str, first: int, last: int, api: Api) -> None:
    answer = api.get(f"/v2/app/blobs/{api.push(DATA)}", headers={"Range": header})
    assert (answer.status_code, answer.content) == (206, DATA[first : last + 1])
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/1024"


@pytest.mark.parametrize("header", ["bytes=1024-", "bytes=500-0"])
def test_a_range_outside(header: str, api: Api) -> None:
    answer = api.get(f"/v2/app/blobs/{api.push(DATA)}", headers={"Range": header})
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, "bytes */1024")


def test_several_ranges_are_the_whole(api: Api) -> None:
    answer = api.get(f"/v2/app/blobs/{api.push(DATA)}", headers={"Range": "bytes=0-1,5-6"})
    assert (answer.status_code, answer.content) == (200, DATA)


def test_conditions(api: Api) -> None:
    path = f"/v2/app/blobs/{api.push(DATA)}"
    etag = api.head(path).headers["ETag"]
    assert api.get(path, headers={"If-None-Match": etag}).status_code == 304
    assert api.get(path, headers={"If-None-Match": f'"x", W/{etag}'}).status_code == 304
    assert api.get(path, headers={"If-None-Match": '"x"'}).status_code == 200
    resume = {"Range": "bytes=9-", "If-Range": etag}
    assert api.get(path, headers=resume).status_code == 206
    assert api.get(path, headers={**resume, "If-Range": '"x"'}).status_code == 200


def test_of_the_other_algorithm_is_another_blob(api: Api) -> None:
    api.push(DATA)
    answer = api.get(f"/v2/app/blobs/{digest(DATA, 'sha512')}")
    assert (answer.status_code, code(answer)) == (404, "BLOB_UNKNOWN")


def test_from_a_second_port_with_a_signature_that_expires(start: Start) -> None:
    clock = FakeClock()
    api = start(quirks=Quirks(redirect_blobs=True), clock=clock.monotonic)
    path = f"/v2/app/blobs/{api.push(DATA)}"
    assert api.head(path).status_code == 200
    answer = api.get(path)
    assert (answer.status_code, answer.content) == (307, b"")
    location = answer.headers["Location"]
    assert not location.startswith(api.registry.url)
    assert api.get(location).content == DATA
    assert api.last.kind == "signed"
    part = api.get(location, headers={"Range": "bytes=1020-"})
    assert (part.status_code, part.content) == (206, DATA[1020:])
    assert api.get(location.replace("expires=", "expires=9")).status_code == 403
    assert api.get(location[:-1]).status_code == 403
    clock.elapsed += 300
    answer = api.get(location)
    assert (answer.status_code, code(answer)) == (403, "DENIED")
    assert api.get(path, follow_redirects=True).content == DATA


def test_signatures_are_unknown_without_the_second_port(api: Api) -> None:
    assert api.get(f"/signed/{api.push(DATA)}?expires=9&signature=x").status_code == 404


def test_deletion(api: Api) -> None:
    name = api.push(DATA)
    api.push(DATA, "other")
    assert api.delete(f"/v2/app/blobs/{name}").status_code == 202
    assert api.get(f"/v2/app/blobs/{name}").status_code == 404
    assert code(api.delete(f"/v2/app/blobs/{name}")) == "BLOB_UNKNOWN"
    assert api.get(f"/v2/other/blobs/{name}").content == DATA
    api.delete(f"/v2/other/blobs/{name}")
    with pytest.raises(KeyError):
        api.registry.storage.read(name)


def test_deletion_where_it_is_off(start: Start) -> None:
    api = start(deletes=False)
    answer = api.delete(f"/v2/app/blobs/{api.push(DATA)}")
    assert (answer.status_code, code(answer)) == (405, "UNSUPPORTED")
    assert api.get(f"/v2/app/blobs/{digest(DATA)}").status_code == 200
