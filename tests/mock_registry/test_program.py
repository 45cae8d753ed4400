"""`python -m mock_registry`."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

COMMAND = [sys.executable, "-m", "mock_registry"]


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    with subprocess.Popen(
        [*COMMAND, "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            match = re.fullmatch(r"listening on (http://\S+)\n", process.stdout.readline())
            assert match
            yield process, match[1]
        finally:
            process.kill()


def refused(*arguments: str) -> str:
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_until_it_is_told_to_stop(number: signal.Signals) -> None:
    with running() as (process, url):
        assert httpx.get(f"{url}/v2/", trust_env=False).status_code == 200
        catalog = httpx.get(f"{url}/v2/_catalog", trust_env=False)
        assert catalog.json() == {"repositories": []}
        process.send_signal(number)
        assert process.wait(timeout=10) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_its_options(tmp_path: Path) -> None:
    users = tmp_path / "users"
    users.write_text("ann:secret\n")
    folder = tmp_path / "data"
    options = ["--users", str(users), "--auth", "basic", "--folder", str(folder)]
    with running(*options, "--public", "open/*", "--no-deletes", "--no-referrers") as (_, url):
        with httpx.Client(base_url=url, trust_env=False) as client:
            assert client.get("/v2/").status_code == 401
            client.auth = ("ann", "secret")
            assert client.get("/v2/").status_code == 200
            zeros = "sha256:" + "0" * 64
            assert client.get(f"/v2/a/referrers/{zeros}").status_code == 404
            assert client.delete(f"/v2/a/manifests/{zeros}").status_code == 405
        assert (folder / "blobs").is_dir()


def test_like_the_hub() -> None:
    with running("--hub", "100", "--latency", "0.001") as (_, url):
        answer = httpx.get(f"{url}/v2/", trust_env=False)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


def test_like_a_real_registry() -> None:
    with running("--mode", "gar") as (_, url):
        told = httpx.get(f"{url}/v2/", trust_env=False).headers["WWW-Authenticate"]
        assert told == f'Bearer realm="{url}/v2/token"'
    assert "there is no mode 'none'; there are acr, " in refused("--mode", "none")


def test_usage(tmp_path: Path) -> None:
    wrong = tmp_path / "users"
    wrong.write_text("sesame\n")
    for arguments, words in [
        (["--port", "70000"], "a port is 0 to 65535"),
        (["--auth", "basic"], "--auth basic needs --users FILE"),
        (["--auth", "none", "--users", str(wrong)], "--users FILE needs --auth"),
        (["--users", str(tmp_path / "none")], "No such file"),
        (["--users", str(wrong)], "line 1 is not NAME:PASSWORD"),
        (["--tls", str(wrong), str(wrong)], "the certificate or its key cannot be used"),
        (["--folder", str(wrong)], str(wrong)),
    ]:
        told = refused(*arguments)
        assert words in told
        assert "sesame" not in told


def test_a_port_that_is_taken() -> None:
    with running() as (_, url):
        port = url.rpartition(":")[2]
        done = subprocess.run([*COMMAND, "--port", port], capture_output=True, text=True)
        assert done.returncode == 1
        assert done.stderr.startswith(f"error: cannot listen on 127.0.0.1:{port}: ")


def test_without_aiohttp() -> None:
    code = (
        "import sys; sys.modules['aiohttp'] = None\n"
        "from mock_registry.__main__ import main; sys.exit(main([]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2
    assert "pip install 'regsync[mock]'" in done.stderr
