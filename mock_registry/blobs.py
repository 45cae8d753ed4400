"""Blobs: download whole or by range, delete, and the second port some registries send them from."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from functools import partial

from mock_registry.core import Core
from mock_registry.errors import RegistryError
from mock_registry.exchange import Call, Reply
from mock_registry.names import check_digest, number
from mock_registry.ranges import parse_range

SIGNATURE_LIFE = 300


def read(core: Core, call: Call, name: str, reference: str) -> Reply:
    """GET or HEAD of a blob, or the redirect to where it is.

    Raises:
        RegistryError: BLOB_UNKNOWN, NAME_UNKNOWN, DIGEST_INVALID or RANGE_INVALID.
    """
    digest = _held(core, name, reference)
    if core.quirks.redirect_blobs and call.method == "GET":
        return Reply(307, {"Location": _signed(core, digest), "Content-Length": "0"})
    return _content(core, call, digest)


def read_signed(core: Core, call: Call, reference: str) -> Reply:
    """GET or HEAD at the second port, which knows signatures and no tokens.

    Raises:
        RegistryError: DENIED for a wrong or expired signature, otherwise as `read`.
    """
    digest = check_digest(reference)
    expires = number(call.param("expires") or "") or 0
    given = call.param("signature") or ""
    right = hmac.compare_digest(given.encode(), _signature(core, digest, expires).encode())
    if not right or core.clock() >= expires:
        raise RegistryError("DENIED", "the signature is wrong or has expired")
    try:
        return _content(core, call, digest)
    except KeyError:
        raise RegistryError("BLOB_UNKNOWN") from None


def delete(core: Core, call: Call, name: str, reference: str) -> Reply:
    """DELETE of a blob from one repository; manifests that name it stay.

    Raises:
        RegistryError: UNSUPPORTED where deletes are off, otherwise as `read`.
    """
    if not core.deletes:
        raise RegistryError("UNSUPPORTED", headers={"Allow": "GET, HEAD"})
    core.storage.remove_blob(name, _held(core, name, reference))
    return Reply(202)


def _held(core: Core, name: str, reference: str) -> str:
    digest = check_digest(reference)
    if core.storage.repository(name) is None:
        raise RegistryError("NAME_UNKNOWN", detail={"name": name})
    if not core.storage.has_blob(name, digest):
        raise RegistryError("BLOB_UNKNOWN", detail={"digest": digest})
    return digest


def _content(core: Core, call: Call, digest: str) -> Reply:
    size = core.storage.content.size(digest)
    etag = f'"{digest}"'
    headers = {
        "Content-Type": "application/octet-stream",
        "Docker-Content-Digest": digest,
        "Accept-Ranges": "bytes",
        "ETag": etag,
    }
    if matches(call.headers.get("If-None-Match"), etag):
        return Reply(304, headers)
    # `If-Range` with another validator means: the whole, should it have changed (RFC 9110 §13.1.5).
    unchanged = call.headers.get("If-Range", etag) == etag
    part = parse_range(call.headers.get("Range"), size) if unchanged else None
    start, length = (0, size) if part is None else part
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{size}"
    source: partial[Iterator[bytes]] = partial(core.storage.content.read, digest, start, length)
    return Reply(200 if part is None else 206, headers, source, length)


def matches(header: str | None, etag: str) -> bool:
    """Whether an `If-None-Match` header names `etag`."""
    values = [] if header is None else [value.strip() for value in header.split(",")]
    return "*" in values or etag in values or f"W/{etag}" in values


def _signed(core: Core, digest: str) -> str:
    expires = int(core.clock()) + SIGNATURE_LIFE
    signature = _signature(core, digest, expires)
    return f"{core.second_url}/signed/{digest}?expires={expires}&signature={signature}"


def _signature(core: Core, digest: str, expires: int) -> str:
    return hmac.new(core.key, f"{digest} {expires}".encode(), hashlib.sha256).hexdigest()
