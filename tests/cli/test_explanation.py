"""The screen of `status --explain`: reports made here, and whole runs with a real registry."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machine import Machine
from reports import NOW, entry, explanation, report

from mock_registry import Fault, MockRegistry, Quirks, seed
from regsync.cli.explanation import explained, show_explanations
from regsync.operations.explanation import Cause, Change, Explanation, Side, Told, What
from regsync.operations.report import UsedBy
from regsync.operations.verdict import Kind, Verdict

MOVED = Verdict(Kind.OUTDATED, "moved", changed="22.11.0 → 24.1.0")
NODE = replace(
    entry("node:latest", MOVED, UsedBy("c1", "web", True, False)), explanation=explanation()
)


def test_everything_that_can_be_told() -> None:
    assert explained(NODE, NOW, None).splitlines() == [
        "node:latest is outdated: the tag has moved on",
        "",
        "  yours      sha256:ae0bec9e9d33 (this platform sha256:a716d93d824c), "
        "version 22.11.0 (label), revision aaa111 (label), built 2026-01-02 (config), "
        "pushed 2026-01-02 (the tag list of hub.docker.com)",
        "  now        sha256:4c55a8552a2c (this platform sha256:0a07dcf003f7), "
        "version 24.1.0 (label), revision bbb222 (manifest annotation), "
        "reproducible build: its date, 1970-01-01, says nothing, "
        "pushed 2026-01-09 (the tag list of hub.docker.com)",
        "  changed    base image and application (the base labels of both)",
        "  base       debian:12 sha256:eda90e5b66a4 → sha256:1d377636299f",
        "  source     https://github.com/nodejs/docker-node/compare/aaa111...bbb222",
        "  config     environment NODE_VERSION: 22.11.0 → 24.1.0",
        "             user: added, node",
        "             port 8080/tcp: removed",
        "  layers     3 of 8 kept, 5 to fetch, 312 MB to download",
        "  platforms  linux/amd64 moved; linux/riscv64 added; linux/arm/v7 removed; "
        "linux/arm64/v8 stayed (both indexes)",
        "  also       24.1.0, 24 carry the new digest; 22.11.0 carries yours "
        "(the tag list of hub.docker.com)",
        "  used by    web",
    ]


@pytest.mark.parametrize("width", [40, 80])
def test_narrow_screens(width: int) -> None:
    lines = explained(NODE, NOW, width).splitlines()
    # An address that is broken cannot be followed.
    assert all(len(line) <= width or "https://" in line for line in lines)
    assert "".join(line.strip() for line in lines).count("NODE_VERSION") == 1


def test_a_guess_says_so_and_what_is_not_known_is_left_out() -> None:
    told = Explanation(
        Side(),
        Side(),
        Cause(What.APPLICATION, "layer 2 is the first that differs; no base is known", guess=True),
        changes=tuple(Change("label", f"l{number}", None, "x") for number in range(15)),
        seen_at=NOW,
        notes=("one", "two"),
    )
    lines = explained(replace(NODE, containers=(), explanation=told), NOW, None).splitlines()[2:]
    assert lines[:3] == [
        "  yours    digest unknown",
        "  last     digest unknown; first seen 2026-01-10, not asked now",
        "  changed  application only "
        "(a guess: layer 2 is the first that differs; no base is known)",
    ]
    assert lines[-3:] == [
        "           and 3 more (`--format json` has all)",
        "  note     one",
        "           two",
    ]


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (Verdict(Kind.UP_TO_DATE, "exact"), "a:1 is up to date"),
        (Verdict(Kind.GONE, "tag"), "a:1 is gone: the tag is no longer there"),
        (
            Verdict(Kind.REBUILD, "unpushed", changed="base node has moved on"),
            "a:1 is to be rebuilt: base node has moved on",
        ),
    ],
)
def test_one_line_where_there_are_no_two_images(verdict: Verdict, said: str) -> None:
    assert explained(entry("a:1", verdict), NOW, 80) == said


@given(st.text(max_size=30), st.sampled_from([40, 80, None]))
@settings(deadline=None, max_examples=60)
def test_a_hostile_registry_moves_no_cursor(text: str, width: int | None) -> None:
    told = Explanation(
        Side(version=Told(text, "label"), created=text, tags=(text,)),
        Side(revision=Told(text, text)),
        changes=(Change("label", text, text, None), Change("environment", text, None, text)),
        names_source=text,
        notes=(text,),
    )
    shown = explained(replace(NODE, explanation=told), NOW, width)
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cf") and c != "\n"]


def test_without_names_only_what_is_stale(capsys: pytest.CaptureFixture[str]) -> None:
    fresh = entry("a:1", Verdict(Kind.UP_TO_DATE, "exact"))
    show_explanations(report(fresh, NODE), every=False, quiet=True, engine="")
    assert "a:1" not in capsys.readouterr().out
    show_explanations(report(fresh), every=False, quiet=False, engine="")
    assert capsys.readouterr().out.startswith("nothing is stale\n\n1 up to date")
    show_explanations(report(fresh), every=False, quiet=True, engine="")
    assert capsys.readouterr().out == ""


def versioned(version: str, *, tell: bool = True) -> seed.Image:
    labels = {"org.opencontainers.image.version": version} if tell else {}
    config = {"Env": ["PATH=/bin", f"APP={version}"]}
    return seed.image(layers=("base", version), labels=labels, config=config)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_whole_run(machine: Machine, mock_registry: MockRegistry) -> None:
    name = f"{mock_registry.host}/team/app:1"
    arm = seed.image("linux/arm64/v8", layers=("arm",))
    mock_registry.put("team/app", seed.index([versioned("1.0"), arm]), "1")
    machine.pull(name)
    mock_registry.put("team/app", seed.index([versioned("1.1"), arm]), "1")
    shown = machine.status("--explain", name)
    assert shown.returncode == 0, shown.stderr
    text = shown.stdout
    assert text.startswith(f"{name} is outdated: the tag has moved on\n")
    assert "version 1.0 (label)" in text
    assert "environment APP: 1.0 → 1.1" in text
    assert "linux/amd64 moved; linux/arm64/v8 stayed" in text
    assert "application only (a guess: layer 2 is the first that differs" in text
    # From the cache: nothing that was read is asked for again, and offline all is there.
    mock_registry.log.clear()
    again = machine.status("--explain", name)
    assert again.stdout.partition("\n\n")[0] == text.partition("\n\n")[0]
    assert mock_registry.log.manifest_gets == 0
    away = json.loads(machine.status("--explain", "--offline", "--format", "json", name).stdout)
    [image] = away["data"]["images"]
    assert image["verdict"] == "unknown"
    assert image["explain"]["seen_at"]
    assert image["explain"]["theirs"]["version"] == {"value": "1.1", "source": "label"}


def test_names_from_a_tag_map(machine: Machine) -> None:
    with MockRegistry(quirks=Quirks(google_tags=True)).serve() as registry:
        name = f"{registry.host}/team/app:latest"
        registry.put("team/app", versioned("1.0", tell=False), "latest", "1.0", "old")
        machine.pull(name)
        registry.put("team/app", versioned("1.1", tell=False), "latest", "1.1", "1")
        plain = json.loads(machine.status("--names", "--format", "json").stdout)["data"]["images"]
        assert (plain[0]["changed"], plain[0]["explain"]) == ("1.0 → 1.1", None)
        shown = machine.status("--explain", "--names").stdout
        source = f"(the tag list of {registry.host})"
        assert f"1.1, 1 carry the new digest; old, 1.0 carry yours {source}" in " ".join(
            shown.split()
        )
        registry.faults.add(Fault("/tags/list", status=500, times=None))
        done = machine.status("--explain", "--names")
        assert done.returncode == 0
        assert "other tags are not known: cannot list the tags" in " ".join(done.stdout.split())


def test_names_from_docker_hub(machine: Machine) -> None:
    with MockRegistry(hub=100).serve() as registry:
        registry.put("node", versioned("22.11.0", tell=False), "22.11.0", "22", "latest")
        config = machine.home / "regsync.toml"
        lines = [f'endpoint = "{registry.url}"', f'hub_api = "{registry.url}"']
        config.write_text("\n".join(['[registry."docker.io"]', *lines]))
        pulled = machine.regsync(
            *("pull", "node", "--store", machine.store, "-q", "--config", str(config))
        )
        assert pulled.returncode == 0, pulled.stderr
        registry.put("node", versioned("24.1.0", tell=False), "24.1.0", "24", "latest")
        registry.log.clear()
        options = ("--names", "--explain", "--format", "json", "--config", str(config))
        data = json.loads(machine.status(*options).stdout)["data"]
        [image] = data["images"]
        assert image["changed"] == "22.11.0 → 24.1.0"
        assert image["explain"]["theirs"]["tags"] == ["24", "24.1.0", "latest"]
        assert image["explain"]["theirs"]["pushed_at"] == "2026-01-01T00:00:00Z"
        assert registry.log.count(kind="hubtags") == 1
        assert {limit["registry"] for limit in data["rate_limits"]} == {"docker.io", "127.0.0.1"}
        # It is no registry: nobody is logged in there.
        [asked] = registry.log.find(kind="hubtags")
        assert asked.scheme is None
        offline = machine.status(*options, "--offline")
        assert "tag lists were not asked" in offline.stdout
