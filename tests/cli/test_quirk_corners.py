"""Habits that show only in certain company, through the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mock_registry import MockRegistry, Quirks, User, seed
from mock_registry.modes import MODES
from regsync.__main__ import main
from regsync.identity import variable

Start = Callable[..., MockRegistry]
Run = Callable[..., tuple[int, str, str]]
USERS = (User("ann", "secret"),)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("HOME", str(tmp_path))

    def run(*arguments: str) -> tuple[int, str, str]:
        return (main([*arguments]), *capfd.readouterr())

    return run


def rows(output: str) -> dict[str, str]:
    images = json.loads(output)["data"]["images"]
    return {row["name"]: row["verdict"] for row in images}


def test_a_challenge_that_changes_hides_no_other_repository(
    mock_registries: Start, run: Run, tmp_path: Path
) -> None:
    """Gitea asks whom it denies one repository for a password, and all others for a token."""
    registry = mock_registries(mode="gitea", users=USERS, public="team/*")
    names = [f"{registry.host}/team/app{number}:1" for number in range(4)]
    store = f"oci:{tmp_path / 'images'}"
    for number, name in enumerate(names):
        registry.put(f"team/app{number}", seed.image(layers=[str(number)]), "1")
        assert run("pull", name, "--store", store, "-q")[0] == 0
    registry.core.authority._public = "team/app[23]"
    code, output, _ = run("status", "--store", store, "--format", "json")
    assert code == 3
    expected = ["unknown", "unknown", "up_to_date", "up_to_date"]
    assert rows(output) == dict(zip(names, expected, strict=True))


@pytest.mark.parametrize("one_scope", [False, True])
def test_a_denial_without_a_challenge_may_be_the_tokens_fault(
    mock_registries: Start, run: Run, tmp_path: Path, one_scope: bool
) -> None:
    """GHCR says 403 where others say `insufficient_scope`."""
    quirks = replace(MODES["ghcr"].quirks, one_scope=one_scope)
    registry = mock_registries(mode="ghcr", quirks=quirks)
    names = [f"{registry.host}/team/app{number}:1" for number in range(4)]
    store = f"oci:{tmp_path / 'images'}"
    for number, name in enumerate(names):
        registry.put(f"team/app{number}", seed.image(layers=[str(number)]), "1")
        assert run("pull", name, "--store", store, "-q")[0] == 0
    registry.log.clear()
    code, output, errors = run("status", "--store", store, "--format", "json")
    assert (code, errors) == (0, "")
    assert set(rows(output).values()) == {"up_to_date"}
    assert registry.log.manifest_gets == 0
    if not one_scope:
        assert (registry.log.token_requests, registry.log.manifest_heads) == (1, 4)


@pytest.mark.parametrize("public", ["*", "none"])
def test_a_door_that_stands_open(mock_registries: Start, run: Run, public: str) -> None:
    """The ping asks for nothing, and the repository for a token."""
    registry = mock_registries(users=USERS, public=public, quirks=Quirks(open_door=True))
    digest = registry.put("team/app", seed.image(), "1")
    code, output, _ = run("digest", f"{registry.host}/team/app:1")
    assert (code, output) == ((0, f"{digest}\n") if public == "*" else (4, ""))


def test_no_head(mock_registries: Start, run: Run) -> None:
    registry = mock_registries(quirks=Quirks(no_head=True))
    digest = registry.put("team/app", seed.image(), "1")
    assert run("digest", f"{registry.host}/team/app:1") == (0, f"{digest}\n", "")
    assert run("digest", f"{registry.host}/team/app:2")[0] == 5


@pytest.mark.parametrize(
    "quirks",
    [
        {"repeat_tags": True},
        {"opaque_pages": True, "repeat_tags": True, "oldest_first": True},
        {"absolute_urls": True},
        {"short_links": True},
        {"short_links": True, "opaque_pages": True, "absolute_urls": True},
        {"null_tag": True, "digests_as_tags": True},
        {"strict_list_accept": True, "google_tags": True},
        {"n_limit": 3},
    ],
)
@pytest.mark.parametrize("repository", ["team/app", "app", "a/b/c/app"])
def test_lists_of_every_form(
    mock_registries: Start, run: Run, quirks: dict[str, Any], repository: str
) -> None:
    registry = mock_registries(quirks=Quirks(page=2, **quirks))
    if repository == "app" and "short_links" in quirks:
        repository = "team/other"
    both = seed.index([seed.image(), seed.image("linux/arm64")])
    registry.put(repository, both, "3", "1", "5", "2", "4")
    code, output, errors = run("tags", f"{registry.host}/{repository}")
    assert (code, output.split(), errors) == (0, ["1", "2", "3", "4", "5"], "")


def test_no_tags_at_all(mock_registries: Start, run: Run) -> None:
    registry = mock_registries(quirks=Quirks(null_tags=True))
    registry.storage.put_blob("team/app", b"")
    assert run("tags", f"{registry.host}/team/app") == (0, "", "")


def test_everybody_is_sent_on_and_no_password_with_them(
    mock_registries: Start, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of lscr.io everything is at ghcr.io, and nobody's password for the one is for the other."""
    registry = mock_registries(mode="lscr", users=USERS, public="open/*")
    digest = registry.put("open/app", seed.image(), "1")
    registry.put("closed/app", seed.image(), "1")
    for field, value in (("USERNAME", "ann"), ("PASSWORD", "secret")):
        name = registry.host.replace(".", "_").replace(":", "_")
        monkeypatch.setenv(f"REGSYNC_{name}_{field}", value)
    assert run("digest", f"{registry.host}/open/app:1")[:2] == (0, f"{digest}\n")
    code, _, errors = run("digest", f"{registry.host}/closed/app:1")
    assert code == 4
    assert "those of `ann`" in errors
    assert {record.user for record in registry.log} == {None}
    assert {record.scheme for record in registry.log} == {None, "bearer"}


@pytest.mark.parametrize("mode", ["gitlab", "lscr"])
def test_a_token_server_that_is_trusted_gets_the_login(
    mock_registries: Start, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """What the hint says is what helps."""
    registry = mock_registries(mode=mode, users=USERS, public="none")
    name = f"{registry.host}/team/app:1"
    registry.put("team/app", seed.image(), "1")
    monkeypatch.setenv(variable(registry.host, "USERNAME"), "ann")
    monkeypatch.setenv(variable(registry.host, "PASSWORD"), "secret")
    code, _, errors = run("digest", name)
    assert code == 4
    told = re.search(r"\[registry\..*?\] (token_server = \"[^\"]*\")", errors)
    assert told is not None
    file = tmp_path / "regsync.toml"
    file.write_text(f'[registry."{registry.host}"]\n{told[1]}\n')
    assert run("digest", name, "--config", str(file))[0] == 0
