"""Engines on a TCP port with TLS, as `dockerd --tlsverify` has them."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from regsync.errors import EngineUnreachable, InvalidConfig, RegsyncError
from regsync.stores.endpoint import Endpoint, Tls
from regsync.stores.engine import EngineStore

ANSWERS = {
    "/version": {"Version": "28.5.2", "ApiVersion": "1.51", "MinAPIVersion": "1.24"},
    "/v1.51/info": {"ID": "X"},
    "/v1.51/images/json": [],
    "/v1.51/containers/json?all=1": [],
}


class Certificates:
    """An authority, and what docker keeps in DOCKER_CERT_PATH."""

    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self.ca = str(folder / "ca.pem")
        self.authority.cert_pem.write_to_path(self.ca)
        client = self.authority.issue_cert("client@example.com")
        self.pair = (str(folder / "cert.pem"), str(folder / "key.pem"))
        client.cert_chain_pems[0].write_to_path(self.pair[0])
        client.private_key_pem.write_to_path(self.pair[1])


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


@contextmanager
def serving(certificates: Certificates) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = json.dumps(ANSWERS[self.path]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def finish_request(self, request: object, address: object) -> None:
            assert isinstance(request, ssl.SSLSocket)
            request.do_handshake()
            Handler(request, address, self)

        def handle_error(self, request: object, client_address: object) -> None:
            pass  # refused handshakes are what some tests are about

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificates.authority.issue_cert("127.0.0.1").configure_cert(context)
    context.load_verify_locations(certificates.ca)
    context.verify_mode = ssl.CERT_REQUIRED
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"tcp://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def read(address: str, tls: Tls | None) -> str:
    return asyncio.run(EngineStore(Endpoint.parse(address, tls)).snapshot()).info.version


def failure(address: str, tls: Tls | None, kind: type[RegsyncError]) -> RegsyncError:
    with pytest.raises(kind) as caught:
        read(address, tls)
    return caught.value


def test_both_sides_prove_who_they_are(certificates: Certificates) -> None:
    with serving(certificates) as address:
        assert read(address, Tls(certificates.ca, certificates.pair)) == "28.5.2"


def test_an_engine_of_another_authority(certificates: Certificates, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    with serving(certificates) as address:
        error = failure(address, Tls(str(other), certificates.pair), EngineUnreachable)
    assert error.why.startswith("TLS failed")
    assert "DOCKER_CERT_PATH" in str(error.hint)


def test_a_client_without_a_certificate(certificates: Certificates) -> None:
    with serving(certificates) as address:
        failure(address, Tls(certificates.ca), EngineUnreachable)


def test_plain_http_where_tls_is_spoken(certificates: Certificates) -> None:
    with serving(certificates) as address:
        failure(address, None, EngineUnreachable)


@pytest.mark.parametrize("missing", ["ca", "key"])
def test_certificates_that_are_not_there(certificates: Certificates, missing: str) -> None:
    Path(certificates.ca if missing == "ca" else certificates.pair[1]).unlink()
    tls = Tls(certificates.ca, certificates.pair)
    error = failure("tcp://127.0.0.1:1", tls, InvalidConfig)
    assert "cannot use TLS" in error.what


def test_a_certificate_that_is_none(certificates: Certificates) -> None:
    Path(certificates.pair[0]).write_text("nonsense")
    with serving(certificates) as address:
        failure(address, Tls(certificates.ca, certificates.pair), RegsyncError)
