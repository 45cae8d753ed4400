"""Tag lists over more pages than the caller wants to wait for."""

from __future__ import annotations

import asyncio
import json

import pytest
from wire import Reply, Seen, serve

from regsync.config.load import Config
from regsync.errors import ServerFailed
from regsync.oci.reference import Repository
from regsync.stores.remote import Registries


def page(seen: Seen) -> Reply:
    """Ten pages of one tag each."""
    number = int(seen.path.rpartition("last=")[2] or 0) if "last=" in seen.path else 0
    headers = {"Docker-Distribution-Api-Version": "registry/2.0"}
    if number < 9:
        headers["Link"] = f'</v2/team/app/tags/list?last={number + 1}>; rel="next"'
    return 200, headers, json.dumps({"name": "team/app", "tags": [f"t{number}"]}).encode()


def test_a_limit_of_pages_ends_the_list_with_an_error() -> None:
    with serve(page) as wire:

        async def tags(pages: int) -> list[str]:
            async with Registries(Config(), {}, certs_d=()) as registries:
                client = registries.client(wire.host)
                return await client.tags(Repository(wire.host, "team/app"), pages=pages)

        assert len(asyncio.run(tags(10))) == 10
        before = wire.count("GET", "tags/list")
        with pytest.raises(ServerFailed, match="more than 3 pages"):
            asyncio.run(tags(3))
        assert wire.count("GET", "tags/list") - before == 3
