"""The next step for every failure: never none, and the best that is known."""

from __future__ import annotations

import re

import pytest
from reports import entry

from regsync.errors import (
    AuthError,
    CredentialsBroken,
    InsecureRegistry,
    LoginFailed,
    NotARegistry,
    Offline,
    PlatformMissing,
    RateLimited,
    RegsyncError,
    ServerFailed,
    TlsFailed,
    Unauthorized,
    Unreachable,
    Unsupported,
    Unverified,
)
from regsync.operations.advice import advise, doctor, next_step
from regsync.operations.verdict import Cause, Kind, Verdict, unknown

WHAT = "cannot read `r.example/a:1`"
BARE: dict[Cause, RegsyncError] = {
    Cause.UNAUTHORIZED: Unauthorized(WHAT),
    Cause.LOGIN_FAILED: LoginFailed(WHAT),
    Cause.CREDENTIALS: CredentialsBroken(WHAT),
    Cause.RATE_LIMITED: RateLimited(WHAT),
    Cause.UNREACHABLE: Unreachable(WHAT),
    Cause.TLS: TlsFailed(WHAT),
    Cause.INSECURE_REGISTRY: InsecureRegistry(WHAT),
    Cause.SERVER_ERROR: ServerFailed(WHAT),
    Cause.NOT_A_REGISTRY: NotARegistry(WHAT),
    Cause.UNVERIFIED: Unverified(WHAT),
    Cause.PLATFORM_MISSING: PlatformMissing(WHAT),
    Cause.UNSUPPORTED: Unsupported(WHAT),
    Cause.OFFLINE: Offline(WHAT),
}


@pytest.mark.parametrize("cause", Cause)
def test_every_unknown_has_a_next_step(cause: Cause) -> None:
    with_error = next_step(entry("r.example/a:1", unknown(BARE[cause])))
    without = next_step(entry("r.example/a:1", Verdict(Kind.UNKNOWN, cause=cause)))
    assert with_error
    assert without
    assert advise(BARE[cause], "r.example", examined=True)
    assert "doctor" not in advise(BARE[cause], "r.example", examined=True)


def test_what_was_decided_has_none() -> None:
    assert next_step(entry("a:1", Verdict(Kind.OUTDATED, "moved"))) is None


def test_a_hint_of_its_own_wins_over_a_general_one() -> None:
    assert advise(Unreachable(WHAT, "", "plug it in"), "r.example") == "plug it in"
    assert advise(Unreachable(WHAT, "silence"), "r.example") == doctor("r.example")


def refused(
    kind: type[AuthError], why: str = "403 Forbidden", hint: str | None = None
) -> AuthError:
    return kind(WHAT, why, hint)


ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
OLD = "403 Forbidden: DENIED: Your authorization token has expired."


@pytest.mark.parametrize(
    ("error", "registry", "words"),
    [
        (refused(LoginFailed), ECR, "aws ecr get-login-password --region eu-west-1"),
        (refused(Unauthorized, OLD, "check"), ECR, "a token of ECR lasts 12 hours"),
        (refused(Unauthorized, hint="check the name"), ECR, "check the name; a token of ECR"),
        (refused(LoginFailed), "europe-docker.pkg.dev", "gcloud auth print-access-token"),
        (refused(LoginFailed), "eu.gcr.io", "gcloud auth print-access-token"),
        (refused(LoginFailed), "team.azurecr.io", "az acr login --name team"),
        (refused(LoginFailed, hint="from X"), "docker.io", "an access token in place.*; from X"),
        (refused(LoginFailed), "ghcr.io", "authorised for an organisation with single sign-on"),
        (refused(Unauthorized), "ghcr.io", "read:packages"),
        (refused(Unauthorized, OLD), "r.example", "log in anew"),
    ],
)
def test_a_login_that_was_refused(error: AuthError, registry: str, words: str) -> None:
    assert re.search(words, advise(error, registry, login="the keyring"))


@pytest.mark.parametrize("registry", [ECR, "ghcr.io", "docker.io", "eu.gcr.io"])
def test_nobody_is_logged_in(registry: str) -> None:
    """What a login might be good for is the error's own hint."""
    error = Unauthorized(WHAT, "401", "if it exists and is private, set X")
    assert advise(error, registry) == "if it exists and is private, set X"


@pytest.mark.parametrize(
    ("counted", "login", "words"),
    [
        (True, "keyring", "pull limit of this login"),
        (True, None, "pull limit of this address"),
        (False, None, "no pull limit"),
        (False, "keyring", "no pull limit"),
        (None, None, "wait"),
    ],
)
def test_limits(counted: bool | None, login: str | None, words: str) -> None:
    error = RateLimited(WHAT, "429 Too Many Requests")
    error.counted = counted
    assert words in advise(error, "docker.io", login=login)


@pytest.mark.parametrize(
    "registry", ["x.dkr.ecr.eu-west-1.amazonaws.com", f"{ECR}.evil.example", "gcr.io.evil.example"]
)
def test_who_only_looks_like_a_cloud(registry: str) -> None:
    assert "hours" not in (told := advise(refused(LoginFailed), registry))
    assert "gcloud" not in told
