"""Engines that are missing, closed, broken, too new, or gone in the middle."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from engine import Answer, listen, recording, replay

from regsync.errors import EngineUnreachable, RegsyncError, StoreFailure, UsageError
from regsync.stores import engineapi
from regsync.stores.base import Snapshot
from regsync.stores.endpoint import Endpoint
from regsync.stores.engine import EngineStore

ID = "sha256:" + "a" * 64
VERSION = {"Version": "99.1", "ApiVersion": "1.51", "MinAPIVersion": "1.24"}


def read(url: str, *others: str) -> Snapshot:
    rest = tuple(Endpoint.parse(other) for other in others)
    return asyncio.run(EngineStore(Endpoint.parse(url), rest).snapshot())


def failure(url: str, kind: type[RegsyncError] = EngineUnreachable) -> RegsyncError:
    with pytest.raises(kind) as caught:
        read(url)
    assert type(caught.value).__module__.startswith("regsync")
    return caught.value


def engine(**changed: Any) -> Answer:
    """A small engine; a value that can be called is asked, another is the JSON."""
    known: dict[str, Any] = {"version": VERSION, "info": {"ID": "X"}, "images": [], "list": []}
    known |= changed

    def answer(target: str) -> tuple[int, bytes]:
        path = target.partition("?")[0]
        path = path if not path.startswith("/v1.") else "/" + path.split("/", 2)[2]
        name = {
            "/version": "version",
            "/info": "info",
            "/images/json": "images",
            "/containers/json": "list",
        }.get(path, path)
        value = known.get(name, (404, b'{"message":"no such thing"}'))
        value = value() if callable(value) else value
        return value if isinstance(value, tuple) else (200, json.dumps(value).encode())

    return answer


@pytest.mark.parametrize("name", ["missing.sock", "file", ""])
def test_where_nothing_listens(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    error = failure(f"unix://{tmp_path}/{name}")
    assert error.what.startswith("no engine answers at unix://")
    assert error.why in ("there is no such socket", "connection refused: nothing listens there")
    assert error.hint is not None
    assert "--host" in error.hint


def test_a_socket_left_behind_is_passed_over_and_one_that_refuses_is_not(tmp_path: Path) -> None:
    left = tmp_path / "left.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(left))
    with replay("p58", "built") as alive, listen(lambda _: (500, b"no")) as broken:
        assert read(f"unix://{left}", alive).info.name == "podman"
        with pytest.raises(EngineUnreachable, match="no container engine"):
            read(broken, alive)


def test_where_it_was_looked_for_is_said(tmp_path: Path) -> None:
    missing = Endpoint.parse(f"unix://{tmp_path}/a.sock")
    with pytest.raises(EngineUnreachable, match="usual sockets: /a, /b"):
        asyncio.run(EngineStore(missing, searched=("/a", "/b")).snapshot())


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may use every socket, so it has to step down for a moment."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_a_socket_that_this_user_may_not_use() -> None:
    with listen(engine()) as url:
        os.chmod(url.removeprefix("unix://"), 0)
        with as_nobody():
            error = failure(url)
    assert "may not use the socket" in error.why
    assert "docker" in str(error.hint)


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (200, b"<html>hello</html>", "<html>hello</html>"),
        (404, b"404 page not found", "404 page not found"),
        (200, b"[]", "[]"),
        (200, b"{}", "{}"),
        (200, b"", "nothing"),
        (301, b"", "301"),
        (401, b'{"message":"who are you"}', "who are you"),
    ],
)
def test_what_is_no_engine(status: int, body: bytes, why: str) -> None:
    with listen(lambda _: (status, body)) as url:
        error = failure(url)
    assert "no container engine" in error.what
    assert why in error.why


def test_what_does_not_speak_http(tmp_path: Path) -> None:
    path = tmp_path / "s"
    server = socket.socket(socket.AF_UNIX)
    server.bind(os.path.relpath(path) if len(str(path)) > 100 else str(path))
    server.listen()

    def speak() -> None:
        connection, _ = server.accept()
        with connection, contextlib.suppress(BrokenPipeError):
            connection.sendall(b"SSH-2.0-OpenSSH_9.7\r\n")

    thread = threading.Thread(target=speak)
    thread.start()
    try:
        error = failure(f"unix://{path}")
    finally:
        thread.join()
        server.close()
    assert "does not speak HTTP" in error.why or "connection" in error.why


@pytest.mark.parametrize(
    ("version", "what"),
    [
        ({"ApiVersion": "1.99", "MinAPIVersion": "1.90"}, "too new"),
        ({"ApiVersion": "1.12", "MinAPIVersion": "1.1"}, "too old"),
        ({"ApiVersion": "what"}, "too old"),
        ({"ApiVersion": None}, "too old"),
    ],
)
def test_an_api_of_another_time(version: dict[str, Any], what: str) -> None:
    with listen(engine(version=version)) as url:
        assert what in failure(url).what


@pytest.mark.parametrize(
    ("newest", "oldest", "spoken"),
    [("1.41", "1.12", "v1.41"), ("1.51", "1.44", "v1.51"), ("1.99", "1.44", "v1.53")],
)
def test_the_api_that_both_know_is_spoken(newest: str, oldest: str, spoken: str) -> None:
    asked: list[str] = []
    known = engine(version={"ApiVersion": newest, "MinAPIVersion": oldest})

    def answer(target: str) -> tuple[int, bytes]:
        asked.append(target)
        return known(target)

    with listen(answer) as url:
        read(url)
    assert asked[0] == "/version"
    assert {target.split("/")[1] for target in asked[1:]} == {spoken}


def test_an_engine_that_stops_between_two_questions_costs_no_socket(tmp_path: Path) -> None:
    path = tmp_path / "s"
    server = socket.socket(socket.AF_UNIX)
    server.bind(os.path.relpath(path) if len(str(path)) > 100 else str(path))
    server.listen()
    body = json.dumps(VERSION).encode()

    def stop_after_one() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            server.close()
            path.unlink()
            connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n")
            connection.sendall(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    thread = threading.Thread(target=stop_after_one)
    thread.start()
    try:
        error = failure(f"unix://{path}")
    finally:
        thread.join()
        server.close()
    assert "went away while it was asked" in error.what
    del error
    # A socket that was forgotten warns when it is collected, and a warning fails a test.
    gc.collect()


def gone() -> Any:
    raise ConnectionAbortedError


@pytest.mark.parametrize("part", ["info", "images", "list"])
def test_an_engine_that_goes_away_in_the_middle(part: str) -> None:
    with listen(engine(**{part: gone})) as url:
        error = failure(url)
    assert "went away while it was asked" in error.what


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("images", {"not": "a list"}),
        ("images", [1]),
        ("info", []),
        ("list", "x"),
        ("images", [{"Id": "no"}]),
        ("list", [{"Id": "1", "ImageID": "no"}]),
        ("info", lambda: (200, b"{")),
        ("info", lambda: (200, b"[" * 100_000)),
    ],
)
def test_an_answer_that_makes_no_sense(part: str, value: Any) -> None:
    with listen(engine(**{part: value})) as url:
        error = failure(url, StoreFailure)
    assert "cannot be read" in error.what


def test_an_engine_that_refuses_says_why() -> None:
    refusal = (500, b'{"message":"database is locked"}')
    with listen(engine(images=lambda: refusal)) as url:
        error = failure(url, StoreFailure)
    assert "refused /images/json" in error.what
    assert error.why == "database is locked"


def test_an_endless_answer_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engineapi, "ANSWER_LIMIT", 10_000)
    with listen(engine(info=lambda: (200, b" " * 20_000))) as url:
        assert "longer than" in failure(url, StoreFailure).why


def test_an_empty_engine_may_answer_null() -> None:
    with listen(engine(images=None, list=None)) as url:
        found = read(url)
    assert (found.images, found.containers) == ((), ())


def image(letter: str, **fields: Any) -> dict[str, Any]:
    return {"Id": "sha256:" + letter * 64, "RepoTags": [f"{letter}:1"], "Size": 1} | fields


def test_an_image_that_vanishes_is_left_out_and_a_broken_one_is_not() -> None:
    inspected = image("a") | {"Os": "linux", "Architecture": "amd64"}
    parts = {
        f"/images/{ID}/json": inspected,
        f"/images/{image('c')['Id']}/json": (500, b'{"message":"content digest: not found"}'),
    }
    with listen(engine(images=[image("a"), image("b"), image("c")], **parts)) as url:
        found = read(url).images
    assert [str(one.names[0]) for one in found] == [
        "docker.io/library/a:1",
        "docker.io/library/c:1",
    ]
    assert found[0].platform.known
    assert not found[1].platform.known


def test_containers_carry_the_name_they_were_started_with() -> None:
    def entry(number: int, name: str) -> dict[str, Any]:
        return {
            "Id": str(number) * 64,
            "Names": [f"/c{number}"],
            "Image": name,
            "ImageID": ID,
            "State": "running" if number == 1 else "exited",
        }

    listed = [entry(1, "app:1"), entry(2, ID), entry(3, ID)]
    parts = {f"/containers/{'2' * 64}/json": {"Config": {"Image": "app:2"}}}
    with listen(engine(list=listed, **parts)) as url:
        found = read(url).containers
    # The third is gone before it can be asked.
    assert [one.image for one in found] == ["app:1", "app:2", ID]
    assert [one.running for one in found] == [True, False, False]
    assert {one.image_id for one in found} == {ID}


def test_containers_of_a_recording() -> None:
    listed = {"Id": "1" * 64, "Names": ["/web"], "Image": "app:1", "ImageID": ID}
    with replay("d28s", "built", containers=[listed]) as url:
        assert [one.name for one in read(url).containers] == ["web"]


def hang(release: threading.Event) -> Callable[[], Any]:
    def wait() -> Any:
        release.wait(30)
        return []

    return wait


def test_an_engine_that_keeps_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engineapi, "READ_TIMEOUT", 0.05)
    release = threading.Event()
    with listen(engine(images=hang(release))) as url:
        error = failure(url)
        release.set()
    assert "did not answer in time" in error.why


def test_nobody_waits_for_a_silent_engine_after_ctrl_c() -> None:
    release = threading.Event()

    async def give_up(store: EngineStore) -> None:
        task = asyncio.create_task(store.snapshot())
        await asyncio.sleep(0.05)
        task.cancel()
        await task

    with listen(engine(images=hang(release))) as url:
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(give_up(EngineStore(Endpoint.parse(url))))
        # The loop has ended while the question is still open.
        assert not release.is_set()
        assert any(thread.name == "regsync-engine" for thread in threading.enumerate())
        release.set()


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "null",
        "!!!",
        '{"auths": 1}',
        '{"auths": {"h": 5}}',
        '{"auths": {"h": {"auth": "bm9jb2xvbg=="}}}',
        '{"auths": {"h": {"auth": "!!!"}}}',
        '{"proxies": "x", "HttpHeaders": 1}',
        "[" * 100_000,
    ],
)
def test_dockers_configuration_is_no_business_of_an_engine(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine that was named is asked, whatever is wrong in the file that names others."""
    (tmp_path / "config.json").write_text(text)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with listen(engine()) as url:
        assert read(url).info.name == "docker"


@pytest.mark.skipif(sys.platform == "win32", reason="there it is an address like any other")
def test_a_named_pipe_is_for_windows() -> None:
    error = failure("npipe:////./pipe/docker_engine", UsageError)
    assert "Windows only" in error.why


def test_a_password_of_netrc_is_not_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wire import Reply, Seen, serve

    netrc = tmp_path / "netrc"
    netrc.write_text("default login user password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    known = engine()

    def answer(seen: Seen) -> Reply:
        status, body = known(seen.path)
        return status, {}, body

    with serve(answer) as wire:
        assert read(f"tcp://{wire.host}").info.name == "docker"
    assert {seen.authorization for seen in wire.seen} == {None}


def test_a_redirect_is_not_followed() -> None:
    from wire import serve

    with serve(lambda _: (200, {}, json.dumps(VERSION).encode())) as elsewhere:
        location = {"Location": f"http://{elsewhere.host}/version"}
        with serve(lambda _: (302, location, b"")) as wire:
            assert "302" in failure(f"tcp://{wire.host}").why
    assert elsewhere.seen == []


def test_manifests_are_asked_for_where_the_api_knows_them() -> None:
    for name, wanted in (("d28s", True), ("d26s", False), ("d28c", False)):
        assert bool(_inspects(name)) == wanted


def _inspects(name: str) -> list[str]:
    asked: list[str] = []
    known = {
        "version": recording(name, "version"),
        "info": recording(name, "info"),
        "images": recording(name, "built")["list"],
    }
    small = engine(**known)

    def answer(target: str) -> tuple[int, bytes]:
        asked.append(target)
        return small(target)

    with listen(answer) as url:
        read(url)
    return [target for target in asked if "manifests=1" in target]
