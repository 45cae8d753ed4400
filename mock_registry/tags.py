"""The tags of a repository: sorted and in pages, or as one registry or another lists them."""

from __future__ import annotations

import base64
import binascii
import json
from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from mock_registry.core import Core
from mock_registry.errors import RegistryError
from mock_registry.exchange import Call, Reply
from mock_registry.lists import listed, next_link, page_size
from mock_registry.names import number
from mock_registry.storage import Repository


def read(core: Core, call: Call, name: str) -> Reply:
    """GET ``tags/list``.

    Raises:
        RegistryError: NAME_UNKNOWN, PAGINATION_NUMBER_INVALID, and by quirk UNSUPPORTED (405, 406).
    """
    quirks = core.quirks
    _refuse(core, call)
    held = core.storage.repository(name)
    if held is None:
        raise RegistryError("NAME_UNKNOWN", detail={"name": name})
    page, link = _page(core, call, name, _names(core, held))
    tags: list[str | None] | None = [*page]
    if quirks.null_tags and not held.tags:
        tags = None
    elif quirks.null_tag:
        tags = [None, *page]
    document: dict[str, object] = {"name": name, "tags": tags}
    if quirks.google_tags:
        document |= {"child": [], "manifest": _manifests(core, held)}
    return listed(document, link)


def _refuse(core: Core, call: Call) -> None:
    accepted = call.headers.get("Accept", "*/*")
    takes_lists = "*/*" in accepted or "application/json" in accepted
    if core.quirks.strict_list_accept and not takes_lists:
        raise RegistryError("UNSUPPORTED", "the list of tags is application/json", status=406)
    limit, asked = core.quirks.n_limit, number(call.param("n") or "")
    if limit is not None and asked is not None and asked > limit:
        raise RegistryError("UNSUPPORTED", f"n must be at most {limit}")


def _names(core: Core, held: Repository) -> list[str]:
    names = list(held.tags)
    if core.quirks.digests_as_tags:
        names += [digest for digest in held.manifests if digest not in held.tags.values()]
    return names if core.quirks.oldest_first else sorted(names)


def _page(
    core: Core, call: Call, name: str, names: Sequence[str]
) -> tuple[Sequence[str], str | None]:
    quirks = core.quirks
    if quirks.no_pages:
        return names, None
    limit, start = page_size(core, call), _start(core, call, names)
    end = start + limit
    if limit == 0 or end >= len(names):
        return names[start:end], None
    shown = max(0, start - 1) if quirks.repeat_tags else start
    path = f"/v2/{name.partition('/')[2]}/tags/list" if quirks.short_links else call.path
    if quirks.opaque_pages:
        word = base64.urlsafe_b64encode(str(end).encode()).decode()
        return names[shown:end], next_link(core, call, path, next_page=word, n=str(limit))
    return names[shown:end], next_link(core, call, path, n=str(limit), last=names[end - 1])


def _start(core: Core, call: Call, names: Sequence[str]) -> int:
    last, word = call.param("last"), call.param("next_page")
    if core.quirks.opaque_pages:
        # Quay takes a word that it did not write for none, and begins again.
        try:
            return int(base64.urlsafe_b64decode(word or ""))
        except (ValueError, binascii.Error):
            return 0
    if last is None:
        return 0
    if core.quirks.oldest_first:
        return names.index(last) + 1 if last in names else 0
    return bisect_right(names, last)


def _manifests(core: Core, held: Repository) -> dict[str, object]:
    """All manifests as Google's registries list them, with numbers as texts."""
    found: dict[str, object] = {}
    for digest, media_type in held.manifests.items():
        fields = json.loads(core.storage.read(digest))
        parts = [fields.get("config") or {}, *fields.get("layers", [])]
        made = str(_made(core, fields))
        found[digest] = {
            "imageSizeBytes": str(sum(part.get("size", 0) for part in parts)),
            "layerId": "",
            "mediaType": media_type,
            "tag": [tag for tag, target in held.tags.items() if target == digest],
            "timeCreatedMs": made,
            "timeUploadedMs": made,
        }
    return found


def _made(core: Core, fields: dict[str, Any]) -> int:
    """When an image was made, in milliseconds since the epoch; 0 where it does not say."""
    config = fields.get("config")
    if not config:
        return 0
    try:
        created = json.loads(core.storage.read(config["digest"])).get("created", "")
        return int(datetime.fromisoformat(created).timestamp() * 1000)
    except (KeyError, ValueError, AttributeError):
        return 0
