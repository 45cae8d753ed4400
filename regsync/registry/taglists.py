"""Which tags carry which digest, as some registries tell it in one list.

The Distribution API lists names alone. Docker Hub has an API of its own beside it, and Google's
registries add a `manifest` map to `tags/list`. What they say is for people, never for a verdict:
their dates move without a push, and their digests may lag behind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeGuard

from regsync.errors import InvalidDigest
from regsync.oci.digest import Digest
from regsync.oci.imageconfig import moment

TAG_LIMIT, IMAGE_LIMIT = 10_000, 100
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True, slots=True)
class TagRecord:
    """One tag.

    Attributes:
        digests: What it holds: the digest itself and, where they are told, those of an index's
            images.
        pushed_at: When it was pushed, as the list says.
    """

    name: str
    digests: frozenset[Digest]
    pushed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TagList:
    """The tags of a repository.

    Attributes:
        source: The host that told them.
        complete: Whether these are all; otherwise those that were updated last.
    """

    source: str
    records: tuple[TagRecord, ...]
    complete: bool = True


def read_hub(fields: Mapping[str, Any]) -> tuple[TagRecord, ...]:
    """One page of Docker Hub's `GET /v2/namespaces/NAMESPACE/repositories/NAME/tags`.

    What is not as it should be is left out.
    """
    found = []
    for entry in _objects(fields.get("results"))[:TAG_LIMIT]:
        name = entry.get("name")
        images = _objects(entry.get("images"))[:IMAGE_LIMIT]
        digests = _digests([entry.get("digest"), *(image.get("digest") for image in images)])
        if _is_tag(name) and digests:
            pushed = entry.get("tag_last_pushed")
            when = moment(pushed) if isinstance(pushed, str) else None
            found.append(TagRecord(name, digests, when))
    return tuple(found)


def read_google(fields: Mapping[str, Any]) -> tuple[TagRecord, ...] | None:
    """The `manifest` map of a `tags/list`: digest → tags and upload time; None without one.

    What is not as it should be is left out.
    """
    manifests = fields.get("manifest")
    if not isinstance(manifests, dict):
        return None
    found: dict[str, TagRecord] = {}
    for text, entry in manifests.items():
        tags = entry.get("tag") if isinstance(entry, dict) else None
        digests = _digests([text])
        if not digests or not isinstance(tags, list):
            continue
        when = _milliseconds(entry.get("timeUploadedMs"))
        for name in tags:
            if _is_tag(name) and len(found) < TAG_LIMIT:
                found[name] = TagRecord(name, digests, when)
    return tuple(found.values())


def _is_tag(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and _TAG.fullmatch(value) is not None


def _digests(values: Iterable[object]) -> frozenset[Digest]:
    found = set()
    for value in values:
        if isinstance(value, str):
            try:
                found.add(Digest.parse(value))
            except InvalidDigest:
                continue
    return frozenset(found)


def _milliseconds(value: object) -> datetime | None:
    """A number of milliseconds since 1970, which Google writes as a text."""
    text = str(value)
    if not re.fullmatch(r"[0-9]{1,14}", text):
        return None
    return datetime.fromtimestamp(int(text) / 1000, UTC)


def _objects(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
