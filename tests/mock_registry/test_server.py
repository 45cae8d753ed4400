"""Starting, stopping, looking into; TLS; the request log."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import threading
from pathlib import Path

import httpx
import pytest
import trustme
from registry_api import Api, Start

from mock_registry import Fault, MockRegistry, seed


def test_several_at_once(start: Start) -> None:
    one, two = start(), start()
    one.registry.put("app", seed.image(), "1")
    assert one.get("/v2/app/tags/list").status_code == 200
    assert two.get("/v2/app/tags/list").status_code == 404
    assert len(two.registry.log) == 1


def test_stopped_and_started_again() -> None:
    registry = MockRegistry()
    name = registry.put("app", seed.image(), "1")
    for _ in range(2):
        with registry.serve():
            with Api(registry) as api:
                answer = api.head("/v2/app/manifests/1")
            host, port = registry.host.split(":")
        assert answer.headers["Docker-Content-Digest"] == name
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, int(port)))
        with pytest.raises(RuntimeError, match="not running"):
            _ = registry.url


def test_no_thread_is_left() -> None:
    before = threading.active_count()
    with MockRegistry().serve():
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_in_the_event_loop_of_somebody_else() -> None:
    async def main() -> list[int]:
        async with (
            MockRegistry().running() as one,
            MockRegistry().running() as two,
            httpx.AsyncClient(trust_env=False) as client,
        ):
            return [(await client.get(f"{each.url}/v2/")).status_code for each in (one, two)]

    assert asyncio.run(main()) == [200, 200]


def test_a_port_that_is_taken(start: Start) -> None:
    port = int(start().registry.host.split(":")[1])
    with pytest.raises(OSError, match="in use"), MockRegistry(port=port).serve():
        pass


@pytest.mark.parametrize("fault", [Fault(stall=0), Fault(delay=3600), Fault(drip=3600)])
def test_a_client_that_waits_does_not_keep_it_from_stopping(fault: Fault) -> None:
    registry = MockRegistry()
    registry.faults.add(fault)
    with registry.serve():
        host, port = registry.host.split(":")
        raw = socket.create_connection((host, int(port)))
        raw.sendall(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n")
        while not fault.used:
            threading.Event().wait(0.001)
    raw.close()


@pytest.mark.parametrize("turns", range(8))
def test_a_client_that_comes_while_it_stops_is_hung_up_on(turns: int) -> None:
    async def main() -> bytes:
        async with MockRegistry().running() as registry:
            host, port = registry.host.split(":")
            client = socket.create_connection((host, int(port)))
            # It is accepted, or becomes a connection, or is served, at the moment of the stop.
            for _ in range(turns):
                await asyncio.sleep(0)
        with client:
            client.settimeout(5)
            try:
                return client.recv(1)
            except ConnectionResetError:
                return b""

    assert asyncio.run(main()) == b""


def test_a_client_that_does_not_read_is_hung_up_on() -> None:
    registry = MockRegistry()
    digest = registry.storage.put_blob("app", bytes(16_000_000))
    with registry.serve():
        host, port = registry.host.split(":")
        client = socket.create_connection((host, int(port)))
        client.sendall(f"GET /v2/app/blobs/{digest} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        client.recv(1)
    client.close()
    # A connection that was forgotten warns when it is collected, and a warning fails a test.
    gc.collect()


def test_an_exception_of_its_own_is_an_answer(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    api.registry.put("app", seed.image(), "1")
    # Content that vanished behind the registry's back.
    api.registry.storage.content.remove(seed.image().digest)
    answer = api.get("/v2/app/manifests/1")
    assert answer.status_code == 500
    assert answer.json()["errors"][0]["code"] == "UNKNOWN"
    assert "GET /v2/app/manifests/1" in caplog.text


class TestTls:
    @pytest.fixture
    def authority(self) -> trustme.CA:
        return trustme.CA()

    def test_with_a_certificate(self, authority: trustme.CA, start: Start, tmp_path: Path) -> None:
        issued = authority.issue_cert("127.0.0.1")
        certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
        issued.cert_chain_pems[0].write_to_path(certificate)
        issued.private_key_pem.write_to_path(key)
        context = ssl.create_default_context()
        authority.configure_trust(context)
        with MockRegistry(tls=(certificate, key)).serve() as registry:
            assert registry.url.startswith("https://127.0.0.1:")
            with Api(registry, verify=context) as api:
                assert api.get("/v2/").status_code == 200
                api.push(b"data")
            with Api(registry) as api, pytest.raises(httpx.ConnectError, match="CERTIFICATE"):
                api.get("/v2/")
            plain = registry.url.replace("https", "http")
            with pytest.raises(httpx.RemoteProtocolError):
                httpx.get(plain, trust_env=False)

    def test_realms_are_https_as_well(self, authority: trustme.CA) -> None:
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(server)
        context = ssl.create_default_context()
        authority.configure_trust(context)
        with (
            MockRegistry(tls=server, auth="bearer").serve() as registry,
            Api(registry, verify=context) as api,
        ):
            told = api.get("/v2/").headers["WWW-Authenticate"]
            assert f'realm="{registry.url}/token"' in told

    def test_a_handshake_that_ends_after_the_stop_is_hung_up_on(
        self, authority: trustme.CA
    ) -> None:
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(server)
        context = ssl.create_default_context()
        authority.configure_trust(context)

        def shake_hands(client: socket.socket) -> bytes:
            client.settimeout(5)
            try:
                with context.wrap_socket(client, server_hostname="127.0.0.1") as spoken:
                    return spoken.recv(1)
            except (ConnectionError, ssl.SSLError):
                return b""

        async def main() -> bytes:
            async with MockRegistry(tls=server).running() as registry:
                host, port = registry.host.split(":")
                client = socket.create_connection((host, int(port)))
                for _ in range(5):
                    await asyncio.sleep(0)
            with client:
                return await asyncio.to_thread(shake_hands, client)

        assert asyncio.run(main()) == b""

    def test_files_that_are_no_certificate(self, tmp_path: Path) -> None:
        (tmp_path / "x").write_text("x")
        with pytest.raises(ssl.SSLError):
            MockRegistry(tls=(tmp_path / "x", tmp_path / "x"))


class TestLog:
    def test_records(self, api: Api) -> None:
        image = seed.image()
        api.push_image(image, "1", repository="team/api")
        api.registry.log.clear()
        api.get("/v2/team/api/manifests/1?x=a+b", headers={"X-Own": "1", "Authorization": "B c"})
        [record] = api.registry.log
        assert (record.method, record.path) == ("GET", "/v2/team/api/manifests/1")
        assert (record.kind, record.repository, record.reference) == ("manifest", "team/api", "1")
        assert record.query == [("x", "a b")]
        assert record.headers["x-own"] == "1"
        assert record.headers["authorization"] == "B"
        assert record.status == 200
        assert record.response_headers["docker-content-digest"] == image.digest
        assert (record.bytes_in, record.bytes_out) == (0, len(image.manifest))

    @pytest.mark.parametrize(
        ("method", "path", "kind"),
        [
            ("GET", "/v2/", "ping"),
            ("GET", "/v2/_catalog", "catalog"),
            ("GET", "/v2/a/tags/list", "tags"),
            ("HEAD", "/v2/a/b/manifests/c", "manifest"),
            ("GET", "/v2/a/blobs/x", "blob"),
            ("PATCH", "/v2/a/blobs/uploads/x", "upload"),
            ("GET", "/v2/a/referrers/x", "referrers"),
            ("GET", "/token", "token"),
            ("GET", "/favicon.ico", "other"),
        ],
    )
    def test_kinds(self, method: str, path: str, kind: str, api: Api) -> None:
        api.request(method, path)
        assert api.last.kind == kind

    def test_counting(self, api: Api) -> None:
        image = seed.image()
        api.push_image(image, "1")
        api.get("/v2/")
        api.head("/v2/app/manifests/1")
        api.get("/v2/app/manifests/1")
        api.get("/v2/app/manifests/none")
        api.get(f"/v2/app/blobs/{image.config.digest}")
        log = api.registry.log
        assert (log.pings, log.token_requests, log.manifest_heads) == (1, 0, 1)
        assert (log.manifest_gets, log.counted_gets, log.manifest_puts) == (2, 1, 1)
        assert (log.blob_gets, log.blob_heads, log.uploads) == (1, 0, 2)
        assert log.count(path=r"/manifests/") == 4
        assert log.count(status=404) == 1
        assert log.count(repository="other") == 0
        pushed = sum(len(each.data) for each in (image.config, *image.layers))
        assert log.bytes_in == pushed + len(image.manifest)
