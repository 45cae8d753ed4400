"""`regsync ps` on real engines, with containers that really run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import engines
import pytest
from distribution import Distribution, distribution
from dockerd import compose
from workbench import Workbench

pytestmark = [
    pytest.mark.real,
    pytest.mark.parametrize("bench", engines.parameters(), indirect=True, scope="module"),
]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Distribution]:
    with distribution(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture(scope="module")
def bench(request: pytest.FixtureRequest, registry: Distribution) -> Iterator[Workbench]:
    with Workbench(request.param, registry) as found:
        found.reach()
        try:
            yield found
        finally:
            found.clean_up()


@dataclass
class Ps:
    """`regsync ps` as a user runs it."""

    folder: Path
    bench: Workbench

    def __call__(self, container: str, *arguments: str) -> dict[str, Any] | None:
        """Run it; gives what it says of one container, None where that is not listed."""
        done = subprocess.run(
            [
                *(sys.executable, "-m", "regsync", "ps", "--format", "json"),
                *("-H", f"unix://{self.bench.socket}", *arguments),
            ],
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder)},
            capture_output=True,
            text=True,
            timeout=120,
        )
        # Others' containers may be there too.
        assert done.returncode in (0, 3, 10), done.stdout + done.stderr
        found = json.loads(done.stdout)["data"]["containers"]
        return next((one for one in found if one["id"] == container), None)

    def state(self, container: str, *arguments: str) -> str | None:
        told = self(container, *arguments)
        return told["state"] if told is not None else None


@pytest.fixture
def ps(bench: Workbench, tmp_path: Path) -> Ps:
    return Ps(tmp_path, bench)


def test_from_the_pull_to_the_cure(bench: Workbench, ps: Ps) -> None:
    """A container that was created and not started is as far as every engine gets."""
    path = bench.path("cure")
    bench.registry.put(path, bench.image("first"), "1")
    name = bench.name(path, "1")
    bench.pull(name)
    bench.id_of(name)
    labels = compose("shop", "web", "/srv/shop", "/srv/shop/compose.yaml")
    container = bench.create("web", name, labels)
    assert ps(container) is None
    assert ps.state(container, "--all") == "current"

    bench.registry.put(path, bench.image("second"), "1")
    told = ps(container, "--all")
    assert told is not None
    assert (told["state"], told["older_image"]) == ("pull_and_recreate", False)
    tool = "podman --url" if bench.is_podman else "docker -H"
    engine = f"{tool} unix://{bench.socket}"
    up = f"{engine} compose -p shop -f /srv/shop/compose.yaml up -d web"
    assert told["command"] == f"{engine} pull {name} && {up}"

    bench.pull(name)
    bench.id_of(name)
    told = ps(container, "--all")
    assert told is not None
    assert (told["state"], told["older_image"], told["command"]) == ("recreate", True, up)
    assert told["reference"] == name

    anew = bench.create("anew", name)
    assert ps.state(anew, "--all") == "current"


def test_by_id_and_by_a_name_that_is_gone(bench: Workbench, ps: Ps) -> None:
    name = bench.name(bench.path("mine"), "1")
    image = bench.build_runnable(name, "mine")
    by_name, by_id = bench.create("by-name", name), bench.create("by-id", image)
    assert {ps.state(one, "--all") for one in (by_name, by_id)} == {"unpushed"}
    other = bench.name(bench.path("mine"), "2")
    bench.tag(name, other)
    bench.delete(f"/images/{name}", params={"force": "1"})
    assert ps.state(by_name, "--all") == "not_local"
    # Podman gives a container the name that its image has, Docker the ID that was typed.
    assert ps.state(by_id, "--all") == ("not_local" if bench.is_podman else "unpushed")


def test_a_container_that_runs(bench: Workbench, ps: Ps) -> None:
    name = bench.name(bench.path("running"), "1")
    bench.build_runnable(name, "before")
    bench.push(name)
    container = bench.create("running", name)
    bench.start(container)
    told = ps(container)
    assert told is not None
    assert (told["state"], told["running"]) == ("current", True)
    answer = bench.post(f"/containers/{container}/pause")
    if answer.status_code == 204:
        assert ps.state(container) == "current"
        bench.post(f"/containers/{container}/unpause")

    bench.build_runnable(name, "since")
    told = ps(container, "--exit-code")
    assert told is not None
    assert (told["state"], told["stale"], told["verdict"]) == ("recreate", True, "ahead")

    bench.post(f"/containers/{container}/kill")
    bench.post(f"/containers/{container}/wait")
    assert ps(container) is None
    assert ps.state(container, "--all") == "recreate"


def test_a_base_that_moves_below_a_container(bench: Workbench, ps: Ps) -> None:
    path = bench.path("base")
    held = bench.registry.put(path, bench.image("base"), "1")
    name = bench.name(bench.path("built"), "1")
    labels = {
        "org.opencontainers.image.base.name": f"{bench.registry.host}/{path}:1",
        "org.opencontainers.image.base.digest": str(held),
    }
    bench.build_runnable(name, "on a base", labels)
    container = bench.create("built", name)
    assert ps.state(container, "--all") == "unpushed"
    bench.registry.put(path, bench.image("base moved"), "1")
    assert ps.state(container, "--all") == "rebuild"
