"""JSON as a careful reader takes it: one meaning, bounded, or refused.

Two readers that disagree about one document are a security hole (CVE-2021-41190), so whatever
JSON libraries are known to read differently is refused here.
"""

from __future__ import annotations

import json
from typing import Any

from regsync.errors import InvalidManifest

DEPTH_LIMIT = 64


def parse_object(data: bytes, *, limit: int, what: str = "the document") -> dict[str, Any]:
    """Read one JSON object of at most `limit` bytes.

    Raises:
        InvalidManifest: too large or deep, not UTF-8, not JSON, not an object, a key that
            appears twice, or two keys that differ in case only (Go's decoder merges those).
    """
    if len(data) > limit:
        raise InvalidManifest(f"{what} is refused", f"larger than {amount(limit)}")
    if _depth_exceeds(data, DEPTH_LIMIT):
        raise InvalidManifest(f"{what} is refused", f"nested deeper than {DEPTH_LIMIT} levels")
    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant
        )
    except InvalidManifest as error:
        raise InvalidManifest(f"{what} is refused", error.why) from error
    except ValueError as error:
        raise InvalidManifest(f"{what} is not JSON", _reason(error)) from error
    if not isinstance(value, dict):
        raise InvalidManifest(f"{what} is refused", "not a JSON object")
    return value


def amount(limit: int) -> str:
    """A limit in bytes as people read it: `8 MiB`, `64 KiB`; other numbers stay as they are."""
    for unit, power in (("MiB", 20), ("KiB", 10)):
        if limit and limit % (1 << power) == 0:
            return f"{limit >> power} {unit}"
    return f"{limit} bytes"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = {key for key, _ in pairs}
    if len(keys) != len(pairs):
        raise InvalidManifest("ambiguous", "a key appears twice")
    # Annotations and labels are free text; the fields with a meaning are the ones confused.
    folded = [key.lower() for key in keys if key.lower() in _FIELDS]
    if len(set(folded)) != len(folded):
        raise InvalidManifest("ambiguous", "two keys differ in upper and lower case only")
    return dict(pairs)


_FIELDS = frozenset(
    {
        *("schemaversion", "mediatype", "manifests", "config", "layers", "subject", "fslayers"),
        *("artifacttype", "annotations", "digest", "size", "urls", "data", "platform"),
        *("os", "architecture", "variant"),
    }
)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _reason(error: ValueError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at byte {error.pos}"
    return str(error)[:200]


def _depth_exceeds(data: bytes, limit: int) -> bool:
    """Whether brackets nest deeper than `limit`: `json.loads` would recurse that deep."""
    # Most documents cannot, and counting is far cheaper than walking eight megabytes.
    if data.count(b"{") + data.count(b"[") <= limit:
        return False
    depth, in_string, escaped = 0, False, False
    for byte in data:
        if in_string:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                in_string = False
        elif byte == 0x22:
            in_string = True
        elif byte in (0x7B, 0x5B):
            depth += 1
            if depth > limit:
                return True
        elif byte in (0x7D, 0x5D):
            depth -= 1
    return False
