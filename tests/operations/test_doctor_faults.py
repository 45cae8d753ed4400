"""Seeded faults: `doctor` tells each of them apart from all others, by step and finding."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from proxy import serve_proxy
from raw import Asked, serve_raw, whole
from troubled import (
    FOUND,
    OPEN,
    RAW,
    SECRET,
    TYPED,
    Scene,
    at,
    bearer,
    examine,
    full_port,
    login,
    registry,
    server_context,
    silent_port,
    tls_settings,
    token,
    trouble,
)
from wire import Reply, Seen

from regsync.oci.digest import Digest
from regsync.operations.doctor.steps import Outcome

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
BASIC: Reply = (401, {"WWW-Authenticate": 'Basic realm="r"'}, b"")
EXPIRED = b'{"errors":[{"code":"DENIED","message":"Your authorization token has expired."}]}'
ACCESS = b'{"details":"your account must log in with a Personal Access Token (PAT)"}'
LIE = TYPED | {"Docker-Content-Digest": str(Digest.of(b"else"))}
USED_UP = {"RateLimit-Limit": "100;w=21600", "RateLimit-Remaining": "0;w=21600"}
PULL = [{"type": "repository", "name": "team/app", "actions": ["pull"]}]
Seed = Callable[[], AbstractContextManager[Scene]]


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


def plainly(subject: str, settings: str = "", **env: str) -> Seed:
    return lambda: nullcontext(Scene(subject, settings, env))


def port(open_: Callable[[], AbstractContextManager[str]], *, tls: bool = False) -> Seed:
    @contextmanager
    def scene() -> Iterator[Scene]:
        with open_() as host:
            yield Scene(f"{host}/team/app:1", tls_settings(host) if tls else "")

    return scene


def ping(*reply: object) -> Seed:
    return lambda: at(registry(ping=reply))  # type: ignore[arg-type]


def challenge(text: str) -> Seed:
    return ping(401, {"WWW-Authenticate": text}, b"")


def tokens(reply: Reply, *, logged_in: bool = False, as_host: str = "") -> Seed:
    return lambda: at(registry(token=reply), logged_in=logged_in, as_host=as_host)


def manifest(*reply: object, **more: object) -> Seed:
    return lambda: at(registry(reply, **more))  # type: ignore[arg-type]


def silence(asked: Asked) -> Iterator[bytes]:
    time.sleep(1)
    return iter(())


@contextmanager
def silent_registry() -> Iterator[Scene]:
    with serve_raw(silence) as server:
        yield Scene(f"{server.host}/team/app:1")


@contextmanager
def tls_port_named_plain() -> Iterator[Scene]:
    go = whole("400 Bad Request", b"Client sent an HTTP request to an HTTPS server.\n")
    with serve_raw(lambda asked: go) as server:
        yield Scene(f"{server.host}/team/app:1")


@contextmanager
def plain_port_named_tls() -> Iterator[Scene]:
    with serve_raw(lambda asked: whole("200 OK")) as server:
        yield Scene(f"{server.host}/team/app:1", tls_settings(server.host))


@contextmanager
def foreign_realm() -> Iterator[Scene]:
    with at(lambda seen: token()) as other:
        there = other.subject.partition("/")[0]

        def answer(seen: Seen) -> Reply:
            return FOUND if seen.authorization else bearer(f"http://{there}/token")

        with at(answer, logged_in=True) as scene:
            yield scene


def anonymous_is_refused(seen: Seen) -> Reply:
    """For those that nobody may read: a token is had, and does not help."""
    if seen.path.startswith("/token"):
        return token()
    return OPEN if seen.path == "/v2/" and seen.authorization else bearer("/token")


def basic(door: Reply, inside: Reply = FOUND) -> Callable[[Seen], Reply]:
    def answer(seen: Seen) -> Reply:
        if seen.authorization is None:
            return BASIC
        return door if seen.path == "/v2/" else inside

    return answer


def later(seen: Seen) -> Reply:
    """Tokens of a server whose clock is ahead of the registry's."""
    begins = (datetime.now(UTC) + timedelta(hours=5)).timestamp()
    return registry(token=token(access=PULL, nbf=begins))(seen)


def half_a_login() -> AbstractContextManager[Scene]:
    name = "REGSYNC_R_EXAMPLE_USERNAME"
    return nullcontext(Scene("r.example/team/app:1", env={name: "ann"}))


SEEDS: dict[str, tuple[Seed, str, str]] = {
    "configuration is no TOML": (plainly("r.example", "[registry"), "configuration", "not TOML"),
    "configuration has an unknown key": (
        plainly("r.example", '[registry."r.example"]\ntsl = "off"\n'),
        "configuration",
        "unknown key",
    ),
    "endpoint has no meaning": (
        plainly("r.example", '[registry."r.example"]\nendpoint = "ftp://r"\n'),
        "address",
        "neither http nor https",
    ),
    "half a login in the environment": (half_a_login, "credentials", "is set and .* is not"),
    "name does not resolve": (plainly("no-such-host.invalid"), "dns", "no such host"),
    "connection refused": (plainly("127.0.0.1:1"), "tcp", "connection refused"),
    "connect hangs": (port(full_port), "tcp", "connect timed out"),
    "plain HTTP on a TLS port": (plain_port_named_tls, "tls", "plain HTTP, and TLS was expected"),
    "TLS on a port named plain": (tls_port_named_plain, "ping", "TLS, and plain HTTP was expected"),
    "TLS handshake hangs": (port(silent_port, tls=True), "tls", "handshake does not come to an"),
    "a web page": (ping(200, {"Content-Type": "text/html"}, b"<html>"), "ping", "a web page"),
    "404 at the door": (ping(404, {}, b"404 page not found"), "ping", "404 Not Found, and not as"),
    "403 at the door": (ping(403, {}, b""), "ping", "403 from"),
    "500 at the door": (ping(500, {}, b""), "ping", "500 Internal"),
    "503 at the door": (ping(503, {}, b""), "ping", "503 Service"),
    "429 at the door": (ping(429, {}, b""), "ping", "429 Too Many"),
    "ping hangs": (silent_registry, "ping", "stopped answering"),
    "401 without a challenge": (ping(401, {}, b""), "challenge", "says not how to log in"),
    "malformed challenge": (challenge('="x",,'), "challenge", "cannot be understood"),
    "Bearer without a realm": (challenge('Bearer service="s"'), "challenge", "names no realm"),
    "unknown scheme": (challenge("Negotiate"), "challenge", "it wants `negotiate`"),
    "realm with a password": (
        challenge('Bearer realm="http://u:p@r.example/t"'),
        "challenge",
        "token address is refused: it carries credentials",
    ),
    "realm at another host": (foreign_realm, "token", "asked without the login"),
    "bad login, token server": (
        tokens((401, {}, b""), logged_in=True),
        "token",
        "at its token server, .* were refused$",
    ),
    "bad login, Basic": (
        lambda: at(basic(BASIC), logged_in=True),
        "token",
        "at the registry itself, .* were refused$",
    ),
    "nobody is logged in, Basic": (lambda: at(basic(OPEN)), "token", "nobody is logged in"),
    "token server 403": (tokens((403, {}, b"")), "token", "403 Forbidden"),
    "token server 404": (tokens((404, {}, b"")), "token", "no token endpoint"),
    "token server 500": (tokens((500, {}, b"")), "token", "500 Internal"),
    "token server away": (
        lambda: at(lambda seen: bearer("http://127.0.0.1:1/token")),
        "token",
        "connection refused",
    ),
    "token answer is no JSON": (tokens((200, {}, b"<html>")), "token", "sends no JSON"),
    "token answer has no token": (tokens((200, {}, b"{}")), "token", "sends no token"),
    "token for nothing": (tokens(token(access=[])), "token", "granted nothing"),
    "Docker Hub wants an access token": (
        tokens((401, {}, ACCESS), logged_in=True, as_host="docker.io"),
        "token",
        "must log in with a Personal Access Token",
    ),
    "ECR token has expired": (
        lambda: at(basic((401, BASIC[1], EXPIRED)), logged_in=True, as_host=ECR),
        "token",
        "authorization token has expired",
    ),
    "tag missing": (manifest(404, {}, b""), "head", "has no such tag"),
    "repository missing": (
        manifest(404, {}, b"", tags=(404, {}, b"")),
        "head",
        "no such repository",
    ),
    "missing or private": (lambda: at(anonymous_is_refused), "head", "none were found for this"),
    "not allowed": (
        lambda: at(registry((403, {}, b""), token=token()), logged_in=True),
        "head",
        "is not allowed",
    ),
    "no digest header": (manifest(200, TYPED, RAW), "digest", "HEAD tells no digest"),
    "wrong digest": (manifest(200, LIE, RAW), "digest", "the bytes are not those of"),
    "pull limit": (manifest(429, USED_UP, b""), "head", "its pull limit is used up"),
    "abuse limit": (manifest(429, {}, b""), "head", "it limits all requests"),
    "clock ahead": (lambda: at(registry(), hours=3), "clock", "3 h ahead of"),
    "clock behind": (lambda: at(registry(), hours=-3), "clock", "3 h behind"),
    "token not valid yet": (lambda: at(later), "clock", "valid only 5 h from now"),
    "last pulls are gone": (
        manifest(200, dict(FOUND[1]) | USED_UP, RAW),
        "quota",
        "0 of 100 pulls left in 6 h",
    ),
}


def told(scene: Scene, home: Path) -> tuple[str, str]:
    """Step and finding, without what differs from run to run; never a secret."""
    steps = examine(scene, home)
    everything = json.dumps([(step.finding.text, step.finding.hint) for step in steps])
    assert SECRET not in everything
    assert str(home) not in everything
    found = trouble(steps)
    assert found.finding.hint, "a fault without a next step"
    assert all(step.time_ms is None for step in steps if step.outcome is Outcome.SKIPPED)
    text = re.sub(r"127\.0\.0\.1(:\d+)?|sha256:[0-9a-f]+", "…", found.finding.text)
    return found.name, text


@pytest.mark.parametrize("name", SEEDS)
def test_a_seeded_fault(name: str, tmp_path: Path) -> None:
    seed, step, words = SEEDS[name]
    with seed() as scene:
        found, text = told(scene, tmp_path)
    assert found == step, text
    assert re.search(words, text), text


def test_no_two_faults_look_alike(tmp_path: Path) -> None:
    seen: dict[tuple[str, str], str] = {}
    for name, (seed, _, _) in SEEDS.items():
        with seed() as scene:
            shown = told(scene, tmp_path)
        assert shown not in seen, (name, seen.get(shown))
        seen[shown] = name
    assert len(seen) >= 40


@pytest.mark.parametrize(
    ("name", "trusted", "expired", "words"),
    [
        ("127.0.0.1", False, False, "self-signed|unable to get local issuer"),
        ("other.example", True, False, "mismatch"),
        ("127.0.0.1", True, True, "expired"),
    ],
    ids=["self-signed", "wrong name", "expired"],
)
def test_certificates(
    ca: trustme.CA, tmp_path: Path, name: str, trusted: bool, expired: bool, words: str
) -> None:
    file = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(file))
    more = {"not_after": datetime.now(UTC) - timedelta(days=1)} if expired else {}
    with serve_raw(lambda asked: whole("200 OK"), tls=server_context(ca, name, **more)) as server:
        settings = tls_settings(server.host, file if trusted else None)
        step, text = told(Scene(server.host, settings), tmp_path)
    assert step == "tls"
    assert re.search(words, text), text


def test_a_certificate_that_ends_soon(ca: trustme.CA, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(file))
    soon = {"not_after": datetime.now(UTC) + timedelta(days=3)}
    with serve_raw(lambda asked: whole("200 OK"), tls=server_context(ca, **soon)) as server:
        step, text = told(Scene(server.host, tls_settings(server.host, file)), tmp_path)
    assert step == "tls"
    assert "from now" in text


def test_a_realm_in_the_clear(ca: trustme.CA, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(file))
    asks = {"WWW-Authenticate": 'Bearer realm="http://127.0.0.1:1/t"'}
    answer = whole("401 No", b"", asks)
    with serve_raw(lambda asked: answer, tls=server_context(ca)) as server:
        step, text = told(Scene(server.host, tls_settings(server.host, file)), tmp_path)
    assert step == "challenge"
    assert "it leads from https to http" in text


@pytest.mark.parametrize(
    ("refuse", "step", "words"),
    [(True, "ping", "proxy of the environment refuses: 407"), (False, "tcp", "its proxy cannot")],
)
def test_proxies(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, refuse: bool, step: str, words: str
) -> None:
    with serve_proxy("127.0.0.1:1", refuse=True) as proxy:
        address = proxy.address if refuse else "127.0.0.1:1"
        monkeypatch.setenv("HTTPS_PROXY", f"http://ann:{SECRET}@{address}")
        found, text = told(Scene("registry.test"), tmp_path)
    assert (found, bool(re.search(words, text))) == (step, True), text


@pytest.mark.parametrize(
    ("script", "words"),
    [(None, "is not in PATH"), ("exit 7", "7|fails|failed")],
    ids=["missing", "exit 7"],
)
def test_a_helper_that_is_broken(tmp_path: Path, script: str | None, words: str) -> None:
    (tmp_path / "config.json").write_text('{"credHelpers":{"127.0.0.1:1":"broken"}}')
    if script is not None:
        helper = tmp_path / "docker-credential-broken"
        helper.write_text(f"#!/bin/sh\n{script}\n")
        helper.chmod(0o755)
    env = {"DOCKER_CONFIG": str(tmp_path), "PATH": f"{tmp_path}:/usr/bin:/bin"}
    step, text = told(Scene("127.0.0.1:1", env=env), tmp_path)
    assert step == "credentials"
    assert text.startswith("credHelpers: ")
    assert re.search(words, text), text


def test_nothing_is_wrong(tmp_path: Path) -> None:
    with at(registry(token=token(access=PULL)), logged_in=True) as scene:
        steps = examine(scene, tmp_path)
    wrong = [step for step in steps if step.outcome not in (Outcome.OK, Outcome.SKIPPED)]
    assert wrong == []
    assert [step.name for step in steps if step.outcome is Outcome.SKIPPED] == ["tls"]
    said = {step.name: step.finding.text for step in steps}
    pull = "`repository:team/app:pull`"
    assert said["token"] == f"asked for {pull}; granted {pull}"
    assert said["credentials"].startswith("from the environment")
    assert "ann" not in json.dumps(said)


def test_a_server_that_repeats_what_it_was_sent(tmp_path: Path) -> None:
    """Some do: the report holds neither the password nor the header."""

    def answer(seen: Seen) -> Reply:
        if seen.authorization is None:
            return BASIC
        text = f"no {seen.authorization} of ann:{SECRET}"
        return 401, BASIC[1], json.dumps({"errors": [{"code": "X", "message": text}]}).encode()

    with at(answer, logged_in=True) as scene:
        step, text = told(scene, tmp_path)
    assert step == "token"
    assert text.endswith(": no Basic *** of ***:***")
    assert login(scene.subject.partition("/")[0]).keys() == scene.env.keys()
