"""A `status` that nobody watches: what it prints, when it prints nothing, and its exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from reports import report, week

from mock_registry import MockRegistry
from mock_registry.seed import image
from regsync.cli.words import quota
from regsync.registry.ratelimit import RateLimit


@dataclass
class Machine:
    """A user's machine with `team/app:1` and `team/base:1` pulled, and what they come from."""

    home: Path
    registry: MockRegistry

    def name(self, text: str) -> str:
        return f"{self.registry.host}/{text}"

    def put(self, name: str, version: str) -> None:
        repository, _, tag = name.partition(":")
        self.registry.put(repository, image(layers=("base", version)), tag)

    def regsync(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        env = {"PATH": os.environ["PATH"], "HOME": str(self.home), "TERM": "dumb"}
        return subprocess.run(
            [sys.executable, "-m", "regsync", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=env,
            cwd=self.home,
        )

    def status(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.regsync("status", "--store", "oci:images", *arguments)

    def configure(self, text: str) -> None:
        folder = self.home / ".config" / "regsync"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "regsync.toml").write_text(text)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with MockRegistry().serve() as registry:
        found = Machine(tmp_path, registry)
        for name in ("team/app:1", "team/base:1"):
            found.put(name, "1")
            done = found.regsync("pull", found.name(name), "--store", "oci:images", "-q")
            assert done.returncode == 0, done.stderr
        yield found


def test_nothing_is_printed_where_nothing_has_changed(machine: Machine) -> None:
    first = machine.status("--changed")
    assert first.returncode == 0
    assert first.stdout.splitlines()[-1].startswith("2 changed, 0 unchanged; now 2 up to date")
    for format in ("table", "jsonl", "tsv", "markdown"):
        done = machine.status("--changed", "--format", format, "--exit-code")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    told = json.loads(machine.status("--changed", "--format", "json").stdout)
    assert (told["result"], told["data"]["images"], told["errors"]) == ("success", [], [])
    assert (told["data"]["unchanged"], told["data"]["vanished"]) == (2, [])
    assert told["data"]["summary"] == {"up_to_date": 2}

    machine.put("team/app:1", "2")
    done = machine.status("--changed", "--exit-code")
    assert done.returncode == 10
    assert machine.name("team/app:1") in done.stdout
    assert machine.name("team/base:1") not in done.stdout
    # Told once; that it still is so is no news, and no reason to fail again.
    done = machine.status("--changed", "--exit-code")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert machine.status("--exit-code").returncode == 10


def test_a_full_disk_loses_no_news(machine: Machine) -> None:
    machine.status("--changed")
    machine.put("team/app:1", "2")
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    command = [sys.executable, "-m", "regsync", "status", "--store", "oci:images", "--changed"]
    with open("/dev/full", "w") as full:
        env = {"PATH": os.environ["PATH"], "HOME": str(machine.home)}
        done = subprocess.run(command, stdout=full, env=env, cwd=machine.home, check=False)
    assert done.returncode == 1
    assert machine.name("team/app:1") in machine.status("--changed").stdout


def test_what_has_vanished_is_not_stale(machine: Machine) -> None:
    machine.status("--changed")
    index = machine.home / "images" / "index.json"
    document = json.loads(index.read_text())
    document["manifests"] = document["manifests"][1:]
    index.write_text(json.dumps(document))
    shown = machine.status("--changed", "--stale")
    assert shown.stdout == ""
    # Not told yet, so still to be told.
    assert "no longer here: " in machine.status("--changed").stdout
    assert machine.status("--changed").stdout == ""


def test_what_stale_leaves_out_is_still_to_be_told(machine: Machine) -> None:
    app, base = machine.name("team/app:1"), machine.name("team/base:1")
    machine.put("team/app:1", "2")
    shown = machine.status("--changed", "--stale", "--quiet")
    assert app in shown.stdout
    assert base not in shown.stdout
    shown = machine.status("--changed", "--quiet")
    assert base in shown.stdout
    assert app not in shown.stdout
    assert machine.status("--changed", "--quiet").stdout == ""


@pytest.mark.parametrize("format", ["table", "jsonl", "json"])
def test_a_format_that_tells_of_no_name_that_is_gone_moves_no_mark(
    machine: Machine, format: str
) -> None:
    machine.status("--changed")
    index = machine.home / "images" / "index.json"
    document = json.loads(index.read_text())
    gone = document["manifests"].pop(0)["annotations"]["io.containerd.image.name"]
    index.write_text(json.dumps(document))
    options = ("--explain",) if format == "table" else ("-q", "--stale")
    told = gone in machine.status("--changed", "--format", format, *options).stdout
    assert told is (format == "json")
    assert (gone in machine.status("--changed").stdout) is not told


@pytest.mark.parametrize("format", ["table", "jsonl", "markdown", "json"])
def test_every_format_tells_what_has_vanished(machine: Machine, format: str) -> None:
    machine.status("--changed")
    index = machine.home / "images" / "index.json"
    document = json.loads(index.read_text())
    gone = document["manifests"].pop(0)["annotations"]["io.containerd.image.name"]
    index.write_text(json.dumps(document))
    done = machine.status("--changed", "--format", format)
    if format == "json":
        assert json.loads(done.stdout)["data"]["vanished"] == [gone]
    else:
        told = done.stderr if format == "jsonl" else done.stdout
        assert f"no longer here: {gone}" in told
    assert machine.status("--changed", "--format", format, "-q").stdout == "" or format == "json"


def test_a_registry_that_is_down_is_news_once(machine: Machine) -> None:
    machine.status("--changed")
    machine.configure(f'[registry."{machine.registry.host}"]\nendpoint = "http://127.0.0.1:1"\n')
    done = machine.status("--changed")
    assert done.returncode == 3
    assert "was up to date just now" in done.stdout
    done = machine.status("--changed")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_changed_and_offline(machine: Machine) -> None:
    done = machine.status("--changed", "--offline")
    assert done.returncode == 2
    assert "do not go together" in done.stderr


def test_ignored(machine: Machine) -> None:
    pattern = machine.name("team/app")
    done = machine.status("--ignore", pattern, "--ignore", "nobody/*")
    assert done.returncode == 0
    assert pattern not in done.stdout
    assert "1 up to date, 1 ignored" in done.stdout
    assert done.stderr == "note: `--ignore nobody/*` matches nothing here\n"
    told = json.loads(machine.status("--ignore", pattern, "--format", "json").stdout)
    assert (told["data"]["ignored"], len(told["data"]["images"])) == (1, 1)

    machine.configure(f'[status]\nignore = ["{machine.registry.host}/*/*"]\n')
    assert "2 ignored" in machine.status().stdout
    # Who names it wants to hear of it.
    assert "1 up to date" in machine.status(machine.name("team/app:1")).stdout


def test_held_back(machine: Machine) -> None:
    machine.put("team/app:1", "2")
    done = machine.status("--min-age", "3d", "--exit-code")
    assert done.returncode == 0
    assert "held back until 2" in done.stdout
    assert "1 of them held back" in done.stdout
    assert "hint" not in done.stderr
    machine.configure('[status]\nmin_age = "1w"\n')
    assert machine.status("--exit-code").returncode == 0
    told = json.loads(machine.status("--format", "json").stdout)
    held = [one for one in told["data"]["images"] if one["held_until"]]
    assert [(one["verdict"], one["stale"]) for one in held] == [("outdated", False)]
    assert machine.status("--min-age", "0", "--exit-code").returncode == 10


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--min-age", "soon"], "`soon` is not a length of time"),
        (["--ignore", "a b"], "`a b` is not a pattern of names"),
        (["--keep-pulls", "-1"], "--keep-pulls"),
    ],
)
def test_mistakes(machine: Machine, arguments: list[str], said: str) -> None:
    done = machine.status(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_pulls_that_are_kept(tmp_path: Path) -> None:
    with MockRegistry(hub=10).serve() as registry:
        machine = Machine(tmp_path, registry)
        machine.put("team/app:1", "1")
        name = machine.name("team/app:1")
        done = machine.regsync("pull", name, "--store", "oci:images", "--keep-pulls", "10")
        assert done.returncode == 6
        assert "kept back: 10 of 10 pulls left at" in done.stderr
        assert machine.regsync("pull", name, "--store", "oci:images", "-q").returncode == 0
        machine.put("team/app:1", "2")
        machine.configure("[status]\nkeep_pulls = 9\n")
        done = machine.status()
        assert done.returncode == 3
        assert f"kept back: 9 of 10 pulls left at {registry.host}, --keep-pulls 9" in done.stdout
        assert "try again later: it counts over 6 h" in done.stderr
        told = json.loads(machine.status("--format", "json").stdout)
        [limit] = told["data"]["rate_limits"]
        assert (limit["remaining"], limit["source_kind"]) == (9, "address")
        assert limit["resets_at"] is None
        assert told["errors"][0]["code"] == "rate_limited"
        # The option goes before the file, and `0` is no bound.
        assert machine.status("--keep-pulls", "0").returncode == 0


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        (RateLimit("h", 100, 97), "97 of 100 pulls left at h"),
        (
            RateLimit("docker.io", 100, 97, 21600, "203.0.113.7"),
            "97 of 100 pulls left at docker.io (for 203.0.113.7, per 6 h)",
        ),
        (
            RateLimit("docker.io", 200, 0, 21600, "1a2b"),
            "0 of 200 pulls left at docker.io (for your account, per 6 h)",
        ),
        (RateLimit("h", 9, 1, None, "\x1b[1m"), "1 of 9 pulls left at h (for your account)"),
    ],
)
def test_whose_limit_it_is(limit: RateLimit, text: str) -> None:
    assert quota(limit) == text


def test_a_report_without_the_question_lists_everything() -> None:
    made = week()
    assert made.listed == made.entries
    assert report().listed == ()


def test_a_monitor_hears_of_everything_also_where_nothing_is_new(machine: Machine) -> None:
    machine.put("team/app:1", "new")
    machine.status("--changed")
    done = machine.status("--changed", "--format", "nagios")
    first, detail = done.stdout.splitlines()
    assert first.startswith("REGSYNC WARNING - 1 outdated")
    assert detail.startswith(f"{machine.name('team/app:1')}: outdated")
    assert done.returncode == 1
