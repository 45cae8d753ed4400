"""One machine with an OCI layout for a store: what is pulled and built here, and its status."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from wire import FakeClock

from mock_registry import MockRegistry, seed
from regsync.config.load import Config
from regsync.oci.glob import Glob
from regsync.oci.platform import Platform
from regsync.oci.reference import Reference
from regsync.operations.ps import PsReport, ps
from regsync.operations.pull import pull
from regsync.operations.remember import remember_pull
from regsync.operations.report import Entry, StatusReport
from regsync.operations.status import Wish, status
from regsync.progress import Event, Listener, silent
from regsync.registry.retry import Waits
from regsync.settings import HostSettings
from regsync.state.documents import Documents
from regsync.state.memory import Memory
from regsync.stores.base import Store
from regsync.stores.layout import LayoutStore
from regsync.stores.remote import Registries

AMD64 = Platform("linux", "amd64")


@dataclass
class Desk:
    """A folder for everything, a clock that goes on by a minute a command, settings by registry."""

    folder: Path
    hosts: Mapping[str, HostSettings] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    clock: FakeClock = field(default_factory=FakeClock)

    @property
    def store(self) -> LayoutStore:
        return LayoutStore(self.folder / "images")

    @property
    def memory(self) -> Memory:
        return Memory(self.folder / "state", self.clock)

    def registries(self, waits: Waits | None = None) -> Registries:
        config = Config(hosts=self.hosts)
        return Registries(config, self.env, clock=self.clock, certs_d=(), waits=waits)

    def pull(self, *names: str) -> None:
        """Pull for linux/amd64, and remember it."""
        self.clock.elapsed += 60

        async def work() -> None:
            async with self.registries() as registries:
                for name in names:
                    with self.memory as memory:
                        await pull(
                            Reference.parse(name),
                            self.store,
                            registries,
                            platform=AMD64,
                            remember=lambda result, memory=memory: remember_pull(
                                memory, self.store.info.key, result, self.clock.now()
                            ),
                        )

        asyncio.run(work())

    def build(self, images: Mapping[str, seed.Image]) -> None:
        """Have images here that no registry ever saw; what had their names loses it."""
        root = self.folder / "images"
        blobs = root / "blobs" / "sha256"
        blobs.mkdir(parents=True, exist_ok=True)
        (root / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        index = root / "index.json"
        entries = json.loads(index.read_text())["manifests"] if index.exists() else []
        for name, image in images.items():
            for data in (image.manifest, image.config.data, *(one.data for one in image.layers)):
                (blobs / hashlib.sha256(data).hexdigest()).write_bytes(data)
            full = str(Reference.parse(name))
            for entry in entries:
                if entry.get("annotations", {}).get("io.containerd.image.name") == full:
                    del entry["annotations"]
            entries.append(image.descriptor | {"annotations": {"io.containerd.image.name": full}})
        index.write_text(json.dumps({"schemaVersion": 2, "manifests": entries}))

    def tag(self, old: str, new: str) -> None:
        """Give an image one more name."""
        index = self.folder / "images" / "index.json"
        document = json.loads(index.read_text())
        name = "io.containerd.image.name"
        [entry] = [
            entry
            for entry in document["manifests"]
            if entry.get("annotations", {}).get(name) == str(Reference.parse(old))
        ]
        again = entry | {"annotations": {name: str(Reference.parse(new))}}
        document["manifests"].append(again)
        index.write_text(json.dumps(document))

    def status(
        self,
        *names: str,
        offline: bool = False,
        listen: Listener = silent,
        store: Store | None = None,
        platform: str | None = None,
        ignore: Sequence[str] = (),
        min_age: timedelta | None = None,
        changed: bool = False,
        waits: Waits | None = None,
    ) -> StatusReport:
        """Run a status, of the layout where no other store is given."""
        wish = Wish(
            names,
            Platform.parse(platform) if platform else None,
            offline,
            ignore=[Glob.parse(pattern) for pattern in ignore],
            min_age=min_age,
            changed=changed,
        )
        self.clock.elapsed += 60

        async def work() -> StatusReport:
            async with self.registries(waits) as registries:
                with self.memory as memory:
                    return await status(
                        store or self.store,
                        registries,
                        memory,
                        Documents(self.folder / "cache"),
                        wish,
                        listen=listen,
                        clock=self.clock,
                    )

        return asyncio.run(work())

    def report(self, *names: str, platform: str | None = None) -> tuple[list[str], list[str]]:
        """What has changed since the last report, and what is no longer here; reported so."""
        news = self.status(*names, platform=platform, changed=True).news
        assert news is not None
        with self.memory as memory:
            memory.keep_reported(self.store.info.key, news.states, news.vanished, news.scope)
        return [entry.name or "<none>" for entry in news.entries], list(news.vanished)

    def untag(self, name: str) -> None:
        """Take a name, and the image with it, away."""
        index = self.folder / "images" / "index.json"
        document = json.loads(index.read_text())
        full = str(Reference.parse(name))
        document["manifests"] = [
            entry
            for entry in document["manifests"]
            if entry.get("annotations", {}).get("io.containerd.image.name") != full
        ]
        index.write_text(json.dumps(document))

    def ps(self, store: Store, *, stopped: bool = False, offline: bool = False) -> PsReport:
        """Run a ps of an engine."""
        self.clock.elapsed += 60

        async def work() -> PsReport:
            async with self.registries() as registries:
                with self.memory as memory:
                    return await ps(
                        store,
                        registries,
                        memory,
                        Documents(self.folder / "cache"),
                        stopped=stopped,
                        offline=offline,
                        clock=self.clock,
                    )

        return asyncio.run(work())

    def verdicts(self, *names: str) -> dict[str, str]:
        """`kind/reason` by name, of a status."""
        return said(self.status(*names))


def said(report: StatusReport) -> dict[str, str]:
    return {entry.name or "<none>": _told(entry) for entry in report.entries}


def _told(entry: Entry) -> str:
    verdict = entry.verdict
    told = verdict.reason or verdict.cause
    return f"{verdict.kind}/{told}" if told else str(verdict.kind)


def at(registry: MockRegistry, name: str) -> str:
    """The full name of something in a registry."""
    return f"{registry.host}/{name}"


@dataclass
class Heard:
    """A listener that keeps what it hears."""

    events: list[Event] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        self.events.append(event)
