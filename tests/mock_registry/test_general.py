"""What holds for every request."""

from __future__ import annotations

import socket
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from registry_api import Api, Start, code, digest

from mock_registry import Quirks, seed
from mock_registry.names import is_digest, is_name, is_tag, number

ABSENT = digest(b"absent")


@pytest.mark.parametrize(
    "name", ["app", "a", "team/api", "a/b/c/d", "a.b_c__d-e--f", "0/1", "a" * 255]
)
def test_a_repository_name(name: str, api: Api) -> None:
    assert is_name(name)
    assert api.get(f"/v2/{name}/tags/list").status_code == 404
    assert code(api.get(f"/v2/{name}/tags/list")) == "NAME_UNKNOWN"


@pytest.mark.parametrize(
    "name", ["App", "a..b", "a___b", "-a", "a-", "a/-b", "a._b", "ä", "a b", "a:b", "a" * 256]
)
def test_no_repository_name(name: str, api: Api) -> None:
    assert not is_name(name)
    answer = api.get(f"/v2/{name}/tags/list")
    assert (answer.status_code, code(answer)) == (400, "NAME_INVALID")


@pytest.mark.parametrize("name", ["blobs", "manifests", "a/tags", "a/blobs/uploads", "tags/list"])
def test_a_repository_may_be_called_like_a_part_of_the_api(name: str, api: Api) -> None:
    image = seed.image()
    assert api.push_image(image, "latest", repository=name) == image.digest
    assert api.get(f"/v2/{name}/manifests/latest").content == image.manifest
    assert api.get(f"/v2/{name}/tags/list").json() == {"name": name, "tags": ["latest"]}


@pytest.mark.parametrize("tag", ["1", "v1.0", "_x", "A-b.C_d", "x" * 128])
def test_a_tag(tag: str, api: Api) -> None:
    assert is_tag(tag)
    api.push_image(seed.image(), tag)
    assert api.head(f"/v2/app/manifests/{tag}").status_code == 200


@pytest.mark.parametrize("reference", [".x", "-x", "x" * 129, "a+b", "é"])
def test_neither_tag_nor_digest(reference: str, api: Api) -> None:
    assert not is_tag(reference)
    api.push_image(seed.image(), "latest")
    assert code(api.get(f"/v2/app/manifests/{reference}")) == "TAG_INVALID"
    answer = api.push_manifest(seed.image().manifest, reference)
    assert (answer.status_code, code(answer)) == (400, "TAG_INVALID")


@pytest.mark.parametrize(
    "bad",
    [
        "sha256:",
        "sha256:" + "a" * 63,
        "sha256:" + "A" * 64,
        "md5:" + "a" * 32,
        "sha256:" + "g" * 64,
    ],
)
@pytest.mark.parametrize("kind", ["manifests", "blobs", "referrers"])
def test_a_malformed_digest(kind: str, bad: str, api: Api) -> None:
    api.push_image(seed.image(), "latest")
    answer = api.get(f"/v2/app/{kind}/{bad}")
    assert (answer.status_code, code(answer)) == (400, "DIGEST_INVALID")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/v2/", "GET, HEAD"),
        ("POST", "/v2/app/manifests/latest", "GET, HEAD, PUT, DELETE"),
        ("PUT", f"/v2/app/blobs/{ABSENT}", "GET, HEAD, DELETE"),
        ("GET", "/v2/app/blobs/uploads/", "POST"),
        ("POST", "/v2/app/blobs/uploads/x", "GET, HEAD, PATCH, PUT, DELETE"),
        ("DELETE", "/v2/app/tags/list", "GET, HEAD"),
        ("PATCH", "/v2/_catalog", "GET, HEAD"),
    ],
)
def test_a_method_that_does_not_exist_there(method: str, path: str, allow: str, api: Api) -> None:
    answer = api.request(method, path)
    assert (answer.status_code, code(answer)) == (405, "UNSUPPORTED")
    assert answer.headers["Allow"] == allow


@pytest.mark.parametrize(
    "path", ["/", "/v1/", "/v2/app", "/v2/app/manifests/", "/v2/app/x/y", "/token", "/v3/"]
)
def test_a_path_that_does_not_exist(path: str, api: Api) -> None:
    assert api.get(path).status_code == 404


def test_head_is_get_without_its_body(api: Api) -> None:
    image = seed.image()
    api.push_image(image, "latest")
    missing = f"/v2/app/blobs/{ABSENT}"
    blob = f"/v2/app/blobs/{image.config.digest}"
    for path in ["/v2/app/manifests/latest", blob, "/v2/", "/v2/app/tags/list", missing]:
        got, head = api.get(path), api.head(path)
        assert head.status_code == got.status_code
        assert head.content == b""
        assert head.headers["Content-Length"] == str(len(got.content))
        del got.headers["Date"], head.headers["Date"]
        assert head.headers == got.headers


def test_warnings_are_told_on_every_answer(start: Start) -> None:
    api = start(quirks=Quirks(warnings=("moving soon", 'say "when"')))
    for path in ["/v2/", "/v2/none/tags/list"]:
        assert api.get(path).headers.get_list("Warning") == [
            '299 - "moving soon"',
            '299 - "say \\"when\\""',
        ]


def test_a_connection_is_good_after_an_error_that_left_a_body_unread(api: Api) -> None:
    for _ in range(3):
        answer = api.put(f"/v2/app/blobs/uploads/none?digest={ABSENT}", content=b"x" * 300_000)
        assert (answer.status_code, code(answer)) == (404, "BLOB_UPLOAD_UNKNOWN")
        assert api.get("/v2/").status_code == 200


def test_the_version_header(api: Api) -> None:
    answer = api.get("/v2/")
    assert answer.headers["Docker-Distribution-API-Version"] == "registry/2.0"
    assert answer.json() == {}


def test_a_client_that_speaks_tls_is_told_so_in_http(api: Api) -> None:
    """Engines with containerd's store try TLS first and look for these five bytes."""
    host, port = api.registry.host.split(":")
    with socket.create_connection((host, int(port)), timeout=5) as raw:
        raw.sendall(bytes.fromhex("16030100b8010000b40303") + bytes(180))
        answer = raw.recv(4096)
    assert answer.startswith(b"HTTP/1.")
    assert answer.split()[1] == b"400"


def test_expect_100_continue(api: Api) -> None:
    data = b"expected"
    host, port = api.registry.host.split(":")
    with socket.create_connection((host, int(port)), timeout=5) as raw:
        raw.sendall(
            f"POST /v2/app/blobs/uploads/?digest={digest(data)} HTTP/1.1\r\nHost: x\r\n"
            f"Content-Length: {len(data)}\r\nExpect: 100-continue\r\n\r\n".encode()
        )
        assert raw.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        raw.sendall(data)
        assert raw.recv(4096).startswith(b"HTTP/1.1 201 ")


SEGMENT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(name=SEGMENT, reference=SEGMENT, kind=st.sampled_from(["manifests", "blobs", "referrers"]))
def test_no_path_breaks_the_server(api: Api, name: str, reference: str, kind: str) -> None:
    path = f"/v2/{quote(name, safe='')}/{kind}/{quote(reference, safe='')}"
    assert api.get(path).status_code in (200, 400, 404)


@given(st.text(max_size=80))
def test_grammars_refuse_what_they_do_not_know(text: str) -> None:
    if is_name(text) or is_tag(text):
        assert text.isascii()
    assert not is_digest(text)


@given(st.from_regex(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*", fullmatch=True))
def test_the_specification_s_own_expression_agrees(name: str) -> None:
    assert is_name(name) == (len(name) <= 255)


@given(st.integers(min_value=0, max_value=10**18 - 1))
def test_numbers(value: int) -> None:
    assert number(str(value)) == value
    assert number(f"-{value}") is None
    assert number(f" {value}") is None
