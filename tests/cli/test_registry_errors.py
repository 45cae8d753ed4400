"""Registries that are wrong in every way, seen through the real command line."""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from raw import serve_raw, whole
from wire import serve

from regsync.__main__ import main
from regsync.identity import variable
from regsync.oci import mediatype
from regsync.oci.digest import Digest

TYPED = {"Content-Type": mediatype.OCI_MANIFEST}
CONFIG = {"mediaType": mediatype.OCI_CONFIG, "digest": str(Digest.of(b"{}")), "size": 2}
MANIFEST = {
    "schemaVersion": 2,
    "mediaType": mediatype.OCI_MANIFEST,
    "config": CONFIG,
    "layers": [],
}
RAW = json.dumps(MANIFEST).encode()
BOTH = json.dumps(MANIFEST | {"manifests": []}).encode()
LIE = TYPED | {"Docker-Content-Digest": str(Digest.of(b"else"))}
HTML = {"Content-Type": "text/html; charset=utf-8"}
SECRET = "canary-c0de"


class Told:
    """What the user sees."""

    def __init__(self, code: int, output: str, errors: str) -> None:
        self.code, self.output, self.errors = code, output, errors
        self.hint = errors.partition("\nhint: ")[2].strip()


@pytest.fixture
def waits() -> list[float]:
    """Seconds that would have been waited."""
    return []


@pytest.fixture
def regsync(
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    waits: list[float],
) -> Callable[..., Told]:
    """Run a command line in this process, with an empty home; time need not pass."""

    async def sleep(self: object, seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("regsync.clock.SystemClock.sleep", sleep)
    for name in list(os.environ):
        if name.startswith("REGSYNC_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name in ("XDG_CONFIG_HOME", "DOCKER_CONFIG", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))

    def run(*arguments: str, config: str = "", **env: str) -> Told:
        if config:
            file = tmp_path / "set.toml"
            file.write_text(config)
            monkeypatch.setenv("REGSYNC_CONFIG", str(file))
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        code = main(list(arguments))
        output, errors = capfd.readouterr()
        assert "Traceback" not in errors
        assert SECRET not in output + errors
        assert code == 0 or re.search(r"^error: cannot ", errors, re.MULTILINE)
        return Told(code, output, errors)

    return run


OURS = {"Docker-Distribution-Api-Version": "registry/2.0"}


def manifests(reply: Any, ping: Any = (200, {}, b"{}")) -> Callable[[Any], Any]:
    return lambda seen: reply if "/manifests/" in seen.path else ping


@pytest.mark.parametrize(
    ("reply", "code", "words"),
    [
        ((404, {}, b""), 5, "\n  no such tag or repository\n"),
        ((403, {}, b""), 4, "403 Forbidden"),
        ((200, TYPED, b"{" + b" " * (9 << 20)), 1, "larger than 8 MiB"),
        ((200, TYPED, BOTH), 7, "it is a manifest that also has `manifests`"),
        ((200, HTML, b"<html>log in to the hotel"), 1, "it answers with a web page"),
        ((200, TYPED | {"Content-Encoding": "gzip"}, RAW), 1, "compresses"),
        ((500, {}, b"<html>"), 1, "500 Internal Server Error"),
        ((302, {"Location": "http://169.254.169.254/latest"}, b""), 1, "redirect was refused"),
    ],
)
def test_answers(regsync: Any, reply: Any, code: int, words: str) -> None:
    with serve(manifests(reply)) as wire:
        told = regsync("digest", f"{wire.host}/team/app:1")
    assert (told.code, told.output) == (code, "")
    assert words in told.errors
    assert f"error: cannot read `{wire.host}/team/app:1`" in told.errors


def test_a_digest_header_that_lies(regsync: Any) -> None:
    with serve(manifests((200, LIE, RAW))) as wire:
        told = regsync("digest", f"{wire.host}/team/app@{Digest.of(RAW)}")
    assert (told.code, told.output) == (7, "")
    assert f"the registry answers with {Digest.of(b'else').short}" in told.errors


def test_a_manifest_of_100_megabytes(regsync: Any) -> None:
    """It is not read to its end, and its size is not believed."""
    sent = 0

    def endless(asked: Any) -> Any:
        nonlocal sent
        if "/manifests/" not in asked.path:
            yield from whole("200 OK", b"{}")
            return
        yield b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n"
        if asked.method == "GET":
            for _ in range(1600):
                yield b" " * 65536
                sent += 65536

    with serve_raw(endless) as server:
        told = regsync("digest", f"{server.host}/team/app:1")
    assert (told.code, told.output) == (1, "")
    assert "larger than 8 MiB" in told.errors
    assert sent < 64 << 20


def test_a_web_page_at_the_door(regsync: Any) -> None:
    with serve(lambda seen: (200, HTML, b"<!doctype html>")) as wire:
        told = regsync("tags", f"{wire.host}/team/app")
    assert told.code == 1
    assert "it answers with a web page" in told.errors
    assert "captive portal" in told.hint


def test_unknown_host(regsync: Any) -> None:
    # A reserved name (RFC 6761): no resolver may know it, with or without a network.
    told = regsync("digest", "registry.invalid/team/app:1")
    assert told.code == 1
    assert "cannot reach `registry.invalid`\n  no such host" in told.errors


def test_dead_port(regsync: Any) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        told = regsync("digest", f"127.0.0.1:{held.getsockname()[1]}/team/app:1")
    assert told.code == 1
    assert "connection refused: nothing listens there" in told.errors


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(ca: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    return context


def settings(host: str, **values: str) -> str:
    lines = [f'{name} = "{value}"' for name, value in values.items()]
    return "\n".join([f'[registry."{host}"]', *lines])


def test_the_wrong_protocol_names_the_setting(regsync: Any) -> None:
    with serve_raw(lambda asked: whole("200 OK")) as server:
        told = regsync("digest", f"{server.host}/a:1", config=settings(server.host, tls="on"))
    assert told.code == 1
    assert "it speaks plain HTTP, and TLS was expected" in told.errors
    assert f'[registry."{server.host}"] tls = "off"' in told.hint
    words = b"Client sent an HTTP request to an HTTPS server."
    with serve_raw(lambda asked: whole("400 Bad Request", words)) as server:
        told = regsync("digest", f"{server.host}/a:1", config="# nothing set")
    assert told.code == 1
    assert "it speaks TLS, and plain HTTP was expected" in told.errors
    assert f'[registry."{server.host}"] tls = "on"' in told.hint


def test_self_signed(regsync: Any, ca: trustme.CA, trusted: ssl.SSLContext, tmp_path: Path) -> None:
    """The hint is true: what it names helps."""
    with serve_raw(lambda asked: whole("404 Not Found", b"", OURS), tls=trusted) as server:
        told = regsync("tags", f"{server.host}/a", config=settings(server.host, tls="on"))
        assert told.code == 1
        assert "its certificate is not trusted" in told.errors
        assert "ca_file" in told.hint
        ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        config = settings(server.host, tls="on", ca_file="ca.pem")
        assert regsync("tags", f"{server.host}/a", config=config).code == 5
        config = settings(server.host, tls="insecure")
        told = regsync("tags", f"{server.host}/a", config=config)
        assert (told.code, told.errors.count("warning: the certificate of")) == (5, 1)


def bearer(seen: Any) -> Any:
    """Tokens for the right password, and for anybody a token that allows nothing."""
    if seen.path.startswith("/token"):
        return (401, {}, b"") if seen.authorization else (200, {}, b'{"token":"nothing"}')
    challenge = 'Bearer realm="/token",service="s",scope="repository:team/app:pull"'
    return (401, {"WWW-Authenticate": challenge}, b"")


def basic(seen: Any) -> Any:
    return (401, {"WWW-Authenticate": 'Basic realm="r"'}, b"")


@pytest.mark.parametrize("server", [bearer, basic])
def test_a_private_repository(regsync: Any, server: Any) -> None:
    with serve(server) as wire:
        told = regsync("digest", f"{wire.host}/team/app:1")
    assert told.code == 4
    assert "`repository:team/app:pull`; none were found for this host" in told.errors
    for field in ("USERNAME", "PASSWORD"):
        assert variable(wire.host, field) in told.hint


@pytest.mark.parametrize("server", [bearer, basic])
def test_a_wrong_password(regsync: Any, server: Any) -> None:
    with serve(server) as wire:
        names = variable(wire.host, "USERNAME"), variable(wire.host, "PASSWORD")
        told = regsync(
            "digest", f"{wire.host}/team/app:1", **dict(zip(names, ("joe", SECRET), strict=True))
        )
    assert told.code == 4
    assert "401: the credentials of `joe` were refused" in told.errors
    assert f"the credentials come from the environment ({names[0]})" in told.hint


def test_credentials_that_are_not_sent_are_named(regsync: Any) -> None:
    with serve(basic) as wire:
        names = variable("r.example", "USERNAME"), variable("r.example", "PASSWORD")
        config = settings("r.example", endpoint=f"http://{wire.host}")
        env = dict(zip(names, ("joe", SECRET), strict=True))
        told = regsync("digest", "r.example/team/app:1", config=config, **env)
    assert told.code == 4
    assert "those of `joe`" in told.errors
    assert "endpoint_auth = true" in told.hint
    assert [one.authorization for one in wire.seen] == [None] * len(wire.seen)


def test_half_an_environment(regsync: Any) -> None:
    told = regsync("digest", "r.example/a:1", REGSYNC_R_EXAMPLE_PASSWORD=SECRET)
    assert told.code == 4
    assert "REGSYNC_R_EXAMPLE_USERNAME is not" in told.errors


def test_asked_too_often(regsync: Any) -> None:
    with serve(manifests((429, {"Retry-After": "3600"}, b""))) as wire:
        told = regsync("digest", f"{wire.host}/team/app:1")
    assert told.code == 6
    assert re.search(r"try again at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", told.errors)
    assert "with credentials it may allow more" in told.hint
    assert wire.count("HEAD", "/manifests/") == 1


def test_asked_too_often_without_a_time(regsync: Any, waits: list[float]) -> None:
    with serve(manifests((429, {}, b""))) as wire:
        told = regsync("digest", f"{wire.host}/team/app:1")
    assert told.code == 6
    assert "try again at" not in told.errors
    assert wire.count("HEAD", "/manifests/") > 1
    assert 0 < sum(waits) <= 30


@pytest.mark.parametrize(
    ("config", "words", "hint"),
    [
        ('[registry."h"]\ntsl = "on"', "unknown key `registry.h.tsl`", "did you mean `tls`?"),
        ("[registry", "it is not TOML", "REGSYNC_CONFIG names this file"),
        ('[registry."r.example"]\nendpoint = "ftp://x"', "neither http nor https", "https://"),
    ],
)
def test_configuration(regsync: Any, config: str, words: str, hint: str) -> None:
    told = regsync("digest", "r.example/a:1", config=config)
    assert (told.code, told.output) == (2, "")
    assert words in told.errors
    assert hint in told.hint


def test_a_configuration_file_that_is_not_there(regsync: Any) -> None:
    told = regsync("digest", "r.example/a:1", REGSYNC_CONFIG="/nowhere/regsync.toml")
    assert told.code == 2
    assert "cannot read `/nowhere/regsync.toml`\n  no such file" in told.errors


@pytest.mark.parametrize("command", [("digest", "r.example/a:1"), ("tags", "r.example/a")])
def test_a_file_named_on_the_command_line(
    regsync: Any, tmp_path: Path, command: tuple[str, ...]
) -> None:
    told = regsync(*command, "--config", str(tmp_path), config="# fine, and not asked for")
    assert told.code == 2
    assert "is a directory" in told.errors
    assert told.hint == "--config names this file"


def test_no_home(regsync: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    with serve(manifests((200, TYPED, RAW))) as wire:
        told = regsync("digest", f"{wire.host}/team/app:1")
    assert (told.code, told.output) == (0, f"{Digest.of(RAW)}\n")


def test_the_systems_trust_is_the_environments(
    regsync: Any, ca: trustme.CA, trusted: ssl.SSLContext, tmp_path: Path
) -> None:
    """SSL_CERT_FILE, as docs/reference/configuration.md has it; a fresh process reads it."""
    bundle = tmp_path / "bundle.pem"
    ca.cert_pem.write_to_path(str(bundle))
    config = tmp_path / "set.toml"
    with serve_raw(lambda asked: whole("404 Not Found", b"", OURS), tls=trusted) as server:
        config.write_text(settings(server.host, tls="on"))
        command = [sys.executable, "-m", "regsync", "tags", f"{server.host}/a"]
        env = {"PATH": os.environ["PATH"], "REGSYNC_CONFIG": str(config)}
        for more, code in (({}, 1), ({"SSL_CERT_FILE": str(bundle)}, 5)):
            done = subprocess.run(
                command, env=env | more, capture_output=True, text=True, check=False
            )
            assert done.returncode == code, done.stderr
