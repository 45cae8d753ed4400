"""Which handler answers a request, and what it has to be allowed for that."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mock_registry import blobs, hubtags, lists, manifests, tags, uploads
from mock_registry.auth import CATALOG, Caller
from mock_registry.core import Core
from mock_registry.errors import CODES, RegistryError
from mock_registry.exchange import Call, Reply, error_reply
from mock_registry.names import check_name, is_name

if TYPE_CHECKING:
    from mock_registry.recording import Record

# A repository may itself be called `a/blobs/uploads`, so the longest name is tried first and
# the end of the path decides.
_ROUTES = [
    ("ping", "GET HEAD", re.compile(r"/v2/?")),
    ("signed", "GET HEAD", re.compile(r"/signed/(?P<reference>[^/]+)")),
    ("catalog", "GET HEAD", re.compile(r"/v2/_catalog")),
    (
        "hubtags",
        "GET HEAD",
        re.compile(r"/v2/namespaces/(?P<name>[^/]+/repositories/[^/]+)/tags"),
    ),
    ("tags", "GET HEAD", re.compile(r"/v2/(?P<name>.+)/tags/list")),
    (
        "manifest",
        "GET HEAD PUT DELETE",
        re.compile(r"/v2/(?P<name>.+)/manifests/(?P<reference>[^/]+)"),
    ),
    ("referrers", "GET HEAD", re.compile(r"/v2/(?P<name>.+)/referrers/(?P<reference>[^/]+)")),
    ("upload", "POST", re.compile(r"/v2/(?P<name>.+)/blobs/uploads/?")),
    (
        "upload",
        "GET HEAD PATCH PUT DELETE",
        re.compile(r"/v2/(?P<name>.+)/blobs/uploads/(?P<reference>[^/]+)"),
    ),
    ("blob", "GET HEAD DELETE", re.compile(r"/v2/(?P<name>.+)/blobs/(?P<reference>[^/]+)")),
]
_ACTIONS = {"GET": ("pull",), "HEAD": ("pull",), "DELETE": ("delete",)}


def classify(core: Core, record: Record) -> str | None:
    """Note in the record what its path is about, and return the methods that exist there.

    None is a path this registry does not have.
    """
    if record.path == core.quirks.realm:
        record.kind = "token"
        return ""
    for kind, methods, pattern in _ROUTES:
        if kind == "hubtags" and core.hub is None:
            continue
        if match := pattern.fullmatch(record.path):
            groups = match.groupdict()
            record.kind = kind
            record.repository, record.reference = groups.get("name"), groups.get("reference")
            return methods
    return None


async def answer(core: Core, call: Call, record: Record, methods: str | None) -> Reply:
    """The registry's answer to a request that `classify` has seen; errors are answers, too."""
    try:
        reply = await _answer(core, call, record, methods)
    except RegistryError as error:
        reply = error_reply(_own_words(core, error))
    if core.hub is not None and record.kind == "manifest" and reply.status != 401:
        reply.headers.update(core.hub.headers(_source(call, record)))
    return reply


async def _answer(core: Core, call: Call, record: Record, methods: str | None) -> Reply:
    if methods is None:
        raise RegistryError("UNKNOWN", "no such path", status=404)
    if core.quirks.front and not _at_second_port(core, call):
        return Reply(307, {"Location": f"{core.second_url}{call.raw_path}", "Content-Length": "0"})
    if record.kind == "token":
        if core.authority.scheme != "bearer":
            raise RegistryError("UNKNOWN", "no such path", status=404)
        return await core.authority.tokens.answer(call, record)
    if call.method not in methods.split():
        raise RegistryError("UNSUPPORTED", headers={"Allow": methods.replace(" ", ", ")})
    if record.kind == "signed":
        if core.second_url is None:
            raise RegistryError("UNKNOWN", "no such path", status=404)
        return blobs.read_signed(core, call, record.reference or "")
    if record.kind == "hubtags":
        return hubtags.read(core, call, record.repository or "")
    caller = core.authority.identify(call, record)
    if record.kind == "ping":
        return _ping(core, call, caller)
    if record.kind == "catalog":
        core.authority.require(call, caller, CATALOG)
        return lists.catalog(core, call)
    name, reference = check_name(record.repository or ""), record.reference or ""
    _require(core, call, caller, record.kind, name)
    return await _in_repository(core, call, caller, record, name, reference)


def _at_second_port(core: Core, call: Call) -> bool:
    return urlsplit(call.base_url).port == urlsplit(core.second_url or "").port


def _ping(core: Core, call: Call, caller: Caller) -> Reply:
    text = core.quirks.ping_body
    try:
        core.authority.require(call, caller)
    except RegistryError as error:
        raise error.saying(text) from None
    content_type, body = text or ("application/json", "{}")
    return Reply(200, {"Content-Type": content_type}, body.encode())


def _own_words(core: Core, error: RegistryError) -> RegistryError:
    if core.quirks.missing_code and error.code in ("NAME_UNKNOWN", "MANIFEST_UNKNOWN"):
        return RegistryError(core.quirks.missing_code, CODES[error.code][1], status=404)
    return error


def _require(core: Core, call: Call, caller: Caller, kind: str, name: str) -> None:
    actions = _ACTIONS.get(call.method, ("pull", "push"))
    if kind == "upload":
        actions = ("pull", "push")
    # The source of a mount is named in the challenge, though without it the mount just fails.
    source = call.param("from") if call.param("mount") else None
    hint = f"repository:{source}:pull" if source and source != name and is_name(source) else ""
    core.authority.require(
        call, caller, *[("repository", name, action) for action in actions], hint=hint
    )


async def _in_repository(
    core: Core, call: Call, caller: Caller, record: Record, name: str, reference: str
) -> Reply:
    match record.kind, call.method:
        case "manifest", "PUT":
            return await manifests.write(core, call, name, reference)
        case "manifest", "DELETE":
            return manifests.delete(core, call, name, reference)
        case "manifest", _:
            return manifests.read(core, call, name, reference, _source(call, record))
        case "blob", "DELETE":
            return blobs.delete(core, call, name, reference)
        case "blob", _:
            return blobs.read(core, call, name, reference)
        case "upload", "POST":
            return await uploads.start(core, call, caller, name)
        case "upload", "PATCH":
            return await uploads.append(core, call, name, reference)
        case "upload", "PUT":
            return await uploads.finish(core, call, name, reference)
        case "upload", "DELETE":
            return uploads.cancel(core, call, name, reference)
        case "upload", _:
            return uploads.status(core, call, name, reference)
        case "tags", _:
            return tags.read(core, call, name)
        case _:
            return lists.referrers(core, call, name, reference)


def _source(call: Call, record: Record) -> str:
    return record.user or call.remote
