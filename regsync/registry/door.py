"""A registry's door, `/v2/`: how it greets, and whether a password opens it."""

from __future__ import annotations

from dataclasses import replace

from regsync.errors import NotARegistry
from regsync.identity import Credentials
from regsync.oci import challenge as challenges
from regsync.oci.challenge import Challenge
from regsync.registry import failures, refusals, tokens
from regsync.registry.message import Answer, Request
from regsync.registry.transport import Transport


class Door:
    """What is known of how one registry greets.

    Args:
        greeting: What it greeted with in an earlier run, see `RegistryClient.greeting`.

    Attributes:
        challenge: What it asks for; None where it lets everybody in, or is not known.
        known: Whether it has greeted, in this run or an earlier one.
        assumed: Whether that was an earlier run: it may be true no longer.
        shown: Whether an answer of this run was one that only registries give.
    """

    def __init__(self, transport: Transport, greeting: str | None = None) -> None:
        self._transport = transport
        self.challenge = challenges.choose(challenges.parse([greeting or ""]))
        self._greeted = self.challenge
        self.known = self.assumed = greeting is not None
        self.shown = False

    @property
    def scheme(self) -> str | None:
        """`basic`, `bearer`, or None."""
        return self.challenge.scheme if self.challenge is not None else None

    @property
    def greeting(self) -> str | None:
        """See `RegistryClient.greeting`."""
        return _lasting(self._greeted) if self.known else None

    async def note(self, challenge: Challenge, *, shown: str | None) -> None:
        """A request was answered with this challenge.

        It may repeat the secret that the request has shown, so it is for this run alone; if it is
        not what an earlier run was greeted with, the door is asked anew.

        Args:
            shown: The request's `Authorization`; None where it said nothing of anybody.

        Raises:
            RegsyncError: see `ping`.
        """
        if self.assumed and _lasting(challenge) != self.greeting:
            if shown is None:
                self._greeted = challenge
            else:
                self.forget()
                await self.ping()
        self.challenge, self.known, self.assumed = challenge, True, False

    def forget(self) -> None:
        """Believe no earlier run: the next `ping` asks."""
        self.known = self.assumed = False

    async def ping(self) -> None:
        """Ask how it greets, where that is not known.

        Raises:
            RegsyncError: it cannot be asked, or is no registry.
        """
        if self.known:
            return
        what = f"cannot read `{self._transport.endpoint.registry}`"
        answer = await self._transport.send(self._request(what))
        if answer.status >= 500 or answer.status == 429:
            raise failures.from_status(
                answer.status, answer.body, what=what, retry_at=answer.retry_at
            )
        if answer.status in (200, 404) and answer.body.lstrip()[:1] == b"<":
            raise NotARegistry(what, "it answers with a web page", failures.PAGE_HINT)
        if answer.shows_registry or (answer.status == 200 and not answer.is_text):
            self.shown = True
        elif answer.status == 404 and answer.is_text:
            raise failures.no_registry(what, answer.body)
        self.challenge = challenge_of(answer) if answer.status == 401 else None
        self._greeted = self.challenge
        self.known = True

    async def try_password(self, password: Credentials) -> None:
        """Find out whether one repository or the password is refused: the door is every user's.

        Raises:
            LoginFailed: it refuses as well.
        """
        what = f"cannot log in to `{self._transport.endpoint.registry}`"
        request = replace(self._request(what), authorization=password.basic())
        answer = await self._transport.send(request)
        if answer.status in (401, 403):
            body = answer.body if answer.status == 403 else b""
            raise refusals.login_failed(what, answer.status, password, body)

    def _request(self, what: str) -> Request:
        url = f"{self._transport.endpoint.base}/v2/"
        return Request(url, "GET", tokens.ANSWER_LIMIT, kind="ping", what=what)


def _lasting(challenge: Challenge | None) -> str:
    """What of a challenge is worth keeping; empty for none."""
    if challenge is None:
        return ""
    # A scope in it would be that of one request, and the name of somebody's repository.
    told = challenge.parameters
    lasting = {name: told[name] for name in ("realm", "service") if name in told}
    return str(Challenge(challenge.scheme, lasting))


def challenge_of(answer: Answer) -> Challenge | None:
    """What an answer asks for; None where that makes no sense."""
    return challenges.choose(challenges.parse(answer.headers.get_list("WWW-Authenticate")))
