"""What one registry answers, step by step, to the client that every other command uses."""

from __future__ import annotations

from dataclasses import replace

from regsync.clock import Clock
from regsync.errors import (
    LoginFailed,
    NotFound,
    RateLimited,
    RegsyncError,
    Unverified,
)
from regsync.identity import variable
from regsync.oci.reference import Reference
from regsync.oci.scope import Scope
from regsync.operations.doctor import findings
from regsync.operations.doctor.claims import Claims
from regsync.operations.doctor.privacy import Privacy
from regsync.operations.doctor.steps import Examination, Finding, skipped, warning
from regsync.operations.doctor.way import Way
from regsync.registry import tokens
from regsync.registry.client import RegistryClient
from regsync.registry.manifests import Resolved
from regsync.registry.message import Answer, Request
from regsync.registry.origin import Origin
from regsync.registry.retry import Waits


class Answers:
    """The answers of one registry, once the way to it stands.

    Args:
        way: How it is reached, and as whom.
        reference: What is looked for in it, or None.
        clock: Time, for tests.
        waits: How long a server may take; it is asked once, whatever they say.
        privacy: Learns which tokens are not to be told.
    """

    def __init__(
        self,
        way: Way,
        reference: Reference | None,
        clock: Clock,
        waits: Waits,
        privacy: Privacy,
    ) -> None:
        self._way = way
        self._reference = reference
        self._clock = clock
        # A second try would hide what the first one found, and make every failure slow.
        self._waits = replace(waits, attempts=1)
        self._privacy = privacy
        self._opened: RegistryClient | None = None
        self._seen: list[tuple[Request, Answer]] = []
        self._resolved: Resolved | None = None

    async def examine(self, take: Examination) -> None:
        """Take the steps from a ping to the pull limit."""
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
        self._privacy.hide_secret(_token(answer) if request.kind == "token" else "")
        self._seen.append((request, answer))

    def _last(self, kind: str) -> tuple[Request, Answer] | None:
        seen = [pair for pair in self._seen if pair[0].kind == kind]
        return seen[-1] if seen else None

    async def _ping(self) -> Finding:
        self._opened = RegistryClient(
            self._way.endpoint,
            self._way.credentials,
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
        return findings.challenged(seen[1].status, sent, self._way.realm)

    async def _get_token(self) -> Finding:
        scheme = (self._client.greeting or "").partition(" ")[0]
        if not scheme:
            return skipped("it wants none")
        if scheme == "basic":
            if self._way.credentials is None or not self._way.endpoint.sends_credentials:
                registry = self._way.endpoint.registry
                user, word = (variable(registry, field) for field in ("USERNAME", "PASSWORD"))
                return warning(
                    "Basic, and nobody is logged in: it will refuse most of what is asked",
                    f"set {user} and {word}, or use `docker login`",
                )
            if self._way.credentials.kind != "password":
                kind = self._way.credentials.kind.replace("_", " ")
                return warning(
                    f"Basic takes passwords alone, and the login is of the kind `{kind}`",
                    "log in with a user name and a password or access token",
                )
            try:
                await self._client.log_in()
            except LoginFailed as error:
                raise self._quoting(error, "ping") from error
            return Finding("Basic: the login is accepted")
        try:
            if self._reference is None:
                await self._client.log_in()
            else:
                await self._client.prepare([self._reference.repository])
        except LoginFailed as error:
            raise self._quoting(error, "token") from error
        seen = self._last("token")
        if seen is None:
            return skipped("the login is a token itself")
        asked = [Scope.pull(self._reference.repository.path)] if self._reference else []
        finding = findings.granted(asked, self._claims())
        there = Origin.of(seen[1].url)
        if self._way.credentials is not None and not self._way.realm(seen[0].url).credentials:
            return warning(
                f"{finding.text}; asked without the login, since {there} is another host",
                finding.hint or "what is public can be read; logins go to the registry's own host",
            )
        return finding

    def _quoting(self, error: LoginFailed, kind: str) -> LoginFailed:
        """A refused login with what the server says: that it is too old, or of the wrong kind."""
        seen = self._last(kind)
        said = findings.complaint(seen[1].body) if seen is not None else ""
        where = "at its token server" if kind == "token" else "at the registry itself"
        why = f"{where}, {error.why}" + (f": {said}" if said else "")
        return LoginFailed(error.what, why, error.hint)

    def _claims(self) -> Claims | None:
        seen = self._last("token")
        token = _token(seen[1]) if seen is not None else ""
        return Claims.parse(token) if token else None

    async def _resolve(self) -> Finding:
        assert self._reference is not None  # noqa: S101 - asked for with a reference alone
        try:
            found = await self._client.resolve(self._reference)
        except RateLimited as error:
            kind = "its pull limit is used up" if error.counted else "it limits all requests"
            limited = RateLimited(error.what, f"{error.why}: {kind}", error.hint, error.retry_at)
            limited.counted = error.counted
            raise limited from error
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
            if request.kind != "token" and answer.url.startswith(f"{self._way.endpoint.base}/")
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
