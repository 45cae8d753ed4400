"""Misbehaviour on demand, as it arrives on the wire."""

from __future__ import annotations

import socket
from typing import Any

import httpx
import pytest
from registry_api import Api, code, digest

from mock_registry import Fault, seed

BLOB = bytes(range(200))
PATH = f"/v2/app/blobs/{digest(BLOB)}"


@pytest.fixture
def api(api: Api) -> Api:
    api.push(BLOB)
    api.registry.put("app", seed.image(), "latest")
    api.registry.log.clear()
    return api


def on_the_wire(api: Api, path: str, method: str = "GET") -> bytes:
    """All that comes back until the server closes."""
    host, port = api.registry.host.split(":")
    with socket.create_connection((host, int(port)), timeout=5) as raw:
        raw.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        received = b""
        while data := raw.recv(65536):
            received += data
    return received


@pytest.mark.parametrize("fault", [Fault(close=True), Fault(lose=True), Fault(raw=b"")])
def test_no_answer(fault: Fault, api: Api) -> None:
    api.registry.faults.add(fault)
    assert on_the_wire(api, PATH) == b""
    assert api.last.status is None
    assert api.get(PATH).content == BLOB


def test_reset(api: Api) -> None:
    api.registry.faults.add(Fault(reset=True))
    with pytest.raises(ConnectionResetError):
        on_the_wire(api, PATH)


def test_raw_bytes(api: Api) -> None:
    api.registry.faults.add(Fault(raw=b"HTTP/1.0 200 OK\n\nhalf a bo"))
    assert on_the_wire(api, PATH) == b"HTTP/1.0 200 OK\n\nhalf a bo"


@pytest.mark.parametrize(("fault", "done"), [(Fault(lose=True), True), (Fault(close=True), False)])
def test_whether_a_lost_request_had_its_effect(fault: Fault, done: bool, api: Api) -> None:
    api.registry.faults.add(fault)
    data = b"pushed"
    with pytest.raises(httpx.RemoteProtocolError):
        api.post(f"/v2/app/blobs/uploads/?digest={digest(data)}", content=data)
    assert api.registry.storage.has_blob("app", digest(data)) == done


def test_a_status_with_a_code(api: Api) -> None:
    fault = Fault(status=429, code="TOOMANYREQUESTS", headers={"Retry-After": "7"})
    api.registry.faults.add(fault)
    answer = api.get(PATH)
    assert (answer.status_code, code(answer)) == (429, "TOOMANYREQUESTS")
    assert answer.headers["Retry-After"] == "7"
    assert api.last.status == 429
    assert api.get(PATH).status_code == 200


def test_an_error_that_happened_to_nobody(api: Api) -> None:
    """A DELETE that says 202 and deletes nothing: eventual consistency."""
    api.registry.faults.add(Fault(method="DELETE", status=202))
    assert api.delete("/v2/app/manifests/latest").status_code == 202
    assert api.get("/v2/app/manifests/latest").status_code == 200


@pytest.mark.parametrize(
    ("body", "sent"), [(b"\xff", b"\xff"), ("text", b"text"), ({"tags": None}, b'{"tags": null}')]
)
def test_another_body(body: Any, sent: bytes, api: Api) -> None:
    api.registry.faults.add(Fault(body=body))
    answer = api.get("/v2/app/tags/list")
    assert (answer.status_code, answer.content) == (200, sent)


def test_a_captive_portal(api: Api) -> None:
    api.registry.faults.add(Fault(html=True))
    answer = api.get("/v2/")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"


def test_digest_headers(api: Api) -> None:
    api.registry.faults.add(Fault("manifests", drop_digest=True))
    api.registry.faults.add(Fault("manifests", wrong_digest=True))
    first, second = (api.get("/v2/app/manifests/latest") for _ in range(2))
    assert "Docker-Content-Digest" not in first.headers
    assert second.headers["Docker-Content-Digest"] == "sha256:" + "0" * 64
    assert first.content == second.content == seed.image().manifest


@pytest.mark.parametrize("path", [PATH, "/v2/app/manifests/latest"])
def test_corrupted(path: str, api: Api) -> None:
    right = api.get(path)
    api.registry.faults.add(Fault(corrupt=True))
    wrong = api.get(path)
    assert wrong.headers["Content-Length"] == right.headers["Content-Length"]
    assert wrong.content[0] == right.content[0] ^ 0xFF
    assert wrong.content[1:] == right.content[1:]


def test_of_another_size(api: Api) -> None:
    api.registry.faults.add(Fault(size=200_001))
    answer = api.get(PATH)
    assert len(answer.content) == 200_001
    assert answer.headers["Content-Length"] == "200001"


def test_endless(api: Api) -> None:
    api.registry.faults.add(Fault(size=-1))
    with api.stream("GET", PATH) as answer:
        assert answer.headers["Transfer-Encoding"] == "chunked"
        received = 0
        for data in answer.iter_raw():
            received += len(data)
            if received > 3_000_000:
                break
    assert api.get("/v2/").status_code == 200


def test_cut(api: Api) -> None:
    api.registry.faults.add(Fault(cut=7))
    head, _, body = on_the_wire(api, PATH).partition(b"\r\n\r\n")
    assert b"Content-Length: 200" in head
    assert body == BLOB[:7]
    assert api.last.bytes_out == 7


def test_cut_in_chunks(api: Api) -> None:
    api.registry.faults.add(Fault(cut=7, headers={"Content-Length": None}))
    with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
        api.get(PATH)


def test_without_a_length(api: Api) -> None:
    api.registry.faults.add(Fault(headers={"content-length": None}))
    answer = api.get(PATH)
    assert answer.content == BLOB
    assert answer.headers["Transfer-Encoding"] == "chunked"


def test_stalled(api: Api) -> None:
    api.registry.faults.add(Fault(stall=7))
    with api.stream("GET", PATH, timeout=0.1) as answer:
        body = answer.iter_raw()
        assert next(body) == BLOB[:7]
        with pytest.raises(httpx.ReadTimeout):
            next(body)


def test_dripping(api: Api) -> None:
    api.registry.faults.add(Fault(drip=0.0001))
    with api.stream("GET", PATH) as answer:
        pieces = list(answer.iter_raw())
    assert b"".join(pieces) == BLOB
    assert len(pieces) > 1


def test_delayed(api: Api) -> None:
    api.registry.faults.add(Fault(delay=30))
    with pytest.raises(httpx.ReadTimeout):
        api.get(PATH, timeout=0.05)


def test_which_requests_are_spoiled(api: Api) -> None:
    fault = api.registry.faults.add(Fault("/blobs/", "GET|HEAD", times=2, skip=1, status=500))
    asked = [("GET", "/v2/"), *[("GET", PATH)] * 2, ("HEAD", PATH), ("GET", PATH)]
    assert [api.request(*each).status_code for each in asked] == [200, 200, 500, 500, 200]
    assert fault.used == 2


def test_rules_are_tried_in_their_order(api: Api) -> None:
    for status in (500, 502):
        api.registry.faults.add(Fault(status=status))
    api.registry.faults.add(Fault(status=503, times=None))
    assert [api.get(PATH).status_code for _ in range(4)] == [500, 502, 503, 503]
    api.registry.faults.clear()
    assert api.get(PATH).status_code == 200
