"""`index.json` of an OCI image layout: its entries, and how a name is put into it. Pure.

A name is written as containerd writes it: the full reference in `io.containerd.image.name`, its tag
in `org.opencontainers.image.ref.name` (image-spec `annotations.md`), where skopeo looks for it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from regsync.errors import ContentError, InvalidManifest, InvalidReference, StoreFailure
from regsync.oci import mediatype
from regsync.oci.descriptor import Descriptor, read_annotations
from regsync.oci.manifest import CHILD_LIMIT
from regsync.oci.reference import Reference
from regsync.oci.strictjson import parse_object

SIZE_LIMIT = 16 * 1024 * 1024
"""Bytes of an `index.json`: room for `CHILD_LIMIT` entries and their annotations."""
FULL_NAME = "io.containerd.image.name"
REF_NAME = "org.opencontainers.image.ref.name"
_POINTER = frozenset({"mediaType", "digest", "size"})
_WHAT = "the layout's index.json"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of `index.json`.

    Attributes:
        position: Where it stands, from 0.
        descriptor: What it points to, or None where that cannot be read.
        name: The full reference, where it carries one.
        local_name: What it is called otherwise; empty for an entry without a name.
        fault: Why the descriptor cannot be read.
    """

    position: int
    descriptor: Descriptor | None
    name: Reference | None = None
    local_name: str = ""
    fault: ContentError | None = None


def parse(raw: bytes) -> dict[str, Any]:
    """Read an `index.json`, entries not yet looked at.

    Raises:
        InvalidManifest: oversized, no strict JSON, no index, or too many entries.
    """
    fields = parse_object(raw, limit=SIZE_LIMIT, what=_WHAT)
    manifests = fields.get("manifests")
    if not isinstance(manifests, list):
        raise InvalidManifest(f"{_WHAT} is refused", "`manifests` is missing or not a list")
    if len(manifests) > CHILD_LIMIT:
        raise InvalidManifest(
            f"{_WHAT} is refused", f"it has {len(manifests)} entries, {CHILD_LIMIT} at most"
        )
    return fields


def entries(fields: dict[str, Any]) -> tuple[Entry, ...]:
    """The entries of a parsed `index.json`, in its own order; a broken one hides no other."""
    return tuple(_entry(position, value) for position, value in enumerate(fields["manifests"]))


def empty() -> bytes:
    """The `index.json` of a layout that holds nothing yet."""
    return _render({"schemaVersion": 2, "mediaType": mediatype.OCI_INDEX, "manifests": []})


def publish(fields: dict[str, Any], reference: Reference, descriptor: Descriptor) -> bytes:
    """The `index.json` in which `reference` names `descriptor`, and nothing else any more.

    What the name stood for before stays as an entry without a name, as an engine keeps the image
    that a pull replaced. Everything that is not understood is passed on as it was.

    Raises:
        StoreFailure: `parse` would refuse what came of it.
    """
    kept = [_without_name(value, reference) for value in fields["manifests"]]
    named = {
        value["digest"] for value in kept if _is_named(value) and isinstance(value["digest"], str)
    }
    named.add(str(descriptor.digest))
    manifests = _unique_unnamed(kept, named)
    manifests.append(_value(reference, descriptor))
    if len(manifests) > CHILD_LIMIT:
        raise _full(reference, f"{CHILD_LIMIT} entries, and regsync reads no more")
    raw = _render(fields | {"manifests": manifests})
    if len(raw) > SIZE_LIMIT:
        raise _full(reference, f"{len(raw)} bytes, {SIZE_LIMIT} at most")
    return raw


def _entry(position: int, value: object) -> Entry:
    annotations = read_annotations(value) if isinstance(value, dict) else {}
    name, local_name = _names(annotations)
    try:
        descriptor = Descriptor.from_json(value)
    except ContentError as error:
        return Entry(position, None, name, local_name, error)
    return Entry(position, descriptor, name, local_name)


def _names(annotations: dict[str, str]) -> tuple[Reference | None, str]:
    full = annotations.get(FULL_NAME, "")
    if full:
        try:
            return Reference.parse(full), ""
        except InvalidReference:
            return None, full
    return None, annotations.get(REF_NAME, "")


def _is_named(value: object) -> bool:
    if not isinstance(value, dict) or "digest" not in value:
        return False
    annotations = read_annotations(value)
    return bool(annotations.get(FULL_NAME) or annotations.get(REF_NAME))


def _without_name(value: Any, reference: Reference) -> Any:
    if not isinstance(value, dict):
        return value
    annotations = value.get("annotations")
    if not isinstance(annotations, dict) or _names(read_annotations(value))[0] != reference:
        return value
    rest = {key: text for key, text in annotations.items() if key not in (FULL_NAME, REF_NAME)}
    bare = {key: field for key, field in value.items() if key != "annotations"}
    return bare | {"annotations": rest} if rest else bare


def _unique_unnamed(values: list[Any], named: set[str]) -> list[Any]:
    """Without the nameless entries that say no more than another entry does.

    One with annotations or other fields of its own, e.g. of who signed it, stays unless it is there
    word for word.
    """
    seen, said = set(named), set()
    result = []
    for value in values:
        digest = value.get("digest") if isinstance(value, dict) else None
        if isinstance(digest, str) and not _is_named(value):
            words = json.dumps(value, sort_keys=True)
            if words in said or (digest in seen and value.keys() <= _POINTER):
                continue
            seen.add(digest)
            said.add(words)
        result.append(value)
    return result


def _full(reference: Reference, why: str) -> StoreFailure:
    return StoreFailure(
        f"cannot name `{reference.familiar}` in the layout",
        f"its index.json is full: {why}",
        "pull into another folder, or remove entries that nobody needs",
    )


def _value(reference: Reference, descriptor: Descriptor) -> dict[str, Any]:
    annotations = {FULL_NAME: str(reference)}
    if reference.tag is not None:
        annotations[REF_NAME] = reference.tag
    return {
        "mediaType": descriptor.media_type,
        "digest": str(descriptor.digest),
        "size": descriptor.size,
        "annotations": annotations,
    }


def _render(fields: dict[str, Any]) -> bytes:
    # ASCII: a lone surrogate in somebody's annotation has no UTF-8.
    return json.dumps(fields, separators=(",", ":")).encode("ascii")
