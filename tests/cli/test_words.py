"""What verdicts, sizes and ages are called."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from reports import NOW, OURS, THEIRS, entry

from regsync.cli.units import age, counted, size
from regsync.cli.words import CAUSES, COUNTED, SAYINGS, missing, what_changed
from regsync.errors import (
    CredentialsBroken,
    InvalidConfig,
    InvalidManifest,
    RateLimited,
    ServerFailed,
    TlsFailed,
    Unauthorized,
    Unreachable,
    Unverified,
)
from regsync.operations.verdict import (
    REASONS,
    Cause,
    Kind,
    LastKnown,
    Layers,
    Verdict,
    unknown,
)

# Kinds and reasons where nothing changed: the verdict says it all.
QUIET = {
    (Kind.UP_TO_DATE, None),
    (Kind.UP_TO_DATE, "exact"),
    (Kind.UP_TO_DATE, "platform_manifest"),
    (Kind.PINNED, None),
}


def refused_login(why: str) -> Unauthorized:
    """A login that was shown, and was not enough."""
    error = Unauthorized("cannot read it", why)
    error.login = "the environment"
    return error


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.UNKNOWN])
def test_every_kind_and_reason_has_its_words(kind: Kind) -> None:
    for reason in (None, *REASONS.get(kind, ())):
        said = what_changed(entry("a:1", Verdict(kind, reason, remote_digest=THEIRS)), NOW)
        assert bool(said) != ((kind, reason) in QUIET), (kind, reason)


def test_there_are_no_words_for_what_does_not_exist() -> None:
    real = {(kind, reason) for kind in Kind for reason in (None, *REASONS.get(kind, ()))}
    assert set(SAYINGS) == real - {(Kind.UNKNOWN, None)}
    assert set(CAUSES) == set(Cause)
    assert set(COUNTED) == set(Kind)


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_its_words(cause: Cause) -> None:
    verdict = Verdict(Kind.UNKNOWN, cause=cause)
    said = what_changed(entry("quay.io/a/b:1", verdict), NOW)
    assert said
    assert "{" not in said
    local = replace(entry("a:1", verdict), reference=None)
    assert what_changed(local, NOW)


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (
            Verdict(Kind.OUTDATED, "moved", changed="22.11.0 → 24.1.0", layers=Layers(7, 5)),
            "22.11.0 → 24.1.0",
        ),
        (
            Verdict(Kind.OUTDATED, "moved", layers=Layers(9, 5)),
            "the tag has moved on, 4 of 9 layers new",
        ),
        (
            Verdict(Kind.UNRELATED, "retagged", changed="1.4 → 1.5"),
            "tagged here; the registry has another image, 1.4 → 1.5",
        ),
        (Verdict(Kind.UP_TO_DATE, "exact", layers=Layers(9, 9)), ""),
        (
            Verdict(Kind.LOCAL_ONLY, "untagged", notes=(f"was node@{OURS}",)),
            f"untagged, was node@{OURS.short}",
        ),
        (Verdict(Kind.PINNED, notes=("tag 3 has moved",)), "tag 3 has moved"),
        (
            unknown(
                Unreachable("cannot reach `quay.io`", "connect timed out"),
                LastKnown(Kind.UP_TO_DATE, "exact", NOW - timedelta(hours=2)),
            ),
            "quay.io does not answer (connect timed out); was up to date 2 h ago",
        ),
        (
            unknown(ServerFailed("cannot read it", "502 Bad Gateway")),
            "quay.io failed (502 Bad Gateway)",
        ),
        (
            unknown(Unauthorized("cannot read it", "401; wanted: `repository:a:pull`")),
            "not found at quay.io, or private",
        ),
        (
            unknown(refused_login("401; `ann` is not allowed `repository:a:pull`")),
            "quay.io wants other credentials",
        ),
        (
            unknown(RateLimited("cannot read it", "429", retry_at=NOW + timedelta(minutes=7.1))),
            "quay.io takes no more requests for now, try again at 12:08 UTC",
        ),
        (
            unknown(RateLimited("cannot read it", "429", retry_at=NOW + timedelta(hours=12))),
            "quay.io takes no more requests for now, try again at 2026-01-11 00:00 UTC",
        ),
        (
            unknown(RateLimited("cannot read it", "429 Too Many Requests")),
            "quay.io takes no more requests for now",
        ),
        (
            unknown(Unverified("cannot read `quay.io/a/b:1`", "other bytes")),
            "quay.io sent content that does not verify (other bytes)",
        ),
        (
            unknown(Unverified("`quay.io/a/b:1` cannot be read", "its manifest is missing")),
            "its manifest is missing",
        ),
        (
            unknown(InvalidManifest("the config is refused", "not JSON")),
            "the config is refused: not JSON",
        ),
        (
            unknown(TlsFailed("cannot reach it", "it speaks TLS, and plain HTTP was expected")),
            "quay.io speaks TLS, and plain HTTP was expected",
        ),
        (
            unknown(TlsFailed("cannot read it", "/ca.pem: no such file")),
            "TLS with quay.io failed (/ca.pem: no such file)",
        ),
        (
            unknown(CredentialsBroken("cannot log in", "A is set and B is not")),
            "the credentials for quay.io cannot be read (A is set and B is not)",
        ),
        (
            unknown(InvalidConfig("cannot ask it", "`endpoint` is ftp")),
            "the configuration of quay.io has no meaning (`endpoint` is ftp)",
        ),
        (Verdict(Kind.NOT_LOCAL, remote_digest=THEIRS), "not here; the registry has it"),
        (
            Verdict(Kind.NOT_LOCAL, notes=("not at the registry either",)),
            "not here, not at the registry either",
        ),
        (
            Verdict(Kind.NOT_LOCAL, notes=("cannot reach it",), error=Unreachable("no")),
            "not here, cannot reach it",
        ),
    ],
)
def test_what_changed(verdict: Verdict, said: str) -> None:
    assert what_changed(entry("quay.io/a/b:1", verdict), NOW) == said


def test_what_is_held_back_says_until_when() -> None:
    held = replace(entry("a:1", Verdict(Kind.OUTDATED, "moved")), held_until=NOW)
    assert what_changed(held, NOW).endswith("held back until 2026-01-10")


def test_missing() -> None:
    assert missing(entry("a:1", Verdict(Kind.NOT_LOCAL)))
    assert not missing(entry("a:1", Verdict(Kind.NOT_LOCAL, remote_digest=THEIRS)))
    assert not missing(entry("a:1", Verdict(Kind.GONE, "tag")))
    assert not missing(entry("a:1", Verdict(Kind.NOT_LOCAL, error=Unreachable("no"))))


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (9_940, "9.9 kB"),
        (9_960, "10 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (312_000_000, "312 MB"),
        (1_250_000_000, "1.2 GB"),
        (10**18, "1000 PB"),
    ],
)
def test_sizes(count: int, words: str) -> None:
    assert size(count) == words


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=-5), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1), "1 min ago"),
        (timedelta(hours=2, minutes=59), "2 h ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=3), "3 days ago"),
        (timedelta(days=65), "2 months ago"),
        (timedelta(days=364), "12 months ago"),
        (timedelta(days=800), "2 years ago"),
    ],
)
def test_ages(ago: timedelta, words: str) -> None:
    assert age(NOW - ago, NOW) == words


def test_counted() -> None:
    assert [counted(n, "registry", "registries") for n in (0, 1, 2)] == [
        "0 registries",
        "1 registry",
        "2 registries",
    ]
