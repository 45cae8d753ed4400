"""The index of logins: whole or as it was, and without a secret."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from logins import SECRET, Machine

from regsync import filelock
from regsync.credentials import chain, logins
from regsync.credentials.answers import Broken
from regsync.credentials.authfile import AuthFile
from regsync.credentials.environment import Variables
from regsync.credentials.helpers import Helper
from regsync.credentials.keys import Key
from regsync.credentials.listing import Known, listing
from regsync.credentials.logins import Login
from regsync.credentials.programs import Finished, ProgramFailed, Programs
from regsync.errors import CredentialsBroken, StoreLocked
from regsync.files import gather
from regsync.identity import Credentials
from regsync.registry.message import Answer, Request

TEAM = Login(Key("quay.io", "team"), "ann")
HUB = Login(Key("docker.io"), "joe", "identity_token")


def test_what_is_recorded_is_read(tmp_path: Path) -> None:
    file = tmp_path / "new" / logins.FILE
    assert logins.read(file) == {}
    for login in (TEAM, HUB, TEAM):
        logins.record(file, login)
    assert logins.read(file) == {TEAM.key: TEAM, HUB.key: HUB}
    assert TEAM.service == "regsync:quay.io/team"
    assert file.stat().st_mode & 0o077 == 0
    assert logins.remove(file, TEAM.key) == TEAM
    assert logins.remove(file, TEAM.key) is None
    assert logins.read(file) == {HUB.key: HUB}
    assert [path.name for path in file.parent.iterdir() if path.name[0] != "."] == [logins.FILE]


def test_many_at_once_lose_none(tmp_path: Path) -> None:
    file = tmp_path / logins.FILE
    keys = [Key("quay.io", f"team{number}") for number in range(12)]
    threads = [
        threading.Thread(target=logins.record, args=(file, Login(key, "ann"))) for key in keys
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(logins.read(file)) == set(keys)


def test_another_run_that_writes_for_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / logins.FILE
    monkeypatch.setattr(logins, "LOCK_SECONDS", 0.0)
    with (tmp_path / f".{logins.FILE}.lock").open("w") as lock:
        assert filelock.take(lock.fileno())
        with pytest.raises(StoreLocked):
            logins.record(file, TEAM)
    logins.record(file, TEAM)


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 9}', '{"version": 1, "logins": []}'])
def test_what_cannot_be_understood_is_not_overwritten(tmp_path: Path, text: str) -> None:
    file = tmp_path / logins.FILE
    file.write_text(text)
    with pytest.raises(Broken):
        logins.read(file)
    with pytest.raises(CredentialsBroken):
        logins.record(file, TEAM)
    assert file.read_text() == text


def test_a_pipe_in_its_place_is_not_waited_for(tmp_path: Path) -> None:
    file = tmp_path / logins.FILE
    os.mkfifo(file)
    # A device first: it is told apart in the same way, and can be read without waiting.
    for path in (Path(os.devnull), file):
        with pytest.raises(Broken, match="is not a file"):
            logins.read(path)


def test_the_hint_for_a_helper_shows_no_secret() -> None:
    """Whoever follows it runs the helper: what it says goes nowhere."""
    with TemporaryDirectory() as folder:
        program = Path(folder) / "docker-credential-fails"
        program.write_text("#!/bin/sh\nexit 3\n")
        program.chmod(0o755)
        helper = Helper.of("credsStore", "fails", "a file", Programs({}), {"PATH": folder})
        with pytest.raises(Broken) as caught:
            helper.ask(Key("quay.io"))
    assert "get >/dev/null; echo $?`" in (caught.value.hint or "")


def test_no_repr_holds_a_secret() -> None:
    env = {"REGSYNC_QUAY_IO_PASSWORD": SECRET}
    holders = [
        Variables(env, "quay.io"),
        gather._Source("compose.yaml", "", "compose", env=env),
        Answer(200, httpx.Headers(), SECRET.encode(), "https://quay.io/token"),
        Request("https://quay.io", "GET", 1, authorization=SECRET, form=SECRET),
        Credentials("ann", SECRET),
        Finished(0, SECRET.encode()),
        AuthFile("a file", {Key("quay.io"): {"auth": SECRET}}),
    ]
    for holder in holders:
        assert SECRET not in repr(holder), type(holder)


def test_no_place_for_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CredentialsBroken):
        logins.record(tmp_path / "file" / logins.FILE, TEAM)


def test_without_logins_no_keyring_is_loaded(machine: Machine) -> None:
    """Nor in a process of its own: the backend would note that it was asked."""
    code = (
        "import os, sys; from regsync.credentials import chain\n"
        "assert chain.find('r.example', os.environ) is None\n"
        "assert 'keyring' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], env=machine.env, check=True)
    machine.put_keyring("other.example")
    subprocess.run([sys.executable, "-c", code], env=machine.env, check=True)
    assert machine.keyring_asked == []


def test_a_program_is_ended_with_the_run(tmp_path: Path) -> None:
    programs = Programs({"PATH": "/usr/bin:/bin"}, limit_s=60)
    failed: list[str] = []

    def ask() -> None:
        try:
            programs.run(["/bin/sh", "-c", f"touch {tmp_path}/started; sleep 60"], b"")
        except ProgramFailed as error:
            failed.append(str(error))
        else:
            failed.append("it was killed, and that is an answer")

    thread = threading.Thread(target=ask)
    thread.start()
    while not (tmp_path / "started").exists():
        time.sleep(0.01)
    programs.close()
    thread.join(10)
    assert not thread.is_alive()
    with pytest.raises(ProgramFailed, match="stopped"):
        programs.run(["/bin/true"], b"")


def known(machine: Machine) -> tuple[list[Known], list[str]]:
    made = chain.Chain(machine.env, limit_s=30)
    found = listing(made, machine.env)
    made.close()
    assert SECRET not in repr(found)
    return found.logins, [error.why for error in found.broken]


def test_all_logins_are_listed_without_asking_for_one(machine: Machine) -> None:
    machine.put_auths("r.example")
    machine.put_creds_store("r.example")
    machine.put_keyring("quay.io/team")
    machine.put_auth_json("quay.io")
    machine.put_environment("quay.io")
    found, broken = known(machine)
    assert broken == []
    assert [(str(one.key), one.username, one.source, one.hidden_by) for one in found] == [
        ("quay.io", "environment", "environment", None),
        ("quay.io/team", "keyring", "keyring", "environment"),
        ("r.example", "credsStore", "credsStore", None),
        ("quay.io", "auth.json", "auth.json", "environment"),
        ("r.example", "auths", "auths", "credsStore"),
    ]
    assert machine.asked("all") == ["list"]
    assert machine.keyring_asked == []


def test_variables_of_a_host_that_nobody_else_knows(machine: Machine) -> None:
    machine.put_environment("somewhere.example")
    machine.env["REGSYNC_HALF_USERNAME"] = "joe"
    found, broken = known(machine)
    assert [(one.key, one.place) for one in found] == [(None, "REGSYNC_SOMEWHERE_EXAMPLE_*")]
    assert len(broken) == 1


def test_a_broken_source_hides_no_other(machine: Machine) -> None:
    machine.put_auths("r.example")
    machine.write(machine.index, "{")
    machine.write(machine.config, {"credsStore": "missing"})
    machine.env["DOCKER_AUTH_CONFIG"] = json.dumps([SECRET])
    found, broken = known(machine)
    assert [one.username for one in found] == ["auths"]
    assert len(broken) == 3


@pytest.mark.parametrize(
    ("backend", "hint"),
    [
        ("keyrings.Locked", "unlock the keyring, or set REGSYNC_R_EXAMPLE_USERNAME"),
        ("keyrings.Leaky", "choose another backend (PYTHON_KEYRING_BACKEND), or set REGSYNC_"),
        ("keyring.backends.null.Keyring", "choose another backend (PYTHON_KEYRING_BACKEND)"),
        ("keyring.backends.fail.Keyring", "choose another backend (PYTHON_KEYRING_BACKEND)"),
    ],
)
def test_the_hint_of_a_keyring_can_be_followed(machine: Machine, backend: str, hint: str) -> None:
    machine.put_keyring("r.example")
    machine.env["PYTHON_KEYRING_BACKEND"] = backend
    with pytest.raises(CredentialsBroken) as caught:
        chain.find("r.example", machine.env)
    assert (caught.value.hint or "").startswith(hint)
