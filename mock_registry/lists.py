"""Lists in pages: tags of a repository, repositories of the registry, referrers of a manifest."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from mock_registry.core import Core
from mock_registry.errors import RegistryError
from mock_registry.exchange import Call, Reply, json_reply
from mock_registry.manifests import OCI_INDEX, descriptor, parse
from mock_registry.names import check_digest, number
from mock_registry.uploads import address


def tags(core: Core, call: Call, name: str) -> Reply:
    """GET ``tags/list``.

    Raises:
        RegistryError: NAME_UNKNOWN, PAGINATION_NUMBER_INVALID.
    """
    held = core.storage.repository(name)
    if held is None:
        raise RegistryError("NAME_UNKNOWN", detail={"name": name})
    page, link = _page(core, call, sorted(held.tags))
    nothing = core.quirks.null_tags and not held.tags
    return _listed({"name": name, "tags": None if nothing else page}, link)


def catalog(core: Core, call: Call) -> Reply:
    """GET ``_catalog``, which is not in the specification but in every registry.

    Raises:
        RegistryError: PAGINATION_NUMBER_INVALID.
    """
    page, link = _page(core, call, core.storage.names())
    return _listed({"repositories": page}, link)


def referrers(core: Core, call: Call, name: str, reference: str) -> Reply:
    """GET ``referrers/DIGEST``: an index of what names that digest as its subject.

    An unknown repository or digest has no referrers, and that is no error.

    Raises:
        RegistryError: UNSUPPORTED (404) where the API is off, DIGEST_INVALID.
    """
    if not core.referrers:
        raise RegistryError("UNSUPPORTED", status=404)
    subject = check_digest(reference)
    found = _referring(core, name, subject)
    wanted = call.param("artifactType")
    if wanted is not None:
        found = {
            digest: each for digest, each in found.items() if each.get("artifactType") == wanted
        }
    page, link = _page(core, call, sorted(found))
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [found[digest] for digest in page],
    }
    reply = json_reply(document, OCI_INDEX)
    if link:
        reply.headers["Link"] = link
    if wanted is not None:
        reply.headers["OCI-Filters-Applied"] = "artifactType"
    return reply


def _referring(core: Core, name: str, subject: str) -> dict[str, dict[str, Any]]:
    held = core.storage.repository(name)
    found = {}
    for digest, media_type in [] if held is None else list(held.manifests.items()):
        data = core.storage.read(digest)
        try:
            fields = parse(data)
            named = descriptor(fields, "subject")
        except RegistryError:
            # Put there by a test, which may want bytes that are no manifest.
            continue
        if named is None or named["digest"] != subject:
            continue
        own = fields.get("artifactType")
        config = fields.get("config")
        if not own and isinstance(config, dict):
            own = config.get("mediaType")
        found[digest] = {"mediaType": media_type, "digest": digest, "size": len(data)}
        if own:
            found[digest]["artifactType"] = own
        if fields.get("annotations"):
            found[digest]["annotations"] = fields["annotations"]
    return found


def _page(core: Core, call: Call, names: Sequence[str]) -> tuple[list[str], str | None]:
    """The entries behind `last`, `n` at most, and the `Link` to the next ones."""
    limit = core.quirks.page
    if (asked := call.param("n")) is not None:
        count = number(asked)
        if count is None:
            raise RegistryError("PAGINATION_NUMBER_INVALID", detail={"n": asked[:100]})
        limit = min(limit, count)
    last = call.param("last")
    start = 0 if last is None else bisect_right(names, last)
    page = list(names[start : start + limit])
    if not page or start + limit >= len(names):
        return page, None
    kept = [(key, value) for key, value in call.query if key not in ("n", "last")]
    query = urlencode([("n", limit), ("last", page[-1]), *kept])
    return page, f'<{address(core, call, call.path)}?{query}>; rel="next"'


def _listed(document: dict[str, object], link: str | None) -> Reply:
    reply = json_reply(document)
    if link:
        reply.headers["Link"] = link
    return reply
