"""What carries `requests` over connections of our own, as the SDK's adapters do."""

from __future__ import annotations

from typing import Any

from docker.transport.basehttpadapter import BaseHTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool


class PoolAdapter(BaseHTTPAdapter):  # type: ignore[misc]  # the SDK carries no types
    """Sends every request over one pool, whatever its URL says."""

    def __init__(self, pool: HTTPConnectionPool) -> None:
        super().__init__()
        self._pool = pool

    def get_connection(self, url: str, proxies: Any = None) -> HTTPConnectionPool:
        return self._pool

    def request_url(self, request: Any, proxies: Any) -> str:
        return str(request.path_url)

    def close(self) -> None:
        super().close()
        self._pool.close()
