"""The way to one registry: what is configured, and the line below HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from regsync.config.load import Config
from regsync.credentials import chain
from regsync.errors import CredentialsBroken
from regsync.identity import Credentials
from regsync.oci.reference import Repository
from regsync.operations.doctor import findings
from regsync.operations.doctor.steps import Examination, Finding, skipped, warning
from regsync.registry.hosts import Endpoint, endpoint
from regsync.registry.line import Line, Proxy, proxy_of
from regsync.registry.origin import Target, realm
from regsync.registry.retry import Waits
from regsync.stores.threads import in_thread

_SOON = timedelta(days=14)
"""How long before its end a certificate is worth a word."""


class Way:
    """How one registry is reached, and as whom.

    Args:
        name: The host, as references write it, or a repository of it.
        config: What the user set.
        env: The environment, in which credentials are looked for.
        certs_d: Folders in which certificates are found by host.
        waits: How long a server may take.

    Attributes:
        endpoint: Where it is; there when the step `address` stands.
        credentials: Who somebody is to it, or None.
    """

    endpoint: Endpoint

    def __init__(
        self,
        name: str | Repository,
        config: Config,
        env: Mapping[str, str],
        certs_d: tuple[Path, ...],
        waits: Waits,
    ) -> None:
        self.credentials: Credentials | None = None
        self._name = name
        self._registry = name if isinstance(name, str) else name.registry
        self._config, self._env = config, env
        self._certs_d, self._waits = certs_d, waits
        self._withheld = False
        self._proxy: Proxy | None = None
        self._line: Line

    async def examine(self, take: Examination) -> None:
        """Take the steps from the configuration to a TLS session."""
        await take.take("address", self._find_address, ("configuration",))
        await take.take("credentials", self._find_credentials)
        if self.credentials is not None:
            take.privacy.hide(self.credentials)
        await take.take("proxy", self._find_proxy, ("address",))
        await take.take("dns", self._find_addresses, ("proxy",))
        await take.take("tcp", self._connect, ("dns",))
        await take.take("tls", self._shake_hands, ("tcp",))

    def realm(self, address: str) -> Target:
        """Judge where tokens are to be had, as requests do; see `origin.realm`.

        Raises:
            RefusedAddress: nobody may be sent there.
        """
        return realm(self.endpoint.origin, f"{self.endpoint.base}/v2/", address)

    async def _find_address(self) -> Finding:
        settings = self._config.settings(self._registry)
        self.endpoint = endpoint(self._registry, settings, self._certs_d)
        self._withheld = not self.endpoint.sends_credentials
        base = self.endpoint.base
        own = "" if urlsplit(base).netloc == self._registry else f" for `{self._registry}`"
        if base.startswith("http:"):
            how = "plain HTTP"
            if settings.tls is None and settings.endpoint is None:
                how += ", as for every registry on this machine"
        elif not self.endpoint.verify:
            return warning(
                f"{base}{own}, TLS whose certificate is not checked",
                'name its authority instead: `ca_file = "…"` in regsync.toml',
            )
        else:
            files = len(self.endpoint.ca_files)
            how = "TLS" + (f", {files} authorities of its own" if files > 1 else "")
            how += ", an authority of its own" if files == 1 else ""
            if self.endpoint.client_certificates:
                how += ", with a client certificate"
        return Finding(f"{base}{own}, {how}")

    async def _find_credentials(self) -> Finding:
        # Helpers and keyrings are programs, which are waited for; closed here, since a thread that
        # nobody waits for any more would not come to it.
        sources = chain.Chain(self._env, limit_s=self._waits.quick)
        try:
            trace = await in_thread(lambda: sources.trace(sources.key(self._name)))
        finally:
            sources.close()
        if trace.error is not None:
            step = trace.answered
            place = f"{step.source}: " if step is not None else ""
            raise CredentialsBroken(
                trace.error.what, f"{place}{trace.error.why}", trace.error.hint
            ) from trace.error
        self.credentials = trace.credentials
        if self.credentials is None:
            return Finding("none for this registry: it is asked anonymously")
        source = self.credentials.source
        if self._withheld:
            return warning(
                f"from {source}; not sent, since the endpoint is another host",
                "if it may have them, set endpoint_auth = true for this host in regsync.toml",
            )
        return Finding(f"from {source}")

    async def _find_proxy(self) -> Finding:
        found = proxy_of(self.endpoint.origin)
        if found is None:
            self._line = Line(self.endpoint, None, self._waits.connect)
            return Finding("none is named by the environment")
        if found.unused:
            self._line = Line(self.endpoint, None, self._waits.connect)
            return Finding(f"{found.variable} is not used: {found.unused}")
        self._proxy = found
        self._line = Line(self.endpoint, found, self._waits.connect)
        if not found.host:
            return warning(
                f"{found.variable} names {found}", f"{found.variable} should be http://HOST:PORT"
            )
        return Finding(f"{found} ({found.variable})")

    async def _find_addresses(self) -> Finding:
        addresses = await self._line.addresses()
        about = f"the proxy {self._line.host}" if self._proxy else self._line.host
        if addresses == (self._line.host,):
            return Finding(f"{about} is an address already")
        return Finding(f"{about} is {', '.join(addresses[:4])}" + (" …" * (len(addresses) > 4)))

    async def _connect(self) -> Finding:
        address = await self._line.connect()
        who = "the proxy takes a connection" if self._proxy else "it takes a connection"
        return Finding(f"{who} at {address}, port {self._line.port}")

    async def _shake_hands(self) -> Finding:
        if self.endpoint.origin.scheme == "http":
            return skipped("plain HTTP is spoken")
        if self._proxy is not None:
            return skipped("through the proxy, see `ping`")
        session = await self._line.secure()
        if session.until is None:
            return Finding(f"{session.version}, its certificate was not checked")
        left = session.until - datetime.now(UTC)
        told = f"{session.version}, its certificate is trusted until {session.until:%Y-%m-%d}"
        if left < _SOON:
            return warning(f"{told}, {findings.span(left)} from now", "it has to be renewed there")
        return Finding(told)
