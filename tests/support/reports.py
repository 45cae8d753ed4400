"""Status reports as values, for everything that shows them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from regsync.errors import Unreachable
from regsync.oci.digest import Digest
from regsync.oci.platform import Platform
from regsync.oci.reference import Reference
from regsync.operations.explanation import (
    BaseMove,
    Cause,
    Change,
    Explanation,
    PlatformMove,
    Side,
    Told,
    What,
)
from regsync.operations.report import Entry, StatusReport, UsedBy
from regsync.operations.verdict import Kind, LastKnown, Layers, Verdict, unknown
from regsync.registry.ratelimit import RateLimit
from regsync.stores.base import StoreInfo

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
DOCKER = StoreInfo("docker", "28.5.2", "containerd", "unix:///var/run/docker.sock", "docker:1")
AMD64 = Platform("linux", "amd64")
OURS, THEIRS = Digest.of(b"ours"), Digest.of(b"theirs")


def entry(name: str | None, verdict: Verdict, *containers: UsedBy, here: bool = True) -> Entry:
    """One entry; its ID follows from its name."""
    return Entry(
        reference=Reference.parse(name) if name is not None else None,
        name=name,
        id=str(Digest.of((name or "").encode())) if here else None,
        platform=AMD64 if here else None,
        verdict=verdict,
        containers=containers,
        checked_at=NOW,
    )


def report(*entries: Entry) -> StatusReport:
    """A report on a Docker engine."""
    requests = {"head": 2, "get": 1, "token": 1, "ping": 0, "counted_pulls": 0}
    limits = (RateLimit("docker.io", 100, 97, 21600, "203.0.113.7"),)
    return StatusReport(DOCKER, entries, requests, limits)


def week() -> StatusReport:
    """What somebody new to containers has after a week."""
    silent = Unreachable("cannot reach `quay.io`", "connect timed out", "check the network")
    return report(
        entry("extending_airflow:latest", Verdict(Kind.LOCAL_ONLY, "no_registry")),
        entry(
            "goals:latest", Verdict(Kind.REBUILD, "local_only", changed="base node has moved on")
        ),
        entry(
            "node:latest",
            Verdict(
                Kind.OUTDATED,
                "moved",
                local_digest=OURS,
                remote_digest=THEIRS,
                download_bytes=312_000_000,
                layers=Layers(7, 5),
                changed="22.11.0 → 24.1.0",
            ),
            UsedBy("c1", "web", True, False),
            UsedBy("c2", "worker", True, True),
        ),
        entry("postgres:13", Verdict(Kind.UP_TO_DATE, "exact", local_digest=OURS)),
        entry(
            "quay.io/minio/minio:latest",
            unknown(silent, LastKnown(Kind.UP_TO_DATE, "exact", NOW - timedelta(hours=2))),
        ),
        entry(
            None,
            Verdict(Kind.LOCAL_ONLY, "untagged", notes=(f"was node@{OURS}",)),
        ),
    )


def explanation() -> Explanation:
    """What changed of node: everything that can be told."""
    armv7 = Platform("linux", "arm", "v7")
    return Explanation(
        ours=Side(
            OURS,
            Digest.of(b"our child"),
            "2026-01-02T03:04:05Z",
            Told("22.11.0", "label"),
            Told("aaa111", "label"),
            ("22.11.0",),
            datetime(2026, 1, 2, 4, tzinfo=UTC),
        ),
        theirs=Side(
            THEIRS,
            Digest.of(b"their child"),
            "1970-01-01T00:00:00Z",
            Told("24.1.0", "label"),
            Told("bbb222", "manifest annotation"),
            ("latest", "24", "24.1.0"),
            datetime(2026, 1, 9, tzinfo=UTC),
        ),
        cause=Cause(
            What.BOTH,
            "the base labels of both",
            base=BaseMove("debian:12", str(Digest.of(b"12.7")), str(Digest.of(b"12.8"))),
        ),
        changes=(
            Change("environment", "NODE_VERSION", "22.11.0", "24.1.0"),
            Change("user", "", None, "node"),
            Change("port", "8080/tcp", "", None),
            Change("label", "org.opencontainers.image.version", "22.11.0", "24.1.0"),
        ),
        layers=Layers(8, 3),
        download_bytes=312_000_000,
        platforms=(
            PlatformMove(AMD64, OURS, THEIRS),
            PlatformMove(Platform("linux", "arm64", "v8"), OURS, OURS),
            PlatformMove(Platform("linux", "riscv64"), None, OURS),
            PlatformMove(armv7, OURS, None),
        ),
        compare_url="https://github.com/nodejs/docker-node/compare/aaa111...bbb222",
        names_source="the tag list of hub.docker.com",
    )
