"""Lists in pages: repositories of the registry and referrers of a manifest; for tags see `tags`."""

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


def catalog(core: Core, call: Call) -> Reply:
    """GET ``_catalog``, which is not in the specification but in every registry.

    Raises:
        RegistryError: PAGINATION_NUMBER_INVALID, UNSUPPORTED (404) where there is none.
    """
    if core.quirks.catalog == "none":
        raise RegistryError("UNSUPPORTED", status=404)
    names = core.storage.names() if core.quirks.catalog == "all" else []
    page, link = _page(core, call, names)
    return listed({"repositories": page}, link)


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
    limit = page_size(core, call)
    last = call.param("last")
    start = 0 if last is None else bisect_right(names, last)
    page = list(names[start : start + limit])
    if not page or start + limit >= len(names):
        return page, None
    return page, next_link(core, call, call.path, n=str(limit), last=page[-1])


def page_size(core: Core, call: Call) -> int:
    """How many entries a client gets at most: the registry's number, or a smaller `n`.

    Raises:
        RegistryError: PAGINATION_NUMBER_INVALID.
    """
    if (asked := call.param("n")) is None:
        return core.quirks.page
    count = number(asked)
    if count is None:
        raise RegistryError("PAGINATION_NUMBER_INVALID", detail={"n": asked[:100]})
    return min(core.quirks.page, count)


def next_link(core: Core, call: Call, path: str, **where: str) -> str:
    """The `Link` to the next page, with what the client asked for beside the page."""
    kept = [(key, value) for key, value in call.query if key not in ("n", "last", "next_page")]
    query = urlencode([*where.items(), *kept])
    return f'<{address(core, call, path)}?{query}>; rel="next"'


def listed(document: dict[str, object], link: str | None) -> Reply:
    """The answer with one page of a list."""
    reply = json_reply(document)
    if link:
        reply.headers["Link"] = link
    return reply
