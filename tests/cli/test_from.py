"""`regsync status --from` as a process: files, a real registry, and no engine anywhere."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

import pytest
from checkout import Checkout

from mock_registry import seed
from regsync.cli.tables import columns_of


def test_the_screen(checkout: Checkout) -> None:
    done = checkout.regsync("--from", "compose.yaml")
    assert done.returncode == 0
    head, blank, titles, *rows, end, cost = done.stdout.splitlines()
    host = checkout.registry.host
    assert head == "1 file · 3 images, 1 registry"
    assert (blank, end) == ("", "")
    assert titles.split() == ["IMAGE", "STATUS", "WHAT", "CHANGED", "WHERE"]
    assert [" ".join(row.split()).replace(host, "HOST") for row in rows] == [
        "HOST/team/web:1.0.0 gone the tag is no longer there compose.yaml:7 old",
        f"HOST/team/app@{seed.image(layers=('app',)).digest[:19]} pinned compose.yaml:5 app",
        "HOST/team/web:1.27.3 unpinned compose.yaml:3 web",
    ]
    assert cost.startswith("1 gone, 1 pinned, 1 unpinned    ")
    assert done.stderr == (
        f"hint: `regsync digest {host}/team/web:1.27.3` prints the digest to pin, behind an `@`\n"
    )


def test_semver(checkout: Checkout) -> None:
    done = checkout.regsync("--from", "compose.yaml", "--semver")
    assert "newer: 1.27.4 (patch), 2.0.0 (major)" in done.stdout
    assert "1 unpinned, 2 behind    " in done.stdout
    told = checkout.json("--from", "compose.yaml", "--semver")
    web = told["data"]["images"][0]
    assert (web["behind"], web["stale"]) == ("major", False)
    assert web["newer"] == {"patch": "1.27.4", "minor": None, "major": "2.0.0"}
    assert (web["verdict"], web["notes"], web["pinned"]) == ("not_local", ["unpinned"], False)
    host = checkout.registry.host
    assert web["files"] == [
        {"path": "compose.yaml", "line": 3, "name": "web", "text": f"{host}/team/web:1.27.3"}
    ]
    assert told["data"]["engine"] == {"name": "files", "version": "", "store": "files"}
    assert told["data"]["requests"]["counted_pulls"] == 0


def test_exit_codes(checkout: Checkout) -> None:
    host = checkout.registry.host
    checkout.write("fine.yaml", "services: {a: {image: HOST/team/app@DIGEST}}")
    checkout.write("behind.yaml", "services: {a: {image: 'HOST/team/web:1.27.3'}}")
    checkout.write("doubt.yaml", "services: {a: {image: 'HOST/team/web:${TAG}'}}")
    checkout.write("broken.yaml", "services: [")

    def code(*arguments: str, **env: str) -> int:
        return checkout.regsync(*arguments, **env).returncode

    assert code("--from", "fine.yaml", "--exit-code") == 0
    assert code("--from", "behind.yaml", "--exit-code") == 0
    assert code("--from", "behind.yaml", "--exit-code", "--semver") == 10
    assert code("--from", "behind.yaml", "--semver") == 0
    assert code("--from", "compose.yaml", "--exit-code") == 10
    assert code("--from", "compose.yaml") == 0
    assert code("--from", "doubt.yaml", "--from", "fine.yaml", "--exit-code") == 3
    assert code("--from", "doubt.yaml", "--exit-code", "--env", "TAG", TAG="1.27.3") == 0
    assert code("--from", "broken.yaml", "--from", "compose.yaml") == 3
    assert code("--from", "broken.yaml", "--from", "compose.yaml", "--exit-code") == 10
    done = checkout.regsync("--from", "doubt.yaml")
    assert done.stderr == (
        f"error: doubt.yaml:1: cannot tell `{host}/team/web:${{TAG}}`\n"
        "  `TAG` has no value here\n"
        "hint: `--env NAME` takes it from the environment; or set it in `.env`, or give it a "
        "default: `${NAME:-…}`\n"
    )


@pytest.mark.parametrize("secret", ["REGSYNC_GHCR_IO_PASSWORD", "CI_TOKEN"])
def test_a_file_gets_nothing_of_the_environment_unasked(checkout: Checkout, secret: str) -> None:
    """It chooses the host that is asked for the tag, and so who is told the value."""
    checkout.write("Dockerfile.web", "ARG TOKEN=none\nFROM HOST/team/web:${TOKEN}\n")
    checkout.write(
        "bad.yaml",
        f"services:\n  a: {{image: 'HOST/x:${{{secret}}}'}}\n  b: {{image: 'HOST/x:${secret}'}}\n"
        f"  c: {{build: {{context: ., dockerfile: Dockerfile.web, args: ['TOKEN=${secret}']}}}}\n"
        f"  d: {{build: {{context: ., dockerfile: Dockerfile.web, args: [{secret}]}}}}\n"
        "  e: {image: 'HOST/x:${COPY}'}\n",
    )
    checkout.write(".env", f"COPY=${secret}\n")
    done = checkout.regsync("--from", "bad.yaml", "--env", "TAG", **{secret: "hunter2", "TAG": "1"})
    assert done.returncode == 3
    assert "hunter2" not in done.stdout + done.stderr
    assert not [one for one in checkout.registry.log if "hunter2" in one.path]


def test_what_cannot_be_told_is_an_error_in_the_json(checkout: Checkout) -> None:
    checkout.write("doubt.yaml", "services: {a: {image: 'HOST/team/web:${TAG}'}}")
    checkout.write("broken.yaml", "services: [")
    told = checkout.json("--from", "doubt.yaml", "--from", "broken.yaml", "--from", "compose.yaml")
    assert (told["result"], told["exit_code"]) == ("partial", 3)
    assert [error["code"] for error in told["errors"]] == ["unresolved", "invalid_file"]
    assert told["errors"][0]["message"].startswith("doubt.yaml:1: cannot tell")
    assert len(told["data"]["images"]) == 3
    asked = [record.path for record in checkout.registry.log]
    assert not [path for path in asked if "TAG" in path]


def test_a_folder_and_standard_input(checkout: Checkout) -> None:
    checkout.write(
        "deploy/web.yaml",
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n"
        "  - {name: w, image: 'HOST/team/web:1.27.4'}\n",
    )
    checkout.write("Dockerfile", "FROM HOST/team/app:1 AS base\nFROM base\n")
    told = checkout.json("--from", ".")
    places = {
        f"{place['path']}:{place['line']}:{place['name']}"
        for image in told["data"]["images"]
        for place in image["files"]
    }
    assert places == {
        "Dockerfile:1:base",
        "compose.yaml:3:web",
        "compose.yaml:5:app",
        "compose.yaml:7:old",
        "deploy/web.yaml:5:w",
    }
    text = f"FROM {checkout.registry.host}/team/web:1.27.4\n".encode()
    done = checkout.regsync("--from", "-", "--format", "tsv", stdin=text)
    title, row = (line.split("\t") for line in done.stdout.splitlines())
    assert dict(zip(title, row, strict=True))["files"] == "(standard input):1"


@pytest.mark.parametrize("format", ["json", "jsonl", "markdown", "tsv", "table"])
def test_every_format(checkout: Checkout, format: str) -> None:
    done = checkout.regsync("--from", "compose.yaml", "--stale", "--format", format)
    assert done.returncode == 0
    assert "compose.yaml" in done.stdout
    assert "team/web:1.0.0" in done.stdout
    assert "team/web:1.27.3" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "missing"], "cannot read `missing`"),
        (["--from", "notes.txt"], "is no file that names images"),
        (["--from", "empty"], "`empty` has no file that names images"),
        (
            ["--from", "compose.yaml", "--names", "--platform", "linux/arm64", "--explain"],
            "`--from` and `--platform`, `--explain` and `--names` exclude each other",
        ),
        (["--exclude", "x"], "`--exclude` goes with `--from`"),
        (["--from", ".", "--exclude", "*"], "left out by `--exclude`"),
        (["--semver"], "`--semver` goes with `--from`"),
        (["--env", "TAG"], "`--env` goes with `--from`"),
        (["--from", "compose.yaml", "--env", "TAG=1"], "`--env TAG=1` names no variable"),
        (["--from", "compose.yaml", "--env", "REGSYNC_X"], "`--env REGSYNC_X` is refused"),
        (["--from", "compose.yaml", "--env", "DOCKER_AUTH_CONFIG"], "is refused"),
        (["--from", "compose.yaml", "node"], "`--from` and `REF` exclude each other"),
        (["--from", "compose.yaml", "--store", "oci:x"], "`--from` and `--store` exclude"),
        (
            ["--from", "compose.yaml", "--platform", "linux/arm64"],
            "`--from` and `--platform` exclude",
        ),
        (["--from", "compose.yaml", "--changed"], "`--from` and `--changed` exclude"),
        (["--from", "compose.yaml", "--min-age", "3d"], "`--from` and `--min-age` exclude"),
    ],
)
def test_what_cannot_be_asked(checkout: Checkout, arguments: list[str], said: str) -> None:
    checkout.write("notes.txt", "hello")
    (checkout.home / "empty").mkdir()
    done = checkout.regsync(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert len(checkout.registry.log) == 0


def test_forty_columns(checkout: Checkout) -> None:
    near, far = pty.openpty()
    fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
    command = [sys.executable, "-m", "regsync", "status", "--from", "compose.yaml", "--semver"]
    env = {"PATH": os.environ["PATH"], "HOME": str(checkout.home), "TERM": "dumb"}
    done = subprocess.run(
        command, stdout=far, stderr=subprocess.DEVNULL, check=False, env=env, cwd=checkout.home
    )
    os.close(far)
    shown = os.read(near, 65536).decode().replace("\r\n", "\n")
    os.close(near)
    assert done.returncode == 0
    assert max(columns_of(line) for line in shown.splitlines()) <= 40
    assert "unpinned" in shown


def test_hostile_names_reach_no_terminal(checkout: Checkout) -> None:
    checkout.write(
        "bad.yaml", 'services: {"\\e[31mx": {image: "HOST/team/web:1.27.3"}, b: {image: "\\e]0;x"}}'
    )
    done = checkout.regsync("--from", "bad.yaml")
    assert done.returncode == 3
    assert "\x1b" not in done.stdout + done.stderr
    assert "\\x1b[31mx" in done.stdout


def test_yaml_is_loaded_where_yaml_is_read_alone(checkout: Checkout) -> None:
    checkout.write("Dockerfile", "FROM scratch\n")
    code = (
        "import sys; from regsync.__main__ import main\n"
        "main(['status', *sys.argv[1:]])\n"
        "print('yaml' in sys.modules, file=sys.stderr)"
    )

    def loads(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            capture_output=True,
            text=True,
            check=True,
            cwd=checkout.home,
        )
        return done.stderr.splitlines()[-1]

    assert loads("--store", "oci:none") == "False"
    assert loads("--from", "Dockerfile") == "False"
    assert loads("--from", "compose.yaml", "--offline") == "True"
