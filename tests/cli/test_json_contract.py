"""The JSON contract: keys, their order and their types, as the reference page promises them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from reports import NOW, entry, explanation, report, week
from troubled import at, registry
from wire import serve

from regsync.cli import status
from regsync.cli.envelope import Failure, envelope
from regsync.cli.psdata import ps_data, ps_failures
from regsync.cli.statusdata import status_data, status_failures
from regsync.errors import NotFound, RateLimited
from regsync.files.found import Place
from regsync.oci.digest import Digest
from regsync.oci.reference import Reference
from regsync.operations.ps import PsReport, Use
from regsync.operations.report import InFiles, MovedBase, News, StatusReport, UsedBy
from regsync.operations.tagshape import Newer
from regsync.operations.verdict import Cause, Kind, Verdict
from regsync.stores.base import Starter

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "json.md"
ROW = re.compile(r"^\| `([^`]+)` \| ([a-z ]+) \| ", re.MULTILINE)
TYPES = {
    bool: "boolean",
    int: "integer",
    str: "string",
    list: "array",
    dict: "object",
    type(None): "null",
}

# Written down here as well as on the page: whoever changes both has changed a promise.
IMAGE = [
    "reference",
    "name",
    "id",
    "platform",
    "verdict",
    "reason",
    "stale",
    "cause",
    "held_until",
    "last_known",
    "local_digest",
    "remote_digest",
    "download_bytes",
    "layers",
    "containers",
    "checked_at",
    "changed",
    "notes",
    "files",
    "pinned",
    "behind",
    "newer",
    "base",
    "explain",
]
CONTAINER = ["id", "name", "running", "stale", "project", "service", "cure"]
PS = [
    *("id", "name", "running", "project", "service", "unit", "image", "image_id", "reference"),
    *("state", "stale", "older_image", "cure", "command", "verdict", "reason", "cause"),
    *("last_known", "held_until", "checked_at"),
]
ENVELOPE = ["version", "command", "result", "exit_code", "data", "errors"]
DATA = [
    *("engine", "images", "summary", "requests", "rate_limits"),
    *("ignored", "not_understood", "unchanged", "vanished"),
]
ERROR = ["code", "message", "hint", "reference", "retry_at"]


def documented(*commands: str) -> dict[str, set[str]]:
    """The page's keys and types: the envelope's, and those of the given commands."""
    head, *sections = PAGE.read_text(encoding="utf-8").split("\n## ")
    kept = [
        text
        for text in sections
        if text.startswith(("The envelope", *(f"`{c}`" for c in commands)))
    ]
    return {
        path: set(types.split(" or "))
        for text in (head, *kept)
        for path, types in ROW.findall(text)
    }


def found(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Every key of a document by its path, with the type of its value."""
    if isinstance(value, dict) and path != "data.summary":
        for key, inner in value.items():
            where = f"{path}.{key}" if path else key
            yield where, TYPES[type(inner)]
            yield from found(inner, where)
    elif isinstance(value, list):
        for inner in value:
            yield from found(inner, f"{path}[]")


def check(text: str, *commands: str) -> set[str]:
    """Hold a document against the page; returns the paths that it has."""
    promised = documented(*commands)
    seen = set()
    for path, kind in found(json.loads(text)):
        assert kind in promised.get(path, set()), (path, kind)
        seen.add(path)
    return seen


def full() -> StatusReport:
    """A report in which every key has a value somewhere."""
    made = week()
    held = replace(
        entry("held:1", Verdict(Kind.OUTDATED, "moved")),
        held_until=datetime(2026, 2, 1, tzinfo=UTC),
        explanation=replace(explanation(), seen_at=NOW, notes=("a note",)),
    )
    limited = Verdict(
        Kind.UNKNOWN,
        cause=Cause.RATE_LIMITED,
        error=RateLimited("cannot read `a`", "429", "wait", retry_at=NOW),
    )
    place = Place("compose.yaml", 4, "web", "named:1")
    named = replace(
        entry("named:1", Verdict(Kind.NOT_LOCAL, remote_digest=Digest.of(b"x")), here=False),
        in_files=InFiles((place,), newer=Newer("1.1", "1.2", "2.0")),
    )
    base = MovedBase(
        Reference.parse("node"),
        Digest.of(b"then"),
        Digest.of(b"now"),
        "labels",
        moved_at=NOW,
        dated_by="created",
        folder="/srv/shop",
        url="https://git.example.com/goals",
        others=(Reference.parse("node:22"),),
    )
    goals = replace(entry("goals:1", Verdict(Kind.REBUILD, "ahead")), base=base)
    web = UsedBy("c1", "web", True, True, Starter("shop", "web", unit="web.service"))
    recreated = entry("web:1", Verdict(Kind.UP_TO_DATE, "exact"), web)
    entries = (*made.entries, held, goals, recreated, entry("limited:1", limited), named)
    limits = tuple(replace(limit, resets_at=NOW) for limit in made.rate_limits)
    news = News(entries, 1, ("docker.io/library/gone:1",), {})
    return replace(made, entries=entries, rate_limits=limits, news=news, passed=(place,))


def full_ps() -> PsReport:
    """The same of `ps`."""
    whole = full()
    web = UsedBy("c1", "web", True, True, Starter("shop", "web", unit="web.service"))
    uses = tuple(
        Use(web if entry.name else UsedBy("c2", "job", False, False), "x", entry.id or "", entry)
        for entry in whole.entries
    )
    return PsReport(whole.store, uses, 0, whole.requests, whole.rate_limits)


def told(made: StatusReport, code: int) -> str:
    return envelope("status", code, status_data(made, made.entries), status_failures(made.entries))


def test_every_key_is_documented_and_every_documented_key_is_there() -> None:
    assert check(told(full(), 3), "status") == set(documented("status"))


def test_every_key_of_ps_too() -> None:
    made = full_ps()
    text = envelope("ps", 3, ps_data(made, made.uses, ""), ps_failures(made))
    assert check(text, "ps") == set(documented("ps"))
    told = json.loads(text)
    assert list(told["data"]) == ["engine", "containers", *DATA[2:5]]
    assert [list(one) for one in told["data"]["containers"]] == [PS] * len(made.uses)
    assert [error["code"] for error in told["errors"]] == ["unreachable", "rate_limited"]


def test_the_keys_and_their_order() -> None:
    whole = json.loads(told(full(), 3))
    assert list(whole) == ENVELOPE
    assert list(whole["data"]) == DATA
    assert [list(image) for image in whole["data"]["images"]] == [IMAGE] * 11
    containers = [one for image in whole["data"]["images"] for one in image["containers"]]
    assert [list(one) for one in containers] == [CONTAINER] * 3
    assert [list(error) for error in whole["errors"]] == [ERROR] * 2
    assert whole["errors"][1]["retry_at"] == "2026-01-10T12:00:00Z"


def test_an_untagged_image_has_neither_reference_nor_name() -> None:
    images = json.loads(told(week(), 3))["data"]["images"]
    untagged = [image for image in images if image["reason"] == "untagged"]
    assert [(image["reference"], image["name"]) for image in untagged] == [(None, None)]


@pytest.mark.parametrize(("command", "name"), [("digest", "a/b:1"), ("tags", "a/b")])
def test_other_commands(command: str, name: str) -> None:
    headers = {
        "Content-Type": "application/vnd.oci.image.manifest.v1+json",
        "Docker-Content-Digest": str(Digest.of(b"x")),
    }
    with serve(lambda seen: (200, headers, b'{"tags":["10","9"]}')) as wire:
        line = [command, f"{wire.host}/{name}", "--format", "json"]
        done = subprocess.run(
            [sys.executable, "-m", "regsync", *line], capture_output=True, text=True, check=True
        )
    data = {path for path in documented(command) if path.startswith("data.")}
    assert data <= check(done.stdout, command)


def test_doctor() -> None:
    with at(registry((404, {}, b""))) as scene:
        line = ["doctor", scene.subject, "--format", "json"]
        done = subprocess.run(
            [sys.executable, "-m", "regsync", *line], capture_output=True, text=True, check=False
        )
    data = {path for path in documented("doctor") if path.startswith("data.")}
    assert data == {path for path in check(done.stdout, "doctor") if path.startswith("data.")}


@pytest.mark.parametrize("line", [["auth", "status"], ["auth", "explain", "r.example"]])
def test_logins(line: list[str], tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"auths": {"r.example": {"auth": "dTpw"}}}')
    done = subprocess.run(
        [sys.executable, "-m", "regsync", *line, "--format", "json"],
        env={"DOCKER_CONFIG": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    command = " ".join(line[:2])
    data = {path for path in documented(command) if path.startswith("data.")}
    assert data <= check(done.stdout, command)


def test_a_line_without_a_command() -> None:
    check(envelope("", 2, failures=[Failure.of(NotFound("no"))]))


def test_results() -> None:
    failure = Failure("unreachable", "no")

    def result(code: int, *failures: Failure) -> str:
        said: str = json.loads(envelope("status", code, {}, failures))["result"]
        return said

    assert result(0) == result(10) == "success"
    assert result(3, failure) == result(10, failure) == result(3) == "partial"
    assert [result(code, failure) for code in (1, 2, 4, 5, 6, 7, 8, 9)] == ["error"] * 8


def test_what_is_undecided_or_missing_is_an_error() -> None:
    made = report(
        entry("a:1", Verdict(Kind.UNKNOWN, cause=Cause.OFFLINE)),
        entry("b:1", Verdict(Kind.NOT_LOCAL, notes=("not at the registry either",)), here=False),
        entry("c:1", Verdict(Kind.OUTDATED, "moved")),
    )
    assert [(one.code, one.reference) for one in status_failures(made.entries)] == [
        ("offline", "docker.io/library/a:1"),
        ("not_found", "docker.io/library/b:1"),
    ]
    assert status.exit_code_of(made, ask_stale=False, named=True) == 3


def test_the_page_shows_what_is_printed() -> None:
    page = PAGE.read_text(encoding="utf-8")
    example = re.search(r"```console\n\$ regsync ([^\n]*) 2>/dev/null\n(.*?)```", page, re.DOTALL)
    assert example is not None
    command = [sys.executable, "-m", "regsync", *example[1].split()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == example[2]
