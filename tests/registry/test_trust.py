"""Whom regsync trusts over TLS, and through which proxies it goes."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from proxy import serve_proxy
from raw import Asked, head, serve_raw, whole
from wire import FakeClock

from regsync.config.load import Config
from regsync.errors import (
    InsecureRegistry,
    InvalidConfig,
    RegsyncError,
    TlsFailed,
    Unreachable,
)
from regsync.identity import variable
from regsync.oci import mediatype
from regsync.oci.digest import Digest
from regsync.oci.reference import Reference
from regsync.settings import HostSettings
from regsync.stores.remote import Registries

DIGEST = str(Digest.of(b"x"))
CANARY = "canary-0b77"


def registry(asked: Asked) -> Iterable[bytes]:
    if "/manifests/" not in asked.path:
        return whole("200 OK", b"{}")
    told = {"Content-Type": mediatype.OCI_MANIFEST, "Docker-Content-Digest": DIGEST}
    return [head("200 OK", told | {"Content-Length": "9"})]


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(ca: trustme.CA, tmp_path: Path) -> Path:
    file = tmp_path / "own-ca.pem"
    ca.cert_pem.write_to_path(str(file))
    return file


def server_context(ca: trustme.CA, name: str = "127.0.0.1", **more: Any) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(name, **more).configure_cert(context)
    return context


def resolve(
    host: str,
    settings: HostSettings | None = None,
    *,
    certs_d: Path | None = None,
    env: dict[str, str] | None = None,
) -> tuple[str, list[str]]:
    """The digest, and the warnings; there are credentials, for a thief to look for."""
    names = [variable(host, field) for field in ("USERNAME", "PASSWORD")]
    found = dict(zip(names, ("u", CANARY), strict=True)) | (env or {})

    async def run() -> tuple[str, list[str]]:
        config = Config(None, {host: settings} if settings else {})
        folders = (certs_d,) if certs_d else ()
        async with Registries(config, found, clock=FakeClock(), certs_d=folders) as registries:
            client = registries.client(host)
            resolved = await client.resolve(Reference.parse(f"{host}/a:1"))
            return str(resolved.digest), registries.warnings()

    return asyncio.run(run())


ON = HostSettings(tls="on")


def test_an_own_authority(ca: trustme.CA, ca_file: Path) -> None:
    with serve_raw(registry, tls=server_context(ca)) as server:
        assert resolve(server.host, HostSettings(tls="on", ca_file=ca_file)) == (DIGEST, [])


def test_certs_d_names_an_authority_and_tls(ca: trustme.CA, tmp_path: Path) -> None:
    with serve_raw(registry, tls=server_context(ca)) as server:
        folder = tmp_path / server.host
        folder.mkdir()
        ca.cert_pem.write_to_path(str(folder / "ca.crt"))
        assert resolve(server.host, certs_d=tmp_path) == (DIGEST, [])


def test_an_unchecked_certificate_works_and_is_told(ca: trustme.CA) -> None:
    with serve_raw(registry, tls=server_context(ca, "other.example")) as server:
        digest, warnings = resolve(server.host, HostSettings(tls="insecure"))
    assert digest == DIGEST
    assert [server.host in text for text in warnings] == [True]


@pytest.mark.parametrize(
    ("name", "trusted", "expired", "hint"),
    [
        ("127.0.0.1", False, False, "ca_file"),
        ("other.example", True, False, "by a name that its certificate holds"),
        ("127.0.0.1", True, True, "renewed"),
    ],
    ids=["self-signed", "wrong name", "expired"],
)
def test_certificates_that_are_not_trusted(
    ca: trustme.CA, ca_file: Path, name: str, trusted: bool, expired: bool, hint: str
) -> None:
    past = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    more = {"not_after": past} if expired else {}
    settings = HostSettings(tls="on", ca_file=ca_file if trusted else None)
    with (
        serve_raw(registry, tls=server_context(ca, name, **more)) as server,
        pytest.raises(TlsFailed, match="not trusted") as caught,
    ):
        resolve(server.host, settings)
    assert hint in (caught.value.hint or "")
    assert server.seen == []
    assert len(server.broken) <= 1, "it is not tried again, in whatever way"


def test_tls_is_expected_and_plain_http_is_spoken() -> None:
    with (
        serve_raw(lambda asked: whole("400 Bad Request")) as server,
        pytest.raises(InsecureRegistry) as caught,
    ):
        resolve(server.host, ON)
    assert 'tls = "off"' in (caught.value.hint or "")
    assert all(CANARY not in repr(one) for one in server.seen)


def test_plain_http_is_expected_and_openssl_hangs_up(ca: trustme.CA) -> None:
    with (
        serve_raw(registry, tls=server_context(ca)) as server,
        pytest.raises(Unreachable) as caught,
    ):
        resolve(server.host)
    assert "if it speaks TLS: set it in regsync.toml" in (caught.value.hint or "")
    assert server.seen == []


@pytest.mark.parametrize(
    "answer",
    [
        whole("400 Bad Request", b"Client sent an HTTP request to an HTTPS server.\n"),
        whole("400 Bad Request", b"The plain HTTP request was sent to HTTPS port"),
        [b"\x15\x03\x01\x00\x02\x02\x46"],
    ],
    ids=["Go", "nginx", "an alert"],
)
def test_plain_http_is_expected_and_tls_answers(answer: list[bytes]) -> None:
    with (
        serve_raw(lambda asked: answer) as server,
        pytest.raises(TlsFailed, match="it speaks TLS") as caught,
    ):
        resolve(server.host)
    assert 'tls = "on"' in (caught.value.hint or "")
    assert len(server.seen) == 1


def demanding(ca: trustme.CA, ca_file: Path) -> ssl.SSLContext:
    context = server_context(ca)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(ca_file)
    # In TLS 1.3 the refusal comes after the handshake, and races with the closing of the socket.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def test_a_client_certificate_of_certs_d(ca: trustme.CA, ca_file: Path, tmp_path: Path) -> None:
    with serve_raw(registry, tls=demanding(ca, ca_file)) as server:
        folder = tmp_path / "certs.d" / server.host
        folder.mkdir(parents=True)
        ca.cert_pem.write_to_path(str(folder / "ca.crt"))
        with pytest.raises(TlsFailed, match="TLS failed"):
            resolve(server.host, certs_d=folder.parent)
        mine = ca.issue_cert("client@example.com")
        mine.cert_chain_pems[0].write_to_path(str(folder / "client.cert"))
        with pytest.raises(TlsFailed, match=r"no key beside it \(client\.key\)"):
            resolve(server.host, certs_d=folder.parent)
        mine.private_key_pem.write_to_path(str(folder / "client.key"))
        assert resolve(server.host, certs_d=folder.parent) == (DIGEST, [])


def leading(to: str) -> Any:
    """A registry that keeps its manifests at another host."""

    def answer(asked: Asked) -> Iterable[bytes]:
        if "/manifests/" not in asked.path:
            return whole("200 OK", b"{}")
        return whole("307 There", b"", {"Location": f"https://{to}{asked.path}"})

    return answer


def test_what_is_not_checked_is_the_registry_alone(ca: trustme.CA, ca_file: Path) -> None:
    """And authorities of one's own are those of wherever it leads as well."""
    with (
        serve_raw(registry, tls=server_context(ca)) as other,
        serve_raw(leading(other.host), tls=server_context(ca)) as server,
    ):
        with pytest.raises(TlsFailed, match="not trusted") as caught:
            resolve(server.host, HostSettings(tls="insecure"))
        assert f"at https://{other.host}" in caught.value.what
        assert other.seen == []
        settings = HostSettings(tls="insecure", ca_file=ca_file)
        assert resolve(server.host, settings)[0] == DIGEST


def test_a_client_certificate_is_shown_to_its_own_host_alone(
    ca: trustme.CA, ca_file: Path, tmp_path: Path
) -> None:
    with (
        serve_raw(registry, tls=demanding(ca, ca_file)) as other,
        serve_raw(leading(other.host), tls=demanding(ca, ca_file)) as server,
    ):
        folder = tmp_path / "certs.d" / server.host
        folder.mkdir(parents=True)
        ca.cert_pem.write_to_path(str(folder / "ca.crt"))
        mine = ca.issue_cert("client@example.com")
        mine.cert_chain_pems[0].write_to_path(str(folder / "client.cert"))
        mine.private_key_pem.write_to_path(str(folder / "client.key"))
        with pytest.raises(TlsFailed, match="TLS failed") as caught:
            resolve(server.host, certs_d=folder.parent)
    assert f"at https://{other.host}" in caught.value.what
    assert server.count("/manifests/") == 1
    assert other.seen == []


def test_a_key_with_a_passphrase_is_not_asked_for(ca: trustme.CA, tmp_path: Path) -> None:
    folder = tmp_path / "r.example"
    folder.mkdir()
    mine = ca.issue_cert("client@example.com")
    mine.cert_chain_pems[0].write_to_path(str(folder / "client.cert"))
    key = serialization.load_pem_private_key(mine.private_key_pem.bytes(), None)
    (folder / "client.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"word"),
        )
    )
    with pytest.raises(TlsFailed, match="passphrase"):
        resolve("r.example", certs_d=tmp_path)


@pytest.mark.parametrize("text", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAA==\n"])
def test_a_ca_file_that_holds_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "ca.pem"
    file.write_text(text)
    with pytest.raises(TlsFailed, match="not a usable PEM file"):
        resolve("r.example", HostSettings(ca_file=file))


def test_a_ca_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TlsFailed, match="no such file"):
        resolve("r.example", HostSettings(ca_file=tmp_path / "no.pem"))


def test_netrc_is_never_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login u password {CANARY}\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with serve_raw(registry) as server:
        resolve(server.host)
    assert [one.headers.get("authorization") for one in server.seen] == [None] * len(server.seen)


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


def test_tls_through_a_proxy(ca: trustme.CA, ca_file: Path, no_proxies: pytest.MonkeyPatch) -> None:
    with (
        serve_raw(registry, tls=server_context(ca, "registry.test")) as server,
        serve_proxy(server.host) as proxy,
    ):
        no_proxies.setenv("HTTPS_PROXY", f"http://user:{CANARY}@{proxy.address}")
        assert resolve("registry.test", HostSettings(ca_file=ca_file)) == (DIGEST, [])
    assert all(head.startswith("CONNECT registry.test:443 ") for head in proxy.seen)
    assert all("Proxy-Authorization: Basic " in head for head in proxy.seen)


# Not loopback to the rules, and yet this machine to the kernel.
HERE = "0.0.0.0"


def test_plain_http_through_a_proxy_or_past_it(no_proxies: pytest.MonkeyPatch) -> None:
    with serve_raw(registry) as server, serve_proxy(server.host) as proxy:
        host = f"{HERE}:{server.host.rpartition(':')[2]}"
        no_proxies.setenv("HTTP_PROXY", f"http://{proxy.address}")
        resolve(host, HostSettings(tls="off"))
        seen = len(proxy.seen)
        assert seen > 0
        no_proxies.setenv("NO_PROXY", HERE)
        resolve(host, HostSettings(tls="off"))
        assert len(proxy.seen) == seen


def test_this_machine_is_never_asked_through_a_proxy(no_proxies: pytest.MonkeyPatch) -> None:
    with serve_raw(registry) as server, serve_proxy(server.host) as proxy:
        no_proxies.setenv("HTTP_PROXY", f"http://{proxy.address}")
        no_proxies.setenv("ALL_PROXY", f"http://{proxy.address}")
        resolve(server.host)
    assert proxy.seen == []


@pytest.mark.parametrize(
    ("address", "error", "words"),
    [
        ("http://user:{canary}@{proxy}", Unreachable, "the proxy of the environment refuses"),
        ("http://user:{canary}@127.0.0.1:1", Unreachable, "HTTPS_PROXY"),
        ("ftp://user:{canary}@{proxy}", InvalidConfig, "a proxy named by the environment"),
        ("http://user:{canary}@[::1", InvalidConfig, "a proxy named by the environment"),
    ],
    ids=["refuses", "not there", "no proxy's scheme", "malformed"],
)
def test_proxies_that_do_not_work_keep_their_passwords(
    no_proxies: pytest.MonkeyPatch, address: str, error: type[RegsyncError], words: str
) -> None:
    with serve_proxy("127.0.0.1:1", refuse=True) as proxy:
        no_proxies.setenv("HTTPS_PROXY", address.format(canary=CANARY, proxy=proxy.address))
        with pytest.raises(error) as caught:
            resolve("registry.test")
    told = f"{caught.value.what} {caught.value.why} {caught.value.hint}"
    assert words in told
    assert CANARY not in told
