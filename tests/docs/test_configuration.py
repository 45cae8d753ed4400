"""The examples of docs/reference/configuration.md mean what the page says."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from regsync.config.load import FILE, load
from regsync.config.model import JOBS_LIMIT
from regsync.credentials import chain
from regsync.credentials.authfile import AuthFile
from regsync.credentials.keys import Key
from regsync.credentials.programs import LIMIT_S, OUTPUT_LIMIT
from regsync.errors import InvalidConfig
from regsync.identity import variable
from regsync.oci.strictjson import amount
from regsync.registry.hosts import JOBS
from regsync.settings import HostSettings, StatusSettings

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "configuration.md").read_text()


def example(name: str) -> str:
    """The block after `<!-- tested: NAME -->`."""
    found = re.search(rf"<!-- tested: {name} -->\s*```[a-z]*\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found.group(1)


def test_the_file(tmp_path: Path) -> None:
    file = tmp_path / FILE
    file.write_text(example("toml"))
    assert load(file, {}).hosts == {
        "docker.io": HostSettings(endpoint="https://mirror.example.com"),
        "registry.example.com:5000": HostSettings(
            tls="on", ca_file=tmp_path / "example-ca.pem", jobs=8
        ),
        "10.0.0.5:5000": HostSettings(tls="off"),
    }


def test_the_mistake(tmp_path: Path) -> None:
    file = tmp_path / FILE
    file.write_text(example("mistake"))
    with pytest.raises(InvalidConfig) as caught:
        load(file, {})
    what = caught.value.what.replace(str(file), FILE)
    told = f"error: {what}\n  {caught.value.why}\nhint: {caught.value.hint}\n"
    assert f"```\n{told}```" in PAGE


@pytest.mark.parametrize("key", [*HostSettings.__slots__, *StatusSettings.__slots__])
def test_every_key_is_on_the_page(key: str) -> None:
    assert f"| `{key}` |" in PAGE


def test_the_settings_of_status(tmp_path: Path) -> None:
    file = tmp_path / FILE
    file.write_text(example("status"))
    config = load(file, {})
    assert config.status == StatusSettings(
        ignore=("registry.example.com/scratch/*", "*:nightly"),
        min_age=timedelta(days=3),
        keep_pulls=10,
    )
    assert config.settings("docker.io").keep_pulls == 30


def test_the_numbers() -> None:
    assert f"requests at once, 1 to {JOBS_LIMIT};" in PAGE
    assert f"| {JOBS} |" in PAGE
    assert f"have {LIMIT_S} seconds and {amount(OUTPUT_LIMIT)}" in PAGE


@pytest.mark.parametrize("host", ["docker.io", "ghcr.io", "registry.example.com:5000"])
def test_the_variables(host: str) -> None:
    names = [variable(host, field) for field in ("USERNAME", "PASSWORD")]
    assert f"| `{host}` | `{names[0]}`, `{names[1]}` |" in PAGE
    found = chain.find(host, dict(zip(names, ("joe", "secret"), strict=True)))
    assert found is not None
    assert found.username == "joe"


def test_the_auths() -> None:
    file = AuthFile.parse(example("auths").encode(), "config.json")
    found = file.find(Key("registry.example.com:5000"))
    assert found is not None
    assert (found.username, found.secret) == ("joe", "secret")
