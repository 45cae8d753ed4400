"""Every recorded engine in every recorded state, through the docker SDK."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from engine import ENGINES, recording, replay, states

from regsync.oci.digest import Digest
from regsync.stores.base import LocalImage, Snapshot
from regsync.stores.endpoint import Endpoint
from regsync.stores.engine import EngineStore

WRITTEN = Path(__file__).parent / "snapshots.txt"
CASES = [(engine, state) for engine in ENGINES for state in states(engine)]


def read(engine: str, state: str) -> Snapshot:
    with replay(engine, state) as url:
        return asyncio.run(EngineStore(Endpoint.parse(url)).snapshot())


def expected() -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    case = ("", "")
    for line in WRITTEN.read_text().splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if line.startswith("  "):
            found[case].append(line.strip())
        else:
            engine, _, state = line.partition(" ")
            case = (engine, state)
            found[case] = []
    return found


def short(digest: Digest | None) -> str:
    return digest.encoded[:6] if digest else "-"


def describe(image: LocalImage, engine: str) -> list[str]:
    def name(text: str) -> str:
        base, at, digest = text.partition("@")
        return base.removeprefix(f"127.0.0.1:5001/fx-{engine}/") + (
            f"@{digest.removeprefix('sha256:')[:6]}" if at else ""
        )

    def names(values: object) -> str:
        return " ".join(name(str(value)) for value in values)  # type: ignore[attr-defined]

    parts = {
        "names": names(image.names),
        "local": names(image.local_names),
        "digests": " ".join(sorted(short(digest) for digest in image.digests)),
        "children": " ".join(f"{short(c.digest)}={c.platform}" for c in image.children),
        "config": short(image.config_digest) if image.config_digest else "",
        "origins": names(image.origins),
        "claims": names(image.claims),
    }
    told = "; ".join(f"{key} {value}" for key, value in parts.items() if value)
    layers = len(image.config.diff_ids) if image.config else "no"
    memory = "; remembers" if image.remembers else ""
    head = f"{image.id.removeprefix('sha256:')[:6]} {image.platform} {layers} layers"
    return [f"{head}; {told}{memory}"]


@pytest.mark.parametrize(("engine", "state"), CASES)
def test_each_state_is_understood_as_written_down(engine: str, state: str) -> None:
    found = [line for image in read(engine, state).images for line in describe(image, engine)]
    assert found == expected()[engine, state]


def test_nothing_is_written_down_that_was_not_recorded() -> None:
    assert sorted(expected()) == sorted(CASES)


@pytest.mark.parametrize(
    ("engine", "name", "version", "kind"),
    [
        ("d20", "docker", "20.10.24", "classic"),
        ("d26c", "docker", "26.1.5", "classic"),
        ("d26s", "docker", "26.1.5", "containerd"),
        ("d28c", "docker", "28.5.2", "classic"),
        ("d28s", "docker", "28.5.2", "containerd"),
        ("p43", "podman", "4.3.1", "containers-storage"),
        ("p54", "podman", "5.4.2", "containers-storage"),
        ("p58", "podman", "5.8.6", "containers-storage"),
    ],
)
def test_the_store_is_told_apart(engine: str, name: str, version: str, kind: str) -> None:
    info = read(engine, "built").info
    assert (info.name, info.version, info.kind) == (name, version, kind)
    assert info.address.startswith("unix:///")


def test_the_key_of_docker_is_its_own_and_that_of_podman_its_place() -> None:
    # One daemon may have been run with either store, each with images of its own.
    assert read("d20", "built").info.key == f"{recording('d20', 'info')['ID']} classic"
    assert read("d28s", "built").info.key == f"{recording('d28s', 'info')['ID']} containerd"
    podman = read("p58", "built").info
    # Podman draws an ID anew at every start.
    assert recording("p58", "info")["ID"] not in podman.key
    assert podman.key == f"{podman.address} /var/lib/containers/storage"


@pytest.mark.parametrize("engine", ENGINES)
def test_only_what_was_built_here_has_no_origin_where_the_engine_can_tell(engine: str) -> None:
    built, pulled = read(engine, "built").images[0], read(engine, "pulled").images[0]
    assert built.origins == ()
    if engine in ("d20", "d26c", "d28c"):
        assert built.remembers
        assert pulled.came_from(pulled.names[0].repository) == pulled.digests
    else:
        # These engines make a digest up for every name, so it must not count.
        assert not built.remembers
        assert [claim.repository for claim in built.claims] == [built.names[0].repository]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_pulled_tag_and_its_image_are_one_by_digest_or_config(engine: str) -> None:
    image = read(engine, "pulled_index").images[0]
    remote = recording(engine, "pulled_index")["remote"]
    assert Digest.parse(remote["digest"]) in image.digests
    child = Digest.parse(remote["manifest"]["manifests"][0]["digest"])
    if engine == "d28s":
        assert [one.digest for one in image.children] == [child]
    if engine.startswith("p"):
        assert child in image.digests
