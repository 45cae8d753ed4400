"""Engines on a unix socket of this machine.

The SDK has such a transport, and it forgets the socket that it made whenever nothing listens, as
when an engine stops between two questions (docker 7.2, `UnixHTTPConnection.connect`). It also opens
a connection for each address that is asked, which is one for each image; here they are used again.
"""

from __future__ import annotations

import socket

import urllib3
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from regsync.stores.adapter import PoolAdapter

CONNECTIONS = 8
"""Kept open between questions; as many as are asked at once."""


class UnixAdapter(PoolAdapter):
    """Carries `requests` over the socket at `path`."""

    def __init__(self, path: str) -> None:
        super().__init__(_Pool(path))


class _Pool(HTTPConnectionPool):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", maxsize=CONNECTIONS)
        self._path = path

    def _new_conn(self) -> HTTPConnection:
        return _Connection(self._path)


class _Connection(HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(urllib3.Timeout.resolve_default_timeout(self.timeout))
            sock.connect(self._path)
        except BaseException:
            sock.close()
            raise
        self.sock = sock
