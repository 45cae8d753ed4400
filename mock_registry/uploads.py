"""Blob uploads: in one request, in a session of chunks or streams, or by a mount."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from mock_registry.auth import Caller
from mock_registry.content import Sink
from mock_registry.core import Core
from mock_registry.errors import Disconnected, RegistryError
from mock_registry.exchange import Call, Reply
from mock_registry.names import check_digest, is_name, number
from mock_registry.ranges import parse_chunk


@dataclass
class Upload:
    """An open session.

    Attributes:
        began: Seconds since the epoch.
        state: Changes with every chunk, and travels in the `Location`.
        busy: Whether a request is writing to it right now.
    """

    id: str
    repository: str
    sink: Sink
    began: float
    state: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    busy: bool = False


async def start(core: Core, call: Call, caller: Caller, name: str) -> Reply:
    """POST: open a session, or finish at once with a mount or with the whole blob.

    Raises:
        RegistryError: DIGEST_INVALID, SIZE_INVALID.
    """
    if (mount := call.param("mount")) is not None:
        digest = check_digest(mount)
        if core.quirks.accept_mounts and _mountable(core, caller, digest, call.param("from")):
            core.storage.link_blob(name, digest)
            return _created(core, call, name, digest)
        # Not told apart from a blob that is not there: a 202 must not tell what exists elsewhere.
    elif (given := call.param("digest")) is not None and core.quirks.accept_single_post:
        upload = _open(core, name)
        return await _finish(core, call, upload, given)
    elif core.quirks.strict_length and call.headers.get("Content-Length") != "0":
        raise RegistryError("SIZE_INVALID", "opening an upload needs Content-Length: 0")
    algorithm = call.param("digest-algorithm")
    if algorithm is not None and algorithm not in ("sha256", "sha512"):
        raise RegistryError("DIGEST_INVALID", "unsupported digest algorithm")
    upload = _open(core, name)
    reply = _progress(core, call, upload, 202)
    if core.quirks.min_chunk is not None:
        reply.headers["OCI-Chunk-Min-Length"] = str(core.quirks.min_chunk)
    return reply


async def append(core: Core, call: Call, name: str, session: str) -> Reply:
    """PATCH: one more chunk, or one stream of unknown length.

    Raises:
        RegistryError: BLOB_UPLOAD_UNKNOWN; RANGE_INVALID (416) for a chunk out of order, while
            another is being written, or too small; SIZE_INVALID.
    """
    upload = _find(core, name, session)
    await _write(core, call, upload, last=False)
    return _progress(core, call, upload, 202)


async def finish(core: Core, call: Call, name: str, session: str) -> Reply:
    """PUT: close the session, with the last bytes or without.

    Raises:
        RegistryError: as `append`, and DIGEST_INVALID for other content, which ends the session.
    """
    return await _finish(core, call, _find(core, name, session), call.param("digest"))


def status(core: Core, call: Call, name: str, session: str) -> Reply:
    """GET: how far the upload is. An outdated `Location` is good enough to ask.

    Raises:
        RegistryError: BLOB_UPLOAD_UNKNOWN.
    """
    return _progress(core, call, _find(core, name, session), 204)


def cancel(core: Core, call: Call, name: str, session: str) -> Reply:
    """DELETE: give up the session and its bytes.

    Raises:
        RegistryError: BLOB_UPLOAD_UNKNOWN.
    """
    _drop(core, _find(core, name, session))
    return Reply(204)


def _mountable(core: Core, caller: Caller, digest: str, source: str | None) -> bool:
    if source is None and not core.quirks.anonymous_mount:
        return False
    names = core.storage.repositories_with_blob(digest) if source is None else [source]
    return any(
        is_name(name) and caller.may_pull(name) and core.storage.has_blob(name, digest)
        for name in names
    )


def _open(core: Core, name: str) -> Upload:
    oldest = core.clock() - core.quirks.upload_life
    for old in [each for each in core.uploads.values() if each.began <= oldest and not each.busy]:
        _drop(core, old)
    upload = Upload(secrets.token_hex(16), name, core.storage.content.create(), core.clock())
    core.uploads[upload.id] = upload
    return upload


def _find(core: Core, name: str, session: str) -> Upload:
    upload = core.uploads.get(session)
    if upload is None or upload.repository != name:
        raise RegistryError("BLOB_UPLOAD_UNKNOWN")
    if core.clock() - upload.began >= core.quirks.upload_life:
        _drop(core, upload)
        raise RegistryError("BLOB_UPLOAD_UNKNOWN")
    return upload


def _drop(core: Core, upload: Upload) -> None:
    core.uploads.pop(upload.id, None)
    upload.sink.discard()


async def _finish(core: Core, call: Call, upload: Upload, given: str | None) -> Reply:
    digest = check_digest(given)
    await _write(core, call, upload, last=True)
    if upload.id not in core.uploads:
        raise RegistryError("BLOB_UPLOAD_UNKNOWN")
    algorithm = digest.partition(":")[0]
    if upload.sink.digest(algorithm) != digest:
        _drop(core, upload)
        raise RegistryError("DIGEST_INVALID", detail={"digest": digest})
    del core.uploads[upload.id]
    core.storage.keep_blob(upload.repository, upload.sink, digest)
    return _created(core, call, upload.repository, digest)


async def _write(core: Core, call: Call, upload: Upload, *, last: bool) -> None:
    if upload.busy or (core.quirks.strict_state and not _current(call, upload)):
        raise _out_of_order(core, call, upload)
    expected = _expected(core, call, upload, last)
    upload.busy = True
    upload.sink.mark()
    before = upload.sink.size
    try:
        async for chunk in call.body():
            upload.sink.write(chunk)
            if expected is not None and upload.sink.size - before > expected:
                break
    except Disconnected:
        if not core.quirks.keep_partial:
            upload.sink.rollback()
        raise
    finally:
        upload.busy = False
        upload.state = secrets.token_urlsafe(9)
    written = upload.sink.size - before
    if expected is not None and written != expected:
        upload.sink.rollback()
        raise RegistryError("SIZE_INVALID")
    smallest = core.quirks.min_chunk
    if smallest is not None and written < smallest and not last:
        upload.sink.rollback()
        raise _out_of_order(core, call, upload)


def _expected(core: Core, call: Call, upload: Upload, last: bool) -> int | None:
    """Bytes the body has to have, where the request tells."""
    header = call.headers.get("Content-Range")
    length = number(call.headers.get("Content-Length", ""))
    if header is None or (last and length == 0):
        return None
    start, expected = parse_chunk(header)
    if start != upload.sink.size:
        raise _out_of_order(core, call, upload)
    if length is not None and length != expected:
        raise RegistryError("SIZE_INVALID")
    return expected


def _current(call: Call, upload: Upload) -> bool:
    return call.param("_state") == upload.state


def _out_of_order(core: Core, call: Call, upload: Upload) -> RegistryError:
    return RegistryError("RANGE_INVALID", headers=_headers(core, call, upload))


def _progress(core: Core, call: Call, upload: Upload, status: int) -> Reply:
    return Reply(status, _headers(core, call, upload))


def _headers(core: Core, call: Call, upload: Upload) -> dict[str, str]:
    path = f"/v2/{upload.repository}/blobs/uploads/{upload.id}?_state={upload.state}"
    # An empty upload has no last byte; distribution says 0-0 all the same, and clients know it.
    return {
        "Location": address(core, call, path),
        "Range": f"0-{max(0, upload.sink.size - 1)}",
        "Docker-Upload-UUID": upload.id,
    }


def _created(core: Core, call: Call, name: str, digest: str) -> Reply:
    location = address(core, call, f"/v2/{name}/blobs/{digest}")
    return Reply(201, {"Location": location, "Docker-Content-Digest": digest})


def address(core: Core, call: Call, path: str) -> str:
    """A path as this registry writes it in `Location` and `Link`."""
    return f"{call.base_url}{path}" if core.quirks.absolute_urls else path
