"""What a user may set: written by `config`, obeyed by `registry` and `operations`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

Tls = Literal["on", "off", "insecure"]


@dataclass(frozen=True, slots=True)
class HostSettings:
    """The settings of one registry; None where the user said nothing.

    Attributes:
        endpoint: Scheme, host and port to ask in place of the registry's own, e.g. a mirror's.
        tls: `on`, `off` (plain HTTP), or `insecure` (TLS whose certificate is not checked).
        ca_file: PEM certificates of authorities that are trusted beside the system's.
        jobs: Requests at once.
        hub_api: Scheme, host and port of Docker Hub's own API; for `docker.io` alone.
        endpoint_auth: Whether credentials of the registry may go to another `endpoint` origin.
        keep_pulls: Pulls of the registry's limit that are never spent.
        token_server: Scheme, host and port of a token server that may see the credentials too.
    """

    endpoint: str | None = None
    tls: Tls | None = None
    ca_file: Path | None = None
    jobs: int | None = None
    endpoint_auth: bool = False
    hub_api: str | None = None
    keep_pulls: int | None = None
    token_server: str | None = None


@dataclass(frozen=True, slots=True)
class StatusSettings:
    """What `status` does without being told each time.

    Attributes:
        ignore: Patterns of names that are neither asked nor listed; see `oci.glob`.
        min_age: How old a remote image must be to count as an update.
        keep_pulls: See `HostSettings.keep_pulls`; for every registry without one of its own.
    """

    ignore: tuple[str, ...] = ()
    min_age: timedelta | None = None
    keep_pulls: int | None = None
