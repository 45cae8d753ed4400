from __future__ import annotations

import json
from datetime import UTC, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regsync.errors import InvalidManifest
from regsync.oci.imageconfig import ImageConfig, moment
from regsync.oci.platform import Platform

LAYERS = ["sha256:" + "1" * 64, "sha256:" + "2" * 64]


def blob(**changes: Any) -> ImageConfig:
    fields = {
        "architecture": "amd64",
        "os": "linux",
        "created": "2024-01-01T00:00:00.123456789Z",
        "rootfs": {"type": "layers", "diff_ids": LAYERS},
        "config": {"Env": ["A=1"], "Cmd": ["x"]},
    }
    return ImageConfig.parse(json.dumps(fields | changes).encode())


def inspect(**changes: Any) -> ImageConfig:
    fields = {
        "Architecture": "amd64",
        "Os": "linux",
        "Created": "2024-01-01T00:00:00.123456789Z",
        "RootFS": {"Type": "layers", "Layers": LAYERS},
        "Config": {"Env": ["A=1"], "Cmd": ["x"]},
    }
    return ImageConfig.from_inspect(fields | changes)


# Pairs of one image each: the config that was pushed, and what Docker 28.5 (containerd store) and
# 20.10 answered after a pull.
FULL = {
    "Env": ["A=1"],
    "Cmd": ["x"],
    "Labels": {},
    "ExposedPorts": {"80/tcp": {}},
    "Healthcheck": {"Test": ["CMD", "x"], "Interval": 5000000000},
    "StopSignal": "SIGQUIT",
    "Shell": ["sh", "-c"],
    "OnBuild": ["ENV X=1"],
    "ArgsEscaped": True,
    "Memory": 5,
    "Hostname": "h",
    "Volumes": {"/d": {}},
    "WorkingDir": "/w/",
    "User": "1",
}
SAME = [
    (
        FULL,
        {
            "ArgsEscaped": True,
            "Cmd": ["x"],
            "Entrypoint": None,
            "Env": ["A=1"],
            "ExposedPorts": {"80/tcp": {}},
            "Healthcheck": {"Interval": 5000000000, "Test": ["CMD", "x"]},
            "Labels": None,
            "OnBuild": ["ENV X=1"],
            "Shell": ["sh", "-c"],
            "StopSignal": "SIGQUIT",
            "User": "1",
            "Volumes": {"/d": {}},
            "WorkingDir": "/w/",
        },
    ),
    (
        FULL,
        {
            "Hostname": "h",
            "Domainname": "",
            "User": "1",
            "AttachStdin": False,
            "ExposedPorts": {"80/tcp": {}},
            "Tty": False,
            "Env": ["A=1"],
            "Cmd": ["x"],
            "Healthcheck": {"Test": ["CMD", "x"], "Interval": 5000000000},
            "Image": "",
            "Volumes": {"/d": {}},
            "WorkingDir": "/w/",
            "Entrypoint": None,
            "Labels": {},
            "OnBuild": ["ENV X=1"],
            "StopSignal": "SIGQUIT",
            "Shell": ["sh", "-c"],
        },
    ),
    (
        {"Cmd": ["x"]},
        {
            "Cmd": ["x"],
            "Entrypoint": None,
            "Env": None,
            "Labels": None,
            "OnBuild": None,
            "User": "",
            "Volumes": None,
            "WorkingDir": "",
        },
    ),
    (None, {"Cmd": None, "Entrypoint": None, "Env": None, "Labels": None, "User": ""}),
    (None, None),
    (
        {"Env": ["B="], "Entrypoint": [""], "Labels": {"a": ""}},
        {"Cmd": None, "Entrypoint": [""], "Env": ["B="], "Labels": {"a": ""}, "User": ""},
    ),
]


@pytest.mark.parametrize(("pushed", "answered"), SAME)
def test_an_engine_s_answer_is_the_config_it_was_made_from(pushed: Any, answered: Any) -> None:
    assert inspect(Config=answered).same_image(blob(config=pushed))


@pytest.mark.parametrize(
    "changes",
    [
        {"config": {"Env": ["A=2"], "Cmd": ["x"]}},
        {"config": {"Env": ["A=1"], "Cmd": ["x"], "Entrypoint": ["y"]}},
        {"config": {"Env": ["A=1"], "Cmd": ["x"], "Labels": {"version": "2"}}},
        {"config": {"Env": ["A=1"], "Cmd": ["x"], "StopSignal": "SIGQUIT"}},
        {"config": {"Env": ["A=1"], "Cmd": ["x"], "Healthcheck": {"Test": ["NONE"]}}},
        {"created": "2024-01-01T00:00:01Z"},
        {"created": None},
        {"rootfs": {"diff_ids": LAYERS[:1]}},
        {"rootfs": {"diff_ids": LAYERS[::-1]}},
        {"architecture": "arm64"},
        {"os": "windows"},
    ],
)
def test_one_difference_makes_another_image(changes: dict[str, Any]) -> None:
    assert blob().same_image(inspect())
    assert not blob(**changes).same_image(inspect())


def test_no_layers_prove_nothing() -> None:
    # An artifact has no config of this kind, and every artifact would be the same image.
    nothing = ImageConfig.from_inspect({"Architecture": "", "Os": "", "RootFS": {}, "Config": {}})
    assert nothing.diff_ids == ()
    assert not nothing.same_image(nothing)


def test_a_default_variant_is_no_difference() -> None:
    # Podman never tells a variant; 28.5 tells the one that is written.
    local = inspect(Architecture="arm64", Variant="")
    assert local.same_image(blob(architecture="arm64", variant="v8"))
    assert not inspect(Architecture="arm", Variant="v6").same_image(
        blob(architecture="arm", variant="v7")
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2024-01-01T00:00:00+02:00", "2023-12-31T22:00:00Z"),
        ("2024-01-01T00:00:00.123456789Z", "2024-01-01T00:00:00.123456Z"),
        # What engines answer where the config has no date.
        ("0001-01-01T00:00:00Z", ""),
    ],
)
def test_dates_are_compared_as_moments(one: str, other: str) -> None:
    assert moment(one) == moment(other)
    assert inspect(Created=one).same_image(blob(created=other))


@pytest.mark.parametrize("text", ["", "yesterday", "2024-13-01T00:00:00Z", "0001-01-01T00:00:00Z"])
def test_no_moment_is_none(text: str) -> None:
    assert moment(text) is None


@given(
    st.one_of(
        st.sampled_from(["9999-12-31T23:59:59-14:00", "0001-01-01T00:30:00+14:00"]),
        st.tuples(st.datetimes(), st.integers(-14 * 60, 14 * 60)).map(
            lambda each: each[0].replace(tzinfo=timezone(timedelta(minutes=each[1]))).isoformat()
        ),
        st.text(alphabet="0123456789-+:TZ. "),
    )
)
def test_every_moment_can_be_told_in_utc(text: str) -> None:
    found = moment(text)
    assert found is None or (found.tzinfo, found.astimezone(UTC)) == (UTC, found)


def test_what_is_read() -> None:
    config = blob(config=FULL | {"Labels": {"v": "1", "bad": 2}}, variant="v2")
    assert config.platform == Platform("linux", "amd64", "v2")
    assert config.diff_ids == tuple(LAYERS)
    assert config.labels == {"v": "1"}
    assert "Memory" not in config.settings


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b'{"os":1,"os":2}'])
def test_a_document_that_is_none_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidManifest):
        ImageConfig.parse(raw)


def test_fields_of_the_wrong_kind_are_empty() -> None:
    config = ImageConfig.parse(b'{"os":1,"created":2,"rootfs":[],"config":"x"}')
    assert config == ImageConfig(Platform("", ""))
