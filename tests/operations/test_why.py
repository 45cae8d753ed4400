"""`--explain` and `--names` for a whole status: what fails for one row leaves the others alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk import Desk, at

from mock_registry import MockRegistry, seed
from regsync.config.load import Config
from regsync.oci.reference import Repository
from regsync.operations.report import StatusReport
from regsync.operations.status import Wish, status
from regsync.registry.taglists import TagList
from regsync.state.documents import Documents
from regsync.stores.remote import Registries

V1 = seed.image("linux/amd64", layers=["base", "one"])
V2 = seed.image("linux/amd64", layers=["base", "two"])


@pytest.fixture
def registry() -> Iterator[MockRegistry]:
    with MockRegistry().serve() as running:
        yield running


class Broken(Registries):
    """Registries with a fault in one tag list that nobody foresaw."""

    async def tag_list(self, repository: Repository) -> TagList | None:
        if repository.path == "bad":
            raise ZeroDivisionError("by nothing")
        return await super().tag_list(repository)


def test_a_tag_list_that_breaks_ends_no_status(tmp_path: Path, registry: MockRegistry) -> None:
    desk = Desk(tmp_path)
    names = [at(registry, path) for path in ("bad:1", "good:1")]
    for version in (V1, V2):
        registry.put("bad", version, "1")
        registry.put("good", version, "1")
        if version is V1:
            desk.pull(*names)

    async def work() -> StatusReport:
        async with Broken(Config(), {}, clock=desk.clock, certs_d=()) as registries:
            with desk.memory as memory:
                wish = Wish(names=True)
                return await status(
                    desk.store, registries, memory, Documents(None), wish, clock=desk.clock
                )

    bad, good = asyncio.run(work()).entries
    assert (bad.verdict.kind, good.verdict.kind) == ("outdated", "outdated")
    assert bad.verdict.notes == (
        "other tags are not known: cannot read its tag list: ZeroDivisionError: by nothing",
    )
    assert good.verdict.notes == (f"{registry.host} does not tell which tags carry a digest",)
