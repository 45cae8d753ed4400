"""Platforms: one platform under many spellings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regsync.errors import UsageError
from regsync.oci.platform import Platform


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("amd64", "linux/amd64"),
        ("linux/amd64", "linux/amd64"),
        ("linux/x86_64", "linux/amd64"),
        ("linux/aarch64", "linux/arm64"),
        ("linux/arm64/v8", "linux/arm64/v8"),
        ("linux/arm/7", "linux/arm/v7"),
        ("linux/armhf", "linux/arm/v7"),
        ("Linux/ARM64", "linux/arm64"),
        ("macos/arm64", "darwin/arm64"),
        ("windows/amd64", "windows/amd64"),
    ],
)
def test_parse(text: str, meaning: str) -> None:
    assert str(Platform.parse(text)) == meaning


@pytest.mark.parametrize("text", ["", "/", "linux/", "/amd64", "a/b/c/d", "linux/am d64", "a\n"])
def test_refuses(text: str) -> None:
    with pytest.raises(UsageError):
        Platform.parse(text)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("linux/arm64", "linux/arm64/v8", True),
        ("linux/arm", "linux/arm/v7", True),
        ("linux/amd64", "linux/amd64/v1", True),
        ("linux/amd64", "linux/amd64/v3", False),
        ("linux/arm/v6", "linux/arm/v7", False),
        ("linux/arm64", "linux/amd64", False),
        ("windows/amd64", "linux/amd64", False),
    ],
)
def test_variants(one: str, other: str, same: bool) -> None:
    assert Platform.parse(one).same(Platform.parse(other)) is same
    assert Platform.parse(other).same(Platform.parse(one)) is same


def test_windows_builds_differ() -> None:
    one = Platform("windows", "amd64", os_version="10.0.17763.1")
    assert one.same(Platform("windows", "amd64", os_version="10.0.17763.999"))
    assert not one.same(Platform("windows", "amd64", os_version="10.0.20348.1"))


def test_reads_descriptors_and_engines() -> None:
    spec = {"os": "linux", "architecture": "arm", "variant": "v6"}
    engine = {"Os": "linux", "Architecture": "arm", "Variant": "v6"}
    assert Platform.from_json(spec) == Platform.from_json(engine) == Platform("linux", "arm", "v6")
    assert not Platform.from_json({"os": "unknown", "architecture": "unknown"}).known
    assert not Platform.from_json({"os": 7}).known


part = st.from_regex(r"[a-z0-9_.-]{1,10}", fullmatch=True)


@given(st.lists(part, min_size=1, max_size=3))
def test_round_trip(parts: list[str]) -> None:
    platform = Platform.parse("/".join(parts))
    assert Platform.parse(str(platform)) == platform
    assert platform.same(platform)
