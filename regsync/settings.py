"""What a user may set for one registry: written by `config`, obeyed by `registry`."""

from __future__ import annotations

from dataclasses import dataclass
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
    """

    endpoint: str | None = None
    tls: Tls | None = None
    ca_file: Path | None = None
    jobs: int | None = None
    endpoint_auth: bool = False
    hub_api: str | None = None
