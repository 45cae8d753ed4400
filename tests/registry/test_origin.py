"""The origin policy: each row is a way in which a password was, or could be, stolen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regsync.registry.origin import (
    Origin,
    RefusedAddress,
    page,
    parse_address,
    realm,
    redirect,
)

HERE = "https://r.example/v2/a/manifests/1"
REGISTRY = Origin.of(HERE)
LOCAL = "http://127.0.0.1:5000/v2/"


@pytest.mark.parametrize(
    ("location", "credentials"),
    [
        ("/v2/b", True),
        ("b?x=%2F&_state=1", True),
        ("https://r.example/x", True),
        ("https://r.example:443/x", True),
        ("https://R.EXAMPLE./x", True),
        ("https://r.example:444/x", False),
        ("https://cdn.example/x", False),
        ("//cdn.example/x", False),
        ("https://r.example.evil.example/x", False),
        ("https://10.0.0.7/x", False),
    ],
)
def test_redirect_credentials(location: str, credentials: bool) -> None:
    assert redirect(REGISTRY, HERE, location).credentials is credentials


def test_credentials_do_not_return_with_the_chain() -> None:
    assert not redirect(REGISTRY, "https://cdn.example/x", "https://r.example/v2/").credentials


INTERNAL = [
    "http://r.example/x",
    "https://r.example@evil.example/x",
    "https://user:word@r.example/x",
    "https://127.0.0.1/x",
    "https://localhost/x",
    "https://x.localhost/x",
    "https://2130706433/x",
    "https://0x7f.1/x",
    "https://0177.0.0.1/x",
    "https://127.1/x",
    "https://[::1]/x",
    "https://[::ffff:127.0.0.1]/x",
    "https://169.254.169.254/latest/meta-data",
    "https://0xa9fea9fe/",
    "https://[fe80::1]/x",
    "https://[fd00:ec2::254]/x",
    "https://0.0.0.0/x",
    "https://0/x",
    "https://[::]/x",
    "https://224.0.0.1/x",
    "file:///etc/passwd",
    "gopher://r.example/x",
    "https:///x",
    "https://r.example:99999/x",
    "https://r.example\\@evil.example/x",
    "https://r.example/\r\nx",
    "https://[::1/x",
    "",
    "x" * 20_000,
]


@pytest.mark.parametrize("location", INTERNAL)
def test_redirect_and_realm_refuse(location: str) -> None:
    with pytest.raises(RefusedAddress):
        redirect(REGISTRY, HERE, location)
    with pytest.raises(RefusedAddress):
        realm(REGISTRY, HERE, location)


def test_a_local_registry_may_name_local_addresses() -> None:
    local = Origin.of(LOCAL)
    assert not redirect(local, LOCAL, "http://127.0.0.1:5001/x").credentials
    assert not realm(local, LOCAL, "http://127.0.0.1:5001/token").credentials
    with pytest.raises(RefusedAddress):
        redirect(local, LOCAL, "http://169.254.169.254/x")


@pytest.mark.parametrize(
    ("registry", "address", "credentials"),
    [
        ("https://registry-1.docker.io/v2/", "https://auth.docker.io/token", True),
        ("https://registry-1.docker.io/v2/", "https://auth.docker.io:8443/token", False),
        ("https://registry-1.docker.io/v2/", "https://auth.docker.io.evil.example/t", False),
        ("https://r.example/v2/", "https://auth.docker.io/token", False),
        ("https://r.example/v2/", "https://r.example/token", True),
        ("https://r.example/v2/", "/token", True),
        ("https://r.example/v2/", "https://evil.example/token", False),
        ("http://127.0.0.1:5000/v2/", "http://127.0.0.1:5000/token", True),
    ],
)
def test_realm_credentials(registry: str, address: str, credentials: bool) -> None:
    assert realm(Origin.of(registry), registry, address).credentials is credentials


def test_page_stays_in_its_list() -> None:
    tags = "https://r.example/v2/a/tags/list?n=2"
    assert page(tags, "/v2/a/tags/list?n=2&last=b") == "https://r.example/v2/a/tags/list?n=2&last=b"
    assert page(tags, "?last=b") == "https://r.example/v2/a/tags/list?last=b"
    for link in ("https://evil.example/v2/a/tags/list", "/v2/b/tags/list", "http://r.example/"):
        with pytest.raises(RefusedAddress):
            page(tags, link)


def test_a_link_without_the_repositorys_first_parts_is_one_to_its_list() -> None:
    """Artifactory leaves out the path under which it is reached."""
    tags = "https://r.example/v2/docker/library/node/tags/list?n=2"
    for link in ("/v2/node/tags/list?last=b", "https://r.example/v2/library/node/tags/list?last=b"):
        assert page(tags, link) == "https://r.example/v2/docker/library/node/tags/list?last=b"
    for link in ("/v2/ode/tags/list", "/v2/x/docker/library/node/tags/list", "/node/tags/list"):
        with pytest.raises(RefusedAddress):
            page(tags, link)


@pytest.mark.parametrize("name", ["r.example", "1.2.3.4.5", "0x", "256.1.1.1", "a.1", "09", "1_0"])
def test_names_are_not_addresses(name: str) -> None:
    address = parse_address(name)
    assert address is None or name == "0x"


@given(st.text(max_size=60))
def test_any_location_is_judged_or_refused(location: str) -> None:
    try:
        target = redirect(REGISTRY, HERE, location)
    except RefusedAddress:
        return
    assert target.credentials == (Origin.of(target.url) == REGISTRY)


@given(st.ip_addresses())
def test_origin_round_trip(address: object) -> None:
    host = f"[{address}]" if ":" in str(address) else str(address)
    origin = Origin.of(f"https://{host}:8443/x")
    assert Origin.of(str(origin)) == origin


@pytest.mark.parametrize(
    "host",
    [
        "169\u3002254\u3002169\u3002254",
        "127\uff0e0\uff0e0\uff0e1",
        "127\uff610\uff610\uff611",
        "localhost\u3002",
    ],
)
def test_dots_that_only_idna_takes_for_dots(host: str) -> None:
    registry = Origin("https", "registry.example.com", 443)
    with pytest.raises(RefusedAddress):
        redirect(registry, "https://registry.example.com/v2/", f"https://{host}/")
    with pytest.raises(RefusedAddress):
        realm(registry, "https://registry.example.com/v2/", f"https://{host}/token")


@pytest.mark.parametrize(
    ("address", "sent"),
    [
        ("https://t.example/jwt/auth", True),
        ("https://t.example:8443/jwt/auth", False),
        ("https://other.example/jwt/auth", False),
        ("https://t.example.evil.test/jwt/auth", False),
    ],
)
def test_a_token_server_that_the_user_named_is_this_origin_alone(address: str, sent: bool) -> None:
    trusted = Origin.of("https://t.example")
    assert realm(REGISTRY, HERE, address, trusted).credentials is sent
    assert not realm(REGISTRY, HERE, address).credentials


def test_the_token_server_of_gitlab_com_is_known() -> None:
    gitlab = Origin.of("https://registry.gitlab.com")
    there = "https://registry.gitlab.com/v2/"
    assert realm(gitlab, there, "https://gitlab.com/jwt/auth").credentials
    assert not realm(gitlab, there, "https://gitlab.example.com/jwt/auth").credentials
    assert not realm(REGISTRY, HERE, "https://gitlab.com/jwt/auth").credentials
