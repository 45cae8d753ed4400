"""Which engine is meant: docker's own order, with Podman fitted in."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from regsync.errors import InvalidConfig, RegsyncError, UsageError
from regsync.stores.endpoint import Endpoint, Tls
from regsync.stores.engine import EngineStore
from regsync.stores.locate import locate, usual


@pytest.fixture
def docker(tmp_path: Path) -> Path:
    """A docker configuration folder with the contexts `work` and `lab`."""
    folder = tmp_path / ".docker"
    folder.mkdir()
    context(folder, "work", {"docker": {"Host": "tcp://work:2376"}})
    context(folder, "lab", {"docker": {"Host": "unix:///run/lab.sock"}})
    return folder


def context(folder: Path, name: str, endpoints: Any) -> Path:
    key = hashlib.sha256(name.encode()).hexdigest()
    meta = folder / "contexts" / "meta" / key
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": endpoints}))
    return folder / "contexts" / "tls" / key / "docker"


def found(env: dict[str, str], *, host: str | None = None, context: str | None = None) -> Endpoint:
    store = locate(store=None, host=host, context=context, env=env)
    assert isinstance(store, EngineStore)
    return store.endpoint


@pytest.mark.parametrize(
    ("given", "variables", "current", "address"),
    [
        ({"host": "unix:///a"}, {"DOCKER_HOST": "unix:///b"}, "work", "unix:///a"),
        ({"context": "lab"}, {"DOCKER_HOST": "unix:///b"}, "work", "unix:///run/lab.sock"),
        # As docker: the variable wins over every context that no option names.
        ({}, {"DOCKER_HOST": "unix:///b", "DOCKER_CONTEXT": "lab"}, "work", "unix:///b"),
        ({"context": "default"}, {"DOCKER_HOST": "unix:///b"}, "work", "unix:///b"),
        ({}, {"DOCKER_HOST": "unix:///b", "CONTAINER_HOST": "unix:///c"}, "", "unix:///b"),
        ({}, {"CONTAINER_HOST": "unix:///c", "DOCKER_CONTEXT": "lab"}, "work", "unix:///c"),
        ({}, {"DOCKER_CONTEXT": "lab"}, "work", "unix:///run/lab.sock"),
        ({}, {}, "work", "tcp://work:2376"),
        ({}, {"DOCKER_HOST": "", "DOCKER_CONTEXT": ""}, "lab", "unix:///run/lab.sock"),
    ],
)
def test_the_order(
    docker: Path, given: dict[str, str], variables: dict[str, str], current: str, address: str
) -> None:
    (docker / "config.json").write_text(json.dumps({"currentContext": current}))
    env = {"HOME": str(docker.parent)} | variables
    assert found(env, **given).address == address  # type: ignore[arg-type]


@pytest.mark.parametrize("variables", [{}, {"DOCKER_CONTEXT": "default"}])
def test_nothing_named_means_the_usual_sockets(docker: Path, variables: dict[str, str]) -> None:
    env = {"HOME": str(docker.parent), "XDG_RUNTIME_DIR": "/run/me"} | variables
    addresses = [endpoint.address for endpoint in usual(env)]
    if sys.platform != "win32":
        assert addresses[:6] == [
            "unix:///var/run/docker.sock",
            f"unix://{docker}/run/docker.sock",
            f"unix://{docker}/desktop/docker.sock",
            "unix:///run/me/docker.sock",
            "unix:///run/me/podman/podman.sock",
            "unix:///run/podman/podman.sock",
        ]
    assert found(env).address in addresses
    # `--context default` means the same even where the configuration says otherwise.
    (docker / "config.json").write_text('{"currentContext": "work"}')
    assert found(env, context="default").address in addresses


def test_no_home_is_no_failure() -> None:
    assert found({}) in list(usual({}))
    with pytest.raises(UsageError, match="no docker context `x`"):
        found({}, context="x")


@pytest.mark.parametrize(
    "given",
    [
        {"host": "unix:///a", "context": "lab"},
        {"store": "oci:x", "host": "unix:///a"},
        {"store": "oci:x", "context": "lab"},
    ],
)
def test_options_that_exclude_each_other(given: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="exclude each other"):
        locate(**({"store": None, "host": None, "context": None} | given), env={})  # type: ignore[arg-type]


@pytest.mark.parametrize("store", ["", "oci:", "dir", "docker://x"])
def test_what_is_no_store(store: str) -> None:
    with pytest.raises(UsageError, match="not a store"):
        locate(store=store, host=None, context=None, env={})


def test_an_unknown_context_lists_those_there_are(docker: Path) -> None:
    (docker / "contexts" / "meta" / "broken").mkdir()
    (docker / "contexts" / "meta" / "broken" / "meta.json").write_text("{")
    with pytest.raises(UsageError) as caught:
        found({"HOME": str(docker.parent)}, context="../../etc")
    assert caught.value.hint == "there are: `default`, `lab`, `work`"


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"currentContext": 3}', "\udcff", "[" * 100_000, "nul"]
)
def test_a_broken_configuration_is_named(docker: Path, text: str) -> None:
    file = docker / "config.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InvalidConfig) as caught:
        found({"DOCKER_CONFIG": str(docker)})
    assert str(file) in caught.value.what


def test_an_empty_configuration_is_none(docker: Path) -> None:
    (docker / "config.json").write_bytes(b"")
    assert found({"DOCKER_CONFIG": str(docker)}) in list(usual({}))


def test_a_configuration_that_is_a_folder_is_named(docker: Path) -> None:
    (docker / "config.json").mkdir()
    with pytest.raises(InvalidConfig, match="is a directory"):
        found({"DOCKER_CONFIG": str(docker)})


@pytest.mark.parametrize(
    "endpoints", [{}, [], None, {"docker": {}}, {"docker": {"Host": 1}}, {"kubernetes": {}}]
)
def test_a_context_without_an_engine(docker: Path, endpoints: Any) -> None:
    context(docker, "odd", endpoints)
    with pytest.raises(InvalidConfig, match="names no engine"):
        found({"DOCKER_CONFIG": str(docker)}, context="odd")


def test_a_context_brings_its_certificates(docker: Path) -> None:
    tls = context(docker, "tls", {"docker": {"Host": "tcp://h:2376"}})
    tls.mkdir(parents=True)
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tls / name).touch()
    pair = (str(tls / "cert.pem"), str(tls / "key.pem"))
    env = {"DOCKER_CONFIG": str(docker)}
    assert found(env, context="tls").tls == Tls(str(tls / "ca.pem"), pair)
    assert found(env, context="work").tls is None


def test_a_context_may_trust_everybody(docker: Path) -> None:
    context(docker, "blind", {"docker": {"Host": "tcp://h:2376", "SkipTLSVerify": True}})
    assert found({"DOCKER_CONFIG": str(docker)}, context="blind").tls == Tls(verify=False)


def test_the_environment_s_certificates(tmp_path: Path) -> None:
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tmp_path / name).touch()
    pair = (str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"))
    ca = str(tmp_path / "ca.pem")
    env = {"DOCKER_HOST": "tcp://h:2376", "DOCKER_CERT_PATH": str(tmp_path)}
    assert found(env).tls is None
    assert found(env | {"DOCKER_TLS_VERIFY": "1"}).tls == Tls(ca, pair)
    assert found(env | {"DOCKER_TLS": "1"}).tls == Tls(ca, pair, verify=False)
    assert found(env | {"DOCKER_TLS_VERIFY": "1"}, host="unix:///a").tls is None
    assert found({"DOCKER_HOST": "tcp://h:1", "DOCKER_TLS_VERIFY": "1"}).tls == Tls()


def test_podman_is_dialled_by_its_own_program() -> None:
    endpoint = found({"CONTAINER_HOST": "ssh://core@h:22/run/user/1000/podman/podman.sock"})
    assert endpoint.program == "podman"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("unix:///run/x.sock", "unix:///run/x.sock"),
        (" tcp://h:2375 ", "tcp://h:2375"),
        ("h:2375", "tcp://h:2375"),
        ("tcp://[::1]:2375", "tcp://[::1]:2375"),
        ("ssh://me@h", "ssh://me@h"),
        ("ssh://h:2222/run/x.sock", "ssh://h:2222/run/x.sock"),
        ("npipe:////./pipe/docker_engine", "npipe:////./pipe/docker_engine"),
    ],
)
def test_addresses(text: str, address: str) -> None:
    assert Endpoint.parse(text).address == address


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "/run/docker.sock", "fd://", "http://h:1", "unix://", "unix://run/x.sock"),
        *("tcp://", "tcp://h", "tcp://h:x", "tcp://h:99999", "tcp://:1", "tcp://u@h:1"),
        *("tcp://h:1?x", "ssh://", "ssh://-oProxyCommand=x", "ssh://-l@h", "ssh://u:secret@h"),
        *("tcp://[::1:1", "ssh://h#x"),
    ],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        Endpoint.parse(text)
    assert "secret" not in str(caught.value)


def test_a_bad_address_in_a_variable_is_a_usage_error() -> None:
    with pytest.raises(RegsyncError, match="not the address of an engine"):
        found({"DOCKER_HOST": "nonsense"})


def test_the_sdk_is_imported_only_to_ask() -> None:
    program = (
        "import sys; from regsync.stores.locate import locate; "
        "locate(store=None, host='unix:///x', context=None, env={}); "
        "sys.exit(bool({'docker', 'requests', 'urllib3'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
