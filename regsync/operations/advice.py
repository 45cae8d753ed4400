"""What to do next about a registry that cannot be asked: from a failure to one line. Pure.

Most errors carry a hint of their own, made where they were found. Here is what only the whole
picture tells: whose registry it is, and whether somebody was logged in. No failure ends without a
next step, and where nothing better is known that is `regsync doctor`.
"""

from __future__ import annotations

import re

from regsync.errors import (
    AuthError,
    CredentialsBroken,
    InvalidConfig,
    LoginFailed,
    NotFound,
    Offline,
    PlatformMissing,
    RateLimited,
    RegsyncError,
    ServerFailed,
    Unreachable,
    Unsupported,
)
from regsync.oci.reference import DOCKER_HUB
from regsync.operations.report import Entry
from regsync.operations.verdict import Cause

_ECR = re.compile(
    r"[0-9]{12}\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|on\.aws)"
)
_GOOGLE = re.compile(r"(?:[a-z0-9-]+\.)*gcr\.io|[a-z0-9-]+-docker\.pkg\.dev")
_AZURE = re.compile(r"[a-z0-9-]+\.azurecr\.(?:io|cn|us)")
_EXPIRED = re.compile(r"\b(?:token|credential|session)s?\b[^.]{0,40}\bexpired\b", re.IGNORECASE)


def advise(
    error: RegsyncError, registry: str, *, login: str | None = None, examined: bool = False
) -> str:
    """One line on how to go on.

    Args:
        error: Why a registry could not be asked, or refused.
        registry: The host, as references write it.
        login: Where the login that was shown came from; None where none was.
        examined: Whether `doctor` is what asks: it does not recommend itself.
    """
    logged_in = login is not None or isinstance(error, LoginFailed)
    known = _specific(error, registry, logged_in=logged_in)
    if known is not None:
        # Where a refused login came from is worth as much as what may be wrong with it.
        return f"{known}; {error.hint}" if error.hint and isinstance(error, LoginFailed) else known
    if error.hint:
        return error.hint
    general = _general(error, registry)
    return general or (_last(error, registry) if examined else doctor(registry))


def next_step(entry: Entry) -> str | None:
    """What to do about a name that could not be decided; None for any other.

    What is damaged here has a hint of its own, and concerns no registry.
    """
    verdict = entry.verdict
    error = verdict.error
    if error is None:
        if verdict.cause is None:
            return None
        error = Offline("") if verdict.cause is Cause.OFFLINE else ServerFailed("")
    if entry.reference is None:
        return error.hint
    login = error.login if isinstance(error, AuthError) else None
    return advise(error, entry.reference.registry, login=login)


def doctor(registry: str) -> str:
    """What is left where nothing better is known."""
    return f"`regsync doctor {registry}` says at which step it fails"


def _specific(error: RegsyncError, registry: str, *, logged_in: bool) -> str | None:
    """What is known of this very registry, and better than any general hint."""
    if isinstance(error, RateLimited):
        return _limited(error, logged_in=logged_in)
    if not isinstance(error, AuthError) or isinstance(error, CredentialsBroken) or not logged_in:
        return None
    refused = isinstance(error, LoginFailed) or bool(_EXPIRED.search(error.why))
    if (lasting := _lasting(registry)) is not None:
        return lasting if refused or not error.hint else f"{error.hint}; {lasting}"
    if registry == DOCKER_HUB and isinstance(error, LoginFailed):
        return (
            "with two-factor or single sign-on, Docker Hub takes an access token in place of the "
            "password: https://app.docker.com/settings/personal-access-tokens"
        )
    if registry == "ghcr.io":
        return (
            "GitHub takes a classic access token with `read:packages`, which has to be authorised "
            "for an organisation with single sign-on"
        )
    if refused and not isinstance(error, LoginFailed):
        return "its token has expired: log in anew"
    return None


def _lasting(registry: str) -> str | None:
    """How long a cloud's login lasts, and what makes a new one (their own documentation)."""
    if found := _ECR.fullmatch(registry):
        return (
            "a token of ECR lasts 12 hours; a new one is printed by "
            f"`aws ecr get-login-password --region {found[1]}`, for the user `AWS`"
        )
    if _GOOGLE.fullmatch(registry):
        return (
            "an access token of Google lasts an hour; a new one is printed by "
            "`gcloud auth print-access-token`, for the user `oauth2accesstoken`"
        )
    if _AZURE.fullmatch(registry):
        name = registry.partition(".")[0]
        return f"a token of Azure lasts 3 hours; `az acr login --name {name}` fetches a new one"
    return None


def _limited(error: RateLimited, *, logged_in: bool) -> str | None:
    if error.counted is False:
        return (
            "no pull limit, but too many requests of any kind from here: wait, and ask with fewer "
            "at once (`jobs` in regsync.toml)"
        )
    if error.counted and logged_in:
        return "the pull limit of this login is used up: wait for it to fill again"
    if error.counted and error.hint is None:
        return "the pull limit of this address is used up: wait, or log in"
    return None


def _general(error: RegsyncError, registry: str) -> str | None:
    if isinstance(error, InvalidConfig):
        return f'see [registry."{registry}"] in regsync.toml'
    if isinstance(error, Offline):
        return "ask again without `--offline`"
    if isinstance(error, PlatformMissing):
        return "it was published for other platforms; see `--platform`"
    if isinstance(error, Unsupported):
        return "it is no image that can be compared; nothing is wrong with the registry"
    if isinstance(error, RateLimited):
        return "wait, then ask again"
    if isinstance(error, ServerFailed) and error.why[:1] == "5":
        return f"that is for {registry} to mend; try again later"
    return None


def _last(error: RegsyncError, registry: str) -> str:
    """What to do where even `doctor` sees no more than that it fails."""
    if isinstance(error, Unreachable):
        return "check host and port, the network, and what may stand between: a firewall, a proxy"
    if isinstance(error, NotFound):
        return "check the name; some registries hide what they may not show"
    if isinstance(error, AuthError):
        return "log in, or check what this login may do"
    return f"that is for who runs {registry}, or a proxy before it, to mend"
