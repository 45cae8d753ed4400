"""The command that cures a container is one that its starter understands, or none."""

from __future__ import annotations

import pytest
from reports import NOW, entry

from regsync.cli import cures
from regsync.oci.reference import Reference
from regsync.operations.ps import Use
from regsync.operations.report import MovedBase, UsedBy
from regsync.operations.verdict import Kind, Verdict
from regsync.stores.base import NOBODY, Starter, StoreInfo

DOCKER = StoreInfo("docker", "28", "classic", "unix:///var/run/docker.sock", "")
PODMAN = StoreInfo("podman", "5", "containers-storage", "unix:///run/podman/podman.sock", "")
USER = StoreInfo(
    "podman", "5", "containers-storage", "unix:///run/user/1000/podman/podman.sock", ""
)
ELSEWHERE = StoreInfo("podman", "5", "containers-storage", "ssh://root@far/run/podman.sock", "")

SHOP = Starter("shop", "web", "/srv/shop", ("/srv/shop/compose.yaml",))
PODMAN_SHOP = Starter("shop", "web", "/srv/shop", ("/srv/shop/c.yml",), podman_compose=True)
UNIT = Starter(unit="web.service")
OUTDATED, UP_TO_DATE = Verdict(Kind.OUTDATED, "moved"), Verdict(Kind.UP_TO_DATE, "exact")


def use(
    verdict: Verdict, starter: Starter = NOBODY, *, older: bool = False, by_id: bool = False
) -> Use:
    container = UsedBy("c", "web", True, older, starter)
    return Use(container, "node", "sha256:1", entry("node:latest", verdict), by_id)


@pytest.mark.parametrize(
    ("starter", "store", "options", "command"),
    [
        (SHOP, DOCKER, "", "docker compose -p shop -f /srv/shop/compose.yaml up -d web"),
        (
            Starter("shop", "web", "/srv/shop", ("/etc/my shop.yaml", "/srv/b.yaml")),
            DOCKER,
            " --context far",
            "docker --context far compose -p shop --project-directory /srv/shop "
            "-f '/etc/my shop.yaml' -f /srv/b.yaml up -d web",
        ),
        (
            Starter("shop", "web", "/srv/shop"),
            DOCKER,
            "",
            "docker compose -p shop --project-directory /srv/shop up -d web",
        ),
        (Starter("shop", "web"), DOCKER, "", "docker compose -p shop up -d web"),
        (Starter("shop"), DOCKER, "", None),
        (Starter("shop", "web", one_off=True), DOCKER, "", None),
        (SHOP, PODMAN, "", "podman compose -p shop -f /srv/shop/compose.yaml up -d web"),
        (
            PODMAN_SHOP,
            PODMAN,
            "",
            "podman-compose -p shop -f /srv/shop/c.yml up -d --force-recreate web",
        ),
        # It meets no other engine than its own.
        (PODMAN_SHOP, PODMAN, " --url unix:///x.sock", None),
        (PODMAN_SHOP, DOCKER, "", None),
        (UNIT, PODMAN, "", "systemctl restart web.service"),
        (UNIT, USER, "", "systemctl --user restart web.service"),
        # Which systemd that is, nobody knows.
        (UNIT, ELSEWHERE, "", None),
        (UNIT, DOCKER, "", None),
        (NOBODY, DOCKER, "", None),
    ],
)
def test_who_started_it_recreates_it(
    starter: Starter, store: StoreInfo, options: str, command: str | None
) -> None:
    assert cures.recreating([starter], store, options) == command
    behind = use(UP_TO_DATE, starter, older=True)
    assert cures.command(behind, store, options) == command
    assert cures.to_do(behind, store, options) == (command or "recreate web")
    outdated = use(OUTDATED, starter)
    pull = cures.pulling("node:latest", store, options)
    assert cures.command(outdated, store, options) == (command and f"{pull} && {command}")
    assert cures.to_do(outdated, store, options) == (
        f"{pull} && {command}" if command else f"{pull}, then recreate web"
    )


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (use(UP_TO_DATE, SHOP), ""),
        (use(Verdict(Kind.GONE, "tag"), SHOP), ""),
        (use(Verdict(Kind.REBUILD, "ahead")), "build node:latest anew, then recreate web"),
        # Started by ID it would be started by the same one again.
        (
            use(OUTDATED, SHOP, by_id=True),
            "docker pull node:latest, then recreate web from node:latest",
        ),
    ],
)
def test_what_else_is_to_be_done(row: Use, said: str) -> None:
    assert cures.command(row, DOCKER, "") is None
    assert cures.to_do(row, DOCKER, "") == said


def test_one_hint_for_what_one_command_recreates() -> None:
    def container(name: str, starter: Starter, *, older: bool = False) -> UsedBy:
        return UsedBy(name, name, True, older, starter)

    worker = Starter("shop", "worker", "/srv/shop", ("/srv/shop/compose.yaml",))
    entries = [
        entry("node:latest", OUTDATED, container("shop-web-1", SHOP), container("job", NOBODY)),
        entry(
            "redis:7",
            UP_TO_DATE,
            container("shop-web-2", SHOP, older=True),
            container("shop-worker-1", worker, older=True),
            container("alone", NOBODY, older=True),
            container("fits", SHOP),
        ),
    ]
    assert cures.hints(entries, DOCKER, "") == [
        "shop-web-2, shop-worker-1 run older images than their names mean here: "
        "`docker compose -p shop -f /srv/shop/compose.yaml up -d web worker` recreates them",
        "alone runs an older image than its name means here: recreate, not pull",
        "after the pull, `docker compose -p shop -f /srv/shop/compose.yaml up -d web` recreates "
        "shop-web-1",
        "after the pull, recreate job",
    ]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "rebuild goals:latest: `FROM node:latest` in its Dockerfile"),
        (
            {"folder": "/srv/shop"},
            "rebuild goals:latest: `FROM node:latest` in its Dockerfile, perhaps below /srv/shop",
        ),
        (
            {"url": "https://git.example.com/goals"},
            "rebuild goals:latest: `FROM node:latest` in its Dockerfile, from "
            "https://git.example.com/goals",
        ),
        (
            {"through": Reference.parse("mine/base:1")},
            "rebuild goals:latest once mine/base:1 is built anew: `FROM mine/base:1` in its "
            "Dockerfile",
        ),
    ],
)
def test_what_is_to_be_built(more: dict[str, object], said: str) -> None:
    base = MovedBase(Reference.parse("node"), None, None, "layers", moved_at=NOW, **more)  # type: ignore[arg-type]
    goals = entry("goals:latest", Verdict(Kind.REBUILD, "unpushed"))
    assert cures.rebuilding(goals) is None
    object.__setattr__(goals, "base", base)
    assert cures.rebuilding(goals) == said
