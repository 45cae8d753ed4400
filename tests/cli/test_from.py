"""`regsync status --from` as a process: files, a real registry, and no engine anywhere."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mock_registry import MockRegistry, seed
from regsync.cli.tables import columns_of

COMPOSE = """\
services:
  web:
    image: HOST/team/web:1.27.3
  app:
    image: HOST/team/app@DIGEST
  old:
    image: HOST/team/web:1.0.0
"""


@dataclass
class Checkout:
    """A folder with files, and a registry that has some of what they name."""

    home: Path
    registry: MockRegistry

    def write(self, path: str, text: str) -> None:
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        digest = seed.image(layers=("app",)).digest
        file.write_text(text.replace("HOST", self.registry.host).replace("DIGEST", digest))

    def regsync(
        self, *arguments: str, stdin: bytes = b"", **env: str
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "regsync", "status", *arguments],
            input=stdin,
            capture_output=True,
            check=False,
            # Where an engine is, none would be found: it is never looked for.
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.home / "home"),
                "DOCKER_HOST": "unix:///no/such.sock",
                **env,
            },
            cwd=self.home,
        )
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )

    def json(self, *arguments: str) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.regsync(*arguments, "--format", "json").stdout)
        return told


@pytest.fixture
def checkout(tmp_path: Path, mock_registry: MockRegistry) -> Checkout:
    for tag in ("1.27.3", "1.27.4", "2.0.0"):
        mock_registry.put("team/web", seed.image(layers=(tag,)), tag)
    mock_registry.put("team/app", seed.image(layers=("app",)), "1")
    found = Checkout(tmp_path, mock_registry)
    found.write("compose.yaml", COMPOSE)
    return found


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


def test_what_is_ignored_is_not_asked_for(checkout: Checkout) -> None:
    """A name that CI cannot reach, or that is kept old on purpose."""
    pattern = f"{checkout.registry.host}/team/web:1.0*"
    checkout.write("home/.config/regsync/regsync.toml", '[status]\nignore = ["HOST/team/app"]\n')
    told = checkout.json("--from", "compose.yaml", "--ignore", pattern, "--ignore", "nobody/*")
    assert [image["name"].rpartition("/")[2] for image in told["data"]["images"]] == ["web:1.27.3"]
    assert (told["data"]["ignored"], told["exit_code"]) == (2, 0)
    assert [one.method for one in checkout.registry.log if "manifests" in one.path] == ["HEAD"]
    said = checkout.regsync("--from", "compose.yaml", "--ignore", "nobody/*")
    assert "`--ignore nobody/*` matches nothing here" in said.stderr


def test_custom_kinds_are_never_passed_over_in_silence(checkout: Checkout) -> None:
    """Neither Argo's and Tekton's keys of containers, nor an `image` that may be anything."""
    head = "apiVersion: example.com/v1\nkind: Thing\nspec:\n"
    checkout.write("argo.yaml", head + "  templates: [{container: {image: HOST/team/web:9}}]\n")
    checkout.write("tekton.yaml", head + "  steps: [{image: HOST/team/web:8}]\n")
    checkout.write("operator.yaml", head + "  image: HOST/team/web:7\n  disk: {image: debian-12}\n")
    files = ("--from", "argo.yaml", "--from", "tekton.yaml", "--from", "operator.yaml")
    told = checkout.json(*files)
    assert [image["verdict"] for image in told["data"]["images"]] == ["gone"] * 3
    assert told["data"]["not_understood"] == [
        {"path": "operator.yaml", "line": 5, "name": "image", "text": "debian-12"}
    ]
    done = checkout.regsync(*files, "--exit-code")
    assert done.returncode == 10
    assert "note: 1 `image:` not understood in operator.yaml:5" in done.stderr
    assert checkout.json(*files, "--ignore", "debian-*")["data"]["not_understood"] == []


def test_without_a_registry_it_says_what_was_last_known(checkout: Checkout) -> None:
    checkout.regsync("--from", "compose.yaml")
    done = checkout.regsync("--from", "compose.yaml", "--offline")
    assert "not asked (offline); was unpinned just now" in done.stdout
    assert "not asked (offline); was gone just now" in done.stdout
    assert checkout.regsync("--from", "compose.yaml", "--offline", "--format", "html").stdout.count(
        "<dt>last known</dt><dd>unpinned"
    )
    told = checkout.json("--from", "compose.yaml", "--offline")["data"]["images"]
    assert [image["last_known"]["verdict"] for image in told] == ["not_local", "pinned", "gone"]


def test_an_unresolved_name_is_ignored_by_its_repository(checkout: Checkout) -> None:
    checkout.write(
        "doubt.yaml",
        "services:\n  a: {image: 'reg.example/team/a:${A:?}'}\n"
        "  b: {image: 'reg.example/${B:?}:1'}\n",
    )
    told = checkout.json("--from", "doubt.yaml", "--ignore", "reg.example/team/*")
    assert (told["exit_code"], told["data"]["ignored"], len(told["errors"])) == (3, 1, 1)
    # What is not literal is never guessed to match.
    done = checkout.regsync("--from", "doubt.yaml", "--ignore", "reg.example/*")
    assert done.stderr.count("error: ") == 2
    assert "`--ignore reg.example/*` matches nothing here" in done.stderr


def test_what_is_excluded_is_not_read(checkout: Checkout) -> None:
    for path in ("charts/a/deep.yaml", "apps/charts/b.yaml", "apps/c.yaml", "apps/old.yaml"):
        checkout.write(path, "services: {a: {image: HOST/team/web:1.27.3}}\n")

    def read(*patterns: str) -> set[str]:
        options = [text for one in patterns for text in ("--exclude", one)]
        images = checkout.json("--from", ".", *options)["data"]["images"]
        return {place["path"] for image in images for place in image["files"]} - {"compose.yaml"}

    assert read("charts/*") == {"apps/charts/b.yaml", "apps/c.yaml", "apps/old.yaml"}
    assert read("charts") == read("charts/") == {"apps/c.yaml", "apps/old.yaml"}
    assert read("/charts", "old.*") == {"apps/charts/b.yaml", "apps/c.yaml"}
    assert read("apps/*.yaml") == {"charts/a/deep.yaml"}
    done = checkout.regsync("--from", ".", "--exclude", "nowhere/*", "--exclude", "charts")
    assert [line for line in done.stderr.splitlines() if "--exclude" in line] == [
        "note: `--exclude nowhere/*` matches nothing here"
    ]
