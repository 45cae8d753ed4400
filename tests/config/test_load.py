"""`regsync.toml`: found where it should be, and every mistake in it named."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regsync.config.load import SIZE_LIMIT, VARIABLE, Config, load
from regsync.errors import InvalidConfig
from regsync.settings import HostSettings, StatusSettings

FULL = """
[registry."docker.io"]
endpoint = "https://mirror.example.com"
endpoint_auth = true

[registry."registry.example.com:5000"]
tls = "insecure"
ca_file = "ca.pem"
jobs = 4
"""


def write(folder: Path, text: str | bytes) -> Path:
    file = folder / "regsync.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def test_all_settings(tmp_path: Path) -> None:
    config = load(write(tmp_path, FULL), {})
    assert config.source == tmp_path / "regsync.toml"
    hub = HostSettings(endpoint="https://mirror.example.com", endpoint_auth=True)
    assert config.settings("docker.io") == hub
    assert config.settings("registry.example.com:5000") == HostSettings(
        tls="insecure", ca_file=tmp_path / "ca.pem", jobs=4
    )
    assert config.settings("other.example.com") == HostSettings()


@pytest.mark.parametrize("name", ["docker.io", "index.docker.io", "registry-1.docker.io"])
def test_docker_hub_goes_by_several_names(tmp_path: Path, name: str) -> None:
    config = load(write(tmp_path, f'[registry."{name}"]\njobs = 3'), {})
    assert config.settings("docker.io").jobs == 3


def test_an_absolute_ca_file_stays(tmp_path: Path) -> None:
    config = load(write(tmp_path, '[registry."h"]\nca_file = "/etc/ca.pem"'), {})
    assert config.settings("H").ca_file == Path("/etc/ca.pem")


def test_the_order_of_places(tmp_path: Path) -> None:
    def make(name: str, jobs: int) -> Path:
        (tmp_path / name).mkdir()
        return write(tmp_path / name, f'[registry."h"]\njobs = {jobs}')

    flag, named = make("flag", 1), make("named", 2)
    assert load(flag, {VARIABLE: str(named)}).settings("h").jobs == 1
    assert load(None, {VARIABLE: str(named)}).settings("h").jobs == 2


@pytest.mark.skipif(sys.platform != "linux", reason="the place is another on other systems")
def test_the_users_folder_and_never_the_current_one(tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    write(here, '[registry."h"]\njobs = 7')
    (tmp_path / ".config" / "regsync").mkdir(parents=True)
    code = (
        "import os, sys; from regsync.config.load import load;"
        "print(load(None, os.environ).settings('h').jobs, 'pydantic' in sys.modules)"
    )

    def run(home: str | None) -> str:
        env = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
        env |= {"HOME": home} if home else {}
        command = [sys.executable, "-c", code]
        done = subprocess.run(
            command, cwd=here, env=env, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    assert run(str(tmp_path)) == "None False"
    assert run(None) == "None False"
    write(tmp_path / ".config" / "regsync", '[registry."h"]\njobs = 5')
    assert run(str(tmp_path)) == "5 True"


def test_no_home_and_an_odd_home_are_no_settings() -> None:
    assert load(None, {}) == Config()
    assert load(None, {VARIABLE: ""}) == Config()


@pytest.mark.parametrize("text", ["", "# nothing\n", "[registry]\n"])
def test_nothing_set(tmp_path: Path, text: str) -> None:
    assert load(write(tmp_path, text), {}).hosts == {}


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ('[registry."h"]\ntsl = "on"', "unknown key `registry.h.tsl`", "did you mean `tls`?"),
        ("[registri]", "unknown key `registri`", "did you mean `registry`?"),
        ("colour = 1", "unknown key `colour`", "known here: registry"),
        ('[registry."h:1"]\nzzz = 1', 'unknown key `registry."h:1".zzz`', "known here: endpoint"),
        ('[registry."h"]\ntls = "yes"', "should be 'on', 'off' or 'insecure'", None),
        ('[registry."h"]\ntls = true', "should be 'on', 'off' or 'insecure'", None),
        ('[registry."h"]\njobs = "4"', "`registry.h.jobs` should be a valid integer", None),
        ('[registry."h"]\njobs = 0', "greater than or equal to 1", None),
        ('[registry."h"]\njobs = 257', "less than or equal to 256", None),
        ('[registry."h"]\nendpoint_auth = 1', "`registry.h.endpoint_auth` should be", None),
        ("registry = 1", "`registry` should be", None),
        ("[registry]\nh = 1", "`registry.h` should be", None),
        ('[registry."https://h"]', "`https://h` is not a registry host", "registry.example.com"),
        ('[registry."h"]\njobs = 1\njobs = 2', "at line 3", None),
        ("\n[registry", "at line 2, the end of the file", None),
        ("a = \n", "at line 1", None),
        (b"\xff\xfe", "not UTF-8", None),
        ("x = " + "[" * 100_000, "not TOML", None),
        ("#" * (SIZE_LIMIT + 1), "larger than", None),
    ],
)
def test_mistakes(tmp_path: Path, text: str | bytes, message: str, hint: str | None) -> None:
    file = write(tmp_path, text)
    with pytest.raises(InvalidConfig) as caught:
        load(file, {})
    assert message in caught.value.why
    assert str(file) in caught.value.what
    assert hint is None or hint in (caught.value.hint or "")
    assert caught.value.exit_code == 2


def test_a_file_that_is_named_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match="no such file") as caught:
        load(tmp_path / "no.toml", {})
    assert "--config" in (caught.value.hint or "")
    with pytest.raises(InvalidConfig) as caught:
        load(None, {VARIABLE: str(tmp_path / "no.toml")})
    assert VARIABLE in (caught.value.hint or "")


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match="directory"):
        load(tmp_path, {})


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    file = tmp_path / "regsync.toml"
    file.symlink_to(file)
    with pytest.raises(InvalidConfig, match="symbolic links"):
        load(file, {})


@given(st.binary() | st.text().map(lambda text: f"[registry.'h']\n{text}".encode()))
def test_any_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    file = write(tmp_path_factory.getbasetemp(), data)
    with contextlib.suppress(InvalidConfig):
        load(file, {})


STATUS = """
[status]
ignore = ["team/*"]
min_age = "12h"
keep_pulls = 7

[registry."docker.io"]
keep_pulls = 30
"""


def test_settings_of_status(tmp_path: Path) -> None:
    config = load(write(tmp_path, STATUS), {})
    assert config.status == StatusSettings(("team/*",), timedelta(hours=12), 7)
    assert config.settings("docker.io").keep_pulls == 30
    assert config.settings("quay.io").keep_pulls is None
    usual = replace(config, usual_keep_pulls=7)
    assert [usual.settings(host).keep_pulls for host in ("docker.io", "quay.io")] == [30, 7]
    chosen = replace(usual, keep_pulls=0)
    assert [chosen.settings(host).keep_pulls for host in ("docker.io", "quay.io")] == [0, 0]


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ('ignore = ["a b"]', "`status.ignore`: `a b` is not a pattern", "only `*` stands"),
        ("ignore = [1]", "`status.ignore.0` should be a valid string", ""),
        ('min_age = "soon"', "`status.min_age`: `soon` is not a length of time", "`12h`"),
        ("min_age = 3", "`status.min_age` should be a valid string", ""),
        ("keep_pulls = -1", "`status.keep_pulls` should be greater than", ""),
        ("keep_pull = 1", "unknown key `status.keep_pull`", "did you mean `keep_pulls`?"),
    ],
)
def test_mistakes_of_status(tmp_path: Path, line: str, message: str, hint: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        load(write(tmp_path, f"[status]\n{line}\n"), {})
    assert message in caught.value.why
    assert hint in (caught.value.hint or "")
