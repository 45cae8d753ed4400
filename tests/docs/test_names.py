"""The examples of the page on what a repository names are run, and come out as it says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from mock_registry import MockRegistry, seed

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "check-what-a-repository-names.md"
EXAMPLE = "registry.example.com"
"""The registry of the page; a real one on this machine stands in for it."""

needs_jq = pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")


def example(name: str) -> str:
    """The block after `<!-- tested: NAME -->`."""
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(rf"<!-- tested: {name} -->\n```\w+\n(.*?)^```$", text, re.M | re.S)
    assert found is not None
    return found[1]


@dataclass
class Checkout:
    home: Path
    registry: MockRegistry

    def write(self, name: str, text: str) -> None:
        (self.home / name).write_text(text.replace(EXAMPLE, self.registry.host))

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["sh", "-c", script],
            env={"PATH": f"{self.home}{os.pathsep}{path}", "HOME": str(self.home)},
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
        )
        told = [text.replace(self.registry.host, EXAMPLE) for text in (done.stdout, done.stderr)]
        return subprocess.CompletedProcess(done.args, done.returncode, *told)


@pytest.fixture
def checkout(tmp_path: Path, mock_registry: MockRegistry) -> Checkout:
    for tag in ("1.27.3", "1.27.4", "1.28.0", "2.0.0"):
        mock_registry.put("team/web", seed.image(layers=(tag,)), tag)
    mock_registry.put("team/cache", seed.image(), "7")
    base = mock_registry.put("team/base", seed.image(layers=("base",)), "1")
    found = Checkout(tmp_path, mock_registry)
    found.write(
        "compose.yaml",
        f"services:\n  web:\n    image: {EXAMPLE}/team/web:1.27.3\n"
        f"  cache:\n    image: {EXAMPLE}/team/cache:6\n",
    )
    found.write("Dockerfile", f"FROM {EXAMPLE}/team/base@{base} AS build\nFROM build\n")
    return found


def cells(screen: str) -> list[list[str]]:
    """A screen without its spacing, which depends on the length of the registry's name."""
    lines = [re.sub(r"sha256:[0-9a-f]+", "DIGEST", line) for line in screen.splitlines()]
    return [re.split(r"  +", line) for line in lines if line]


def test_the_screen(checkout: Checkout) -> None:
    done = checkout.run(example("look"))
    assert done.returncode == 0
    *rows, _summary = cells(done.stdout)
    assert rows == cells(example("screen"))


def test_the_gate(checkout: Checkout) -> None:
    done = checkout.run(example("gate"))
    assert done.stdout.splitlines()[-1] == "something is gone, or behind its tag"
    checkout.registry.put("team/cache", seed.image(), "6")
    assert checkout.run(example("gate")).stdout == "everything that is named is there\n"
    checkout.write("Dockerfile", "FROM $BASE\n")
    assert "not everything could be told" in checkout.run(example("gate")).stdout
    (checkout.home / "Dockerfile").unlink()
    (checkout.home / "compose.yaml").unlink()
    assert "the check itself failed" in checkout.run(example("gate")).stdout


@needs_jq
def test_patches_alone(checkout: Checkout) -> None:
    assert checkout.run(example("patch")).stdout == "compose.yaml:3 1.27.4\n"


@needs_jq
def test_what_is_not_pinned(checkout: Checkout) -> None:
    assert checkout.run(example("unpinned")).stdout.splitlines() == [
        f"compose.yaml:3 {EXAMPLE}/team/web:1.27.3",
        f"compose.yaml:5 {EXAMPLE}/team/cache:6",
    ]


def test_what_cannot_be_told(checkout: Checkout) -> None:
    checkout.write("compose.yaml", f"services:\n  web:\n    image: {EXAMPLE}/team/web:${{TAG}}\n")
    done = checkout.run("regsync status --from compose.yaml")
    assert (done.returncode, done.stderr) == (3, example("unresolved"))


def test_a_value_from_the_environment(checkout: Checkout) -> None:
    checkout.write("compose.yaml", f"services:\n  web:\n    image: {EXAMPLE}/team/web:${{TAG}}\n")
    done = checkout.run(example("env"))
    assert (done.returncode, "1.27.3" in done.stdout) == (0, True)


def test_what_another_program_renders(checkout: Checkout) -> None:
    """Helm itself is played by a script: what it prints is what matters."""
    pod = "apiVersion: v1\nkind: Pod\nspec: {containers: [{name: a, image: '%s/team/web:1.27.3'}]}"
    checkout.write("helm", f'#!/bin/sh\ncat <<"EOF"\n{pod % EXAMPLE}\nEOF\n')
    (checkout.home / "helm").chmod(0o755)
    done = checkout.run(example("stdin"))
    assert done.returncode == 0
    assert "(standard input):3 a" in done.stdout


def test_what_a_custom_kind_may_name(checkout: Checkout) -> None:
    checkout.write(
        "manager.yaml", "apiVersion: a.example/v1\nkind: A\nspec:\n  image: team/manager\n"
    )
    done = checkout.run("regsync status --from manager.yaml")
    assert (done.returncode, done.stderr) == (0, example("custom"))
