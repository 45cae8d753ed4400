"""The docker SDK's low-level client, made without docker's config.json.

`APIClient` reads that file whole before anything is asked (docker 7.2, `APIClient.__init__`): one
entry of some other host that it cannot make sense of, and there is no client. It has no parameter
against that, and DOCKER_CONFIG is not ours to change. Nothing in the file concerns an engine:
contexts are read by `contexts`, credentials by `regsync.credentials`.
"""

from __future__ import annotations

import requests
from docker import APIClient
from docker.auth import AuthConfig
from docker.constants import DEFAULT_USER_AGENT, IS_WINDOWS_PLATFORM
from docker.errors import DockerException
from docker.tls import TLSConfig
from docker.utils import parse_host
from docker.utils.proxy import ProxyConfig


class BareClient(APIClient):  # type: ignore[misc]  # the SDK carries no types
    """`APIClient` with everything that its own `__init__` sets, and an empty configuration.

    Args:
        address: `tcp://host:port` or `npipe:////./pipe/name`; for anything else the caller mounts
            an adapter for `http+docker://` and sets `base_url`.
        version: The API version to speak; nothing is asked to find it out.
        timeout: Seconds that an answer may take.

    Raises:
        DockerException: the address has no meaning, or needs what is not installed.
    """

    def __init__(self, address: str, version: str, timeout: float, tls: TLSConfig | None) -> None:
        # Not `super().__init__`: it is what reads the file.
        requests.Session.__init__(self)
        self.headers["User-Agent"] = DEFAULT_USER_AGENT
        self.timeout = timeout
        self.credstore_env = None
        self._version = version
        self._general_configs: dict[str, object] = {}
        self._proxy_configs = ProxyConfig()
        self._auth_configs = AuthConfig({})
        self.base_url = parse_host(address, IS_WINDOWS_PLATFORM, tls=tls is not None)
        if tls is not None:
            tls.configure_client(self)
        if self.base_url.startswith("npipe://"):
            if not IS_WINDOWS_PLATFORM:
                raise DockerException("`npipe` is a way to talk on Windows only")
            from docker.transport import NpipeHTTPAdapter

            self._custom_adapter = NpipeHTTPAdapter(self.base_url, timeout)
            self.mount("http+docker://", self._custom_adapter)
            self.base_url = "http+docker://localnpipe"
