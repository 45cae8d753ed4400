"""`regsync status` as a process: a layout folder, a real registry, a memory of its own."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from machine import Machine

from mock_registry import MockRegistry
from mock_registry.seed import image


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def put(registry: MockRegistry, name: str, version: str) -> str:
    """Publish a version at `name`; returns its full reference."""
    labels = {"org.opencontainers.image.version": version}
    repository, _, tag = name.partition(":")
    registry.put(repository, image(layers=("base", version), labels=labels), tag)
    return f"{registry.host}/{name}"


def test_a_tag_that_moves(mock_registry: MockRegistry, machine: Machine) -> None:
    moving = put(mock_registry, "team/app:1", "1.0")
    resting = put(mock_registry, "team/base:1", "7")
    machine.pull(moving, resting)
    done = machine.status("--exit-code")
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 up to date" in done.stdout

    put(mock_registry, "team/app:1", "1.1")
    done = machine.status("--exit-code")
    assert done.returncode == 10
    head, blank, title, first, second, *_ = done.stdout.splitlines()
    assert head.endswith(" · 2 images, 1 registry")
    assert blank == ""
    assert title.split()[:2] == ["IMAGE", "STATUS"]
    assert first.split()[:5] == [moving, "outdated", "1.0", "→", "1.1"]
    assert second.split() == [resting, "up", "to", "date"]
    assert f"hint: `regsync pull {moving} --store " in done.stderr

    assert machine.status().returncode == 0
    done = machine.status("--stale", "--format", "jsonl", "-q")
    assert [json.loads(line)["reference"] for line in done.stdout.splitlines()] == [moving]
    # Named alone, what rests is not stale.
    assert machine.status(resting, "--exit-code").returncode == 0


def test_the_envelope_counts_what_the_registry_saw(
    mock_registry: MockRegistry, machine: Machine
) -> None:
    names = [put(mock_registry, f"team/app{number}:1", str(number)) for number in range(3)]
    machine.pull(*names)
    before = len(mock_registry.log)
    done = machine.status("--format", "json")
    told: dict[str, Any] = json.loads(done.stdout)
    assert (told["result"], told["exit_code"], told["errors"]) == ("success", 0, [])
    assert told["data"]["engine"]["store"] == "oci-layout"
    assert told["data"]["summary"] == {"up_to_date": 3}
    seen = [
        record.method for record in list(mock_registry.log)[before:] if record.kind == "manifest"
    ]
    assert seen == ["HEAD"] * told["data"]["requests"]["head"] == ["HEAD"] * 3


def test_what_is_silent_is_unknown_and_remembered(
    machine: Machine,
) -> None:
    with MockRegistry().serve() as leaving:
        name = put(leaving, "team/app:1", "1.0")
        machine.pull(name)
        assert machine.status().returncode == 0
    done = machine.status("--exit-code", "-v")
    assert done.returncode == 3
    row = done.stdout.splitlines()[3]
    assert row.split()[:2] == [name, "unknown"]
    assert "does not answer" in row
    assert "was up to date just now" in row
    assert "error: cannot reach" in done.stderr
    told = json.loads(machine.status("--format", "json").stdout)
    assert (told["result"], told["exit_code"]) == ("partial", 3)
    assert told["errors"][0]["code"] == told["data"]["images"][0]["cause"] == "unreachable"
    assert told["data"]["images"][0]["last_known"]["verdict"] == "up_to_date"

    told = json.loads(machine.status("--offline", "--format", "json").stdout)
    assert told["data"]["images"][0]["cause"] == "offline"
    assert sum(told["data"]["requests"].values()) == 0


def test_what_was_named_and_is_not_here(mock_registry: MockRegistry, machine: Machine) -> None:
    here = put(mock_registry, "team/app:1", "1.0")
    there = put(mock_registry, "team/other:1", "1.0")
    nowhere = f"{mock_registry.host}/team/none:1"
    machine.pull(here)
    done = machine.status(nowhere, "--format", "json")
    told = json.loads(done.stdout)
    assert done.returncode == told["exit_code"] == 5
    assert (told["result"], told["errors"][0]["code"]) == ("error", "not_found")
    assert told["errors"][0]["reference"] == nowhere
    done = machine.status(nowhere, here)
    assert done.returncode == 0
    assert "not local" in done.stdout
    done = machine.status(there)
    assert done.returncode == 0
    assert "not here; the registry has it" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["team/App"], 2, "is not a reference"),
        (["--platform", "a/b/c/d"], 2, "is not a platform"),
        (["--jobs", "0"], 2, "`--jobs` takes a whole number"),
        (["--config", "missing.toml"], 2, "cannot read `missing.toml`"),
        (["--store", "oci:missing"], 1, "missing"),
        (["--store", "missing"], 2, "missing"),
        (["-H", "unix:///no/such.sock"], 1, "no/such.sock"),
        (["--context", "none"], 2, "none"),
        (["-H", "unix:///a.sock", "--context", "b"], 2, "exclude each other"),
    ],
)
def test_what_cannot_be_asked(machine: Machine, arguments: list[str], code: int, said: str) -> None:
    (machine.home / "images").mkdir()
    (machine.home / "images" / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (machine.home / "images" / "index.json").write_text('{"schemaVersion":2,"manifests":[]}')
    where = [] if {"--store", "-H", "--context"} & {*arguments} else ["--store", machine.store]
    done = machine.regsync("status", *where, *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("error: ")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_dead_registry_delays_no_other(mock_registry: MockRegistry, machine: Machine) -> None:
    good = put(mock_registry, "team/app:1", "1.0")
    machine.pull(good)
    with socket.socket() as closed:
        # Bound and not listening: a port that refuses for as long as this lasts.
        closed.bind(("127.0.0.1", 0))
        dead = f"127.0.0.1:{closed.getsockname()[1]}/team/app:1"
        done = machine.status(good, dead, "--format", "json")
        alone = machine.status(dead)
    told = json.loads(done.stdout)
    assert [one["verdict"] for one in told["data"]["images"]] == ["up_to_date", "not_local"]
    assert (told["result"], told["errors"][0]["code"]) == ("partial", "unreachable")
    # Whether it exists is not known, so it is not "not found" either.
    assert (done.returncode, alone.returncode) == (3, 3)


def test_a_registry_is_not_blamed_for_a_broken_folder(
    mock_registry: MockRegistry, machine: Machine
) -> None:
    name = put(mock_registry, "team/app:1", "1.0")
    machine.pull(name)
    blobs = machine.home / "images" / "blobs" / "sha256"
    index = json.loads((machine.home / "images" / "index.json").read_text())
    [top] = index["manifests"]
    (blobs / top["digest"].partition(":")[2]).unlink()
    done = machine.status()
    assert done.returncode == 3
    assert "the image is incomplete: its manifest is missing" in done.stdout
    assert "does not verify" not in done.stdout + done.stderr


@pytest.mark.parametrize("text", ["null", "[]", "!!!", '{"auths": 5}'])
def test_a_broken_docker_configuration_is_told_for_each_host(
    mock_registry: MockRegistry, machine: Machine, text: str
) -> None:
    name = put(mock_registry, "team/app:1", "1.0")
    machine.pull(name)
    (machine.home / ".docker").mkdir()
    (machine.home / ".docker" / "config.json").write_text(text)
    done = machine.status("--format", "json")
    assert done.returncode == 3
    [row] = json.loads(done.stdout)["data"]["images"]
    assert (row["verdict"], row["cause"]) == ("unknown", "credentials")
