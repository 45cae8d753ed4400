"""Who started a container, from labels that anybody may have written."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regsync.stores.base import NOBODY, Starter
from regsync.stores.labels import read_starter

COMPOSE = "com.docker.compose"
FOLDER, FILES = f"{COMPOSE}.project.working_dir", f"{COMPOSE}.project.config_files"


def test_docker_compose() -> None:
    # As docker compose 2.30 labels a container.
    labels = {
        "com.docker.compose.config-hash": "a9f0",
        "com.docker.compose.container-number": "1",
        "com.docker.compose.oneoff": "False",
        "com.docker.compose.project": "shop",
        "com.docker.compose.project.config_files": "/srv/shop/compose.yaml,/srv/shop/prod.yaml",
        "com.docker.compose.project.working_dir": "/srv/shop",
        "com.docker.compose.service": "web",
    }
    files = ("/srv/shop/compose.yaml", "/srv/shop/prod.yaml")
    assert read_starter(labels) == Starter("shop", "web", "/srv/shop", files)
    assert read_starter(labels | {"com.docker.compose.oneoff": "True"}).one_off


def test_podman_compose() -> None:
    # As podman-compose 1.0 to 1.5 labels one; the unit is there whether it was made or not.
    labels = {
        "PODMAN_SYSTEMD_UNIT": "podman-compose@shop.service",
        "com.docker.compose.project": "shop",
        "com.docker.compose.project.config_files": "compose.yml",
        "com.docker.compose.project.working_dir": "/srv/shop",
        "com.docker.compose.service": "web",
        "io.podman.compose.project": "shop",
    }
    files = ("/srv/shop/compose.yml",)
    expected = Starter("shop", "web", "/srv/shop", files, podman_compose=True)
    assert read_starter(labels) == expected
    old = {"io.podman.compose.project": "shop", "io.podman.compose.service": "web"}
    assert read_starter(old) == Starter("shop", "web", podman_compose=True)


def test_a_project_that_was_read_from_standard_input_has_no_file() -> None:
    labels = {f"{COMPOSE}.project": "shop", FOLDER: "/srv/shop", FILES: "-"}
    assert read_starter(labels) == Starter("shop", folder="/srv/shop")


def test_systemd() -> None:
    labels = {"PODMAN_SYSTEMD_UNIT": "web.service"}
    assert read_starter(labels) == Starter(unit="web.service")
    template = {"PODMAN_SYSTEMD_UNIT": "web@one\\x2dtwo.service"}
    assert read_starter(template).unit == "web@one\\x2dtwo.service"


@pytest.mark.parametrize(
    "labels",
    [
        {},
        {f"{COMPOSE}.project": None, f"{COMPOSE}.service": 3},
        {f"{COMPOSE}.project": "--help", f"{COMPOSE}.service": "-v"},
        {f"{COMPOSE}.project": "a; rm -rf ~", f"{COMPOSE}.service": "$(id)"},
        {f"{COMPOSE}.project": "SHOP", f"{COMPOSE}.service": "a b"},
        {FOLDER: "here", FILES: "-"},
        {FILES: "compose.yaml"},
        {FILES: "/srv/a.yaml,b.yaml"},
        {FOLDER: "/srv\x1b[2J", FILES: "/srv/\n.yaml"},
        {"PODMAN_SYSTEMD_UNIT": "--force.service"},
        {"PODMAN_SYSTEMD_UNIT": "web"},
    ],
)
def test_what_names_nobody(labels: dict[str, object]) -> None:
    assert read_starter(labels) == NOBODY


@given(
    st.dictionaries(
        st.sampled_from(
            [
                *(f"{COMPOSE}.project", f"{COMPOSE}.service", FOLDER, FILES),
                *("io.podman.compose.project", "PODMAN_SYSTEMD_UNIT"),
            ]
        ),
        st.text(max_size=30) | st.none() | st.integers() | st.lists(st.text(max_size=3)),
    )
)
def test_nothing_that_is_read_is_an_option_or_ends_a_word(labels: dict[str, object]) -> None:
    found = read_starter(labels)
    for plain in (found.project, found.service):
        assert not plain.startswith("-")
        assert not plain or shlex.split(plain) == [plain]
    for path in (found.folder, *found.files):
        assert not path or (path.startswith("/") and path.isprintable())
    assert found.unit == "" or (found.unit.endswith(".service") and found.unit[0] != "-")
