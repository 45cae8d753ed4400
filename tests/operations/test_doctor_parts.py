"""The parts of `doctor` that ask nobody, and the engine."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

import pytest
from engine import replay, states
from hypothesis import given
from hypothesis import strategies as st
from troubled import silent_port

from regsync.clock import SystemClock
from regsync.errors import UsageError
from regsync.identity import Credentials
from regsync.oci.scope import Scope
from regsync.operations.doctor import findings, machine, program
from regsync.operations.doctor.claims import Claims
from regsync.operations.doctor.examine import Subject, examine_machine, examine_registry
from regsync.operations.doctor.privacy import Privacy
from regsync.operations.doctor.steps import Examination, Finding, Outcome, Step
from regsync.registry.line import proxies
from regsync.registry.retry import Waits


def engine(env: dict[str, str], *, alone: bool = True) -> Step:
    waits = Waits(quick=10, quick_in_all=0.5)
    steps = asyncio.run(examine_machine(env, alone=alone, waits=waits))
    assert [step.name for step in steps] == ["engine", "program", "memory", "keyring"]
    return steps[0]


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGSYNC_STATE_DIR", str(tmp_path / "state"))


def test_an_engine_that_answers() -> None:
    with replay("d28c", states("d28c")[0]) as address:
        step = engine({"DOCKER_HOST": address})
    assert step.outcome is Outcome.OK
    assert step.finding.text.startswith("docker 28.5.2, classic store, at unix://")
    assert step.finding.text.endswith("chosen by DOCKER_HOST")


def test_an_engine_that_is_not_there(tmp_path: Path) -> None:
    step = engine({"DOCKER_HOST": f"unix://{tmp_path}/no.sock"}, alone=False)
    assert step.outcome is Outcome.FAILED
    assert "there is no such socket" in step.finding.text
    assert step.finding.code == "engine_unreachable"
    assert step.finding.hint


def test_an_engine_that_keeps_silent() -> None:
    with silent_port() as host:
        step = engine({"DOCKER_HOST": f"tcp://{host}"})
    assert step.outcome is Outcome.FAILED
    assert "does not answer (0.5 s)" in step.finding.text


def script(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / "regsync"
    file.write_text(text)
    file.chmod(0o755)
    return file


PIP = "#!/usr/bin/python3\nfrom regsync.__main__ import process\nprocess()\n"
GO = "\x7fELF a program that mentions regsync and import"


@pytest.mark.parametrize(
    ("first", "second", "words", "outcome"),
    [
        ("own", None, "starts this program", Outcome.OK),
        (GO, "own", "regclient's", Outcome.WARNING),
        (PIP, "own", "another installation of this program", Outcome.WARNING),
        ("own", GO, "hidden behind it: .*another program", Outcome.WARNING),
        (None, None, "there is no `regsync` on PATH", Outcome.WARNING),
    ],
)
def test_another_regsync(
    tmp_path: Path, first: str | None, second: str | None, words: str, outcome: Outcome
) -> None:
    own = script(tmp_path / "own", PIP)
    folders = [
        own.parent if text == "own" else script(tmp_path / name, text).parent
        for name, text in (("a", first), ("b", second))
        if text is not None
    ]
    path = os.pathsep.join(str(folder) for folder in [tmp_path / "no", *folders, *folders])
    finding = program.judge(program.on_path({"PATH": path}, own))
    assert finding.outcome is outcome
    assert re.search(words, finding.text), finding.text


def test_folders_on_path_that_cannot_be_looked_into(tmp_path: Path) -> None:
    own = script(tmp_path / "own", PIP)
    path = os.pathsep.join([f"/{'x' * 300}", "/a\0b", str(own.parent)])
    finding = program.judge(program.on_path({"PATH": path}, own))
    assert finding.outcome is Outcome.OK


def test_a_step_that_fails_as_nobody_foresaw() -> None:
    async def work() -> Finding:
        raise OSError(36, "File name too long", "/home/canary")

    async def run() -> Examination:
        take = Examination(SystemClock(), Privacy({}), lambda error: error.hint)
        assert not await take.take("program", work)
        await take.take("memory", fine)
        await take.take("after", fine, ("program",))
        return take

    async def fine() -> Finding:
        return Finding("fine")

    broken, memory, after = asyncio.run(run()).steps
    assert broken.outcome is Outcome.FAILED
    assert broken.finding.text == "this step failed itself: OSError (file name too long)"
    assert memory.outcome is Outcome.OK
    assert after.outcome is Outcome.SKIPPED


@pytest.mark.parametrize(
    ("backend", "words", "outcome"),
    [
        ("keyring.backends.null.Keyring", "none that keeps anything", Outcome.OK),
        ("no.such.Backend", "no keyring can be chosen", Outcome.WARNING),
    ],
)
def test_keyrings(backend: str, words: str, outcome: Outcome) -> None:
    env = {"PYTHON_KEYRING_BACKEND": backend, "PATH": os.environ["PATH"]}
    finding = asyncio.run(machine.keyring(env, 20))
    assert (finding.outcome, words in finding.text) == (outcome, True), finding.text


def test_a_keyring_whose_choice_fails_or_never_ends(tmp_path: Path) -> None:
    """Backends talk, and put into their exceptions what nobody should see."""
    (tmp_path / "leaky.py").write_text(
        "import os, sys, time\n"
        "from keyring.backend import KeyringBackend\n"
        "print('canary')\n"
        "class Fails(KeyringBackend):\n"
        "    priority = 1\n"
        "    def __init__(self): raise RuntimeError('canary')\n"
        "    def get_password(self, *a): pass\n"
        "    set_password = delete_password = get_password\n"
        "class Hangs(Fails):\n"
        "    def __init__(self): time.sleep(60)\n"
    )
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path), "HOME": str(tmp_path)}
    fails = {**env, "PYTHON_KEYRING_BACKEND": "leaky.Fails"}
    finding = asyncio.run(machine.keyring(fails, 20))
    assert finding.outcome is Outcome.WARNING
    assert finding.text == "no keyring can be chosen: RuntimeError"
    finding = asyncio.run(machine.keyring({**env, "PYTHON_KEYRING_BACKEND": "leaky.Hangs"}, 0.5))
    assert finding.outcome is Outcome.WARNING
    assert "did not answer within 0.5 seconds" in finding.text


def test_memory_that_cannot_be_kept(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file in its place")
    finding = machine.memory()
    assert finding.outcome is Outcome.WARNING
    assert "cannot remember" in finding.text


def test_privacy() -> None:
    privacy = Privacy({"HOME": "/home/ann"})
    privacy.hide(Credentials("ann", "canary"))
    privacy.hide_secret("tok3n")
    told = privacy.tidy(
        "`ann` at /home/ann/x and /home/anna sent canary, Bearer tok3n, Basic YW5uOmNhbmFyeQ==, "
        "http://ann:pass@proxy:3128 and Authorization: Bearer abcdef012345"
    )
    assert told == (
        "`***` at ~/x and /home/anna sent ***, Bearer ***, Basic ***, "
        "http://***@proxy:3128 and Authorization: Bearer ***"
    )


def test_a_token_that_grants_very_much() -> None:
    scopes = tuple(Scope.pull(f"team/app{number}") for number in range(1000))
    told = findings.granted(scopes[:1], Claims(scopes, None, None)).text
    assert told.startswith("asked for `repository:team/app0:pull`; granted `repository:team/app0")
    assert told.endswith("…")
    assert len(told) < 500


def test_user_names_as_servers_write_them() -> None:
    privacy = Privacy({"HOME": "/home/joanne"})
    for name in ("joanne", "jo", "oauth2+jo.x"):
        privacy.hide(Credentials(name, "canary"))
    told = privacy.tidy("user joanne, joannes or oauth2+jo.x at /home/joanne/x, `jo`: jo is short")
    assert told == "user ***, joannes or *** at ~/x, `***`: jo is short"


def test_a_helper_ends_with_the_examination(tmp_path: Path) -> None:
    """A signal ends the loop, and the thread that waits for the helper with it."""
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text('{"credsStore": "hang"}')
    mark = tmp_path / "mark"
    helper = tmp_path / "docker-credential-hang"
    helper.write_text(f'#!/bin/sh\necho $$ > "{mark}.new"\nmv "{mark}.new" "{mark}"\nsleep 60\n')
    helper.chmod(0o755)
    path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
    env = {"HOME": str(tmp_path), "PATH": path}

    async def run() -> int:
        waits = Waits(quick=50)
        asked = asyncio.create_task(
            examine_registry(Subject.parse("r.example"), env, certs_d=(), waits=waits)
        )
        while not mark.exists():
            assert not asked.done()
            await asyncio.sleep(0.01)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        return int(mark.read_text())

    process = asyncio.run(run())
    # It is gone, and so is what is left of it once it was waited for.
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


@given(st.text(), st.text(min_size=1))
def test_a_secret_is_never_told(text: str, secret: str) -> None:
    privacy = Privacy({})
    privacy.hide_secret(secret)
    if secret not in "***":
        assert secret not in privacy.tidy(f"{text}{secret}{text}").replace("***", "")


@given(st.text())
def test_a_token_is_anything(text: str) -> None:
    Claims.parse(text)
    Claims.parse(f"a.{text}.c")


def test_a_proxy_keeps_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HTTPS_PROXY", "http://ann:canary@proxy.example:3128")
    monkeypatch.setenv("ALL_PROXY", "http://ann:canary@[::1")
    told = machine.proxies(proxies()).text
    assert told == (
        "HTTPS_PROXY is http://proxy.example:3128, ALL_PROXY is an address that cannot be read"
    )


@pytest.mark.parametrize(
    ("text", "registry", "reference"),
    [
        ("docker.io", "docker.io", None),
        ("index.docker.io", "docker.io", None),
        ("registry.example.com", "registry.example.com", None),
        ("registry.example.com:5000", "registry.example.com:5000", None),
        ("localhost:5000", "localhost:5000", None),
        ("[::1]:5000", "[::1]:5000", None),
        ("box:5000/", "box:5000", None),
        ("node", "docker.io", "docker.io/library/node:latest"),
        ("node:18", "docker.io", "docker.io/library/node:18"),
        ("python:3.12", "docker.io", "docker.io/library/python:3.12"),
        ("quay.io/minio/minio", "quay.io", "quay.io/minio/minio:latest"),
    ],
)
def test_hosts_and_references(text: str, registry: str, reference: str | None) -> None:
    subject = Subject.parse(text)
    found = str(subject.reference) if subject.reference is not None else None
    assert (subject.registry, found) == (registry, reference)


@pytest.mark.parametrize("text", ["https://r.example", "box/", "/", "", "a..b", "r.example/A"])
def test_neither_host_nor_reference(text: str) -> None:
    with pytest.raises(UsageError):
        Subject.parse(text)
