"""The page on what runs old images says what comes out, on a made-up Docker beside a registry."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from dockerd import Dockerd, compose
from pages import EXAMPLE, Shell, example, needs_jq

from mock_registry import MockRegistry, seed

PAGE = "find-what-runs-old-images"
AMD64 = "linux/amd64"
OLD, NEW = (seed.image(AMD64, layers=["base", word]) for word in ("old", "new"))


class Week:
    """The containers of the page."""

    def __init__(self, home: Path, url: str, docker: Dockerd, registry: MockRegistry) -> None:
        self._shell = Shell(home)
        self._url = url
        self.docker = docker
        self.registry = registry

    def pull(self, path: str, image: seed.Image) -> str:
        repository, _, tag = path.partition(":")
        self.registry.put(repository, image, tag)
        return self.docker.pull(f"{self.registry.host}/{path}", image)

    def start(self, title: str, path: str, service: str = "", state: str = "running") -> None:
        name = f"{self.registry.host}/{path}"
        labels = compose("shop", service, "/srv/shop", "/srv/shop/compose.yaml")
        image = self.docker.means(name)
        assert image is not None
        self.docker.run(title, name, image, state, labels if service else None)

    def run(self, script: str) -> tuple[str, str]:
        """What a script of the page prints, about the registry of the page."""
        here = script.replace(EXAMPLE, self.registry.host)
        done = self._shell.run(here, DOCKER_HOST=self._url, COLUMNS="300")
        return tuple(
            text.replace(self.registry.host, EXAMPLE) for text in (done.stdout, done.stderr)
        )  # type: ignore[return-value]


@pytest.fixture
def week(tmp_path: Path) -> Iterator[Week]:
    docker = Dockerd()
    with MockRegistry().serve() as registry, docker.serve() as url:
        made = Week(tmp_path, url, docker, registry)
        for path in ("shop/web:1", "shop/db:1", "jobs:1", "proxy:1"):
            made.pull(path, OLD)
        made.start("shop-web-1", "shop/web:1", "web")
        made.start("shop-db-1", "shop/db:1", "db")
        made.start("job", "jobs:1")
        made.start("shop-proxy-1", "proxy:1", "proxy")
        made.start("stopped", "shop/db:1", state="exited")
        made.pull("shop/db:1", NEW)
        for path in ("shop/web", "jobs"):
            registry.put(path, NEW, "1")
        yield made


def words(text: str) -> list[list[str]]:
    """Lines as words: how wide the columns are depends on the registry's name."""
    return [line.split() for line in text.splitlines()]


def test_the_screen(week: Week) -> None:
    week.run("regsync ps")
    shown, _ = week.run("regsync ps")
    told = example(PAGE, "ps").removeprefix("$ regsync ps\n")
    assert words(shown) == words(told)


@needs_jq
def test_the_commands(week: Week) -> None:
    up = "docker compose -p shop -f /srv/shop/compose.yaml up -d"
    out, _ = week.run(example(PAGE, "commands"))
    assert out.splitlines() == [
        f"{up} db",
        f"docker pull {EXAMPLE}/shop/web:1 && {up} web",
    ]
    out, _ = week.run(example(PAGE, "by-hand"))
    assert out == "pull_and_recreate job\n"


def test_the_exit_code(week: Week) -> None:
    assert week.run(example(PAGE, "gate")) == ("something runs an old image\n", "")
    week.docker.containers = [one for one in week.docker.containers if "proxy" in one["Image"]]
    assert week.run(example(PAGE, "gate"))[0] == "every container runs what its tag holds\n"


def test_those_that_do_not_run(week: Week) -> None:
    assert week.run(example(PAGE, "all"))[0] == "stopped\n"


def test_what_to_build(week: Week) -> None:
    week.pull("node:22", seed.image(AMD64, layers=["base"]))
    week.docker.hold(seed.image(AMD64, layers=["base", "goals"]), f"{week.registry.host}/goals:1")
    week.start("goals", "goals:1", "goals")
    week.registry.put("node", NEW, "22")
    script, told = example(PAGE, "rebuild").removeprefix("$ ").split("\n", 1)
    assert week.run(script)[0] == told


def test_every_way_to_start_one_is_listed() -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / f"{PAGE}.md").read_text()
    source = (Path(__file__).parents[2] / "regsync" / "stores" / "labels.py").read_text()
    for label in ("io.podman.compose", "com.docker.compose", "PODMAN_SYSTEMD_UNIT"):
        assert label in source
        assert re.search(rf"\| `{re.escape(label)}", page)
