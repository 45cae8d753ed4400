"""The way to one registry, step by step, with the code that every other command uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from regsync.clock import Clock
from regsync.config.load import Config
from regsync.credentials import chain
from regsync.errors import CredentialsBroken, NotFound, RegsyncError, Unverified
from regsync.identity import Credentials
from regsync.oci.reference import Reference
from regsync.operations.doctor import findings
from regsync.operations.doctor.claims import Claims
from regsync.operations.doctor.privacy import Privacy
from regsync.operations.doctor.steps import Examination, Finding, skipped, warning
from regsync.registry import tokens
from regsync.registry.client import RegistryClient, Resolved
from regsync.registry.hosts import Endpoint, endpoint
from regsync.registry.line import Line, Proxy, proxy_of
from regsync.registry.message import Answer, Request
from regsync.registry.retry import Waits
from regsync.stores.threads import in_thread

_SOON = timedelta(days=14)
"""How long before its end a certificate is worth a word."""


class Host:
    """One registry, examined.

    Args:
        registry: The host, as references write it.
        reference: What is looked for in it, or None.
        config: What the user set.
        env: The environment, in which credentials are looked for.
        clock: Time, for tests.
        certs_d: Folders in which certificates are found by host.
        waits: How long a server may take; it is asked once, whatever they say.
    """

    def __init__(
        self,
        registry: str,
        reference: Reference | None,
        config: Config,
        env: Mapping[str, str],
        *,
        clock: Clock,
        certs_d: tuple[Path, ...],
        waits: Waits,
    ) -> None:
        self._registry, self._reference = registry, reference
        self._config, self._env = config, env
        self._clock, self._certs_d = clock, certs_d
        # A second try would hide what the first one found, and make every failure slow.
        self._waits = replace(waits, attempts=1)
        self._endpoint: Endpoint
        self._proxy: Proxy | None = None
        self._line: Line
        self._opened: RegistryClient | None = None
        self.credentials: Credentials | None = None
        self._seen: list[tuple[Request, Answer]] = []
        self._resolved: Resolved | None = None
        self._privacy: Privacy

    async def examine(self, take: Examination) -> None:
        """Take all steps."""
        self._privacy = take.privacy
        await take.take("address", self._find_address, ("configuration",))
        await take.take("credentials", self._find_credentials)
        await take.take("proxy", self._find_proxy, ("address",))
        await take.take("dns", self._find_addresses, ("proxy",))
        await take.take("tcp", self._connect, ("dns",))
        await take.take("tls", self._shake_hands, ("tcp",))
        try:
            await take.take("ping", self._ping, ("tls",))
            await take.take("challenge", self._judge_challenge, ("ping",))
            await take.take("token", self._get_token, ("credentials", "challenge"))
            if self._reference is not None:
                await take.take("head", self._resolve, ("token",))
                await take.take("digest", self._verify, ("head",))
            await take.take("clock", self._compare_clocks, ("ping",))
            await take.take("quota", self._tell_quota, ("ping",))
        finally:
            if self._opened is not None:
                await self._opened.aclose()

    @property
    def _client(self) -> RegistryClient:
        assert self._opened is not None  # noqa: S101 - `ping` opens it, and all else needs that
        return self._opened

    def _witness(self, request: Request, answer: Answer) -> None:
        if request.kind == "token":
            token = _token(answer)
            if token:
                self._privacy.hide_secret(token)
        self._seen.append((request, answer))

    def _last(self, kind: str) -> tuple[Request, Answer] | None:
        seen = [pair for pair in self._seen if pair[0].kind == kind]
        return seen[-1] if seen else None

    async def _find_address(self) -> Finding:
        settings = self._config.settings(self._registry)
        self._endpoint = endpoint(self._registry, settings, self._certs_d)
        base = self._endpoint.base
        own = "" if urlsplit(base).netloc == self._registry else f" for `{self._registry}`"
        if base.startswith("http:"):
            how = "plain HTTP"
            if settings.tls is None and settings.endpoint is None:
                how += ", as for every registry on this machine"
        elif not self._endpoint.verify:
            return warning(
                f"{base}{own}, TLS whose certificate is not checked",
                'name its authority instead: `ca_file = "…"` in regsync.toml',
            )
        else:
            files = len(self._endpoint.ca_files)
            how = "TLS" + (f", {files} authorities of its own" if files > 1 else "")
            how += ", an authority of its own" if files == 1 else ""
            if self._endpoint.client_certificates:
                how += ", with a client certificate"
        return Finding(f"{base}{own}, {how}")

    async def _find_credentials(self) -> Finding:
        name = self._registry if self._reference is None else self._reference.repository
        # Helpers and keyrings are programs, which are waited for.
        trace = await in_thread(lambda: chain.trace(name, self._env, limit_s=self._waits.quick))
        if trace.error is not None:
            step = trace.answered
            place = f"{step.source}: " if step is not None else ""
            raise CredentialsBroken(
                trace.error.what, f"{place}{trace.error.why}", trace.error.hint
            ) from trace.error
        self.credentials = trace.credentials
        if self.credentials is None:
            return Finding("none for this registry: it is asked anonymously")
        self._privacy.hide(self.credentials)
        source = self.credentials.source
        if self._endpoint is not None and not self._endpoint.sends_credentials:
            return warning(
                f"from {source}; not sent, since the endpoint is another host",
                "if it may have them, set endpoint_auth = true for this host in regsync.toml",
            )
        return Finding(f"from {source}")

    async def _find_proxy(self) -> Finding:
        found = proxy_of(self._endpoint.origin)
        if found is None:
            self._line = Line(self._endpoint, None, self._waits.connect)
            return Finding("none is named by the environment")
        if found.unused:
            self._line = Line(self._endpoint, None, self._waits.connect)
            return Finding(f"{found.variable} is not used: {found.unused}")
        self._proxy = found
        self._line = Line(self._endpoint, found, self._waits.connect)
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
        if self._endpoint.origin.scheme == "http":
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

    async def _ping(self) -> Finding:
        self._opened = RegistryClient(
            self._endpoint,
            self.credentials,
            clock=self._clock,
            waits=self._waits,
            witness=self._witness,
        )
        # Nothing to prepare: that is a ping alone.
        await self._client.prepare([])
        seen = self._last("ping")
        assert seen is not None  # noqa: S101 - it was sent, and answered
        return findings.greeting(seen[1].status, seen[1].headers, seen[0].url)

    async def _judge_challenge(self) -> Finding:
        seen = self._last("ping")
        assert seen is not None  # noqa: S101 - `ping` stands
        sent = seen[1].headers.get_list("WWW-Authenticate")
        return findings.challenged(seen[1].status, sent, self._endpoint.origin)

    async def _get_token(self) -> Finding:
        scheme = (self._client.greeting or "").partition(" ")[0]
        if not scheme:
            return skipped("it wants none")
        if scheme == "basic":
            if self.credentials is None or not self._endpoint.sends_credentials:
                return warning(
                    "Basic, and nobody is logged in: it will refuse most of what is asked"
                )
            await self._client.log_in()
            return Finding("Basic: the login is accepted")
        if self._reference is None:
            await self._client.log_in()
        else:
            await self._client.prepare([self._reference.repository])
        seen = self._last("token")
        assert seen is not None  # noqa: S101 - a Bearer challenge was answered
        finding = findings.granted(findings.asked_scopes(seen[0].url), self._claims())
        if self.credentials is not None and seen[0].authorization is None:
            where = urlsplit(seen[0].url).netloc
            return warning(
                f"{finding.text}; asked without the login, since {where} is another host",
                finding.hint or "what is public can be read; logins go to the registry's own host",
            )
        return finding

    def _claims(self) -> Claims | None:
        seen = self._last("token")
        token = _token(seen[1]) if seen is not None else ""
        return Claims.parse(token) if token else None

    async def _resolve(self) -> Finding:
        assert self._reference is not None  # noqa: S101 - asked for with a reference alone
        try:
            found = await self._client.resolve(self._reference)
        except NotFound as error:
            if await self._client.exists(self._reference.repository):
                raise NotFound(
                    error.what,
                    "the repository is there, and has no such tag or digest",
                    f"`regsync tags {self._reference.repository.familiar}` lists what it has",
                ) from error
            raise NotFound(
                error.what, "there is no such repository, or it is hidden", error.hint
            ) from error
        self._resolved = found
        size = f", {found.size} bytes" if found.size is not None else ""
        return Finding(f"{found.digest}, {found.media_type or 'no media type'}{size}")

    async def _verify(self) -> Finding:
        """Whether the digest that HEAD told is that of what GET serves."""
        assert self._reference is not None  # noqa: S101 - `head` stands
        assert self._resolved is not None  # noqa: S101 - `head` stands
        seen = self._last("head")
        if seen is None or seen[1].digest is None:
            return warning(
                "HEAD tells no digest: each look needs a GET then, which may count as a pull",
                "that is for who runs the registry, or the proxy before it, to mend",
            )
        if self._client.rate_limit is not None:
            return skipped("told by HEAD; comparing it with the content would count as a pull")
        content = await self._client.manifest(self._reference)
        told = self._resolved.digest
        if not told.matches(content.raw):
            raise Unverified(
                f"cannot read `{self._reference.familiar}`",
                f"HEAD tells {told.short}…, and GET serves {content.digest.short}…",
                "ask again: the tag may have moved between the two; else something before the "
                "registry answers for it",
            )
        return Finding(f"{told.short}… is that of the content")

    async def _compare_clocks(self) -> Finding:
        own = [
            answer
            for request, answer in self._seen
            if request.kind != "token" and answer.url.startswith(f"{self._endpoint.base}/")
        ]
        date = own[-1].headers.get("Date") if own else None
        return findings.clocks(self._clock.now(), date, self._claims())

    async def _tell_quota(self) -> Finding:
        return findings.quota(self._client.rate_limit)


def _token(answer: Answer) -> str:
    """The token in an answer of a token endpoint; empty where there is none."""
    try:
        return tokens.parse(answer.body, received=0.0, shared=False, what="").value
    except RegsyncError:
        return ""
