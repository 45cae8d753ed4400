"""`auth`: who this user is to a registry, and how that is known. No request is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from regsync.config.load import Config
from regsync.credentials.answers import Trace
from regsync.credentials.chain import Chain
from regsync.credentials.listing import Listing, listing
from regsync.errors import Unauthorized
from regsync.identity import variable
from regsync.registry.hosts import endpoint


@dataclass(frozen=True, slots=True)
class Explanation:
    """How the credentials for one name were looked for.

    Attributes:
        withheld: Why they are not sent to where the registry is asked; None where they are.
    """

    trace: Trace
    withheld: str | None = None


def logins(env: Mapping[str, str]) -> Listing:
    """Every login that is known of."""
    chain = Chain(env)
    try:
        return listing(chain, env)
    finally:
        chain.close()


def explain(name: str, env: Mapping[str, str], config: Config) -> Explanation:
    """Look for the credentials of `HOST[/NAMESPACE[/REPO]]`.

    It waits for programs, and is not for the event loop.

    Raises:
        UsageError: the name is none.
        InvalidConfig: the settings of this host have no meaning.
        TlsFailed: its certificates cannot be read.
    """
    chain = Chain(env)
    try:
        key = chain.key(name)
        reached = endpoint(key.registry, config.settings(key.registry))
        found = chain.trace(key)
    finally:
        chain.close()
    withheld = None
    if found.credentials is not None and not reached.sends_credentials:
        withheld = (
            f"its endpoint {reached.origin} is another host, and endpoint_auth is not set for it"
        )
    return Explanation(found, withheld)


def demand(name: str, trace: Trace) -> None:
    """Raise unless somebody is logged in.

    Raises:
        CredentialsBroken: a source is broken.
        Unauthorized: nobody is.
    """
    if trace.error is not None:
        raise trace.error
    if trace.credentials is None:
        user, word = (variable(trace.registry, field) for field in ("USERNAME", "PASSWORD"))
        raise Unauthorized(
            f"nobody is logged in to `{trace.key}`",
            "no source of credentials knows it",
            f"`regsync auth explain {name}` lists them; or set {user} and {word}",
        )
