"""What the demo's registries hold: stand-ins of well-known images, a hundredth of their size.

How many layers an image has, which of them a newer one shares, and how large they are beside each
other is as in the real ones; inside is noise. The same bytes in every run, so that the digests in
the documentation stay right.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from mock_registry import seed
from mock_registry.seed import Blob, Image, Index
from regsync.oci.annotations import VERSION

_OTHERS = ("linux/amd64", "linux/arm64")

# Files that stand for layers, each with its bytes.
_Files = Sequence[tuple[str, int]]
_DEBIAN: _Files = (
    ("usr/lib/debian", 485_000),
    ("usr/bin/curl", 240_000),
    ("usr/bin/git", 644_000),
)
_NODE: _Files = (
    ("usr/bin/gcc", 2_110_000),
    ("home/node/.profile", 40),
    ("usr/local/bin/node", 573_000),
    ("usr/local/bin/yarn", 12_500),
    ("usr/local/bin/docker-entrypoint.sh", 40),
)
_POSTGRES: _Files = (
    ("usr/local/bin/gosu", 11_700),
    ("usr/lib/locale/locale-archive", 82_000),
    ("usr/lib/postgresql/13/bin/postgres", 1_030_000),
    ("usr/local/bin/docker-entrypoint.sh", 50),
)
_MINIO_BASE: _Files = (
    ("etc/ssl/certs/ca-certificates.crt", 130_000),
    ("etc/passwd", 40),
    ("licenses/CREDITS", 9_000),
    ("licenses/LICENSE", 120),
    ("usr/bin/curl-static", 41_000),
)
_MINIO: _Files = (
    ("usr/bin/minio", 340_000),
    ("usr/bin/minio.minisig", 40),
    ("usr/bin/mc", 236_000),
    ("usr/bin/docker-entrypoint.sh", 50),
)
_GOALS: _Files = (
    ("app/package.json", 300),
    ("app/node_modules", 21_000),
    ("app/app.js", 2_000),
)
_AIRFLOW: _Files = (
    ("usr/lib/python3", 290_000),
    ("home/airflow/.local/lib/airflow", 1_480_000),
    ("home/airflow/.local/lib/scikit_learn", 350_000),
)


@dataclass(frozen=True)
class Images:
    """The images of the story; `then` is what was pulled, `now` what the tag has moved on to."""

    node_first: Index
    node_then: Index
    node_now: Index
    postgres: Index
    minio_then: Index
    minio_now: Index
    goals: Image
    extending_airflow: Image


def make(platform: str) -> Images:
    """Make them all.

    Args:
        platform: This machine's, as ``OS/ARCHITECTURE``: the others are there for show.
    """
    debian = _layers(_DEBIAN, "bookworm")
    node = {version: debian + _layers(_NODE, version) for version in ("22.9.0", "22.11.0")}
    minio = _layers(_MINIO_BASE, "ubi")

    def published(layers: Sequence[Blob], created: str, version: str = "") -> Index:
        labels = {VERSION: version} if version else {}
        own = seed.image(platform, layers, labels=labels, created=created)
        others = [
            seed.image(other, [f"for {other}"], labels=labels, created=created)
            for other in _OTHERS
            if other != platform
        ]
        return seed.index([own, *others], attestations=True)

    def built(layers: Sequence[Blob], created: str) -> Image:
        return seed.image(platform, layers, created=created)

    return Images(
        node_first=published(node["22.9.0"], "2024-09-17T20:11:46Z", "22.9.0"),
        node_then=published(node["22.11.0"], "2024-10-29T17:04:12Z", "22.11.0"),
        node_now=published(debian + _layers(_NODE, "24.1.0"), "2025-05-20T23:15:37Z", "24.1.0"),
        postgres=published(debian[:1] + _layers(_POSTGRES, "13.16"), "2024-08-08T20:38:00Z"),
        minio_then=published(minio + _layers(_MINIO, "2024-10-13"), "2024-10-13T13:52:00Z"),
        minio_now=published(minio + _layers(_MINIO, "2025-04-22"), "2025-04-22T22:31:00Z"),
        goals=built(node["22.11.0"] + _layers(_GOALS, "goals"), "2024-11-06T09:30:00Z"),
        extending_airflow=built(_layers(_AIRFLOW, "airflow"), "2024-11-07T16:05:00Z"),
    )


def _layers(files: _Files, edition: str) -> list[Blob]:
    return [_layer(path, size, edition) for path, size in files]


def _layer(path: str, size: int, edition: str) -> Blob:
    # Noise: anything else would be packed into nothing.
    noise = hashlib.shake_256(f"{edition}/{path}".encode()).digest(size)
    return seed.layer({path: noise}, level=1)
