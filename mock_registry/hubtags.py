"""The list of tags of Docker Hub's own API, which stands beside its registry.

Source: docs.docker.com, "Docker Hub API",
`GET /v2/namespaces/{namespace}/repositories/{repository}/tags`. It needs no login
for public repositories, counts no pulls and has a limit of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mock_registry.core import Core
from mock_registry.errors import RegistryError
from mock_registry.exchange import Call, Reply, json_reply
from mock_registry.names import number

PAGE, LIMIT = 10, 180
"""Tags of a page where the client names no number, and requests a minute."""


def read(core: Core, call: Call, path: str) -> Reply:
    """One page, the tags that were set last first.

    Args:
        path: ``NAMESPACE/repositories/NAME``.

    Raises:
        RegistryError: 404 where there is no such public repository.
    """
    name = path.replace("/repositories/", "/", 1)
    held = core.storage.repository(name)
    if held is None or not core.authority.is_public(name):
        raise RegistryError("NAME_UNKNOWN", "object not found", status=404)
    size = min(number(call.param("page_size") or "") or PAGE, 100)
    page = number(call.param("page") or "") or 1
    tags = list(reversed(held.tags.items()))
    start, end = (page - 1) * size, page * size
    following = f"{call.base_url}{call.path}?page={page + 1}&page_size={size}"
    reply = json_reply(
        {
            "count": len(tags),
            "next": following if end < len(tags) else None,
            "previous": None,
            "results": [_tag(core, tag, digest) for tag, digest in tags[start:end]],
        }
    )
    reply.headers |= {"X-RateLimit-Limit": str(LIMIT), "X-RateLimit-Remaining": str(LIMIT - 1)}
    return reply


def _tag(core: Core, tag: str, digest: str) -> dict[str, Any]:
    fields = json.loads(core.storage.read(digest))
    images = [_image(entry) for entry in fields.get("manifests", [])]
    if not images:
        images = [{"architecture": "amd64", "os": "linux", "digest": digest}]
    pushed = _pushed(core, fields)
    return {
        "name": tag,
        "digest": digest,
        "images": images,
        "last_updated": pushed,
        "tag_last_pushed": pushed,
        "media_type": fields.get("mediaType"),
    }


def _image(entry: Mapping[str, Any]) -> dict[str, Any]:
    platform = entry.get("platform", {})
    return {
        "architecture": platform.get("architecture", "unknown"),
        "os": platform.get("os", "unknown"),
        "digest": entry["digest"],
        "size": entry["size"],
    }


def _pushed(core: Core, fields: Mapping[str, Any]) -> str | None:
    """When an image was made stands for when it was pushed, which this registry does not keep."""
    children = fields.get("manifests") or []
    if children:
        return _pushed(core, json.loads(core.storage.read(children[0]["digest"])))
    config = fields.get("config")
    made = json.loads(core.storage.read(config["digest"])).get("created") if config else None
    return made if isinstance(made, str) else None
