"""What answers of a registry mean for whoever asks why something does not work. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from regsync.oci import challenge as challenges
from regsync.oci import errorcode
from regsync.oci.scope import Scope
from regsync.operations.doctor.claims import Claims
from regsync.operations.doctor.steps import Finding, Outcome, warning
from regsync.registry import budget
from regsync.registry.origin import Origin, RefusedAddress, Target
from regsync.registry.ratelimit import RateLimit
from regsync.registry.retry import http_date

SKEW = timedelta(minutes=1)
"""How far two clocks may be apart before it is worth a word."""
_QUOTED, _SAID = 100, 300


def greeting(status: int, headers: Mapping[str, str], url: str) -> Finding:
    """The answer to a ping: 200 or 401 of a registry."""
    version = headers.get("Docker-Distribution-Api-Version", "")
    told = f"{status} from {url}" + (f" ({version[:40]})" if version else "")
    if status in (200, 401):
        return Finding(told)
    return warning(told, "a registry answers 200 or 401 there; a proxy may be in the way")


def challenged(status: int, sent: Sequence[str], judge: Callable[[str], Target]) -> Finding:
    """The challenge of a ping, and where it leads.

    Args:
        sent: All `WWW-Authenticate` headers.
        judge: Judges a realm, see `Way.realm`.
    """
    if status != 401:
        return Finding("none: it answers without a login")
    if not any(header.strip() for header in sent):
        return _unusable("it answers 401 and says not how to log in (no WWW-Authenticate)")
    known = challenges.parse(sent)
    chosen = challenges.choose(known)
    if chosen is None:
        schemes = ", ".join(f"`{one.scheme[:20]}`" for one in known)
        if any(one.scheme == "bearer" for one in known):
            return _unusable("its Bearer challenge names no realm, where tokens are to be had")
        if schemes:
            return _unusable(f"it wants {schemes}; regsync knows Bearer and Basic")
        return _unusable(f"its challenge cannot be understood: `{sent[0][:_QUOTED]}`")
    if chosen.scheme == "basic":
        return Finding("Basic: user name and password go with each request")
    service = f", service `{chosen.service[:_QUOTED]}`" if chosen.service else ", no service"
    try:
        target = judge(chosen.realm or "")
    except RefusedAddress as error:
        return _unusable(f"its token address is refused: {error}")
    where = Origin.of(target.url)
    other = "" if target.credentials else ", another host: no login is sent there"
    return Finding(f"Bearer: tokens from {where}{other}{service}")


def _unusable(text: str) -> Finding:
    return Finding(
        text,
        "that is for who runs the registry, or the proxy before it, to mend",
        Outcome.FAILED,
        "server_error",
    )


def complaint(body: bytes) -> str:
    """What an error body says, for people; empty where it is none.

    Token servers answer with distribution's errors, Docker Hub's with `details` or `message`.
    """
    if errors := errorcode.parse(body):
        return "; ".join(error.message or error.code for error in errors[:3])[:_SAID]
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    known = fields if isinstance(fields, dict) else {}
    told = (known.get(name) for name in ("details", "message", "detail", "error_description"))
    return next((text[:_SAID] for text in told if isinstance(text, str) and text), "")


def granted(asked: Iterable[Scope], claims: Claims | None) -> Finding:
    """What a token allows beside what was asked for; the real judge is who takes it."""
    wanted = _listed(asked) or "no scope"
    if claims is None or claims.scopes is None:
        return Finding(f"asked for {wanted}; what was granted cannot be seen in it")
    has = _listed(claims.scopes)
    lacking = [scope for scope in asked if not any(held.covers(scope) for held in claims.scopes)]
    if lacking:
        return warning(
            f"asked for {wanted}; granted {has or 'nothing'}",
            "the repository is missing, or this login may not read it",
        )
    return Finding(f"asked for {wanted}; granted {has or 'just that'}")


def _listed(scopes: Iterable[Scope]) -> str:
    told = " ".join(f"`{scope}`" for scope in scopes)
    return told if len(told) <= _SAID else f"{told[:_SAID]}…"


def clocks(now: datetime, date: str | None, claims: Claims | None) -> Finding:
    """This machine's clock beside the registry's, and the token's beside both.

    Args:
        now: When the answer came.
        date: Its `Date` header.
        claims: Of the last token.
    """
    theirs = http_date(date or "")
    if theirs is None:
        return Finding("the registry does not tell its time (no usable Date)")
    if claims is not None and claims.begins is not None and claims.begins > theirs + SKEW:
        return warning(
            f"its token is valid only {span(claims.begins - theirs)} from now, by the registry's "
            "own clock",
            "the clocks of the token server and of the registry are apart; tell who runs them",
        )
    if claims is not None and claims.ends is not None and claims.ends < theirs - SKEW:
        return warning(
            f"its token ended {span(theirs - claims.ends)} ago, by the registry's own clock",
            "the clocks of the token server and of the registry are apart; tell who runs them",
        )
    apart = now - theirs
    if abs(apart) <= SKEW:
        return Finding("this machine and the registry agree to a minute")
    way = "ahead of" if apart > timedelta(0) else "behind"
    return warning(
        f"this machine's clock is {span(apart)} {way} the registry's",
        "set the clock (NTP): certificates and tokens are judged by it",
    )


def span(length: timedelta) -> str:
    """`3 h`, `40 min`, `2 days`: how far two moments are apart."""
    seconds = abs(int(length.total_seconds()))
    if seconds < 3600:
        return f"{max(seconds // 60, 1)} min"
    if seconds < 2 * 86400:
        return f"{round(seconds / 3600)} h"
    return f"{seconds // 86400} days"


def quota(limit: RateLimit | None) -> Finding:
    """What the registry tells of its pull limit, and whom it counts."""
    if limit is None:
        return Finding("it tells of no pull limit")
    window = f" in {budget.span(limit.window_s)}" if limit.window_s else ""
    whose = f", counted for {limit.source}" if limit.source else ""
    if limit.remaining is None:
        return Finding(f"{limit.limit} pulls{window}{whose}")
    told = f"{limit.remaining} of {limit.limit} pulls left{window}{whose}"
    if limit.remaining == 0:
        return warning(told, "wait, or log in: the limit of an account is its own")
    return Finding(told)
