"""What a registry was asked: one record per request, and the usual ways to count them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass
class Record:
    """One request and how it was answered.

    Attributes:
        kind: ``ping``, ``blob``, ``upload``, ``manifest``, ``tags``, ``catalog``,
            ``referrers``, ``token``, ``signed`` (a blob at the second port),
            ``hubtags`` (Docker Hub's own list of tags) or ``other``.
        repository: The repository in the path, valid or not, or None.
        reference: The tag, digest or upload id in the path, or None.
        query: Decoded pairs in their order.
        headers: Request headers with lower-case names; of Authorization only the scheme.
        form: Fields of a POST to the token endpoint, passwords and tokens removed.
        scheme: ``basic``, ``bearer`` or None.
        user: Whose credentials or token were valid, or None.
        token: Which token was sent: ``t1`` for the first one issued, and so on; None without
            one, ``?`` for one never issued.
        status: None when the connection was closed without an answer.
        bytes_in: Bytes of the request body that were read.
        bytes_out: Bytes of the response body that were sent.
    """

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    kind: str = "other"
    repository: str | None = None
    reference: str | None = None
    form: list[tuple[str, str]] = field(default_factory=list)
    scheme: str | None = None
    user: str | None = None
    token: str | None = None
    status: int | None = None
    response_headers: dict[str, str] = field(default_factory=dict)
    bytes_in: int = 0
    bytes_out: int = 0


class Log:
    """The records of a registry, oldest first.

    A record is there, and its status set, before the client can see the answer.
    """

    def __init__(self) -> None:
        self.records: list[Record] = []

    def __iter__(self) -> Iterator[Record]:
        return iter(list(self.records))

    def __len__(self) -> int:
        return len(self.records)

    def clear(self) -> None:
        """Forget all records."""
        self.records.clear()

    def find(
        self,
        method: str | None = None,
        kind: str | None = None,
        *,
        path: str | None = None,
        repository: str | None = None,
        status: int | None = None,
    ) -> list[Record]:
        """The records that agree with everything given; `path` is a regular expression."""
        return [
            each
            for each in self
            if (method is None or each.method == method)
            and (kind is None or each.kind == kind)
            and (path is None or re.search(path, each.path) is not None)
            and (repository is None or each.repository == repository)
            and (status is None or each.status == status)
        ]

    def count(
        self,
        method: str | None = None,
        kind: str | None = None,
        *,
        path: str | None = None,
        repository: str | None = None,
        status: int | None = None,
    ) -> int:
        """How many records `find` would find."""
        return len(self.find(method, kind, path=path, repository=repository, status=status))

    @property
    def pings(self) -> int:
        """Requests for ``/v2/``."""
        return self.count(kind="ping")

    @property
    def token_requests(self) -> int:
        """Requests to the token endpoint, refused ones too."""
        return self.count(kind="token")

    @property
    def manifest_heads(self) -> int:
        """HEAD requests for manifests, whatever the answer."""
        return self.count("HEAD", "manifest")

    @property
    def manifest_gets(self) -> int:
        """GET requests for manifests, whatever the answer."""
        return self.count("GET", "manifest")

    @property
    def counted_gets(self) -> int:
        """GETs of manifests that were served: what a rate limit of pulls counts."""
        return self.count("GET", "manifest", status=200)

    @property
    def manifest_puts(self) -> int:
        """PUT requests for manifests, whatever the answer."""
        return self.count("PUT", "manifest")

    @property
    def blob_gets(self) -> int:
        """GET requests for blobs, whatever the answer."""
        return self.count("GET", "blob")

    @property
    def blob_heads(self) -> int:
        """HEAD requests for blobs, whatever the answer."""
        return self.count("HEAD", "blob")

    @property
    def uploads(self) -> int:
        """Blob uploads and mounts that were asked for."""
        return self.count("POST", "upload")

    @property
    def bytes_in(self) -> int:
        """Bytes of all request bodies that were read."""
        return sum(each.bytes_in for each in self)

    @property
    def bytes_out(self) -> int:
        """Bytes of all response bodies that were sent."""
        return sum(each.bytes_out for each in self)
