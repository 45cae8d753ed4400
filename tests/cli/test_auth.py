"""Logins of every source against a real registry, and what `auth` says of them."""

from __future__ import annotations

import base64
import json
import os
import pty
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from logins import NAMES, PUTS, SECRET, Machine, pair
from wire import Reply, Seen, serve

from mock_registry import MockRegistry, Quirks, User, seed
from mock_registry.auth import Scheme

USERS = tuple(User(name, SECRET) for name in NAMES)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def regsync(machine: Machine, *words: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "regsync", *words],
        env={**machine.env, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    for text in (done.stdout, done.stderr):
        assert SECRET not in text
        assert base64.b64encode(SECRET.encode()).decode().rstrip("=") not in text
        assert "Traceback" not in text
    return done


def serving(scheme: Scheme = "bearer", **more: object) -> MockRegistry:
    return MockRegistry(auth=scheme, users=USERS, **more)  # type: ignore[arg-type]


@pytest.fixture(params=["basic", "bearer"])
def registry(request: pytest.FixtureRequest) -> Iterator[MockRegistry]:
    with serving(request.param).serve() as made:
        for name in ("team/api", "other/web"):
            made.put(name, seed.image(), "1")
        yield made


@pytest.mark.parametrize(("name", "put"), list(zip(NAMES, PUTS, strict=True)), ids=NAMES)
def test_every_source_logs_in(registry: MockRegistry, machine: Machine, name: str, put) -> None:  # type: ignore[no-untyped-def]
    put(machine, registry.host)
    done = regsync(machine, "digest", f"{registry.host}/team/api:1", "-v")
    assert done.returncode == 0, done.stderr
    assert {record.user for record in registry.log.records if record.user} == {name}

    done = regsync(machine, "auth", "status", registry.host, "--format", "json")
    [login] = json.loads(done.stdout)["data"]["logins"]
    assert (login["key"], login["username"]) == (registry.host, name)
    assert login["source"] == name.removeprefix("second ")


def test_two_people_on_one_host(registry: MockRegistry, machine: Machine) -> None:
    entries = {f"{registry.host}/team": pair("auths"), registry.host: pair("keyring")}
    machine.write(machine.config, {"auths": entries})
    for name, user in (("team/api", "auths"), ("other/web", "keyring")):
        before = len(registry.log.records)
        assert regsync(machine, "digest", f"{registry.host}/{name}:1").returncode == 0
        users = {record.user for record in registry.log.records[before:] if record.user}
        assert users == {user}


def refresh_token(registry: MockRegistry, user: str) -> str:
    address = f"{registry.url}/token?service=mock-registry&offline_token=true"
    header = base64.b64encode(f"{user}:{SECRET}".encode()).decode()
    request = urllib.request.Request(address, headers={"Authorization": f"Basic {header}"})
    with urllib.request.urlopen(request) as answer:
        token: str = json.load(answer)["refresh_token"]
    return token


@pytest.mark.parametrize("place", ["auths", "credsStore", "keyring"])
def test_identity_tokens(machine: Machine, place: str) -> None:
    with serving().serve() as registry:
        registry.put("team/api", seed.image(), "1")
        token = refresh_token(registry, "auths")
        if place == "auths":
            entry = {"auth": base64.b64encode(b"0000:").decode(), "identitytoken": token}
            machine.write(machine.config, {"auths": {registry.host: entry}})
        elif place == "keyring":
            machine.put_keyring(registry.host, "identity_token", token)
        else:
            machine.write(machine.config, {"credsStore": "h"})
            told = json.dumps({"Username": "<token>", "Secret": token})
            machine.helper("h", f"cat >/dev/null; echo '{told}'")
        done = regsync(machine, "digest", f"{registry.host}/team/api:1")
        assert done.returncode == 0, done.stderr
        [asked] = [one for one in registry.log.records if one.method == "POST"]
        assert dict(asked.form or ())["grant_type"] == "refresh_token"
        assert asked.user == "auths"
        assert token not in regsync(machine, "auth", "explain", registry.host).stdout


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: serving(), "401: the identity token of `0000` was refused"),
        (lambda: serving(quirks=Quirks(token_post=False)), "takes no identity tokens"),
        (lambda: serving("basic"), "it takes passwords alone"),
    ],
    ids=["revoked", "unknown to the server", "basic"],
)
def test_identity_tokens_that_do_not_help(machine: Machine, make, why: str) -> None:  # type: ignore[no-untyped-def]
    with make().serve() as registry:
        entry = {"auth": base64.b64encode(b"0000:").decode(), "identitytoken": SECRET}
        machine.write(machine.config, {"auths": {registry.host: entry}})
        done = regsync(machine, "digest", f"{registry.host}/team/api:1")
        assert done.returncode == 4
        assert why in done.stderr


def test_a_form_with_a_secret_follows_no_redirect(machine: Machine) -> None:
    def answer(seen: Seen) -> Reply:
        if seen.path.startswith("/token"):
            return 307, {"Location": f"http://{away.host}/token"}, b""
        return 401, {"WWW-Authenticate": 'Bearer realm="/token",service="s"'}, b""

    with serve(lambda seen: (200, {}, b"{}")) as away, serve(answer) as wire:
        entry = {"identitytoken": SECRET}
        machine.write(machine.config, {"auths": {wire.host: entry}})
        done = regsync(machine, "digest", f"{wire.host}/team/api:1")
        assert done.returncode == 1, done.stderr
        assert "redirect" in done.stderr
        assert away.seen == []


def test_a_registry_token_goes_to_the_registry_alone(machine: Machine) -> None:
    digest = "sha256:" + "0" * 64

    def answer(seen: Seen) -> Reply:
        if seen.authorization == f"Bearer {SECRET}":
            return 200, {"Docker-Content-Digest": digest}, b""
        return 401, {"WWW-Authenticate": 'Bearer realm="/token",service="s"'}, b""

    with serve(answer) as wire:
        machine.write(machine.config, {"auths": {wire.host: {"registrytoken": SECRET}}})
        assert regsync(machine, "digest", f"{wire.host}/a:1").stdout == f"{digest}\n"
        assert wire.count("GET", "/token") == 0


def test_a_broken_helper_stops_its_registry_alone(machine: Machine) -> None:
    with serving("none").serve() as one, serving("none").serve() as other:
        for registry in (one, other):
            registry.put("team/api", seed.image(), "1")
            name = f"{registry.host}/team/api:1"
            done = regsync(machine, "pull", name, "--store", f"oci:{machine.home}/images")
            assert done.returncode == 0, done.stderr
        machine.write(machine.config, {"credHelpers": {one.host: "h"}})
        machine.helper("h", f"echo {SECRET}; echo {SECRET} >&2; exit 1")
        before = len(one.log.records)
        words = ("status", "--store", f"oci:{machine.home}/images", "--format", "json", "-v")
        done = regsync(machine, *words)
        images = json.loads(done.stdout)["data"]["images"]
        found = {image["reference"]: (image["verdict"], image["cause"]) for image in images}
        assert found == {
            f"{one.host}/team/api:1": ("unknown", "credentials"),
            f"{other.host}/team/api:1": ("up_to_date", None),
        }
        assert len(one.log.records) == before, "who is asked as nobody must not be asked at all"
        assert machine.asked("h") == ["get"]


def test_auth_explain(machine: Machine) -> None:
    machine.put_auth_json("quay.io/team")
    machine.put_auths("quay.io")
    done = regsync(machine, "auth", "explain", "quay.io/team/app")
    assert done.returncode == 0
    assert [line.split()[:2] for line in done.stdout.splitlines()[1:10]] == [
        ["environment", "skipped"],
        ["REGSYNC_AUTH_FILE", "skipped"],
        ["DOCKER_AUTH_CONFIG", "skipped"],
        ["REGISTRY_AUTH_FILE", "skipped"],
        ["keyring", "skipped"],
        ["credHelpers", "skipped"],
        ["credsStore", "skipped"],
        ["auth.json", "answered"],
        ["auth.json", "not"],
    ]
    assert done.stdout.splitlines()[-1] == "`quay.io/team` is asked as `auth.json`"


def test_auth_explain_of_what_is_broken(machine: Machine) -> None:
    machine.put_auths("quay.io")
    machine.env["DOCKER_AUTH_CONFIG"] = f'{{"auths": "{SECRET}"}}'
    done = regsync(machine, "auth", "explain", "quay.io", "--format", "json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["exit_code"], told["result"]) == (4, 4, "error")
    assert [one["code"] for one in told["errors"]] == ["credentials"]
    assert told["data"]["login"] is None
    outcomes = {one["source"]: one["outcome"] for one in told["data"]["steps"]}
    assert outcomes["DOCKER_AUTH_CONFIG"] == "failed"
    assert outcomes["auths"] == "not_asked"


def test_auth_explain_of_a_mirror(machine: Machine) -> None:
    machine.put_auths("docker.io")
    file = machine.write(
        machine.home / "regsync.toml",
        '[registry."docker.io"]\nendpoint = "https://mirror.example.com"\n',
    )
    done = regsync(machine, "auth", "explain", "docker.io", "--config", file)
    assert "not now, since its endpoint https://mirror.example.com" in done.stdout


def test_auth_status(machine: Machine) -> None:
    machine.put_auths("quay.io")
    machine.put_keyring("quay.io/team")
    done = regsync(machine, "auth", "status")
    assert done.returncode == 0
    head, *rows = done.stdout.splitlines()
    assert head.split() == ["REGISTRY", "WHO", "SOURCE", "PLACE"]
    assert [row.split()[:3] for row in rows] == [
        ["quay.io/team", "keyring", "keyring"],
        ["quay.io", "auths", "auths"],
    ]
    assert machine.keyring_asked == []


def test_auth_status_of_nobody(machine: Machine) -> None:
    done = regsync(machine, "auth", "status", "quay.io")
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("error: nobody is logged in to `quay.io`\n")
    done = regsync(machine, "auth", "status")
    assert (done.returncode, done.stdout) == (0, "")


def test_auth_status_with_a_broken_source(machine: Machine) -> None:
    machine.put_auths("quay.io")
    machine.env["REGISTRY_AUTH_FILE"] = "/nowhere/auth.json"
    done = regsync(machine, "auth", "status", "--format", "json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["result"]) == (3, "partial")
    assert len(told["data"]["logins"]) == 1
    assert regsync(machine, "auth", "status", "quay.io").returncode == 4


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["auth", "statsu"],
            "there is no command `auth statsu`\nhint: did you mean `auth status`?",
        ),
        (["auth", "zzz"], "there is no command `auth zzz`\nhint: `regsync auth -h` lists"),
        (["auth", "explain"], "missing argument"),
        (["auth", "explain", "x", "--fromat", "json"], "there is no option `--fromat` of `auth ex"),
        (["auth", "explain", "nohost"], "`nohost` is not a host"),
        (["auth", "explain", "https://quay.io"], "`https://quay.io` is not a registry"),
        (["auth", "explain", "quay.io/"], "nothing follows the `/`"),
        (["auth", "explain", "quay.io/Team"], "lower case"),
        (["auth", "status", ""], "is not a registry"),
    ],
)
def test_mistakes(machine: Machine, words: list[str], told: str) -> None:
    done = regsync(machine, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr


def test_a_group_alone_shows_its_help(machine: Machine) -> None:
    done = regsync(machine, "auth")
    assert done.returncode == 2
    assert "explain  Say how" in done.stderr


def test_the_envelope_names_both_words(machine: Machine) -> None:
    done = regsync(machine, "auth", "explain", "nohost", "--format", "json")
    assert json.loads(done.stdout)["command"] == "auth explain"


def test_explain_folds_where_the_terminal_is_narrow(machine: Machine) -> None:
    ours, theirs = pty.openpty()
    try:
        subprocess.run(
            [sys.executable, "-m", "regsync", "auth", "explain", "r.example"],
            env={**machine.env, "COLUMNS": "40"},
            stdout=theirs,
            check=True,
        )
        output = os.read(ours, 65536).decode().replace("\r\n", "\n")
    finally:
        os.close(ours)
        os.close(theirs)
    assert "keyring: skipped\n  no login of regsync's own\n" in output
