"""What all handlers share."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mock_registry.auth import Authority
from mock_registry.faults import Faults
from mock_registry.hub import Hub
from mock_registry.quirks import Quirks
from mock_registry.recording import Log
from mock_registry.storage import Storage

if TYPE_CHECKING:
    from mock_registry.uploads import Upload


@dataclass
class Core:
    """The state of one registry, independent of its sockets.

    Attributes:
        clock: Seconds since the epoch.
        deletes: Whether DELETE of manifests, tags and blobs is allowed.
        referrers: Whether the referrers API exists, which registries before v1.1 lack.
        latency: Seconds before each answer.
        uploads: Open upload sessions by their id.
        second_url: Where the second port is while the server runs, with quirks that need one.
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
    second_url: str | None = None
    key: bytes = field(default_factory=lambda: secrets.token_bytes(16))
