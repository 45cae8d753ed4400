"""mock_registry under the clients people use: docker engines, podman, skopeo."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import engines
import pytest

from mock_registry import MockRegistry, Quirks, User, seed

pytestmark = pytest.mark.real

ANN = User("ann", "secret")
LOGIN = ("ann", "secret")
IMAGE = seed.image(layers=["base", {"app/main.py": "print('hello')\n"}], labels={"team": "api"})

Start = Callable[..., MockRegistry]


def config_of(registry: MockRegistry, repository: str, tag: str) -> dict[str, object]:
    """The image config a tag leads to, through an index where the client pushed one."""
    held = registry.storage.repository(repository)
    assert held is not None
    manifest = json.loads(registry.storage.read(held.tags[tag]))
    while "manifests" in manifest:
        manifest = json.loads(registry.storage.read(manifest["manifests"][0]["digest"]))
    assert all(layer["digest"] in held.blobs for layer in manifest["layers"])
    config = json.loads(registry.storage.read(manifest["config"]["digest"]))
    assert isinstance(config, dict)
    return config


def assert_same_image(registry: MockRegistry, repository: str, tag: str) -> None:
    config, ours = config_of(registry, repository, tag), json.loads(IMAGE.config.data)
    assert config["rootfs"] == ours["rootfs"]
    assert config["config"]["Labels"] == {"team": "api"}  # type: ignore[index]


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> Iterator[engines.Engine]:
    with engines.Engine(request.param) as found:
        yield found


@pytest.mark.parametrize("engine", engines.parameters(), indirect=True)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"users": [ANN]},
        {"auth": "basic", "users": [ANN]},
        {"users": [ANN], "hub": 100},
        {"quirks": Quirks(absolute_urls=True, accept_mounts=False, redirect_blobs=True)},
    ],
    ids=["open", "bearer", "basic", "hub", "quirks"],
)
def test_an_engine_pulls_and_pushes(
    engine: engines.Engine, options: dict[str, object], mock_registries: Start
) -> None:
    registry = mock_registries(**options)
    login = LOGIN if options.get("users") else None
    content = seed.index([IMAGE, seed.image("linux/arm64")], attestations=True)
    registry.put("ann/source", content, "1")
    pulled, pushed = f"{registry.host}/ann/source:1", f"{registry.host}/ann/target:2"
    try:
        engine.pull(pulled, login)
        engine.tag(pulled, pushed)
        registry.log.clear()
        engine.push(pushed, login)
    finally:
        engine.remove(pushed)
        engine.remove(pulled)
    assert_same_image(registry, "ann/target", "2")
    assert {each.user for each in registry.log.find("PUT")} == {None if login is None else "ann"}


@pytest.mark.parametrize("engine", engines.parameters(), indirect=True)
def test_an_engine_copies_between_registries(
    engine: engines.Engine, mock_registries: Start
) -> None:
    source, target = mock_registries(), mock_registries()
    source.put("app", IMAGE, "1")
    pulled, pushed = f"{source.host}/app:1", f"{target.host}/team/app:1"
    try:
        engine.pull(pulled)
        engine.tag(pulled, pushed)
        engine.push(pushed)
    finally:
        engine.remove(pushed)
        engine.remove(pulled)
    assert target.storage.names() == ["team/app"]
    assert target.log.uploads >= 2
    assert_same_image(target, "team/app", "1")


@pytest.mark.parametrize("engine", engines.parameters(), indirect=True)
def test_an_engine_is_refused(engine: engines.Engine, mock_registries: Start) -> None:
    registry = mock_registries(users=[ANN])
    registry.put("app", IMAGE, "1")
    with pytest.raises(AssertionError, match=r"(?i)unauthorized|username or password"):
        engine.pull(f"{registry.host}/app:1", ("ann", "wrong"))


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@pytest.fixture
def skopeo(tmp_path: Path) -> Callable[..., str]:
    program = tool("skopeo")

    def run(*arguments: str) -> str:
        command = [program, "--tmpdir", str(tmp_path), "--insecure-policy", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


class TestSkopeo:
    INSECURE = ("--src-tls-verify=false", "--dest-tls-verify=false")

    @pytest.mark.parametrize("family", ["oci", "docker"])
    def test_copy_of_an_index(
        self, family: seed.Family, skopeo: Callable[..., str], mock_registries: Start
    ) -> None:
        source, target = mock_registries(), mock_registries()
        images = [seed.image(each, family=family) for each in ("linux/amd64", "linux/arm64/v8")]
        content = seed.index(images, family=family)
        source.put("app", content, "1")
        skopeo(
            "copy", "--all", *self.INSECURE,
            f"docker://{source.host}/app:1", f"docker://{target.host}/team/app:2",
        )  # fmt: skip
        held = target.storage.repository("team/app")
        assert held is not None
        assert held.tags == {"2": content.digest}
        assert target.storage.read(content.digest) == content.manifest

    def test_copy_within_a_registry_with_tokens(
        self, skopeo: Callable[..., str], mock_registries: Start
    ) -> None:
        registry = mock_registries(users=[ANN])
        registry.put("base", IMAGE, "1")
        skopeo(
            "copy", *self.INSECURE, "--src-creds=ann:secret", "--dest-creds=ann:secret",
            f"docker://{registry.host}/base:1", f"docker://{registry.host}/app:1",
        )  # fmt: skip
        assert_same_image(registry, "app", "1")
        assert registry.log.token_requests > 0

    def test_to_a_folder_and_back(
        self, skopeo: Callable[..., str], mock_registries: Start, tmp_path: Path
    ) -> None:
        registry = mock_registries(tmp_path / "registry")
        registry.put("app", IMAGE, "1")
        layout = f"oci:{tmp_path}/layout:1"
        skopeo("copy", "--src-tls-verify=false", f"docker://{registry.host}/app:1", layout)
        skopeo("copy", "--dest-tls-verify=false", layout, f"docker://{registry.host}/back:1")
        held = registry.storage.repository("back")
        assert held is not None
        assert held.tags == {"1": IMAGE.digest}

    def test_reading_and_deleting(self, skopeo: Callable[..., str], mock_registries: Start) -> None:
        registry = mock_registries(quirks=Quirks(page=2))
        for tag in "abcde":
            registry.put("app", seed.image(layers=[tag]), tag)
        name = f"docker://{registry.host}/app"
        tags = json.loads(skopeo("list-tags", "--tls-verify=false", name))["Tags"]
        assert tags == list("abcde")
        found = json.loads(skopeo("inspect", "--tls-verify=false", f"{name}:c"))
        assert found["Digest"] == seed.image(layers=["c"]).digest
        skopeo("delete", "--tls-verify=false", f"{name}:c")
        held = registry.storage.repository("app")
        assert held is not None
        assert sorted(held.tags) == list("abde")


@pytest.fixture
def short_path() -> Iterator[str]:
    """Podman wants no more than 50 characters."""
    with tempfile.TemporaryDirectory(prefix="p") as folder:
        yield folder


def test_podman_pulls_and_pushes(mock_registries: Start, tmp_path: Path, short_path: str) -> None:
    registry = mock_registries(users=[ANN])
    registry.put("app", IMAGE, "1")
    source, target = f"{registry.host}/app:1", f"{registry.host}/copy:2"
    command = [
        tool("podman"), "--root", str(tmp_path / "root"), "--runroot", short_path,
        "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "file",
    ]  # fmt: skip
    insecure = ["--tls-verify=false", "--creds=ann:secret"]
    for arguments in (["pull", *insecure, source], ["push", *insecure, source, target]):
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=120)
        if "requires root" in done.stderr or "newuidmap" in done.stderr:
            pytest.skip("podman cannot unpack layers as this user")
        assert done.returncode == 0, done.stderr
    assert_same_image(registry, "copy", "2")


def test_docker_reads_an_index(mock_registries: Start, tmp_path: Path) -> None:
    registry = mock_registries()
    content = seed.index([IMAGE, seed.image("linux/arm64")])
    registry.put("app", content, "1")
    command = [tool("docker"), "--config", str(tmp_path), "manifest", "inspect", "--insecure"]
    done = subprocess.run(
        [*command, f"{registry.host}/app:1"], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    platforms = [each["platform"]["architecture"] for each in json.loads(done.stdout)["manifests"]]
    assert platforms == ["amd64", "arm64"]
