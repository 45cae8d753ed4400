"""Lists over pages (distribution-spec "Listing Tags"): every page once, and an end to them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from regsync.errors import ServerFailed
from regsync.oci.paging import next_link
from regsync.oci.strictjson import parse_object
from regsync.registry.message import Answer
from regsync.registry.origin import RefusedAddress, page

PAGE_LIMIT = 16 * 1024 * 1024
"""Bytes that one page may have."""
PAGES, TAGS = 10_000, 1_000_000


async def tags(
    url: str, get: Callable[[str], Awaitable[Answer]], what: str, *, pages: int = PAGES
) -> list[str]:
    """All tags, in the registry's order, each once.

    Args:
        url: The first page.
        get: Fetches a page, and raises unless it is one.
        what: What cannot be done if this fails.
        pages: How many pages are read before they count as endless.

    Raises:
        ServerFailed: the pages lead elsewhere or never end.
        InvalidManifest: a page is no JSON object.
    """
    found: dict[str, None] = {}
    seen: set[str] = set()
    following: str | None = url
    while following is not None:
        if following in seen or len(seen) >= PAGES or len(found) > TAGS:
            raise ServerFailed(what, "its pages never end")
        if len(seen) >= pages:
            raise ServerFailed(what, f"there are more than {pages} pages of them")
        seen.add(following)
        answer = await get(following)
        fields = parse_object(answer.body, limit=PAGE_LIMIT, what="the list of tags")
        found.update(dict.fromkeys(_tags(fields)))
        link = next_link(answer.headers.get_list("Link"))
        try:
            following = page(following, link) if link else None
        except RefusedAddress as error:
            raise ServerFailed(what, str(error)) from error
    return list(found)


def _tags(fields: dict[str, Any]) -> list[str]:
    """The tags of one page; Nexus sends `null`, Artifactory lists digests among them."""
    values = fields.get("tags") or []
    if not isinstance(values, list):
        return []
    return [tag for tag in values if isinstance(tag, str) and ":" not in tag]
