"""The screens and commands of `docs/how-to/see-what-changed.md`."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from machine import Machine

from mock_registry import MockRegistry, Quirks, seed

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "see-what-changed.md").read_text("utf-8")
EXAMPLE = "registry.example.com"
LABEL = "org.opencontainers.image."
needs_jq = pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")


def block(name: str) -> str:
    found = re.search(rf"<!-- tested: {name} -->\n```\w*\n(.*?)^```$", PAGE, re.M | re.S)
    assert found is not None
    return found[1]


def plain(text: str) -> str:
    """Without digests, which depend on this machine's zlib, and the sizes of what they name."""
    return re.sub(r"\d+ (k?B) to download", r"N \1 to download", re.sub(r"[0-9a-f]{12}", "D", text))


@dataclass
class Scene:
    machine: Machine
    registry: MockRegistry

    def run(self, line: str, code: int = 0) -> str:
        command = line.removeprefix("$ regsync ").replace(EXAMPLE, self.registry.host)
        done = self.machine.regsync(*command.split())
        assert done.returncode == code, done.stderr
        return done.stdout.replace(self.registry.host, EXAMPLE)


def api(version: str, revision: str, *, told: bool = True) -> seed.Image:
    labels = {
        LABEL + "version": version,
        LABEL + "revision": revision,
        LABEL + "source": "https://github.com/example/api",
    }
    config = {"Env": ["PATH=/bin", f"API_LEVEL={version[0]}"], "Cmd": ["/api"]}
    files = {"api": f"{version} " * 4000}
    return seed.image(
        layers=("base", files),
        labels=labels if told else None,
        config=config,
        created=_day(version),
    )


def _day(version: str) -> str:
    return f"2026-0{version[0]}-0{version[-1]}T10:00:00Z"


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with MockRegistry(quirks=Quirks(google_tags=True)).serve() as registry:
        found = Scene(Machine(tmp_path), registry)
        arm = seed.image("linux/arm64/v8", layers=("arm",))
        old, new = api("1.4.2", "4f2a91c"), api("2.0.1", "c03be77")
        registry.put("team/api", seed.index([old, arm]), "stable", "1.4.2")
        quiet = [api("1.0.8", "-", told=False), api("1.0.9", "-", told=False)]
        registry.put("team/web", quiet[0], "stable", "1.0.8", "1.0")
        for name in ("api", "web"):
            done = found.machine.regsync(
                *("pull", f"{registry.host}/team/{name}:stable", "--store", "oci:images", "-q")
            )
            assert done.returncode == 0, done.stderr
        registry.put("team/api", seed.index([new, arm]), "stable", "2.0.1")
        registry.put("team/web", quiet[1], "stable", "1.0.9", "1.0")
        yield found


@pytest.mark.parametrize("name", ["one", "names"])
def test_the_screens(scene: Scene, name: str) -> None:
    command, shown = block(name).split("\n", 1)
    told = scene.run(command).partition("\n\n1 outdated")[0]
    assert plain(told) + "\n" == plain(shown)


def test_what_it_costs(scene: Scene) -> None:
    name = f"{scene.registry.host}/team/api:stable"
    scene.machine.status()
    scene.registry.log.clear()
    scene.machine.status("--explain", name)
    first = scene.registry.log.counted_gets
    scene.machine.status("--explain", name)
    assert scene.registry.log.counted_gets == first <= 2


def test_offline(scene: Scene) -> None:
    scene.machine.status("--explain")
    shown = scene.run(block("offline").strip(), 3)
    assert re.search(r"^  last .*first seen \d{4}-\d\d-\d\d, not asked now", shown, re.M)


@needs_jq
def test_in_scripts(scene: Scene) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", block("script")],
        env={"PATH": path, "HOME": str(scene.machine.home)},
        cwd=scene.machine.home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    host = scene.registry.host
    assert [line.split("\t")[1:] for line in done.stdout.splitlines()] == [
        ["application", "https://github.com/example/api/compare/4f2a91c...c03be77"],
        ["application", "-"],
    ]
    assert done.stdout.startswith(f"{host}/team/api:stable\t")
    whole = json.loads(scene.run("$ regsync status --store oci:images --explain --format json"))
    assert whole["data"]["images"][0]["explain"]["cause"]["guess"] is True
