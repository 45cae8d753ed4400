"""The line that a monitor reads, and the exit code that it goes by, failures included."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hostile import hostile
from reports import NOW, entry, report, week

from mock_registry import MockRegistry
from mock_registry.seed import image
from regsync.cli import screens
from regsync.cli.formats.nagios import State, answer, state
from regsync.operations.report import Entry, StatusReport, UsedBy
from regsync.operations.verdict import Cause, Kind, Verdict

NUMBER = re.compile(r"('[^'=]+'|[a-z_]+)=[0-9]+;;;0(;[0-9]+)?")
FINE = entry("fine", Verdict(Kind.UP_TO_DATE, "exact"))
STALE = entry("stale", Verdict(Kind.OUTDATED, "moved"))
GONE = entry("gone", Verdict(Kind.GONE, "tag"))
UNKNOWN = entry("unknown", Verdict(Kind.UNKNOWN, cause=Cause.OFFLINE))
MISSING = entry("missing", Verdict(Kind.NOT_LOCAL), here=False)
OLD = entry("old", Verdict(Kind.UP_TO_DATE), UsedBy("c", "web", True, True))


def lines(found: StatusReport) -> list[str]:
    return answer(found, screens.ordered(found.entries), NOW).split("\n")


def test_one_line_and_details() -> None:
    first, *details = lines(week())
    told, _, numbers = first.partition(" | ")
    assert told == (
        "REGSYNC WARNING - 1 outdated, 1 to rebuild, 1 unknown, 1 up to date, 2 local only"
    )
    assert "outdated=1;;;0" in numbers.split(" ")
    assert "gone=0;;;0" in numbers.split(" ")
    assert "stale_containers=1;;;0" in numbers.split(" ")
    assert numbers.endswith("'pulls_left docker.io'=97;;;0;100")
    assert details == [
        "goals:latest: rebuild, base node has moved on",
        "node:latest: outdated, 22.11.0 → 24.1.0, 312 MB to download, "
        "used by web, worker (older image)",
        "quay.io/minio/minio:latest: unknown, quay.io does not answer (connect timed out); "
        "was up to date 2 h ago",
    ]


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([], State.OK),
        ([FINE], State.OK),
        ([FINE, STALE], State.WARNING),
        ([OLD], State.WARNING),
        ([FINE, UNKNOWN], State.UNKNOWN),
        ([MISSING], State.UNKNOWN),
        ([STALE, UNKNOWN], State.WARNING),
        ([STALE, GONE, UNKNOWN], State.CRITICAL),
    ],
)
def test_states(entries: list[Entry], expected: State) -> None:
    assert state(report(*entries)) is expected
    assert lines(report(*entries))[0].startswith(f"REGSYNC {expected.name} - ")


def test_only_the_first_line_has_numbers() -> None:
    first, *details = lines(hostile())
    _, _, numbers = first.partition(" | ")
    assert re.sub(NUMBER, "", numbers).strip() == ""
    assert len(details) == len(hostile().entries)
    assert not any("|" in line for line in details)


def regsync(home: Path, *arguments: str, stdout: int = subprocess.PIPE) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "regsync", *arguments, "--format", "nagios"],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(home)},
    )
    return done.returncode, done.stdout or "", done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["status", "-H", "unix:///no/such.sock"], "/no/such.sock"),
        (["status", "--no-such"], "there is no option `--no-such` of `status`"),
        (["status", "--platform", "a/b/c/d"], "is not a platform"),
        (["statsu"], "there is no command `statsu`"),
        (["digest", "node"], "invalid value for `--format`"),
    ],
)
def test_a_failure_is_an_answer_too(tmp_path: Path, arguments: list[str], said: str) -> None:
    code, out, errors = regsync(tmp_path, *arguments)
    assert code == 3
    assert out.startswith("REGSYNC UNKNOWN - ")
    assert out.count("\n") == 1
    assert said in out
    assert errors.startswith("error: ")


def test_the_whole_way(tmp_path: Path) -> None:
    store = f"oci:{tmp_path / 'images'}"
    with MockRegistry().serve() as registry:
        registry.put("team/app", image(layers=("one",)), "1")
        name = f"{registry.host}/team/app:1"
        pull = [sys.executable, "-m", "regsync", "pull", name, "--store", store, "-q"]
        env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        assert subprocess.run(pull, env=env, capture_output=True, check=False).returncode == 0
        code, out, errors = regsync(tmp_path, "status", "--store", store)
        assert (code, errors) == (0, "")
        assert out.startswith("REGSYNC OK - 1 up to date | up_to_date=1;;;0 ")

        registry.put("team/app", image(layers=("two",)), "1")
        # The convention's codes hold beside `--exit-code` too.
        code, out, _ = regsync(tmp_path, "status", "--store", store, "--exit-code")
        assert code == 1
        assert out.splitlines()[1].startswith(f"{name}: outdated, ")

    code, out, _ = regsync(tmp_path, "status", "--store", store)
    assert code == 3
    assert "does not answer" in out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk(tmp_path: Path) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    code, _, errors = regsync(tmp_path, "status", "--no-such", stdout=full)
    os.close(full)
    assert (code, errors.splitlines()[0]) == (
        3,
        "error: there is no option `--no-such` of `status`",
    )
