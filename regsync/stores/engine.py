"""The images and containers of a Docker or Podman engine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from regsync.errors import StoreFailure
from regsync.stores import inspection
from regsync.stores.base import Container, LocalImage, Snapshot, StoreInfo
from regsync.stores.endpoint import Endpoint
from regsync.stores.engineapi import EngineClient, NobodyListens, Refused
from regsync.stores.fields import Fields
from regsync.stores.threads import in_thread

CONCURRENCY = 8
"""Inspects under way at once: an engine answers from its own database, more only queue there."""

_MANIFESTS_SINCE = (1, 48)

Item = TypeVar("Item")
Value = TypeVar("Value")


class EngineStore:
    """An engine, asked anew for every snapshot.

    Args:
        endpoint: Where it listens.
        others: Asked in turn while nothing listens at the ones before; an engine that is there
            and refuses is never passed over, since another one holds other images.
        searched: Where no engine was found, for the message.
        named_by: The option, variable or file that chose it; empty where it was searched for.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        others: tuple[Endpoint, ...] = (),
        searched: tuple[str, ...] = (),
        named_by: str = "",
    ) -> None:
        self.endpoint = endpoint
        self.named_by = named_by
        self._others = others
        self._searched = searched

    async def snapshot(self) -> Snapshot:
        """Everything that the engine holds now.

        Raises:
            EngineUnreachable: no engine answers, it went away, or this user may not ask it.
            StoreFailure: it refuses, or what it answers cannot be read.
            InvalidConfig: docker's configuration or a certificate cannot be read.
        """
        client = await in_thread(self._connect)
        try:
            return await _Reader(client).snapshot()
        finally:
            client.close()

    @property
    def absent(self) -> bool:
        """Whether nobody chose an engine, and none was found: there is probably none here."""
        return bool(self._searched)

    async def info(self) -> StoreInfo:
        """Which engine answers; its images are not looked at.

        Raises:
            RegsyncError: see `snapshot`.
        """
        client = await in_thread(self._connect)
        try:
            answer = _object(await in_thread(lambda: client.get("/info")))
            return inspection.store_info(client.version, answer, client.endpoint.address)
        finally:
            client.close()

    def _connect(self) -> EngineClient:
        endpoints = (self.endpoint, *self._others)
        for endpoint in endpoints[:-1]:
            try:
                return EngineClient(endpoint)
            except NobodyListens:
                continue
        try:
            return EngineClient(endpoints[-1])
        except NobodyListens as error:
            if not self._searched:
                raise
            why = f"none listens at the usual sockets: {', '.join(self._searched)}"
            raise NobodyListens("no container engine was found", why, error.hint) from None


class _Reader:
    """One snapshot in the making."""

    def __init__(self, client: EngineClient) -> None:
        self.client = client
        self.slots = asyncio.Semaphore(CONCURRENCY)

    async def snapshot(self) -> Snapshot:
        answers = await _all(
            self.ask,
            [
                lambda: self.client.get("/info"),
                lambda: self.client.get("/images/json"),
                lambda: self.client.get("/containers/json", all=1),
            ],
        )
        info = inspection.store_info(
            self.client.version, _object(answers[0]), self.client.endpoint.address
        )
        images = await _all(lambda entry: self.image(info.kind, entry), _objects(answers[1]))
        containers = await _all(self.container, _objects(answers[2]))
        return Snapshot(
            info=info,
            images=inspection.doubt(image for image in images if image is not None),
            containers=tuple(containers),
        )

    async def image(self, kind: str, listed: Fields) -> LocalImage | None:
        """One image; None where it is gone since it was listed."""
        id_ = inspection.full_id(str(listed.get("Id", "")))
        wanted: dict[str, object] = {}
        if kind == inspection.CONTAINERD and self.client.api >= _MANIFESTS_SINCE:
            wanted["manifests"] = 1
        try:
            answer = await self.ask(lambda: self.client.get("/images/{0}/json", id_, **wanted))
        except Refused as error:
            if error.status == 404:
                return None
            # One image with broken content must not hide the others: the list still names it.
            return inspection.image(kind, listed, None)
        return inspection.image(kind, listed, _object(answer))

    async def container(self, listed: Fields) -> Container:
        """One container, with the name that it was started with."""
        inspected: Fields | None = None
        if inspection.renamed(listed):
            id_ = str(listed.get("Id", ""))
            try:
                inspected = _object(
                    await self.ask(lambda: self.client.get("/containers/{0}/json", id_))
                )
            except Refused:
                inspected = None  # it is gone, or broken; its image's ID still says what it ran
        return inspection.container(listed, inspection.image_name(listed, inspected))

    async def ask(self, call: Callable[[], Any]) -> Any:
        async with self.slots:
            return await in_thread(call)


async def _all(work: Callable[[Item], Awaitable[Value]], items: Iterable[Item]) -> list[Value]:
    """The results in order; the first failure ends the rest."""

    async def one(item: Item) -> Value:
        return await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(item)) for item in items]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


def _object(answer: object) -> Fields:
    if not isinstance(answer, dict):
        raise _unreadable("an object was expected")
    return answer


def _objects(answer: object) -> list[Fields]:
    # Podman 4 answers an empty store with null.
    items = [] if answer is None else answer
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise _unreadable("a list of objects was expected")
    return items


def _unreadable(why: str) -> StoreFailure:
    return StoreFailure("the engine's answer cannot be read", why)
