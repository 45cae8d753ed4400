"""What all handlers share."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mock_registry.auth import Authority
from mock_registry.faults import Faults
from mock_registry.hub import Hub
from mock_registry.recording import Log
from mock_registry.storage import Storage

if TYPE_CHECKING:
    from mock_registry.uploads import Upload

WEEK = 7 * 24 * 3600.0


@dataclass(frozen=True)
class Quirks:
    """Habits of real registries that the specification allows, or that are common all the same.

    Attributes:
        absolute_urls: Send `Location` and `Link` with scheme and host.
        anonymous_mount: Mount a blob without `from` out of any repository the client may read.
        min_chunk: Bytes of each chunk but the last (`OCI-Chunk-Min-Length`); smaller ones are 416.
        strict_state: Refuse an upload's older `Location` with 416.
        strict_length: Refuse to open an upload without `Content-Length: 0`.
        keep_partial: Keep the bytes of a chunk whose client went away, as distribution does.
        accept_mounts: Mount at all; otherwise each mount becomes an upload.
        accept_single_post: Take a blob in one POST; otherwise that becomes an upload.
        upload_life: Seconds after which an unfinished upload is forgotten.
        page: Most entries of one answer of tags, catalog or referrers.
        null_tags: Send `null` for a repository without tags, as Nexus does.
        strict_accept: Answer 404 for a manifest of a type that `Accept` does not name.
        check_blobs: Refuse manifests that name content the repository does not hold.
        manifest_limit: Bytes of the largest manifest; the specification asks for 4 MiB.
        immutable_tags: Refuse to move a tag, with 409 DENIED.
        redirect_blobs: Send blobs from a second port, by 307 and a signature good for 300 s.
        warnings: Texts of `Warning` headers on every answer.
        token_post: Have the OAuth2 form of the token endpoint, which many registries lack.
        one_scope: Grant the first scope of a token request only.
    """

    absolute_urls: bool = False
    anonymous_mount: bool = True
    min_chunk: int | None = None
    strict_state: bool = False
    strict_length: bool = False
    keep_partial: bool = True
    accept_mounts: bool = True
    accept_single_post: bool = True
    upload_life: float = WEEK
    page: int = 1000
    null_tags: bool = False
    strict_accept: bool = False
    check_blobs: bool = True
    manifest_limit: int = 8 * 1024 * 1024
    immutable_tags: bool = False
    redirect_blobs: bool = False
    warnings: tuple[str, ...] = ()
    token_post: bool = True
    one_scope: bool = False


@dataclass
class Core:
    """The state of one registry, independent of its sockets.

    Attributes:
        clock: Seconds since the epoch.
        deletes: Whether DELETE of manifests, tags and blobs is allowed.
        referrers: Whether the referrers API exists, which registries before v1.1 lack.
        latency: Seconds before each answer.
        uploads: Open upload sessions by their id.
        blob_url: Where the second port is while the server runs with `redirect_blobs`.
        key: What signatures of redirects are made with.
    """

    storage: Storage
    authority: Authority
    hub: Hub | None
    clock: Callable[[], float]
    quirks: Quirks
    deletes: bool = True
    referrers: bool = True
    latency: float = 0.0
    log: Log = field(default_factory=Log)
    faults: Faults = field(default_factory=Faults)
    uploads: dict[str, Upload] = field(default_factory=dict)
    blob_url: str | None = None
    key: bytes = field(default_factory=lambda: secrets.token_bytes(16))
