"""Which tags carry which digest: Docker Hub's API and Google's map, honest and hostile."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire import FakeClock, serve

from mock_registry import MockRegistry, seed
from regsync.config.load import Config
from regsync.errors import InvalidConfig, NotFound, RateLimited, RegsyncError, ServerFailed
from regsync.oci.reference import Repository
from regsync.registry.hubapi import PAGES
from regsync.registry.taglists import TagList, read_google, read_hub
from regsync.settings import HostSettings
from regsync.stores.remote import Registries

DIGEST = "sha256:" + "a" * 64
NODE = Repository.parse("node")


def ask(address: str, repository: Repository = NODE) -> TagList | None:
    async def work() -> TagList | None:
        hosts = {"docker.io": HostSettings(hub_api=address)}
        async with Registries(Config(hosts=hosts), {}, clock=FakeClock(), certs_d=()) as found:
            return await found.tag_list(repository)

    return asyncio.run(work())


def test_docker_hub_in_pages() -> None:
    with MockRegistry(hub=9).serve() as registry:
        made = seed.index([seed.image(), seed.image("linux/arm64")])
        registry.put("node", made, *(f"1.{number}" for number in range(250)))
        found = ask(registry.url)
        assert found is not None
        assert (found.source, len(found.records), found.complete) == ("127.0.0.1", 250, True)
        assert {str(one) for one in found.records[0].digests} == {
            made.digest,
            *(one.digest for one in made.images),
        }
        assert registry.log.count(kind="hubtags") == 3
        registry.put("node", made, *(f"2.{number}" for number in range(100)))
        found = ask(registry.url)
        assert found is not None
        assert (len(found.records), found.complete) == (300, False)
        with pytest.raises(NotFound, match="no such repository, or it is private"):
            ask(registry.url, Repository.parse("team/none"))
        with pytest.raises(NotFound, match="NAMESPACE/NAME"):
            ask(registry.url, Repository.parse("a/b/c"))


def test_pages_that_never_end() -> None:
    page = {"next": "https://evil.example/", "results": [{"name": "x", "digest": DIGEST}]}
    with serve(lambda seen: (200, {}, json.dumps(page).encode())) as wire:
        found = ask(f"http://{wire.host}")
        assert found is not None
        assert not found.complete
        assert len(wire.seen) == PAGES


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (404, b"{}", NotFound),
        (403, b"no", ServerFailed),
        (200, b"[]", RegsyncError),
        (200, b"<html>", RegsyncError),
    ],
)
def test_other_answers(status: int, body: bytes, error: type[Exception]) -> None:
    with serve(lambda seen: (status, {}, body)) as wire, pytest.raises(error):
        ask(f"http://{wire.host}")


def test_its_own_limit() -> None:
    headers = {"X-Retry-After": "4102444800"}
    with serve(lambda seen: (429, headers, b"")) as wire, pytest.raises(RateLimited):
        ask(f"http://{wire.host}")


@pytest.mark.parametrize("address", ["ftp://h", "https://u:p@h", "https://h/path"])
def test_an_address_without_meaning(address: str) -> None:
    with pytest.raises(InvalidConfig, match="`hub_api` of this host"):
        ask(address)


def test_googles_map() -> None:
    fields = {
        "manifest": {
            DIGEST: {"tag": ["1", "latest", "\x1b[2J", 5], "timeUploadedMs": "1700000000000"},
            "sha256:b": {"tag": ["2"]},
            "sha256:" + "c" * 64: {"tag": None},
        }
    }
    found = read_google(fields)
    assert found is not None
    assert [one.name for one in found] == ["1", "latest"]
    assert f"{found[0].pushed_at:%Y-%m-%d}" == "2023-11-14"
    assert read_google({"tags": ["1"]}) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.just(DIGEST),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([DIGEST, "tag", "name", "digest", "images", "timeUploadedMs"]), inner
        )
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["results", "manifest"]), JSON))
@settings(deadline=None)
def test_nonsense_is_left_out(fields: dict[str, Any]) -> None:
    for record in (*read_hub(fields), *(read_google(fields) or ())):
        assert record.name.isascii()
        assert record.digests
