"""Where a registry is, and whether TLS is spoken there."""

from __future__ import annotations

from pathlib import Path

import pytest

from regsync.errors import InvalidConfig
from regsync.registry.hosts import endpoint
from regsync.settings import HostSettings


@pytest.mark.parametrize(
    ("registry", "base"),
    [
        ("docker.io", "https://registry-1.docker.io"),
        ("quay.io", "https://quay.io"),
        ("r.example:5000", "https://r.example:5000"),
        ("10.0.0.5:5000", "https://10.0.0.5:5000"),
        ("localhost", "http://localhost"),
        ("localhost:5000", "http://localhost:5000"),
        ("127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("127.8.8.8:5000", "http://127.8.8.8:5000"),
        ("[::1]:5000", "http://[::1]:5000"),
    ],
)
def test_loopback_is_plain_and_everything_else_is_tls(registry: str, base: str) -> None:
    assert endpoint(registry, certs_d=()).base == base


def test_configuration_decides() -> None:
    assert endpoint("r.example", HostSettings(tls="off"), ()).base == "http://r.example"
    assert endpoint("localhost:1", HostSettings(tls="on"), ()).base == "https://localhost:1"
    assert not endpoint("r.example", HostSettings(tls="insecure"), ()).verify


def test_certs_d_says_tls(tmp_path: Path) -> None:
    folder = tmp_path / "localhost:5000"
    folder.mkdir()
    (folder / "ca.crt").touch()
    found = endpoint("localhost:5000", certs_d=(tmp_path,))
    assert (found.base, found.ca_files) == ("https://localhost:5000", (folder / "ca.crt",))


def test_credentials_stay_with_their_host() -> None:
    mirror = HostSettings(endpoint="https://mirror.example/")
    assert not endpoint("docker.io", mirror, ()).sends_credentials
    trusted = HostSettings(endpoint="https://mirror.example", endpoint_auth=True)
    assert endpoint("docker.io", trusted, ()).sends_credentials
    assert endpoint("docker.io", certs_d=()).sends_credentials


def test_a_token_server_is_an_origin_and_no_less_safe_than_the_registry() -> None:
    found = endpoint("r.example", HostSettings(token_server="https://t.example"), ())
    assert str(found.token_server) == "https://t.example"
    plain = HostSettings(token_server="http://t.example:8080")
    assert endpoint("localhost:1", plain, ()).token_server is not None
    with pytest.raises(InvalidConfig, match="plain HTTP"):
        endpoint("r.example", plain, ())
    with pytest.raises(InvalidConfig, match="more than scheme"):
        endpoint("r.example", HostSettings(token_server="https://t.example/jwt/auth"), ())
