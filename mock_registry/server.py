"""The registry as one object: made, started, looked into and stopped."""

from __future__ import annotations

import asyncio
import os
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from email.utils import formatdate
from functools import partial
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from mock_registry.auth import Authority, Scheme
from mock_registry.core import Core
from mock_registry.errors import document
from mock_registry.exchange import url_of
from mock_registry.faults import Fault, Faults
from mock_registry.hub import Hub
from mock_registry.modes import find
from mock_registry.quirks import Quirks
from mock_registry.recording import Log
from mock_registry.storage import Storage
from mock_registry.tokens import TokenEndpoint
from mock_registry.users import User, Users
from mock_registry.web import listen

if TYPE_CHECKING:
    from mock_registry.seed import Content

TOKEN_LIFE = 300


class MockRegistry:
    """A registry, not yet listening.

    Args:
        folder: Where to keep everything, made if missing; in memory when None.
        mode: Be like a real registry, one of `modes.MODES`: its quirks and way to log in, and
            everything is public that it would show to anybody, unless `public` says otherwise.
        auth: ``none``, ``basic`` or ``bearer``. None chooses what the mode has, or ``bearer`` where
            there are users or it is Hub-like, and otherwise ``none``.
        users: Who may log in.
        public: Pattern of repositories that anybody may pull; `*` also matches `/`.
        hub: Be like Docker Hub, with this many pulls per six hours for each user or address:
            repositories need a namespace, what may not be read and what is not there look the
            same (401), and everything is public unless `public` says otherwise.
        deletes: Whether DELETE is allowed.
        referrers: Whether the referrers API exists.
        latency: Seconds before each answer.
        token_life: Seconds that a token is good for.
        tls: Certificate and key as PEM files, or a context; plain HTTP when None.
        host: Address to listen on.
        port: Port to listen on; 0 is a free one.
        quirks: Habits that differ from the well-behaved default, or all habits in place of the
            mode's: `dataclasses.replace(MODES["quay"].quirks, page=10)`.
        clock: Seconds since the epoch; a test may pass its own.

    Raises:
        OSError: the folder or the certificate cannot be used.
        ssl.SSLError: the certificate or its key is none.
        ValueError: there is no such mode.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str] | None = None,
        *,
        mode: str | None = None,
        auth: Scheme | None = None,
        users: Sequence[User] = (),
        public: str | None = None,
        hub: int | None = None,
        deletes: bool = True,
        referrers: bool = True,
        latency: float = 0.0,
        token_life: int = TOKEN_LIFE,
        tls: tuple[str | os.PathLike[str], str | os.PathLike[str]] | ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        quirks: Quirks | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        chosen = find(mode)
        quirks = quirks or chosen.quirks
        hub = chosen.hub if hub is None else hub
        known = Users(tuple(users))
        storage = Storage(folder)
        bearer = users or hub is not None
        scheme: Scheme = auth or chosen.scheme(users) or ("bearer" if bearer else "none")

        def exists(name: str) -> bool:
            return storage.repository(name) is not None

        authority = Authority(
            scheme,
            known,
            public=public if public is not None else "*" if hub is not None else chosen.public,
            exists=exists if hub is not None or quirks.hides_missing else None,
            owned=hub is not None,
            quirks=quirks,
            endpoint=partial(
                TokenEndpoint, known, clock=clock, life=token_life, quirks=quirks, exists=exists
            ),
        )
        limit = None if hub is None else Hub(hub, clock)
        referrers = referrers and chosen.referrers
        self.core = Core(storage, authority, limit, clock, quirks, deletes, referrers, latency)
        self._tls = _context(tls)
        self._listen_on = (host, port)
        self._url: str | None = None

    @property
    def url(self) -> str:
        """Where it listens, such as ``http://127.0.0.1:41234``.

        Raises:
            RuntimeError: it does not listen.
        """
        if self._url is None:
            raise RuntimeError("the registry is not running; use serve() or running()")
        return self._url

    @property
    def host(self) -> str:
        """The registry's part of a reference, such as ``127.0.0.1:41234``."""
        return urlsplit(self.url).netloc

    @property
    def storage(self) -> Storage:
        """What it holds."""
        return self.core.storage

    @property
    def log(self) -> Log:
        """What it was asked."""
        return self.core.log

    @property
    def faults(self) -> Faults:
        """How it misbehaves."""
        return self.core.faults

    @property
    def is_hub(self) -> bool:
        """Whether it is like Docker Hub."""
        return self.core.hub is not None

    def put(self, repository: str, content: Content, *tags: str) -> str:
        """Keep seed content, everything it names included, and return its digest.

        On a Hub-like registry a repository without namespace is one of ``library/``.
        """
        from mock_registry import seed

        if self.is_hub and "/" not in repository:
            repository = f"library/{repository}"
        return seed.put(self.storage, repository, content, *tags)

    def throttle(self, times: int | None = None) -> Fault:
        """Answer 429, in this registry's own way, to what is asked of repositories.

        Args:
            times: How many requests are answered so; None for all.
        """
        limit = self.core.quirks.limit
        until = self.core.clock() + limit.wait
        moment = {"unix": str(int(until)), "date": formatdate(until, usegmt=True)}
        headers = {name: value.format(**moment) for name, value in limit.headers.items()}
        body: object = document("TOOMANYREQUESTS", limit.message)
        if limit.plain:
            headers["Content-Type"], body = "text/plain", limit.message
        fault = Fault("^/v2/.+/", status=429, headers=headers, body=body, times=times)
        self.faults.add(fault)
        return fault

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Listen in the running event loop.

        Raises:
            OSError: the address cannot be listened on.
        """
        async with listen(self.core, *self._listen_on, self._tls) as (host, port):
            self._url = url_of(host, port, tls=self._tls is not None)
            try:
                yield self
            finally:
                self._url = None

    @contextmanager
    def serve(self) -> Iterator[Self]:
        """Listen in an event loop and thread of its own.

        Raises:
            OSError: the address cannot be listened on.
        """
        ready = threading.Event()
        stop: list[Callable[[], object]] = []
        failure: list[BaseException] = []

        async def main() -> None:
            done = asyncio.Event()
            async with self.running():
                loop = asyncio.get_running_loop()
                stop.append(partial(loop.call_soon_threadsafe, done.set))
                ready.set()
                await done.wait()

        def run() -> None:
            try:
                asyncio.run(main())
            except BaseException as error:
                failure.append(error)
            finally:
                ready.set()

        thread = threading.Thread(target=run, name="mock_registry", daemon=True)
        thread.start()
        ready.wait()
        try:
            if failure:
                raise failure[0]
            yield self
        finally:
            for each in stop:
                each()
            thread.join()


def _context(
    tls: tuple[str | os.PathLike[str], str | os.PathLike[str]] | ssl.SSLContext | None,
) -> ssl.SSLContext | None:
    if not isinstance(tls, tuple):
        return tls
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*tls)
    return context
