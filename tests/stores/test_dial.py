"""Engines behind `ssh`, with a program of that name that connects to a socket of this machine."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest
from engine import replay

from regsync.errors import EngineUnreachable
from regsync.stores.base import Snapshot
from regsync.stores.dial import arguments
from regsync.stores.endpoint import Endpoint
from regsync.stores.engine import EngineStore

BRIDGE = """\
import os, socket, sys, threading
with open({log!r}, "a") as log:
    log.write(" ".join(sys.argv[1:]) + chr(10))
peer = socket.socket(socket.AF_UNIX)
peer.connect({path!r})
def answers():
    while data := peer.recv(65536):
        os.write(1, data)
    os._exit(0)
threading.Thread(target=answers, daemon=True).start()
while data := os.read(0, 65536):
    peer.sendall(data)
"""


def read(address: str) -> Snapshot:
    return asyncio.run(EngineStore(Endpoint.parse(address)).snapshot())


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Put a program called `ssh` first on PATH."""
    (folder / "ssh").write_text(f"#!{sys.executable} -S\n{program}")
    (folder / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_an_engine_behind_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log"
    with replay("d28s", "retagged") as url:
        path = url.removeprefix("unix://")
        install(tmp_path, monkeypatch, BRIDGE.format(log=str(log), path=path))
        remote = read("ssh://me@build.example:2222")
        assert remote.images == read(url).images
    assert remote.info.address == "ssh://me@build.example:2222"
    called = log.read_text().splitlines()
    # Two connections at most, each a login over there.
    assert 1 <= len(called) <= 2
    assert called[0].endswith("-l me -p 2222 -- build.example docker system dial-stdio")


def test_no_program_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pids = tmp_path / "pids"
    program = f"import os\nopen({str(pids)!r}, 'a').write(str(os.getpid()) + chr(10))\n"
    with replay("d20", "built") as url:
        path = url.removeprefix("unix://")
        bridge = BRIDGE.format(log=str(tmp_path / "log"), path=path)
        install(tmp_path, monkeypatch, program + bridge)
        read("ssh://h")
    for pid in pids.read_text().split():
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)


@pytest.mark.parametrize(
    "complaint", ["me@h: Permission denied (publickey).", "sh: 1: docker: not found"]
)
def test_what_ssh_complains_about_is_told(
    complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, f"import sys\nsys.exit({complaint!r})\n")
    with pytest.raises(EngineUnreachable) as caught:
        read("ssh://h")
    assert caught.value.why == complaint
    assert "without any question" in str(caught.value.hint)


def test_an_ssh_that_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, "")
    with pytest.raises(EngineUnreachable, match="no engine answers at ssh://h"):
        read("ssh://h")


def test_without_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineUnreachable, match="cannot start `ssh`") as caught:
        read("ssh://h")
    assert "OpenSSH" in str(caught.value.hint)


def test_a_socket_over_there_is_named_in_the_program_s_own_way() -> None:
    docker = arguments(Endpoint.parse("ssh://h/run/d.sock"))
    assert docker[-1] == "docker --host unix:///run/d.sock system dial-stdio"
    podman = arguments(Endpoint.parse("ssh://h/run/p.sock", program="podman"))
    assert podman[-1] == "podman --url unix:///run/p.sock system dial-stdio"
    # The other side hands the command to a shell.
    assert arguments(Endpoint.parse("ssh://h/x;reboot"))[-1].endswith(
        "'unix:///x;reboot' system dial-stdio"
    )


def test_ssh_gets_no_password_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log"
    monkeypatch.setenv("REGSYNC_R_EXAMPLE_PASSWORD", "canary-9c1e")
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", '{"auths": {}}')
    install(tmp_path, monkeypatch, f"import os\nopen({str(log)!r}, 'w').write(repr(os.environ))")
    with pytest.raises(EngineUnreachable):
        read("ssh://h")
    told = log.read_text()
    assert "PATH" in told
    assert "canary-9c1e" not in told
    assert "DOCKER_AUTH_CONFIG" not in told
