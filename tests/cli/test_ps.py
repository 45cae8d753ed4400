"""`regsync ps` as a process, and what it shows on a terminal."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from dockerd import Dockerd, compose
from hypothesis import given
from hypothesis import strategies as st
from reports import DOCKER, NOW, entry

from mock_registry import MockRegistry, seed
from regsync.cli import ps, psscreens
from regsync.cli.options import Rows
from regsync.cli.terminal import Terminal
from regsync.errors import Unreachable
from regsync.operations.ps import PsReport, Use
from regsync.operations.report import UsedBy
from regsync.operations.verdict import Kind, LastKnown, Verdict, unknown
from regsync.stores.base import NOBODY, Starter

OLD, NEW = (seed.image("linux/amd64", layers=["base", word]) for word in ("old", "new"))


@dataclass
class Machine:
    """A made-up Docker beside a real registry, and a home folder."""

    home: Path
    url: str
    docker: Dockerd
    registry: MockRegistry

    def name(self, path: str) -> str:
        return f"{self.registry.host}/{path}"

    def ps(self, *arguments: str, columns: int = 200) -> subprocess.CompletedProcess[str]:
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "DOCKER_HOST": self.url,
            "COLUMNS": str(columns),
        }
        return subprocess.run(
            [sys.executable, "-m", "regsync", "ps", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=env,
            cwd=self.home,
        )


@pytest.fixture
def machine(tmp_path: Path, mock_registry: MockRegistry) -> Iterator[Machine]:
    docker = Dockerd()
    with docker.serve() as url:
        yield Machine(tmp_path, url, docker, mock_registry)


@pytest.fixture
def shop(machine: Machine) -> Machine:
    """`web` is behind its registry, `db` behind its own engine, `cache` current, `job` stopped."""
    for path, published in (("web", NEW), ("db", NEW), ("cache", OLD)):
        machine.registry.put(f"shop/{path}", published, "1")
        name = machine.name(f"shop/{path}:1")
        image = machine.docker.pull(name, OLD)
        labels = compose("shop", path, "/srv/shop", "/srv/shop/compose.yaml")
        machine.docker.run(path, name, image, labels=labels)
    machine.docker.run("job", machine.name("shop/db:1"), OLD.config.digest, "exited")
    machine.docker.pull(machine.name("shop/db:1"), NEW)
    return machine


def test_what_is_behind_and_what_cures_it(shop: Machine) -> None:
    done = shop.ps()
    assert done.returncode == 0, done.stderr
    up = "docker compose -p shop -f /srv/shop/compose.yaml up -d"
    web = shop.name("shop/web:1")
    head, _, *rows, _, last = done.stdout.splitlines()
    assert head == "docker 20.10 · classic store · 3 containers, 1 image · 1 not running"
    assert [re.split(r"  +", row) for row in rows] == [
        ["NAME", "PROJECT", "IMAGE", "STATUS", "WHAT TO DO"],
        ["db", "shop", shop.name("shop/db:1"), "recreate", f"{up} db"],
        ["web", "shop", web, "pull, then recreate", f"docker pull {web} && {up} web"],
        ["cache", "shop", shop.name("shop/cache:1"), "current"],
    ]
    assert last.startswith("1 to recreate, 1 to pull and recreate, 1 current    ")
    assert done.stderr.splitlines() == [
        f"hint: pull what is behind: `docker pull {web}`",
        f"hint: db runs an older image than its name means here: `{up} db` recreates it",
        f"hint: after the pull, `{up} web` recreates web",
    ]


def test_the_exit_code_counts_what_is_listed(machine: Machine) -> None:
    name = machine.name("team/app:1")
    machine.registry.put("team/app", NEW, "1")
    old = machine.docker.pull(name, OLD)
    machine.docker.run("fits", name, machine.docker.pull(name, NEW))
    machine.docker.run("stopped", name, old, "exited")
    assert machine.ps("--exit-code", "-q").returncode == 0
    done = machine.ps("--exit-code", "--all", "-q")
    assert (done.returncode, done.stderr) == (10, "")
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["NAME", "stopped", "fits"]
    assert machine.ps("--all").returncode == 0
    done = machine.ps("--offline")
    assert done.returncode == 3
    assert "not asked (offline); was up to date" in done.stdout
    assert machine.ps("--offline", "--exit-code", "--all").returncode == 10


def test_formats(shop: Machine) -> None:
    whole = json.loads(shop.ps("--format", "json", "--exit-code").stdout)
    assert (whole["command"], whole["result"], whole["exit_code"]) == ("ps", "success", 10)
    assert whole["data"]["summary"] == {"current": 1, "recreate": 1, "pull_and_recreate": 1}
    assert whole["data"]["requests"]["head"] == 3
    lines = [json.loads(line) for line in shop.ps("--format", "jsonl").stdout.splitlines()]
    for one in (*lines, *whole["data"]["containers"]):
        assert one.pop("checked_at")
    assert lines == whole["data"]["containers"]
    [head, *rows] = (line.split("\t") for line in shop.ps("--format", "tsv").stdout.splitlines())
    assert tuple(head) == psscreens.TSV_TITLES
    assert [dict(zip(head, row, strict=True))["command"] for row in rows] == [
        line["command"] or "" for line in lines
    ]
    markdown = shop.ps("--format", "markdown").stdout.splitlines()
    assert markdown[0] == "| NAME | PROJECT | IMAGE | STATUS | WHAT TO DO |"
    assert len(markdown) == 5


def test_what_status_holds_back_is_not_to_be_pulled(shop: Machine) -> None:
    folder = shop.home / ".config" / "regsync"
    folder.mkdir(parents=True)
    (folder / "regsync.toml").write_text('[status]\nmin_age = "3d"\n')
    done = shop.ps("--exit-code")
    web = shop.name("shop/web:1")
    rows = {row.split()[0]: re.split(r"  +", row) for row in done.stdout.splitlines() if row}
    assert rows["web"][:4] == ["web", "shop", web, "held back"]
    assert "held back until 2" in rows["web"][4]
    assert "1 held back" in done.stdout
    # To recreate what is here already is another question.
    assert rows["db"][3] == "recreate"
    assert (done.returncode, "pull" in done.stderr) == (10, False)
    lines = [json.loads(line) for line in shop.ps("--format", "jsonl").stdout.splitlines()]
    [held] = [line for line in lines if line["name"] == "web"]
    assert (held["state"], held["stale"], held["cure"]) == ("held_back", False, None)
    assert held["held_until"] > held["checked_at"]


def test_a_host_that_is_named_is_named_in_commands(shop: Machine) -> None:
    done = shop.ps("-H", shop.url, "--format", "jsonl")
    commands = [json.loads(line)["command"] for line in done.stdout.splitlines()]
    assert commands[0].startswith(f"docker -H {shop.url} compose -p shop ")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["-H", "unix:///no/such.sock"], 1, "no/such.sock"),
        (["node"], 2, "ps"),
        (["--store", "oci:images"], 2, "--store"),
    ],
)
def test_what_cannot_be_asked(machine: Machine, arguments: list[str], code: int, said: str) -> None:
    done = machine.ps(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("error: ")
    assert said in done.stderr


def test_nothing_runs(machine: Machine) -> None:
    done = machine.ps()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "docker 20.10 · classic store · 0 containers, 0 images\n"
    assert machine.ps("-q").stdout == machine.ps("--format", "jsonl").stdout == ""


def use(
    name: str, image: str, verdict: Verdict, starter: Starter = NOBODY, *, older: bool = False
) -> Use:
    return Use(UsedBy(name, name, True, older, starter), image, "sha256:1", entry(image, verdict))


SHOP = Starter("shop", "web", "/srv/shop", ("/srv/shop/compose.yaml",))
SILENT = Unreachable("cannot reach `quay.io`", "connect timed out", "check the network")
WEEK = PsReport(
    DOCKER,
    (
        use("shop-web-1", "node:latest", Verdict(Kind.OUTDATED, "moved"), SHOP),
        use("shop-db-1", "postgres:13", Verdict(Kind.UP_TO_DATE, "exact"), SHOP, older=True),
        use("goals", "goals:latest", Verdict(Kind.REBUILD, "local_only")),
        use(
            "minio",
            "quay.io/minio/minio:latest",
            unknown(SILENT, LastKnown(Kind.UP_TO_DATE, "exact", NOW)),
        ),
        use("airflow", "extending_airflow:latest", Verdict(Kind.LOCAL_ONLY, "no_registry")),
        use("cache", "redis:7", Verdict(Kind.UP_TO_DATE, "exact")),
    ),
    2,
    {"head": 4, "get": 0, "counted_pulls": 0},
)


@pytest.mark.parametrize("columns", [40, 80, None])
def test_the_screen(columns: int | None) -> None:
    rows = psscreens.table(
        psscreens.ordered(WEEK.uses), WEEK, NOW, Terminal(columns, colour=False), ""
    ).splitlines()
    assert columns is None or max(map(len, rows)) <= columns
    told = [
        ("NAME", "STATUS"),
        ("goals", "rebuild"),
        ("shop-db-1", "recreate"),
        ("shop-web-1", "pull, then recreate"),
        ("minio", "unknown"),
        ("airflow", "local only"),
        ("cache", "current"),
    ]
    for row, (name, state) in zip(rows, told, strict=True):
        assert row.startswith(name)
        assert state in row
    if columns == 80:
        assert rows[0].split() == ["NAME", "PROJECT", "IMAGE", "STATUS", "WHAT", "TO", "DO"]


def test_the_whole_command_is_told_where_the_table_has_no_room() -> None:
    hints = psscreens.hints(WEEK.uses, WEEK, "")
    assert hints == [
        "pull what is behind: `docker pull node:latest`",
        "shop-db-1 runs an older image than its name means here: "
        "`docker compose -p shop -f /srv/shop/compose.yaml up -d web` recreates it",
        "after the pull, `docker compose -p shop -f /srv/shop/compose.yaml up -d web` recreates "
        "shop-web-1",
        "quay.io: check the network",
    ]


def test_verbose_tells_every_failure_once(capsys: pytest.CaptureFixture[str]) -> None:
    ps.show(WEEK, Rows.TSV, 3, verbose=True)
    assert capsys.readouterr().err == (
        "error: cannot reach `quay.io`\n  connect timed out\nhint: check the network\n"
    )


@given(st.text(max_size=30), st.text(max_size=30))
def test_nothing_that_others_chose_reaches_the_terminal(one: str, two: str) -> None:
    container = UsedBy("c", one, True, True, Starter(project=two))
    made = Use(container, two, "sha256:1", entry("a:1", Verdict(Kind.UP_TO_DATE, "exact")))
    report = PsReport(DOCKER, (made,), 0, {})
    hidden = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    for text in (
        psscreens.table(report.uses, report, NOW, Terminal(), ""),
        psscreens.markdown(report.uses, report, NOW, ""),
        psscreens.tsv(report.uses, report, "").replace("\t", " "),
    ):
        assert not hidden & {unicodedata.category(char) for char in text.replace("\n", "")}
        assert text.count("\n") <= 2
