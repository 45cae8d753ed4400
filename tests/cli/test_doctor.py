"""`regsync doctor` as people and programs see it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from troubled import FOUND, at, registry, token

from regsync.__main__ import main
from regsync.cli.doctor import text
from regsync.cli.terminal import Terminal
from regsync.operations.doctor.steps import Finding, Outcome, Report, Step

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    for name in list(os.environ):
        ours = name.startswith(("REGSYNC_", "DOCKER_")) and not name.endswith("_DIR")
        if ours or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)

    def command(*arguments: str) -> tuple[int, str, str]:
        code = main(["doctor", *arguments])
        return code, *capfd.readouterr()

    return command


def names(output: str) -> list[str]:
    return [step["name"] for step in json.loads(output)["data"]["steps"]]


MACHINE = ["engine", "program", "memory", "keyring", "configuration"]
HOST = ["address", "credentials", "proxy", "dns", "tcp", "tls", "ping", "challenge", "token"]


def test_this_machine(run: Run) -> None:
    code, output, errors = run("-H", "unix:///no/such.sock")
    assert (code, errors) == (1, "")
    assert "failed   engine " in output
    assert "no engine answers at unix:///no/such.sock: there is no such socket" in output
    assert output.splitlines()[-1].startswith("1 failed")


def test_a_registry(run: Run) -> None:
    with at(registry(token=token())) as scene:
        host = scene.subject.partition("/")[0]
        code, output, _ = run(host, "--format", "json")
        assert names(output) == [*MACHINE, *HOST, "clock", "quota"]
        code_, output_, _ = run(scene.subject, "--format", "json")
        assert names(output_) == [*MACHINE, *HOST, "head", "digest", "clock", "quota"]
    # Whether this machine has an engine is not what was asked.
    outcomes = {step["name"]: step["outcome"] for step in json.loads(output_)["data"]["steps"]}
    assert code == code_ == 0
    assert outcomes["digest"] == "ok"


def test_a_step_that_fails_is_an_error(run: Run) -> None:
    with at(registry((404, {}, b""))) as scene:
        code, output, _ = run(scene.subject, "--format", "json")
    assert code == 1
    document = json.loads(output)
    assert document["result"] == "error"
    assert [(one["code"], one["reference"]) for one in document["errors"]] == [
        ("not_found", scene.subject)
    ]
    assert document["errors"][0]["message"].startswith("head: the repository is there")


@pytest.mark.parametrize(
    "arguments", [["https://r.example"], ["r.example/A"], ["a", "b"], ["-H", "ftp://x"]]
)
def test_bad_arguments(run: Run, arguments: list[str]) -> None:
    code, output, errors = run(*arguments)
    assert (code, output) == (2, "")
    assert errors.startswith("error: ")


def report() -> Report:
    long = "its certificate is not trusted: unable to get local issuer certificate " * 2
    steps = (
        Step("dns", Finding("registry.example.com is 203.0.113.7"), 3),
        Step("tls", Finding(long, "name its authority \x1b[2J", Outcome.FAILED, "tls"), 1234),
        Step("ping", Finding("needs `tls`", None, Outcome.SKIPPED), None),
    )
    return Report("registry.example.com", steps)


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("colour", [True, False])
def test_it_fits(width: int, colour: bool) -> None:
    shown = text(report(), Terminal(width, colour))
    plain = shown
    for code in ("\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[0m"):
        plain = plain.replace(code, "")
    assert "\x1b" not in plain
    assert max(len(line) for line in plain.splitlines()) <= width
    assert (plain != shown) == colour


def test_quietly_the_steps_alone() -> None:
    lines = text(report(), Terminal(), heading=False).splitlines()
    assert [line.split()[0] for line in lines] == ["ok", "failed", "hint:", "skipped"]


def test_a_report_costs_one_head_and_one_get(run: Run) -> None:
    asked: list[tuple[str, str]] = []

    def answer(seen: object) -> object:
        asked.append((seen.method, seen.path))  # type: ignore[attr-defined]
        return registry(FOUND)(seen)  # type: ignore[arg-type]

    with at(answer) as scene:  # type: ignore[arg-type]
        assert run(scene.subject)[0] == 0
    assert asked == [
        ("GET", "/v2/"),
        ("HEAD", "/v2/team/app/manifests/1"),
        ("GET", "/v2/team/app/manifests/1"),
    ]
