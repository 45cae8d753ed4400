"""`--ignore`: neither asked, nor listed, nor counted among the rest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from desk import Desk, at, said

from mock_registry import MockRegistry, seed
from regsync.oci.glob import Glob
from regsync.oci.reference import Reference
from regsync.operations.ignore import mute, repository_of
from regsync.operations.rows import Row

BASE = seed.image("linux/amd64", layers=["base"])
GOALS = seed.image("linux/amd64", layers=["base", "goals"])


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def registry() -> Iterator[MockRegistry]:
    with MockRegistry().serve() as running:
        yield running


def rows(*names: str | None) -> list[Row]:
    return [
        Row(Reference.parse(name), name, None)
        if name is not None and not name.startswith("localhost/")
        else Row(None, name, None)
        for name in names
    ]


def test_what_is_left() -> None:
    planned = rows("node:22", "team/app:1", "team/web:2", "localhost/mine:1", None)
    globs = [Glob.parse(text) for text in ("team/*", "localhost/mine", "nothing*", "team/web")]
    muted = mute(planned, globs)
    assert [row.name for row in muted.rows] == ["node:22", None]
    assert muted.count == 3
    assert muted.idle == ("nothing*",)


def test_nothing_to_ignore() -> None:
    planned = rows("node:22", None)
    assert mute(planned, []).rows == tuple(planned)


def test_it_is_not_asked(desk: Desk, registry: MockRegistry) -> None:
    one, two = at(registry, "team/one:1"), at(registry, "team/two:1")
    desk.build({one: BASE, two: GOALS})
    report = desk.status(ignore=[f"{registry.host}/team/one"])
    assert list(said(report)) == [two]
    assert report.ignored == 1
    assert sum(report.summary.values()) == 1
    assert not [record for record in registry.log if record.repository == "team/one"]


def test_a_base_that_is_ignored_is_not_asked_either(desk: Desk, registry: MockRegistry) -> None:
    base, goals = at(registry, "base:1"), at(registry, "goals:1")
    registry.put("base", BASE, "1")
    desk.pull(base)
    desk.build({goals: GOALS})
    registry.put("base", seed.image("linux/amd64", layers=["new base"]), "1")
    assert said(desk.status())[goals] == "rebuild/unpushed"
    registry.log.clear()
    report = desk.status(ignore=[base])
    assert said(report) == {goals: "unpushed/new_repository"}
    assert not [record for record in registry.log if record.repository == "base"]


@pytest.mark.parametrize(
    ("written", "repository"),
    [
        (
            "registry.example.com/team/nothere:${VERSION:?say/which}",
            "registry.example.com/team/nothere",
        ),
        ("localhost:5000/team/app:$TAG", "localhost:5000/team/app"),
        ("team/app@${DIGEST}", "docker.io/team/app"),
        ("team/app:1.2-{{ .Values.suffix }}", "docker.io/team/app"),
        ("nginx:${TAG}", "docker.io/library/nginx"),
        ('"team/quoted:${TAG}"', "docker.io/team/quoted"),
        ("example/no-tag", "docker.io/example/no-tag"),
        ("team/app${SUFFIX}", None),
        ("team/app${SUFFIX}:1", None),
        ("${REGISTRY}/team/app:1", None),
        ("localhost:${PORT}/team/app:1", None),
        ("localhost:$PORT/team/app:1", None),
        ("{{ .Values.image }}", None),
        ("$(params.image)", None),
        ("https://example.com/team/app.git#main", None),
    ],
)
def test_the_literal_part_of_an_unresolved_name(written: str, repository: str | None) -> None:
    found = repository_of(written)
    assert (str(found) if found is not None else None) == repository
