"""Every registry of `mock_registry.modes` through the command line, one story after the other."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mock_registry import MockRegistry, Quirks, User, seed
from mock_registry.modes import MODES
from regsync.__main__ import main
from regsync.identity import variable

SECRET = 'p:"w$ {"key": "ü"}'
TAGS = ("2", "10", "1", "latest", "1.9")
ARM = seed.image("linux/arm64")
BOTH = seed.index([seed.image("linux/amd64"), ARM])
NEXT = seed.index([seed.image("linux/amd64", ["new"]), ARM])


@dataclass(frozen=True)
class Expected:
    """What makes a registry another one to the user, and what it costs to ask it.

    Attributes:
        steady: The requests of a status that finds nothing new, after a ping.
        anonymous: Whether it shows anything to anybody.
        login: Whether a login there can be used.
        missing: Exit code for a repository that is not there, for somebody who is logged in.
        pages: How many answers five tags are, two on a page.
        waits: Whether a 429 is over soon enough to wait for.
    """

    steady: tuple[str, ...] = ("token GET", "manifest HEAD")
    anonymous: bool = True
    login: bool = True
    missing: int = 5
    pages: int = 3
    waits: bool = False


HEAD = ("manifest HEAD",)
HASHED = ("token GET", "manifest HEAD", "manifest GET")
EXPECTED = {
    "acr": Expected(anonymous=False),
    "artifactory": Expected(HASHED),
    "distribution-2": Expected(HEAD, anonymous=False, pages=1),
    "distribution-3": Expected(HEAD, anonymous=False),
    "docker-hub": Expected(),
    "ecr": Expected(HEAD, anonymous=False, waits=True),
    "ecr-public": Expected(waits=True),
    "forgejo": Expected(),
    "gar": Expected(missing=4, pages=1),
    "gcr": Expected(missing=4, pages=1),
    "ghcr": Expected(missing=4, waits=True),
    "gitea": Expected(),
    # The login may go to no token server of another host.
    "gitlab": Expected(login=False, missing=4),
    "harbor": Expected(),
    "lscr": Expected(
        ("token GET", "manifest HEAD", "manifest HEAD"),
        login=False,
        missing=4,
        pages=6,
        waits=True,
    ),
    "nexus": Expected(HEAD, anonymous=False),
    "quay": Expected(),
    "redhat": Expected(HASHED),
}
pytestmark = pytest.mark.parametrize("mode", EXPECTED)


@dataclass
class Told:
    """What the user sees."""

    code: int
    output: str
    errors: str

    @property
    def row(self) -> dict[str, Any]:
        """The one image of a status."""
        [row] = json.loads(self.output)["data"]["images"]
        return dict(row)


class Shell:
    """Somebody's command line: in this process, with a folder of images and without waiting."""

    def __init__(self, home: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.store = f"oci:{home / 'images'}"
        self.waits: list[float] = []
        self._capfd = capfd

    def run(self, *arguments: str, login: dict[str, str] | None = None) -> Told:
        for name in list(os.environ):
            if name.endswith(("_USERNAME", "_PASSWORD")):
                del os.environ[name]
        os.environ.update(login or {})
        code = main([*arguments])
        output, errors = self._capfd.readouterr()
        assert "Traceback" not in errors
        assert SECRET not in output + errors
        return Told(code, output, errors)

    def pull(self, name: str, login: dict[str, str] | None = None) -> None:
        told = self.run("pull", name, "--store", self.store, "-q", login=login)
        assert told.code == 0, told.errors

    def status(self, login: dict[str, str] | None = None) -> Told:
        return self.run("status", "--store", self.store, "--format", "json", login=login)


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Shell]:
    before = dict(os.environ)
    shell = Shell(tmp_path, capfd)

    async def sleep(self: object, seconds: float) -> None:
        shell.waits.append(seconds)

    monkeypatch.setattr("regsync.clock.SystemClock.sleep", sleep)
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name in ("DOCKER_CONFIG", "REGSYNC_CONFIG"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    yield shell
    os.environ.clear()
    os.environ.update(before)


Serve = Callable[..., MockRegistry]


@pytest.fixture
def serve(mode: str, mock_registries: Callable[..., MockRegistry]) -> Serve:
    """Start the mode's registry: `team/open` for everybody, `team/closed` for its one user."""

    def serve(**quirks: Any) -> MockRegistry:
        chosen = MODES[mode]
        registry = mock_registries(
            mode=mode,
            users=[User(chosen.user, SECRET)],
            public="team/open" if chosen.public else "",
            quirks=replace(chosen.quirks, **quirks),
        )
        for name in ("team/open", "team/closed"):
            for tag in TAGS:
                registry.put(name, BOTH, tag)
        return registry

    return serve


def login(registry: MockRegistry, mode: str, password: str = SECRET) -> dict[str, str]:
    names = (variable(registry.host, field) for field in ("USERNAME", "PASSWORD"))
    return dict(zip(names, (MODES[mode].user, password), strict=True))


def reader(registry: MockRegistry, mode: str) -> dict[str, str]:
    """Who may read `team/open`: nobody in particular, where the registry allows that."""
    return {} if EXPECTED[mode].anonymous else login(registry, mode)


@contextmanager
def asked(registry: MockRegistry) -> Iterator[list[str]]:
    """What the registry is asked meanwhile."""
    found: list[str] = []
    registry.log.clear()
    yield found
    found += [f"{record.kind} {record.method}" for record in registry.log]


def test_what_is_up_to_date_costs_one_head(mode: str, serve: Serve, shell: Shell) -> None:
    registry = serve()
    who = reader(registry, mode)
    shell.pull(f"{registry.host}/team/open:1", who)
    assert shell.status(who).row["verdict"] == "up_to_date"
    with asked(registry) as requests:
        told = shell.status(who)
    assert (told.code, told.errors) == (0, "")
    assert (told.row["verdict"], told.row["reason"]) == ("up_to_date", "exact")
    assert tuple(requests) == EXPECTED[mode].steady
    counted = json.loads(told.output)["data"]["requests"]
    assert counted["counted_pulls"] == requests.count("manifest GET")


def test_what_has_moved_is_outdated(mode: str, serve: Serve, shell: Shell) -> None:
    registry = serve()
    who = reader(registry, mode)
    shell.pull(f"{registry.host}/team/open:1", who)
    registry.put("team/open", NEXT, "1")
    row = shell.status(who).row
    assert (row["verdict"], row["reason"]) == ("outdated", "moved")
    assert row["remote_digest"] == NEXT.digest
    # By another platform alone it has not moved for us.
    registry.put("team/open", seed.index([BOTH.images[0], seed.image("linux/s390x")]), "1")
    row = shell.status(who).row
    assert (row["verdict"], row["reason"]) == ("up_to_date", "index_changed")


def test_what_is_private_needs_a_login(mode: str, serve: Serve, shell: Shell) -> None:
    registry = serve()
    name = f"{registry.host}/team/closed:1"
    told = shell.run("digest", name)
    assert told.code == 4
    assert "the registry wants credentials for `repository:team/closed:pull`" in told.errors
    assert "none were found for this host" in told.errors
    told = shell.run("digest", name, login=login(registry, mode))
    if EXPECTED[mode].login:
        assert (told.code, told.output) == (0, f"{BOTH.digest}\n")
    else:
        assert told.code == 4
        assert "were not sent, since its token server" in told.errors
        assert all(record.scheme != "basic" for record in registry.log)


def test_a_login_that_is_lost_leaves_the_verdict_open(
    mode: str, serve: Serve, shell: Shell
) -> None:
    registry = serve()
    if not EXPECTED[mode].login:
        told = shell.run("pull", f"{registry.host}/team/closed:1", "--store", shell.store)
        assert told.code == 4
        return
    shell.pull(f"{registry.host}/team/closed:1", login(registry, mode))
    told = shell.status()
    assert (told.code, told.row["verdict"], told.row["cause"]) == (3, "unknown", "unauthorized")


def test_a_wrong_password_is_told_as_such(mode: str, serve: Serve, shell: Shell) -> None:
    registry = serve()
    name = f"{registry.host}/team/closed:1"
    told = shell.run("digest", name, login=login(registry, mode, "wrong"))
    assert told.code == 4
    if EXPECTED[mode].login:
        assert f"the credentials of `{MODES[mode].user}` were refused" in told.errors
    if mode == "ecr":
        assert "refused: Your authorization token has expired" in told.errors


def test_a_repository_that_is_missing(mode: str, serve: Serve, shell: Shell) -> None:
    registry = serve()
    name = f"{registry.host}/team/none:1"
    with asked(registry) as requests:
        told = shell.run("digest", name, login=login(registry, mode))
    assert told.code == EXPECTED[mode].missing
    if told.code == 5:
        assert "no such tag or repository" in told.errors
        assert requests[-1] == "manifest HEAD"
    # Nobody in particular is not told whether it is private or missing.
    told = shell.run("digest", name)
    assert told.code == 4
    assert "if it exists and is private, set" in told.errors


def test_a_tag_that_is_missing(mode: str, serve: Serve, shell: Shell) -> None:
    registry = serve()
    told = shell.run("digest", f"{registry.host}/team/open:3", login=reader(registry, mode))
    assert told.code == 5
    assert "no such tag or repository" in told.errors


def test_a_tag_that_goes(mode: str, serve: Serve, shell: Shell) -> None:
    registry = serve()
    who = reader(registry, mode)
    shell.pull(f"{registry.host}/team/open:1", who)
    registry.storage.untag("team/open", "1")
    row = shell.status(who).row
    assert (row["verdict"], row["reason"]) == ("gone", "tag")


def test_all_tags_are_listed(mode: str, serve: Serve, shell: Shell) -> None:
    registry = serve(page=2)
    with asked(registry) as requests:
        told = shell.run("tags", f"{registry.host}/team/open", login=reader(registry, mode))
    assert (told.code, told.errors) == (0, "")
    assert told.output.split() == ["1", "1.9", "2", "10", "latest"]
    extra = 1 if MODES[mode].quirks.digests_as_tags else 0
    assert requests.count("tags GET") == EXPECTED[mode].pages + extra


def test_a_registry_that_has_enough(mode: str, serve: Serve, shell: Shell) -> None:
    registry = serve()
    name, who = f"{registry.host}/team/open:1", reader(registry, mode)
    if EXPECTED[mode].waits:
        registry.throttle(times=1)
        assert shell.run("digest", name, login=who).output == f"{BOTH.digest}\n"
        assert 0 < sum(shell.waits) <= 30
    registry.throttle()
    with asked(registry) as requests:
        told = shell.run("digest", name, "--format", "json", login=who)
    assert told.code == 6
    [error] = json.loads(told.output)["errors"]
    assert error["code"] == "rate_limited"
    if not EXPECTED[mode].waits:
        # Asked once: it has said for how long it wants to be left alone, a minute in all modes.
        assert requests.count("manifest HEAD") == 1
        until = datetime.fromisoformat(error["retry_at"])
        assert until - datetime.now(UTC) < timedelta(days=1)


def test_every_mode_is_tried(mode: str) -> None:
    assert EXPECTED.keys() == MODES.keys()
    assert MODES[mode].quirks != Quirks()
