"""What is sent to a registry, and what comes back."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import httpx

from regsync.errors import InvalidDigest
from regsync.oci import errorcode, mediatype
from regsync.oci.digest import Digest
from regsync.registry.origin import Origin

KINDS = ("head", "get", "token", "ping", "counted_pulls")
"""What is counted: requests by kind, and manifests served, as Docker Hub counts pulls."""
_PAGES = frozenset({"text/html", "application/xhtml+xml"})


@dataclass(frozen=True, slots=True)
class Request:
    """What may be sent again without harm.

    Attributes:
        url: Absolute, on the registry's origin or judged by the origin policy.
        method: GET, HEAD, or POST of a form.
        limit: Bytes of the body that are accepted; of a stream, bytes of an error body.
        headers: Further headers, without `Authorization`.
        authorization: Goes to the origin of `url` and, of those it leads to, to `issuer` alone.
        issuer: Where `authorization` is no secret: who gave it to nobody in particular.
        form: An encoded form with a secret in it; goes to `url` and nowhere else.
        kind: What it is counted as; `manifest` is a GET that a registry may count as a pull.
        what: What cannot be done if it fails, for errors.
        knocks: Whether it is sent even to a host that was down a moment ago.
    """

    url: str
    method: Literal["GET", "HEAD", "POST"]
    limit: int
    headers: Mapping[str, str] = field(default_factory=dict)
    authorization: str | None = field(default=None, repr=False)
    issuer: Origin | None = None
    form: str | None = field(default=None, repr=False)
    kind: Literal["head", "get", "token", "ping", "manifest"] = "get"
    what: str = "cannot read the registry"
    knocks: bool = False

    @property
    def is_quick(self) -> bool:
        """Whether it is answered from what a server knows already; see `retry.Waits`."""
        return self.kind in ("head", "ping", "token")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, never a redirect: the body whole and within its limit, or a stream of it."""

    status: int
    headers: httpx.Headers
    body: bytes = field(repr=False)
    url: str
    retry_at: datetime | None = None
    stream: AsyncIterator[bytes] | None = None

    @property
    def media_type(self) -> str:
        """The `Content-Type` without its parameters, or an empty text."""
        return mediatype.base(self.headers.get("Content-Type", ""))

    @property
    def is_page(self) -> bool:
        """Whether it says that it is a web page, which no registry has to offer."""
        return self.media_type in _PAGES

    @property
    def shows_registry(self) -> bool:
        """Whether only a registry says this: its header, a challenge, a digest, its error body."""
        return (
            "Docker-Distribution-Api-Version" in self.headers
            or (self.status == 401 and "WWW-Authenticate" in self.headers)
            or (self.status == 200 and self.digest is not None)
            or bool(errorcode.parse(self.body))
        )

    @property
    def is_used_up(self) -> bool:
        """Whether it says that no counted pull is left."""
        told: str = self.headers.get("RateLimit-Remaining", "")
        return told.partition(";")[0].strip() == "0"

    @property
    def is_text(self) -> bool:
        """Whether there is a body that is no JSON, as routers and proxies send it with a 404."""
        return self.body.lstrip()[:1] not in (b"", b"{", b"[")

    @property
    def digest(self) -> Digest | None:
        """What `Docker-Content-Digest` tells; None where that is missing or no digest."""
        try:
            return Digest.parse(self.headers.get("Docker-Content-Digest", ""))
        except InvalidDigest:
            return None


@dataclass(slots=True)
class Tally:
    """Requests really sent, by kind (see `KINDS`): what `requests` in the JSON says."""

    sent: Counter[str] = field(default_factory=Counter)
